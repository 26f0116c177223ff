// The scalar table: the specification of every kernel, in plain loops. Kept boring on purpose; the
// other tables must agree with it within the tolerance that the tests derive.
#include <math.h>
#include <string.h>

#include "tables.h"

static void multiply_f32(int m, int n, int k, const float *a, ptrdiff_t a_row, ptrdiff_t a_column,
                         const float *b, float *c, ptrdiff_t c_row, const float *lane_scale,
                         int accumulate) {
  for (int i = 0; i < m; i++) {
    float sum[PEQA_PANEL] = {0};
    for (int d = 0; d < k; d++)
      for (int j = 0; j < n; j++) sum[j] += a[i * a_row + d * a_column] * b[d * PEQA_PANEL + j];
    for (int j = 0; j < n; j++) {
      float value = lane_scale ? sum[j] * lane_scale[j] : sum[j];
      c[i * c_row + j] = accumulate ? c[i * c_row + j] + value : value;
    }
  }
}

void peqa_reference_multiply_bf16(int m, int n, int k, const uint16_t *a, ptrdiff_t a_row,
                                  ptrdiff_t a_pair, const uint16_t *b, float *c, ptrdiff_t c_row,
                                  const float *lane_scale, int scale_depth, int accumulate) {
  int depth = lane_scale ? scale_depth : k;
  for (int i = 0; i < m; i++)
    for (int d0 = 0; d0 < k; d0 += depth) {
      float sum[PEQA_PANEL] = {0};
      const float *scale = lane_scale ? lane_scale + d0 / depth * PEQA_PANEL : NULL;
      for (int d = d0; d < k && d < d0 + depth; d++)
        for (int j = 0; j < n; j++)
          sum[j] += peqa_bf16_value(a[i * a_row + d / 2 * a_pair + d % 2]) *
                    peqa_bf16_value(b[2 * (d / 2 * PEQA_PANEL + j) + d % 2]);
      for (int j = 0; j < n; j++) {
        float value = scale ? sum[j] * scale[j] : sum[j];
        c[i * c_row + j] = accumulate || d0 > 0 ? c[i * c_row + j] + value : value;
      }
    }
}

static int code(const peqa_matrix *w, int row, int col) {
  const uint8_t *bytes = (const uint8_t *)w->data + (size_t)row * w->row_stride;
  int value = 0;
  for (int bit = 0; bit < w->bits; bit++) {
    size_t at = (size_t)col * (size_t)w->bits + (size_t)bit;
    value |= (bytes[at / 8] >> (at % 8) & 1) << bit;
  }
  return value;
}

static float weight(const peqa_matrix *w, int row, int col, int scaled) {
  if (row >= w->rows || col >= w->columns) return 0;
  const char *start = (const char *)w->data + (size_t)row * w->row_stride;
  float dense;
  uint16_t half;
  switch (w->storage) {
    case PEQA_F32: memcpy(&dense, start + (size_t)col * 4, 4); return dense;
    case PEQA_F16: memcpy(&half, start + (size_t)col * 2, 2); return peqa_f16_to_f32(half);
    case PEQA_BF16: memcpy(&half, start + (size_t)col * 2, 2); return peqa_bf16_value(half);
    default: break;
  }
  int group = col / w->group_size;
  float value = (float)code(w, row, col) - peqa_zero(w, row, group);
  return scaled ? value * peqa_effective_scale(w, row, group) : value;
}

static void forward_panel_f32(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                              float *panel) {
  for (int d = 0; d < depth; d++)
    for (int l = 0; l < PEQA_PANEL; l++)
      panel[d * PEQA_PANEL + l] = weight(w, row0 + l, col0 + d, scaled);
}

static void forward_panel_bf16(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                               uint16_t *panel) {
  for (int d = 0; d < depth + (depth & 1); d++)
    for (int l = 0; l < PEQA_PANEL; l++)
      panel[2 * (d / 2 * PEQA_PANEL + l) + d % 2] =
          peqa_bf16_bits(weight(w, row0 + l, col0 + d, scaled));
}

