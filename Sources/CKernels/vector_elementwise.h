// What stands between the linear layers: norms, rotation, activation, softmax, loss.

// e^x to about 2 ulp; x is held within [-87.3, 88.3], where float neither overflows nor vanishes.
// NaN gives NaN; the bounds alone would make a number of it.
INLINE vf exp16(vf x) {
  vi nan_bits = (x != x) & 0x7FC00000;
  x = __builtin_elementwise_max(__builtin_elementwise_min(x, splat(88.3f)), splat(-87.3f));
  vf n = __builtin_elementwise_roundeven(x * 1.44269504f);
  // ln 2 in two parts, the first with few bits, so that n * part is exact.
  vf r = fma16(n, splat(-0.693359375f), x);
  r = fma16(n, splat(2.12194440e-4f), r);
  // Minimax polynomial of e^r on [-ln2/2, ln2/2] (Cephes expf).
  vf p = fma16(splat(1.9875691500e-4f), r, splat(1.3981999507e-3f));
  p = fma16(p, r, splat(8.3334519073e-3f));
  p = fma16(p, r, splat(4.1665795894e-2f));
  p = fma16(p, r, splat(1.6666665459e-1f));
  p = fma16(p, r, splat(5.0000001201e-1f));
  p = fma16(p, r * r, r + 1.0f);
  vi exponent = (__builtin_convertvector(n, vi) + 127) << 23;
  return (vf)((vi)(p * (vf)exponent) | nan_bits);
}

// Lanes [0, count) of p, `fill` in the others.
INLINE vf load_part(const float *p, int count, float fill) {
  if (count >= LANES) return load(p);
  float lanes[LANES];
  for (int i = 0; i < LANES; i++) lanes[i] = i < count ? p[i] : fill;
  return load(lanes);
}
INLINE void store_part(float *p, int count, vf v) {
  if (count >= LANES) {
    store(p, v);
    return;
  }
  float lanes[LANES];
  store(lanes, v);
  for (int i = 0; i < count; i++) p[i] = lanes[i];
}

INLINE void store_part_bf16(uint16_t *p, int count, vf v) {
  if (count >= LANES) {
    store_bf16(p, v);
    return;
  }
  uint16_t lanes[LANES];
  store_bf16(lanes, v);
  for (int i = 0; i < count; i++) p[i] = lanes[i];
}

static float dot(int n, const float *a, const float *b) {
  vf sum = {};
  for (int i = 0; i < n; i += LANES)
    sum = fma16(load_part(a + i, n - i, 0), load_part(b + i, n - i, 0), sum);
  return sum_lanes(sum);
}

static void add(size_t count, const float *a, float *y) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) store(y + i, load(y + i) + load(a + i));
  for (; i < count; i++) y[i] += a[i];
}

static void sum(size_t count, const float *a, const float *b, float *y) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) store(y + i, load(a + i) + load(b + i));
  for (; i < count; i++) y[i] = a[i] + b[i];
}

static void rms_norm(int rows, int width, float epsilon, const float *x, const float *w, float *y,
                     uint16_t *y_bf16, float *inverse_rms) {
  int padded = width + (width & 1);
  for (int t = 0; t < rows; t++, x += width) {
    float inverse = 1.0f / sqrtf(dot(width, x, x) / (float)width + epsilon);
    inverse_rms[t] = inverse;
    for (int i = 0; i < width; i += LANES) {
      vf v = load_part(x + i, width - i, 0) * inverse * load_part(w + i, width - i, 0);
      if (y) store_part(y + (ptrdiff_t)t * width + i, width - i, v);
      if (y_bf16) store_part_bf16(y_bf16 + (ptrdiff_t)t * padded + i, padded - i, v);
    }
  }
}

static void rms_norm_backward(int rows, int width, const float *x, const float *w,
                              const float *inverse_rms, const float *dy, float *dx) {
  for (int t = 0; t < rows; t++, x += width, dy += width, dx += width) {
    vf sum = {};
    for (int i = 0; i < width; i += LANES)
      sum = fma16(load_part(x + i, width - i, 0) * load_part(w + i, width - i, 0),
                  load_part(dy + i, width - i, 0), sum);
    float inverse = inverse_rms[t];
    float mean = sum_lanes(sum) * inverse * inverse / (float)width;
    for (int i = 0; i < width; i += LANES) {
      vf g = load_part(w + i, width - i, 0) * load_part(dy + i, width - i, 0);
      vf change = (g - load_part(x + i, width - i, 0) * mean) * inverse;
      store_part(dx + i, width - i, load_part(dx + i, width - i, 0) + change);
    }
  }
}

