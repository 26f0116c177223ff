// The functions between the layers of an MLP, and the bend of capped scores. `f` is a constant
// wherever an INLINE function gets it, so that each kind has loops of its own.

INLINE vf choose(vi mask, vf yes, vf no) { return (vf)(((vi)yes & mask) | ((vi)no & ~mask)); }
INLINE vf absolute(vf x) { return (vf)((vi)x & 0x7FFFFFFF); }

INLINE vf sigmoid16(vf x) { return 1.0f / (1.0f + exp16(-x)); }

// tanh to about 2 ulp (Cephes tanhf): a polynomial near 0, where the quotient would cancel.
INLINE vf tanh16(vf x) {
  vf size = absolute(x), z = x * x;
  vf p = fma16(splat(-5.70498872745e-3f), z, splat(2.06390887954e-2f));
  p = fma16(p, z, splat(-5.37397155531e-2f));
  p = fma16(p, z, splat(1.33314422036e-1f));
  p = fma16(p, z, splat(-3.33332819422e-1f));
  vf near = fma16(p * z, x, x);
  vf far = 1.0f - 2.0f / (exp16(size * 2.0f) + 1.0f);
  far = choose(x < 0, -far, far);
  return choose(size < 0.625f, near, far);
}

// Phi(x), the normal distribution: half of erfc(-x / sqrt(2)) by the rational Chebyshev fit of
// Numerical Recipes (erfcc), whose relative error is below 1.2e-7 everywhere.
INLINE vf normal16(vf x) {
  vf z = absolute(x) * 0.70710678f;
  vf t = 1.0f / fma16(z, splat(0.5f), splat(1.0f));
  vf p = fma16(t, splat(0.17087277f), splat(-0.82215223f));
  p = fma16(p, t, splat(1.48851587f));
  p = fma16(p, t, splat(-1.13520398f));
  p = fma16(p, t, splat(0.27886807f));
  p = fma16(p, t, splat(-0.18628806f));
  p = fma16(p, t, splat(0.09678418f));
  p = fma16(p, t, splat(0.37409196f));
  p = fma16(p, t, splat(1.00002368f));
  p = fma16(p, t, splat(-1.26551223f));
  vf tail = t * exp16(fma16(-z, z, p)) * 0.5f;
  return choose(x < 0, tail, 1.0f - tail);
}

// sqrt(2 / pi), twice, and the cubic part of the approximation of x Phi(x) by tanh.
#define GELU_SLOPE (2.0f * 0.79788456f)
#define GELU_CUBIC 0.044715f

INLINE vf activation16(const int f, vf x) {
  if (f == PEQA_SILU) return x * sigmoid16(x);
  // NaN is not below 0 and stays.
  if (f == PEQA_RELU) return choose(x <= 0, splat(0), x);
  if (f == PEQA_GELU) return x * normal16(x);
  return x * sigmoid16(GELU_SLOPE * fma16(x * x * x, splat(GELU_CUBIC), x));
}

INLINE vf activation_slope16(const int f, vf x) {
  if (f == PEQA_RELU) return choose(x <= 0, splat(0), splat(1));
  if (f == PEQA_GELU) return fma16(x * 0.39894228f, exp16(x * x * -0.5f), normal16(x));
  vf s = sigmoid16(GELU_SLOPE * fma16(x * x * x, splat(GELU_CUBIC), x));
  vf inner = GELU_SLOPE * fma16(x * x, splat(3 * GELU_CUBIC), splat(1));
  return fma16(x * s * (1.0f - s), inner, s);
}

#define BY_ACTIVATION(F, CALL)           \
  switch (F) {                           \
    case PEQA_SILU: CALL(PEQA_SILU);     \
    case PEQA_RELU: CALL(PEQA_RELU);     \
    case PEQA_GELU: CALL(PEQA_GELU);     \
    default: CALL(PEQA_GELU_TANH);       \
  }

INLINE void activate_all(const int f, const int gated, size_t count, const float *gate,
                         const float *up, float *h, uint16_t *h_bf16) {
  for (size_t i = 0; i < count; i += LANES) {
    int n = count - i < LANES ? (int)(count - i) : LANES;
    vf v = activation16(f, load_part(gate + i, n, 0));
    if (gated) v *= load_part(up + i, n, 0);
    if (h) store_part(h + i, n, v);
    if (h_bf16) store_part_bf16(h_bf16 + i, n, v);
  }
}

static void activate(peqa_activation f, size_t count, const float *gate, const float *up, float *h,
                     uint16_t *h_bf16) {
#define CALL(F) \
  if (up) activate_all(F, 1, count, gate, up, h, h_bf16); \
  else activate_all(F, 0, count, gate, up, h, h_bf16); \
  break
  BY_ACTIVATION(f, CALL)
#undef CALL
}

