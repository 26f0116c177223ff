// What the other files of functions between the linear layers rest on, sums, and rotation.

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

static void rope(int rows, int heads, int head_size, int rotated, const float *cosine,
                 const float *sine, float direction, const float *x, float *y) {
  int half = rotated / 2, rest = head_size - rotated;
  for (int t = 0; t < rows; t++)
    for (int h = 0; h < heads; h++) {
      ptrdiff_t at = ((ptrdiff_t)t * heads + h) * head_size;
      const float *c = cosine + (ptrdiff_t)t * half, *s = sine + (ptrdiff_t)t * half;
      for (int i = 0; i < half; i += LANES) {
        int n = half - i;
        vf a = load_part(x + at + i, n, 0), b = load_part(x + at + half + i, n, 0);
        vf cos_t = load_part(c + i, n, 0), sin_t = load_part(s + i, n, 0) * direction;
        store_part(y + at + i, n, fma16(a, cos_t, -(b * sin_t)));
        store_part(y + at + half + i, n, fma16(b, cos_t, a * sin_t));
      }
      if (rest > 0 && x != y)
        memcpy(y + at + rotated, x + at + rotated, (size_t)rest * sizeof(float));
    }
}

// Rows that are worked on side by side: a pass along them is a stream of memory, and the sums of
// their columns stay near. Each column is still summed in the order of rows.
#define ROW_BLOCK 16
#define FOR_COLUMN_BLOCKS(ROWS, O0, O1)                 \
  for (int t0 = 0; t0 < (ROWS); t0 += ROW_BLOCK)        \
    for (int o = (O0), t1 = t0 + ROW_BLOCK < (ROWS) ? t0 + ROW_BLOCK : (ROWS); o < (O1); o += LANES)

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
