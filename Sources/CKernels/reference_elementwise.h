// What stands between the linear layers: norms, rotation, activation, softmax, loss.
static float dot(int n, const float *a, const float *b) {
  float sum = 0;
  for (int i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static void add(size_t count, const float *a, float *y) {
  for (size_t i = 0; i < count; i++) y[i] += a[i];
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

static void layer_norm(int rows, int width, float epsilon, const float *x, const float *w,
                       const float *b, float *y, uint16_t *y_bf16, float *mean,
                       float *inverse_deviation) {
  ptrdiff_t padded = width + (width & 1);
  for (ptrdiff_t t = 0; t < rows; t++, x += width) {
    float sum = 0, squares = 0;
    for (int i = 0; i < width; i++) sum += x[i];
    mean[t] = sum / (float)width;
    for (int i = 0; i < width; i++) squares += (x[i] - mean[t]) * (x[i] - mean[t]);
    inverse_deviation[t] = 1 / sqrtf(squares / (float)width + epsilon);
    for (int i = 0; i < padded; i++) {
      float value =
          i < width ? (x[i] - mean[t]) * inverse_deviation[t] * w[i] + (b ? b[i] : 0) : 0;
      if (y && i < width) y[t * width + i] = value;
      if (y_bf16) y_bf16[t * padded + i] = peqa_bf16_bits(value);
    }
  }
}

static void layer_norm_backward(int rows, int width, const float *x, const float *w,
                                const float *mean, const float *inverse_deviation,
                                const float *dy, float *dx) {
  for (int t = 0; t < rows; t++, x += width, dy += width, dx += width) {
    float r = inverse_deviation[t], sum = 0, product = 0;
    for (int i = 0; i < width; i++) {
      sum += w[i] * dy[i];
      product += w[i] * dy[i] * (x[i] - mean[t]);
    }
    for (int i = 0; i < width; i++)
      dx[i] += r * (w[i] * dy[i] - sum / (float)width -
                    (x[i] - mean[t]) * product * r * r / (float)width);
  }
}

static void rope(int rows, int heads, int head_size, int rotated, const float *cosine,
                 const float *sine, float direction, const float *x, float *y) {
  int half = rotated / 2;
  for (int t = 0; t < rows; t++)
    for (int h = 0; h < heads; h++) {
      ptrdiff_t head = ((ptrdiff_t)t * heads + h) * head_size;
      for (int i = 0; i < half; i++) {
        ptrdiff_t at = head + i;
        float c = cosine[t * half + i], s = sine[t * half + i] * direction;
        float a = x[at], b = x[at + half];
        y[at] = a * c - b * s;
        y[at + half] = b * c + a * s;
      }
      for (int i = rotated; i < head_size; i++) y[head + i] = x[head + i];
    }
}

static float sigmoid(float x) { return 1 / (1 + expf(-x)); }

// f(x) and its slope.
static float activation(peqa_activation f, float x, float *slope) {
  float s, inner;
  switch (f) {
    case PEQA_SILU:
      s = sigmoid(x);
      *slope = s * (1 + x * (1 - s));
      return x * s;
    case PEQA_RELU:
      *slope = x <= 0 ? 0 : 1;
      return x <= 0 ? 0 : x;
    case PEQA_GELU:
      s = 0.5f * erfcf(x * -0.70710678f);
      *slope = s + x * expf(-0.5f * x * x) * 0.39894228f;
      return x * s;
    case PEQA_GELU_TANH:
      // (1 + tanh(u)) / 2 is sigmoid(2 u).
      inner = 2 * 0.79788456f * (x + 0.044715f * x * x * x);
      s = sigmoid(inner);
      *slope = s + x * s * (1 - s) * 2 * 0.79788456f * (1 + 3 * 0.044715f * x * x);
      return x * s;
  }
  return x;
}

static void activate(peqa_activation f, size_t count, const float *gate, const float *up, float *h,
                     uint16_t *h_bf16) {
  for (size_t i = 0; i < count; i++) {
    float slope, value = activation(f, gate[i], &slope);
    if (up) value *= up[i];
    if (h) h[i] = value;
    if (h_bf16) h_bf16[i] = peqa_bf16_bits(value);
  }
}

// One hidden unit of a token; without an up it counts as 1.
static void activation_slopes(peqa_activation f, float g, float u, float d, float *dgate,
                              float *dup) {
  // SiLU in the order of multiplications that the other tables have.
  if (f == PEQA_SILU) {
    float s = sigmoid(g);
    *dgate = d * u * s * (1 + g * (1 - s));
    *dup = d * g * s;
  } else {
    float slope, value = activation(f, g, &slope);
    *dgate = d * u * slope;
    *dup = d * value;
  }
}

static void activate_backward(peqa_activation f, size_t count, const float *gate, const float *up,
                              const float *dh, float *dgate, float *dup) {
  for (size_t i = 0; i < count; i++) {
    float dg, du;
    activation_slopes(f, gate[i], up ? up[i] : 1, dh[i], &dg, &du);
    dgate[i] = dg;
    if (up) dup[i] = du;
  }
}

static void activation_gradient(peqa_activation f, int rows, int o0, int o1, ptrdiff_t row,
                                const float *gate, const float *gate_output, const float *up,
                                const float *dh, const float *gate_factor, const float *up_factor,
                                uint16_t *dgate, uint16_t *dup, float *gate_sums, float *up_sums) {
  for (int t = 0; t < rows; t++)
    for (int o = o0; o < o1; o++) {
      ptrdiff_t at = t * row + o;
      float dg, du;
      activation_slopes(f, gate[at], up ? up[at] : 1, dh[at], &dg, &du);
      gate_sums[o] += dg * gate_output[at];
      dgate[at] = peqa_bf16_bits(gate_factor ? dg * gate_factor[o] : dg);
      if (!up) continue;
      up_sums[o] += du * up[at];
      dup[at] = peqa_bf16_bits(up_factor ? du * up_factor[o] : du);
    }
}

static void row_scale_gradient(int rows, int o0, int o1, const float *dy, ptrdiff_t dy_row,
                         const float *y, const float *minus, ptrdiff_t y_row, const float *factor,
                         uint16_t *out, ptrdiff_t out_row, float *sums) {
  for (int t = 0; t < rows; t++)
    for (int o = o0; o < o1; o++) {
      float d = dy[t * dy_row + o];
      sums[o] += d * (y[t * y_row + o] - (minus ? minus[t * y_row + o] : 0));
      if (out) out[t * out_row + o] = peqa_bf16_bits(factor ? d * factor[o] : d);
    }
}

static void soft_cap(size_t n, float scale, float cap, float *x, float *slope) {
  for (size_t i = 0; i < n; i++) {
    float bent = tanhf(x[i] * scale / cap);
    x[i] = cap * bent;
    if (slope) slope[i] = scale * (1 - bent * bent);
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

static void softmax_from_lse(int n, int padded, float scale, float lse, float *s) {
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

static void softmax_gradient_pair_bf16(const int *first, const int *last, int end, float scale,
                                const float *lse, const float *delta, const float *s,
                                const float *dp, const float *slope, ptrdiff_t row,
                                uint16_t *p_pairs, uint16_t *ds, uint16_t *ds_pairs) {
  for (int r = 0; r < 2; r++)
    for (int i = 0; i < end; i++) {
      int seen = i >= first[r] && i < last[r];
      float p = seen ? expf(s[r * row + i] * scale - lse[r]) : 0;
      float d = seen ? p * (dp[r * row + i] - delta[r]) * scale : 0;
      if (seen && slope) d *= slope[r * row + i];
      p_pairs[2 * i + r] = peqa_bf16_bits(p);
      ds[r * row + i] = ds_pairs[2 * i + r] = peqa_bf16_bits(d);
    }
}

static double cross_entropy(int n, int target, float cap, float *x, int gradient) {
  float top = -INFINITY;
  double sum = 0, chosen = x[target];
  for (int i = 0; i < n; i++) top = fmaxf(top, x[i]);
  for (int i = 0; i < n; i++) sum += exp((double)x[i] - top);
  for (int i = 0; gradient && i < n; i++) {
    float bent = cap > 0 ? x[i] / cap : 0;
    float p = (float)(exp((double)x[i] - top) / sum);
    x[i] = (p < PEQA_LEAST_PROBABILITY ? 0 : p) - (i == target);
    if (cap > 0) x[i] *= 1 - bent * bent;
  }
  return log(sum) + top - chosen;
}

static void distill(int n, int target, float cap, const peqa_teacher *teacher, float weight,
                    float temperature, float *x, int gradient, double *losses) {
  double turn = 1 / (double)temperature, top = -INFINITY, rest_top = -INFINITY;
  double sum = 0, named = 0, rest = 0, kl = 0, other = exp(teacher->rest);
  for (int i = 0, k = 0; i < n; i++) {
    int is_named = k < teacher->count && teacher->ids[k] == i;
    k += is_named;
    top = fmax(top, x[i]);
    if (!is_named) rest_top = fmax(rest_top, x[i]);
  }
  for (int i = 0, k = 0; i < n; i++) {
    int is_named = k < teacher->count && teacher->ids[k] == i;
    k += is_named;
    sum += exp(x[i] - top);
    if (is_named) named += exp((x[i] - top) * turn);
    else rest += exp((x[i] - rest_top) * turn);
  }
  // Logarithms of the sum over all others, and over all.
  double log_rest = rest > 0 ? rest_top * turn + log(rest) : -INFINITY;
  double log_sum = top * turn + log(named + (rest > 0 ? exp(log_rest - top * turn) : 0));
  for (int k = 0; k < teacher->count; k++)
    kl += exp(teacher->logs[k]) * (teacher->logs[k] - (x[teacher->ids[k]] * turn - log_sum));
  if (other > 0 && teacher->count < n) kl += other * (teacher->rest - (log_rest - log_sum));
  losses[0] = log(sum) + top - x[target];
  // A number that is none must show; rest > 0 is false for it.
  losses[1] = kl + 0 * sum;
  if (!gradient) return;
  if (weight == 0) {
    cross_entropy(n, target, cap, x, 1);
    return;
  }
  for (int i = 0, k = 0; i < n; i++) {
    float bent = cap > 0 ? x[i] / cap : 0;
    double q = exp(x[i] * turn - log_sum), change;
    if (k < teacher->count && teacher->ids[k] == i) change = q - exp(teacher->logs[k++]);
    else change = q - other * exp((x[i] - rest_top) * turn) / rest;
    double g = weight * (double)temperature * change + (1 - weight) * exp(x[i] - top) / sum;
    g = fabs(g) < PEQA_LEAST_PROBABILITY ? 0 : g;
    x[i] = (float)(g - (i == target ? 1 - weight : 0)) * (1 - bent * bent);
  }
}
