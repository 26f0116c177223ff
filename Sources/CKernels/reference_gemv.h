// Products of few tokens.
// One output of a product with few tokens.
static float gemv_sum(const peqa_matrix *w, int row, const void *x, int bf16) {
  int codes = w->storage == PEQA_CODES, groups = codes ? w->groups : 1;
  int run = groups > 1 ? w->group_size : w->columns, ordered = bf16 && peqa_gemv_ordered(w);
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

static void gemv_f32(const peqa_matrix *w, int o0, int o1, int tokens, const float *x,
                    ptrdiff_t x_row, const float *bias, float *y, ptrdiff_t y_row) {
  for (int t = 0; t < tokens; t++)
    for (int o = o0; o < o1; o++)
      y[t * y_row + o] = gemv_sum(w, o, x + t * x_row, 0) + (bias ? bias[o] : 0);
}

static void gemv_bf16(const peqa_matrix *w, int o0, int o1, int tokens, const uint16_t *x,
                      ptrdiff_t x_row, const float *bias, float *y, ptrdiff_t y_row) {
  for (int t = 0; t < tokens; t++)
    for (int o = o0; o < o1; o++)
      y[t * y_row + o] = gemv_sum(w, o, x + t * x_row, 1) + (bias ? bias[o] : 0);
}

static void gemv_operand_bf16(int tokens, int columns, int padded, int ordered, const float *x,
                              ptrdiff_t x_row, uint16_t *out) {
  for (int t = 0; t < tokens; t++)
    for (int i = 0; i < padded; i++) {
      int at = ordered ? i / 128 * 128 + i % 4 * 32 + i % 128 / 4 : i;
      out[(ptrdiff_t)t * padded + at] = i < columns ? peqa_bf16_bits(x[t * x_row + i]) : 0;
    }
}
