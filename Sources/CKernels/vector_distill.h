// The loss against a teacher, and its gradient.
//
// The tokens that the teacher names are taken out of the row and computed by themselves, in double;
// what is left is a row whose own softmax is well conditioned, however little of all it is.

// exp(x - shift) * plain + exp(turn * x - turn * shift) * soft, in place; numbers too small for any
// sum become 0. With a cap, times the slope of the cap.
INLINE void mix_row(int n, float cap, float shift, float turn, float plain, float soft, float *x) {
  float both = turn == 1 ? plain + soft : soft;
  int is_plain = turn != 1 && plain != 0;
  for (int i = 0; i < n; i += LANES) {
    vf c = load_part(x + i, n - i, 0);
    vf g = exp16(fma16(c, splat(turn), splat(-(shift * turn)))) * both;
    if (is_plain) g = fma16(exp16(c - shift), splat(plain), g);
    g = choose(__builtin_elementwise_abs(g) < PEQA_LEAST_PROBABILITY, splat(0), g);
    if (cap > 0) {
      vf share = c / cap;
      g *= fma16(-share, share, splat(1));
    }
    store_part(x + i, n - i, g);
  }
}

static void distill(int n, int target, float cap, const peqa_teacher *teacher, float weight,
                    float temperature, float *x, int gradient, double *losses) {
  int count = teacher->count;
  const int32_t *ids = teacher->ids;
  float held[PEQA_TEACHER_TOKENS], turn = 1 / temperature;
  float top = row_maximum(n, x), chosen = x[target];
  double sum = exponentials(n, 1, top, x, 0), other = peqa_exp(teacher->rest);
  for (int k = 0; k < count; k++) {
    held[k] = x[ids[k]];
    x[ids[k]] = -INFINITY;
  }
  float rest_top = row_maximum(n, x);
  double rest = count < n ? exponentials(n, turn, rest_top * turn, x, 0) : 0;
  // Logarithms of the sum over all others, and over all.
  double log_rest = count < n ? (double)(rest_top * turn) + peqa_log(rest) : -INFINITY;
  double named = 0, shift = (double)top * turn, kl = 0;
  for (int k = 0; k < count; k++) named += peqa_exp((double)held[k] * turn - shift);
  double log_sum = shift + peqa_log(named + peqa_exp(log_rest - shift));
  for (int k = 0; k < count; k++) {
    double log_p = teacher->logs[k];
    kl += peqa_exp(log_p) * (log_p - ((double)held[k] * turn - log_sum));
  }
  if (other > 0 && count < n) kl += other * (teacher->rest - (log_rest - log_sum));
  losses[0] = peqa_log(sum) - ((double)chosen - top);
  losses[1] = kl;
  if (!gradient || weight == 0) {
    for (int k = 0; k < count; k++) x[ids[k]] = held[k];
    if (gradient) cross_entropy(n, target, cap, x, 1);
    return;
  }
  double plain = (1 - (double)weight) / sum, soft = (double)weight * temperature;
  if (count < n) {
    double own = peqa_exp((double)(rest_top * turn) - log_sum);
    mix_row(n, cap, rest_top, turn, (float)(plain * peqa_exp((double)rest_top - top)),
            (float)(soft * (own - other / rest)), x);
  }
  for (int k = 0; k < count; k++) {
    float bent = cap > 0 ? held[k] / cap : 0;
    double change = peqa_exp((double)held[k] * turn - log_sum) - peqa_exp(teacher->logs[k]);
    double g = soft * change + plain * peqa_exp((double)held[k] - top);
    x[ids[k]] = (float)(fabs(g) < PEQA_LEAST_PROBABILITY ? 0 : g) * (1 - bent * bent);
  }
  float bent = cap > 0 ? chosen / cap : 0;
  x[target] -= (1 - weight) * (1 - bent * bent);
}