static void backward_panel_f32(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                               float *panel) {
  for (int d = 0; d < depth; d++)
    for (int l = 0; l < PEQA_PANEL; l++)
      panel[d * PEQA_PANEL + l] = weight(w, row0 + d, col0 + l, scaled);
}

static void backward_panel_bf16(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                                uint16_t *panel) {
  for (int d = 0; d < depth + (depth & 1); d++)
    for (int l = 0; l < PEQA_PANEL; l++)
      panel[2 * (d / 2 * PEQA_PANEL + l) + d % 2] =
          d < depth ? peqa_bf16_bits(weight(w, row0 + d, col0 + l, scaled)) : 0;
}

static void lane_scales(const peqa_matrix *w, int row0, int group0, int groups, float *scales) {
  for (int g = 0; g < groups; g++)
    for (int l = 0; l < PEQA_PANEL; l++)
      scales[g * PEQA_PANEL + l] =
          row0 + l < w->rows ? peqa_effective_scale(w, row0 + l, group0 + g) : 0;
}

// One output of a product with few tokens.
static float few_sum(const peqa_matrix *w, int row, const void *x, int bf16) {
  int codes = w->storage == PEQA_CODES, groups = codes ? w->groups : 1;
  int run = groups > 1 ? w->group_size : w->columns, ordered = bf16 && peqa_few_ordered(w);
  float sum = 0;
  for (int g = 0; g < groups; g++) {
    float part = 0;
    for (int i = g * run; i < (g + 1) * run && i < w->columns; i++) {
      int at = ordered ? i / 128 * 128 + i % 4 * 32 + i % 128 / 4 : i;
      float q = weight(w, row, i, 0);
      part += bf16 ? peqa_bf16_value(((const uint16_t *)x)[at]) * peqa_bf16_value(peqa_bf16_bits(q))
                   : ((const float *)x)[at] * q;
    }
    sum += codes ? part * peqa_effective_scale(w, row, g) : part;
  }
  return sum;
}

static void few_f32(const peqa_matrix *w, int o0, int o1, int tokens, const float *x,
                    ptrdiff_t x_row, const float *bias, float *y, ptrdiff_t y_row) {
  for (int t = 0; t < tokens; t++)
    for (int o = o0; o < o1; o++)
      y[t * y_row + o] = few_sum(w, o, x + t * x_row, 0) + (bias ? bias[o] : 0);
}

void peqa_reference_few_bf16(const peqa_matrix *w, int o0, int o1, int tokens, const uint16_t *x,
                             ptrdiff_t x_row, const float *bias, float *y, ptrdiff_t y_row) {
  for (int t = 0; t < tokens; t++)
    for (int o = o0; o < o1; o++)
      y[t * y_row + o] = few_sum(w, o, x + t * x_row, 1) + (bias ? bias[o] : 0);
}

void peqa_reference_few_operand_bf16(int tokens, int columns, int padded, int ordered,
                                     const float *x, ptrdiff_t x_row, uint16_t *out) {
  for (int t = 0; t < tokens; t++)
    for (int i = 0; i < padded; i++) {
      int at = ordered ? i / 128 * 128 + i % 4 * 32 + i % 128 / 4 : i;
      out[(ptrdiff_t)t * padded + at] = i < columns ? peqa_bf16_bits(x[t * x_row + i]) : 0;
    }
}

static void unscaled_row(const peqa_matrix *w, int row, int col0, float *out) {
  for (int l = 0; l < PEQA_PANEL; l++) out[l] = weight(w, row, col0 + l, 0);
}

static void round_bf16(int rows, int columns, int padded, const float *x, ptrdiff_t x_row,
                       const float *factor, uint16_t *out) {
  for (int t = 0; t < rows; t++)
    for (int i = 0; i < padded; i++) {
      float value = i < columns ? x[t * x_row + i] * (factor ? factor[i] : 1) : 0;
      out[(ptrdiff_t)t * padded + i] = peqa_bf16_bits(value);
    }
}

static void transpose_bf16(int rows, int i0, int i1, int padded, const float *x, ptrdiff_t x_row,
                           uint16_t *out) {
  for (int i = i0; i < i1; i++)
    for (int t = 0; t < padded; t++)
      out[(ptrdiff_t)i * padded + t] = t < rows ? peqa_bf16_bits(x[t * x_row + i]) : 0;
}

