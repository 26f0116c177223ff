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

static void rms_norm(int rows, int width, float epsilon, const float *x, const float *w, float *y,
                     float *inverse_rms) {
  for (int t = 0; t < rows; t++, x += width, y += width) {
    float inverse = 1.0f / sqrtf(dot(width, x, x) / (float)width + epsilon);
    inverse_rms[t] = inverse;
    for (int i = 0; i < width; i += LANES)
      store_part(y + i, width - i,
                 load_part(x + i, width - i, 0) * inverse * load_part(w + i, width - i, 0));
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

static void swiglu(size_t count, const float *gate, const float *up, float *h) {
  for (size_t i = 0; i < count; i += LANES) {
    int n = count - i < LANES ? (int)(count - i) : LANES;
    vf g = load_part(gate + i, n, 0);
    store_part(h + i, n, g * sigmoid16(g) * load_part(up + i, n, 0));
  }
}

static void swiglu_backward(size_t count, const float *gate, const float *up, const float *dh,
                            float *dgate, float *dup) {
  for (size_t i = 0; i < count; i += LANES) {
    int n = count - i < LANES ? (int)(count - i) : LANES;
    vf g = load_part(gate + i, n, 0), u = load_part(up + i, n, 0), d = load_part(dh + i, n, 0);
    vf sigma = sigmoid16(g);
    store_part(dgate + i, n, d * u * sigma * (1.0f + g * (1.0f - sigma)));
    store_part(dup + i, n, d * g * sigma);
  }
}

static void column_dot(int rows, int o0, int o1, const float *a, ptrdiff_t a_row, const float *b,
                       ptrdiff_t b_row, float *out) {
  for (int o = o0; o < o1; o += LANES) {
    int n = o1 - o;
    vf sum = load_part(out + o, n, 0);
    for (int t = 0; t < rows; t++)
      sum = fma16(load_part(a + t * a_row + o, n, 0), load_part(b + t * b_row + o, n, 0), sum);
    store_part(out + o, n, sum);
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

// Returns the sum of exp(scale * x - shift), in double over pieces of 1024 so that long rows (a
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

static void softmax_again(int n, int padded, float scale, float lse, float *s) {
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

INLINE void store_bf16(uint16_t *p, vf v) {
  *(vu16_unaligned *)p = __builtin_convertvector(to_bf16(v), vu16);
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

static void attention_pair_bf16(const int *first, const int *last, int end, float scale,
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