static void rope(int rows, int heads, int head_size, const float *cosine, const float *sine,
                 float direction, const float *x, float *y) {
  int half = head_size / 2;
  for (int t = 0; t < rows; t++)
    for (int h = 0; h < heads; h++) {
      ptrdiff_t at = ((ptrdiff_t)t * heads + h) * head_size;
      const float *c = cosine + (ptrdiff_t)t * half, *s = sine + (ptrdiff_t)t * half;
      for (int i = 0; i < half; i += LANES) {
        int n = half - i;
        vf a = load_part(x + at + i, n, 0), b = load_part(x + at + half + i, n, 0);
        vf cos_t = load_part(c + i, n, 0), sin_t = load_part(s + i, n, 0) * direction;
        store_part(y + at + i, n, a * cos_t - b * sin_t);
        store_part(y + at + half + i, n, b * cos_t + a * sin_t);
      }
    }
}

INLINE vf sigmoid16(vf x) { return 1.0f / (1.0f + exp16(-x)); }

static void swiglu(size_t count, const float *gate, const float *up, float *h, uint16_t *h_bf16) {
  for (size_t i = 0; i < count; i += LANES) {
    int n = count - i < LANES ? (int)(count - i) : LANES;
    vf g = load_part(gate + i, n, 0);
    vf v = g * sigmoid16(g) * load_part(up + i, n, 0);
    if (h) store_part(h + i, n, v);
    if (h_bf16) store_part_bf16(h_bf16 + i, n, v);
  }
}

// Gradients of gate and up for sixteen of the hidden units of a token.
INLINE void swiglu_slope(vf gate, vf up, vf dh, vf *dgate, vf *dup) {
  vf sigma = sigmoid16(gate);
  *dgate = dh * up * sigma * (1.0f + gate * (1.0f - sigma));
  *dup = dh * gate * sigma;
}

static void swiglu_backward(size_t count, const float *gate, const float *up, const float *dh,
                            float *dgate, float *dup) {
  for (size_t i = 0; i < count; i += LANES) {
    int n = count - i < LANES ? (int)(count - i) : LANES;
    vf dg, du;
    swiglu_slope(load_part(gate + i, n, 0), load_part(up + i, n, 0), load_part(dh + i, n, 0), &dg,
                 &du);
    store_part(dgate + i, n, dg);
    store_part(dup + i, n, du);
  }
}

// Rows that are worked on side by side: a pass along them is a stream of memory, and the sums of
// their columns stay near. Each column is still summed in the order of rows.
#define ROW_BLOCK 16
#define FOR_COLUMN_BLOCKS(ROWS, O0, O1)                 \
  for (int t0 = 0; t0 < (ROWS); t0 += ROW_BLOCK)        \
    for (int o = (O0), t1 = t0 + ROW_BLOCK < (ROWS) ? t0 + ROW_BLOCK : (ROWS); o < (O1); o += LANES)

static void swiglu_gradient(int rows, int o0, int o1, ptrdiff_t row, const float *gate,
                            const float *up, const float *dh, const float *gate_factor,
                            const float *up_factor, uint16_t *dgate, uint16_t *dup,
                            float *gate_sums, float *up_sums) {
  FOR_COLUMN_BLOCKS(rows, o0, o1) {
    int n = o1 - o;
    vf gate_sum = load_part(gate_sums + o, n, 0), up_sum = load_part(up_sums + o, n, 0);
    vf gate_scale = gate_factor ? load_part(gate_factor + o, n, 0) : splat(1);
    vf up_scale = up_factor ? load_part(up_factor + o, n, 0) : splat(1);
    for (int t = t0; t < t1; t++) {
      ptrdiff_t at = t * row + o;
      vf g = load_part(gate + at, n, 0), u = load_part(up + at, n, 0), dg, du;
      swiglu_slope(g, u, load_part(dh + at, n, 0), &dg, &du);
      gate_sum = fma16(dg, g, gate_sum);
      up_sum = fma16(du, u, up_sum);
      store_part_bf16(dgate + at, n, dg * gate_scale);
      store_part_bf16(dup + at, n, du * up_scale);
    }
    store_part(gate_sums + o, n, gate_sum);
    store_part(up_sums + o, n, up_sum);
  }
}

static void row_scale_gradient(int rows, int o0, int o1, const float *dy, ptrdiff_t dy_row,
                         const float *y, const float *minus, ptrdiff_t y_row, const float *factor,
                         uint16_t *out, ptrdiff_t out_row, float *sums) {
  FOR_COLUMN_BLOCKS(rows, o0, o1) {
    int n = o1 - o;
    vf total = load_part(sums + o, n, 0), scale = factor ? load_part(factor + o, n, 0) : splat(1);
    for (int t = t0; t < t1; t++) {
      vf d = load_part(dy + t * dy_row + o, n, 0), output = load_part(y + t * y_row + o, n, 0);
      if (minus) output -= load_part(minus + t * y_row + o, n, 0);
      total = fma16(d, output, total);
      if (out) store_part_bf16(out + t * out_row + o, n, d * scale);
    }
    store_part(sums + o, n, total);
  }
}

