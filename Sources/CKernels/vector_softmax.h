// Softmax, its gradients, and the loss.

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
      vf e = exp16(fma16(load_part(x + i, end - i, -INFINITY), splat(scale), splat(-shift)));
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
  return top + (float)peqa_log(sum);
}

static void softmax_from_lse(int n, int padded, float scale, float lse, float *s) {
  for (int i = 0; i < n; i += LANES)
    store_part(s + i, n - i, exp16(fma16(load_part(s + i, n - i, 0), splat(scale), splat(-lse))));
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
      vf e = (vf)((vi)exp16(fma16(load(s + i), splat(scale), splat(-top))) & lanes_within(i, first, last));
      store_bf16(p + i, e);
      sum += e;
    }
    total += sum_lanes(sum);
  }
  *inverse_sum = (float)(1.0 / total);
  return top + (float)peqa_log(total);
}

static void softmax_gradient_pair_bf16(const int *first, const int *last, int end, float scale,
                                const float *lse, const float *delta, const float *s,
                                const float *dp, const float *slope, ptrdiff_t row,
                                uint16_t *p_pairs, uint16_t *ds, uint16_t *ds_pairs) {
  for (int i = 0; i < end; i += LANES) {
    vf p[2], d[2];
    for (int r = 0; r < 2; r++) {
      vi mask = lanes_within(i, first[r], last[r]);
      p[r] = (vf)((vi)exp16(fma16(load(s + r * row + i), splat(scale), splat(-lse[r]))) & mask);
      vf change = p[r] * (load(dp + r * row + i) - delta[r]) * scale;
      if (slope) change *= load(slope + r * row + i);
      d[r] = (vf)((vi)change & mask);
      store_bf16(ds + r * row + i, d[r]);
    }
    *(vu_unaligned *)(p_pairs + 2 * i) = bf16_pair(p[0], p[1]);
    *(vu_unaligned *)(ds_pairs + 2 * i) = bf16_pair(d[0], d[1]);
  }
}

// Probabilities too small for any sum become 0, see PEQA_LEAST_PROBABILITY. Capped logits are
// needed for the slope of the cap, so their exponentials are taken twice.
INLINE vf probable16(vf p) { return choose(p < PEQA_LEAST_PROBABILITY, splat(0), p); }

static double cross_entropy(int n, int target, float cap, float *x, int gradient) {
  float top = row_maximum(n, x);
  double chosen = (double)x[target] - top;
  if (!gradient || cap <= 0) {
    double sum = exponentials(n, 1, top, x, gradient);
    if (gradient) {
      float inverse = (float)(1.0 / sum);
      for (int i = 0; i < n; i += LANES)
        store_part(x + i, n - i, probable16(load_part(x + i, n - i, 0) * inverse));
      x[target] -= 1;
    }
    return peqa_log(sum) - chosen;
  }
  double sum = exponentials(n, 1, top, x, 0);
  float inverse = (float)(1.0 / sum), bent = x[target] / cap;
  for (int i = 0; i < n; i += LANES) {
    vf c = load_part(x + i, n - i, 0), share = c / cap;
    store_part(x + i, n - i, probable16(exp16(c - top) * inverse) * fma16(-share, share, splat(1)));
  }
  x[target] -= fmaf(-bent, bent, 1);
  return peqa_log(sum) - chosen;
}