// Gradients of gate and up for sixteen of the hidden units of a token; SiLU in the order of
// multiplications that it has had since the first version.
INLINE void activation_slopes(const int f, const int gated, vf gate, vf up, vf dh, vf *dgate,
                              vf *dup) {
  if (f == PEQA_SILU) {
    vf sigma = sigmoid16(gate);
    vf weighted = gated ? dh * up : dh;
    *dgate = weighted * sigma * fma16(gate, 1.0f - sigma, splat(1));
    *dup = dh * gate * sigma;
  } else {
    *dgate = (gated ? dh * up : dh) * activation_slope16(f, gate);
    *dup = gated ? dh * activation16(f, gate) : dh;
  }
}

INLINE void backward_all(const int f, const int gated, size_t count, const float *gate,
                         const float *up, const float *dh, float *dgate, float *dup) {
  for (size_t i = 0; i < count; i += LANES) {
    int n = count - i < LANES ? (int)(count - i) : LANES;
    vf dg, du;
    activation_slopes(f, gated, load_part(gate + i, n, 0), gated ? load_part(up + i, n, 0) : (vf){},
                      load_part(dh + i, n, 0), &dg, &du);
    store_part(dgate + i, n, dg);
    if (gated) store_part(dup + i, n, du);
  }
}

static void activate_backward(peqa_activation f, size_t count, const float *gate, const float *up,
                              const float *dh, float *dgate, float *dup) {
#define CALL(F) \
  if (up) backward_all(F, 1, count, gate, up, dh, dgate, dup); \
  else backward_all(F, 0, count, gate, up, dh, dgate, dup); \
  break
  BY_ACTIVATION(f, CALL)
#undef CALL
}

INLINE void gradient_all(const int f, const int gated, int rows, int o0, int o1, ptrdiff_t row,
                         const float *gate, const float *gate_output, const float *up,
                         const float *dh, const float *gate_factor, const float *up_factor,
                         uint16_t *dgate, uint16_t *dup, float *gate_sums, float *up_sums) {
  FOR_COLUMN_BLOCKS(rows, o0, o1) {
    int n = o1 - o;
    vf gate_sum = load_part(gate_sums + o, n, 0);
    vf up_sum = gated ? load_part(up_sums + o, n, 0) : (vf){};
    vf gate_scale = gate_factor ? load_part(gate_factor + o, n, 0) : splat(1);
    vf up_scale = gated && up_factor ? load_part(up_factor + o, n, 0) : splat(1);
    for (int t = t0; t < t1; t++) {
      ptrdiff_t at = t * row + o;
      vf u = gated ? load_part(up + at, n, 0) : (vf){}, dg, du;
      activation_slopes(f, gated, load_part(gate + at, n, 0), u, load_part(dh + at, n, 0), &dg,
                        &du);
      gate_sum = fma16(dg, load_part(gate_output + at, n, 0), gate_sum);
      store_part_bf16(dgate + at, n, dg * gate_scale);
      if (!gated) continue;
      up_sum = fma16(du, u, up_sum);
      store_part_bf16(dup + at, n, du * up_scale);
    }
    store_part(gate_sums + o, n, gate_sum);
    if (gated) store_part(up_sums + o, n, up_sum);
  }
}

static void activation_gradient(peqa_activation f, int rows, int o0, int o1, ptrdiff_t row,
                                const float *gate, const float *gate_output, const float *up,
                                const float *dh, const float *gate_factor, const float *up_factor,
                                uint16_t *dgate, uint16_t *dup, float *gate_sums, float *up_sums) {
#define CALL(F) \
  if (up) gradient_all(F, 1, rows, o0, o1, row, gate, gate_output, up, dh, gate_factor, up_factor, \
                       dgate, dup, gate_sums, up_sums); \
  else gradient_all(F, 0, rows, o0, o1, row, gate, gate_output, up, dh, gate_factor, up_factor, \
                    dgate, dup, gate_sums, up_sums); \
  break
  BY_ACTIVATION(f, CALL)
#undef CALL
}

static void soft_cap(size_t n, float scale, float cap, float *x, float *slope) {
  for (size_t i = 0; i < n; i += LANES) {
    int m = n - i < LANES ? (int)(n - i) : LANES;
    vf bent = tanh16(load_part(x + i, m, 0) * scale / cap);
    store_part(x + i, m, bent * cap);
    if (slope) store_part(slope + i, m, fma16(-bent, bent, splat(1)) * scale);
  }
}