INLINE float row_maximum(int n, const float *x) {
  vf top = splat(-INFINITY);
  for (int i = 0; i < n; i += LANES)
    top = __builtin_elementwise_max(top, load_part(x + i, n - i, -INFINITY));
  float lanes[LANES], best = -INFINITY;
  store(lanes, top);
  for (int i = 0; i < LANES; i++) best = lanes[i] > best ? lanes[i] : best;
  return best;
}

// Returns the sum of exp(scale * x - shift), in double over chunks of 1024 so that long rows (a
// vocabulary) lose nothing. Where `keep`, x becomes the exponentials.
INLINE double exponentials(int n, float scale, float shift, float *x, int keep) {
  double total = 0;
  for (int start = 0; start < n; start += 1024) {
    int end = n < start + 1024 ? n : start + 1024;
    vf sum = {};
    for (int i = start; i < end; i += LANES) {
      vf e = exp16(load_part(x + i, end - i, -INFINITY) * scale - shift);
      if (end - i < LANES)
        for (int j = end - i; j < LANES; j++) e[j] = 0;
      if (keep) store_part(x + i, end - i, e);
      sum += e;
    }
    total += sum_lanes(sum);
  }
  return total;
}

INLINE void scale_row(int n, float factor, float *x) {
  for (int i = 0; i < n; i += LANES) store_part(x + i, n - i, load_part(x + i, n - i, 0) * factor);
}

static float softmax(int n, int padded, float scale, float *x) {
  float top = row_maximum(n, x) * scale;
  double sum = exponentials(n, scale, top, x, 1);
  scale_row(n, (float)(1.0 / sum), x);
  for (int i = n; i < padded; i++) x[i] = 0;
  return top + (float)log(sum);
}

static void softmax_from_lse(int n, int padded, float scale, float lse, float *s) {
  for (int i = 0; i < n; i += LANES)
    store_part(s + i, n - i, exp16(load_part(s + i, n - i, 0) * scale - lse));
  for (int i = n; i < padded; i++) s[i] = 0;
}

static void softmax_backward(int n, int padded, float scale, float delta, const float *p,
                             float *dp) {
  for (int i = 0; i < n; i += LANES)
    store_part(dp + i, n - i,
               load_part(p + i, n - i, 0) * (load_part(dp + i, n - i, 0) - delta) * scale);
  for (int i = n; i < padded; i++) dp[i] = 0;
}

// Lanes i ..< i + 16 that lie in [first, last), as a mask of all-ones words.
INLINE vi lanes_within(int i, int first, int last) {
  vi lane = (vi){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} + i;
  return (lane >= first) & (lane < last);
}

static float softmax_bf16(int first, int last, int end, float scale, const float *s, uint16_t *p,
                          float *inverse_sum) {
  float top = row_maximum(last - first, s + first) * scale;
  double total = 0;
  for (int start = 0; start < end; start += 1024) {
    int stop = end < start + 1024 ? end : start + 1024;
    vf sum = {};
    for (int i = start; i < stop; i += LANES) {
      vf e = (vf)((vi)exp16(load(s + i) * scale - top) & lanes_within(i, first, last));
      store_bf16(p + i, e);
      sum += e;
    }
    total += sum_lanes(sum);
  }
  *inverse_sum = (float)(1.0 / total);
  return top + (float)log(total);
}

static void softmax_gradient_pair_bf16(const int *first, const int *last, int end, float scale,
                                const float *lse, const float *delta, const float *s,
                                const float *dp, ptrdiff_t row, uint16_t *p_pairs, uint16_t *ds,
                                uint16_t *ds_pairs) {
  for (int i = 0; i < end; i += LANES) {
    vf p[2], d[2];
    for (int r = 0; r < 2; r++) {
      vi mask = lanes_within(i, first[r], last[r]);
      p[r] = (vf)((vi)exp16(load(s + r * row + i) * scale - lse[r]) & mask);
      d[r] = (vf)((vi)(p[r] * (load(dp + r * row + i) - delta[r]) * scale) & mask);
      store_bf16(ds + r * row + i, d[r]);
    }
    *(vu_unaligned *)(p_pairs + 2 * i) = bf16_pair(p[0], p[1]);
    *(vu_unaligned *)(ds_pairs + 2 * i) = bf16_pair(d[0], d[1]);
  }
}

static double cross_entropy(int n, int target, float *x, int gradient) {
  float top = row_maximum(n, x);
  double chosen = (double)x[target] - top;
  double sum = exponentials(n, 1, top, x, gradient);
  if (gradient) {
    scale_row(n, (float)(1.0 / sum), x);
    x[target] -= 1;
  }
  return log(sum) - chosen;
}