static float token_value(int rows, int columns, const float *x, ptrdiff_t x_row, int t, int i) {
  return t < rows && i < columns ? x[t * x_row + i] : 0;
}

static void token_panel_bf16(int rows, int columns, int col0, const float *x, ptrdiff_t x_row,
                             uint16_t *panel) {
  for (int t = 0; t < rows + (rows & 1); t++)
    for (int l = 0; l < PEQA_PANEL; l++)
      panel[2 * ((ptrdiff_t)(t / 2) * PEQA_PANEL + l) + t % 2] =
          peqa_bf16_bits(token_value(rows, columns, x, x_row, t, col0 + l));
}

static void token_panel_f32(int rows, int columns, int col0, const float *x, ptrdiff_t x_row,
                            float *panel) {
  for (int t = 0; t < rows; t++)
    for (int l = 0; l < PEQA_PANEL; l++)
      panel[(ptrdiff_t)t * PEQA_PANEL + l] = token_value(rows, columns, x, x_row, t, col0 + l);
}

static float dot(int n, const float *a, const float *b) {
  float sum = 0;
  for (int i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static void add(size_t count, const float *a, float *y) {
  for (size_t i = 0; i < count; i++) y[i] += a[i];
}

static float cached(const peqa_cache *cache, const void *numbers, ptrdiff_t at) {
  return cache->half ? peqa_f16_at(numbers, (size_t)at) : ((const float *)numbers)[at];
}

static void keep(const peqa_cache *cache, void *numbers, ptrdiff_t at, float value) {
  if (cache->half)
    ((uint16_t *)numbers)[at] = peqa_f32_to_f16(value);
  else
    ((float *)numbers)[at] = value;
}

static ptrdiff_t key_at(const peqa_cache *cache, int position, int d) {
  return ((ptrdiff_t)(position / 16) * cache->head_size + d) * 16 + position % 16;
}

static void cache_write(const peqa_cache *cache, int position, const float *key,
                        const float *value) {
  int size = cache->head_size, width = peqa_cache_width(cache);
  for (int d = 0; d < size; d++) keep(cache, cache->keys, key_at(cache, position, d), key[d]);
  for (int d = 0; d < width; d++)
    keep(cache, cache->values, (ptrdiff_t)position * width + d, d < size ? value[d] : 0);
}

static void cache_read(const peqa_cache *cache, int count, float *keys, float *values) {
  int size = cache->head_size, width = peqa_cache_width(cache);
  for (int t = 0; t < count; t++)
    for (int d = 0; d < size; d++) {
      keys[(ptrdiff_t)t * size + d] = cached(cache, cache->keys, key_at(cache, t, d));
      values[(ptrdiff_t)t * size + d] = cached(cache, cache->values, (ptrdiff_t)t * width + d);
    }
}

static void cache_attend(const peqa_cache *cache, int first, int last, int heads, float scale,
                         const float *q, ptrdiff_t q_row, float *out, float *top, float *sum) {
  int size = cache->head_size, width = peqa_cache_width(cache);
  for (int h = 0; h < heads; h++, q += q_row, out += width) {
    float scores[PEQA_CACHE_PIECE];
    top[h] = -INFINITY;
    sum[h] = 0;
    for (int t = first; t < last; t++) {
      float score = 0;
      for (int d = 0; d < size; d++) score += q[d] * cached(cache, cache->keys, key_at(cache, t, d));
      scores[t - first] = score * scale;
      top[h] = fmaxf(top[h], score * scale);
    }
    for (int t = first; t < last; t++)
      sum[h] += scores[t - first] = expf(scores[t - first] - top[h]);
    for (int d = 0; d < width; d++) {
      out[d] = 0;
      for (int t = first; t < last; t++)
        out[d] += scores[t - first] * cached(cache, cache->values, (ptrdiff_t)t * width + d);
    }
  }
}

static void sum(size_t count, const float *a, const float *b, float *y) {
  for (size_t i = 0; i < count; i++) y[i] = a[i] + b[i];
}

static void rms_norm(int rows, int width, float epsilon, const float *x, const float *w, float *y,
                     uint16_t *y_bf16, float *inverse_rms) {
  ptrdiff_t padded = width + (width & 1);
  for (ptrdiff_t t = 0; t < rows; t++, x += width) {
    inverse_rms[t] = 1 / sqrtf(dot(width, x, x) / (float)width + epsilon);
    for (int i = 0; i < padded; i++) {
      float value = i < width ? x[i] * inverse_rms[t] * w[i] : 0;
      if (y && i < width) y[t * width + i] = value;
      if (y_bf16) y_bf16[t * padded + i] = peqa_bf16_bits(value);
    }
  }
}

static void rms_norm_backward(int rows, int width, const float *x, const float *w,
                              const float *inverse_rms, const float *dy, float *dx) {
  for (int t = 0; t < rows; t++, x += width, dy += width, dx += width) {
    float r = inverse_rms[t], sum = 0;
    for (int i = 0; i < width; i++) sum += w[i] * dy[i] * x[i];
    for (int i = 0; i < width; i++) dx[i] += r * (w[i] * dy[i] - x[i] * sum * r * r / (float)width);
  }
}

static void rope(int rows, int heads, int head_size, const float *cosine, const float *sine,
                 float direction, const float *x, float *y) {
  int half = head_size / 2;
  for (int t = 0; t < rows; t++)
    for (int h = 0; h < heads; h++)
      for (int i = 0; i < half; i++) {
        ptrdiff_t at = ((ptrdiff_t)t * heads + h) * head_size + i;
        float c = cosine[t * half + i], s = sine[t * half + i] * direction;
        float a = x[at], b = x[at + half];
        y[at] = a * c - b * s;
        y[at + half] = b * c + a * s;
      }
}

static float sigmoid(float x) { return 1 / (1 + expf(-x)); }

static void swiglu(size_t count, const float *gate, const float *up, float *h, uint16_t *h_bf16) {
  for (size_t i = 0; i < count; i++) {
    float value = gate[i] * sigmoid(gate[i]) * up[i];
    if (h) h[i] = value;
    if (h_bf16) h_bf16[i] = peqa_bf16_bits(value);
  }
}

static void swiglu_backward(size_t count, const float *gate, const float *up, const float *dh,
                            float *dgate, float *dup) {
  for (size_t i = 0; i < count; i++) {
    float g = gate[i], u = up[i], d = dh[i], s = sigmoid(g);
    dgate[i] = d * u * s * (1 + g * (1 - s));
    dup[i] = d * g * s;
  }
}

static void swiglu_gradient(int rows, int o0, int o1, ptrdiff_t row, const float *gate,
                            const float *up, const float *dh, const float *gate_factor,
                            const float *up_factor, uint16_t *dgate, uint16_t *dup,
                            float *gate_sums, float *up_sums) {
  for (int t = 0; t < rows; t++)
    for (int o = o0; o < o1; o++) {
      ptrdiff_t at = t * row + o;
      float dg, du;
      swiglu_backward(1, gate + at, up + at, dh + at, &dg, &du);
      gate_sums[o] += dg * gate[at];
      up_sums[o] += du * up[at];
      dgate[at] = peqa_bf16_bits(gate_factor ? dg * gate_factor[o] : dg);
      dup[at] = peqa_bf16_bits(up_factor ? du * up_factor[o] : du);
    }
}

static void row_gradient(int rows, int o0, int o1, const float *dy, ptrdiff_t dy_row,
                         const float *y, const float *minus, ptrdiff_t y_row, const float *factor,
                         uint16_t *out, ptrdiff_t out_row, float *sums) {
  for (int t = 0; t < rows; t++)
    for (int o = o0; o < o1; o++) {
      float d = dy[t * dy_row + o];
      sums[o] += d * (y[t * y_row + o] - (minus ? minus[t * y_row + o] : 0));
      if (out) out[t * out_row + o] = peqa_bf16_bits(factor ? d * factor[o] : d);
    }
}

static float softmax(int n, int padded, float scale, float *x) {
  float top = -INFINITY;
  double sum = 0;
  for (int i = 0; i < n; i++) top = fmaxf(top, x[i] * scale);
  for (int i = 0; i < n; i++) sum += x[i] = expf(x[i] * scale - top);
  for (int i = 0; i < padded; i++) x[i] = i < n ? (float)(x[i] / sum) : 0;
  return top + (float)log(sum);
}

static void softmax_again(int n, int padded, float scale, float lse, float *s) {
  for (int i = 0; i < padded; i++) s[i] = i < n ? expf(s[i] * scale - lse) : 0;
}

static void softmax_backward(int n, int padded, float scale, float delta, const float *p,
                             float *dp) {
  for (int i = 0; i < padded; i++) dp[i] = i < n ? p[i] * (dp[i] - delta) * scale : 0;
}

static float softmax_bf16(int first, int last, int end, float scale, const float *s, uint16_t *p,
                          float *inverse_sum) {
  float top = -INFINITY;
  double sum = 0;
  for (int i = first; i < last; i++) top = fmaxf(top, s[i] * scale);
  for (int i = 0; i < end; i++) {
    float e = i >= first && i < last ? expf(s[i] * scale - top) : 0;
    p[i] = peqa_bf16_bits(e);
    sum += e;
  }
  *inverse_sum = (float)(1 / sum);
  return top + (float)log(sum);
}

static void attention_pair_bf16(const int *first, const int *last, int end, float scale,
                                const float *lse, const float *delta, const float *s,
                                const float *dp, ptrdiff_t row, uint16_t *p_pairs, uint16_t *ds,
                                uint16_t *ds_pairs) {
  for (int r = 0; r < 2; r++)
    for (int i = 0; i < end; i++) {
      int seen = i >= first[r] && i < last[r];
      float p = seen ? expf(s[r * row + i] * scale - lse[r]) : 0;
      float d = seen ? p * (dp[r * row + i] - delta[r]) * scale : 0;
      p_pairs[2 * i + r] = peqa_bf16_bits(p);
      ds[r * row + i] = ds_pairs[2 * i + r] = peqa_bf16_bits(d);
    }
}

static double cross_entropy(int n, int target, float *x, int gradient) {
  float top = -INFINITY;
  double sum = 0, chosen = x[target];
  for (int i = 0; i < n; i++) top = fmaxf(top, x[i]);
  for (int i = 0; i < n; i++) sum += exp((double)x[i] - top);
  for (int i = 0; gradient && i < n; i++)
    x[i] = (float)(exp((double)x[i] - top) / sum) - (i == target);
  return log(sum) + top - chosen;
}

const peqa_kernels peqa_table_scalar = {
    .name = "scalar",
    .bf16 = 0,
    .multiply_f32 = multiply_f32,
    .multiply_bf16 = peqa_reference_multiply_bf16,
    .forward_panel_f32 = forward_panel_f32,
    .forward_panel_bf16 = forward_panel_bf16,
    .backward_panel_f32 = backward_panel_f32,
    .backward_panel_bf16 = backward_panel_bf16,
    .lane_scales = lane_scales,
    .unscaled_row = unscaled_row,
    .few_f32 = few_f32,
    .few_bf16 = peqa_reference_few_bf16,
    .few_operand_bf16 = peqa_reference_few_operand_bf16,
    .round_bf16 = round_bf16,
    .transpose_bf16 = transpose_bf16,
    .token_panel_bf16 = token_panel_bf16,
    .token_panel_f32 = token_panel_f32,
    .rms_norm = rms_norm,
    .rms_norm_backward = rms_norm_backward,
    .rope = rope,
    .swiglu = swiglu,
    .swiglu_backward = swiglu_backward,
    .swiglu_gradient = swiglu_gradient,
    .row_gradient = row_gradient,
    .softmax = softmax,
    .softmax_again = softmax_again,
    .softmax_backward = softmax_backward,
    .softmax_bf16 = softmax_bf16,
    .attention_pair_bf16 = attention_pair_bf16,
    .cross_entropy = cross_entropy,
    .cache_write = cache_write,
    .cache_read = cache_read,
    .cache_attend = cache_attend,
    .dot = dot,
    .add = add,
    .sum = sum,
};
