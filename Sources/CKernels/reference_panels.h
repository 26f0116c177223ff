// Weights unpacked and operands laid out for the products.
static int code(const peqa_matrix *w, int row, int col) {
  PEQA_REQUIRE(row < w->rows && col < w->columns);
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
  peqa_grid grid = peqa_grid_of(w, row, col / w->group_size);
  float value = grid.slope * (float)code(w, row, col) - grid.zero;
  return scaled ? value * grid.scale : value;
}

static void pack_weights_nt_f32(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                              float *panel) {
  for (int d = 0; d < depth; d++)
    for (int l = 0; l < PEQA_PANEL; l++)
      panel[d * PEQA_PANEL + l] = weight(w, row0 + l, col0 + d, scaled);
}

static void pack_weights_nt_bf16(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                               uint16_t *panel) {
  for (int d = 0; d < depth + (depth & 1); d++)
    for (int l = 0; l < PEQA_PANEL; l++)
      panel[2 * (d / 2 * PEQA_PANEL + l) + d % 2] =
          peqa_bf16_bits(weight(w, row0 + l, col0 + d, scaled));
}

static void pack_weights_nn_f32(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                               float *panel) {
  for (int d = 0; d < depth; d++)
    for (int l = 0; l < PEQA_PANEL; l++)
      panel[d * PEQA_PANEL + l] = weight(w, row0 + d, col0 + l, scaled);
}

static void pack_weights_nn_bf16(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                                uint16_t *panel) {
  for (int d = 0; d < depth + (depth & 1); d++)
    for (int l = 0; l < PEQA_PANEL; l++)
      panel[2 * (d / 2 * PEQA_PANEL + l) + d % 2] =
          d < depth ? peqa_bf16_bits(weight(w, row0 + d, col0 + l, scaled)) : 0;
}

static void scales_per_lane(const peqa_matrix *w, int row0, int group0, int groups, float *scales) {
  for (int g = 0; g < groups; g++)
    for (int l = 0; l < PEQA_PANEL; l++)
      scales[g * PEQA_PANEL + l] =
          row0 + l < w->rows ? peqa_effective_scale(w, row0 + l, group0 + g) : 0;
}

static void unpack_row(const peqa_matrix *w, int row, int col0, float *out) {
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

static void pack_tokens_bf16(int rows, int columns, int col0, const float *x, ptrdiff_t x_row,
                             uint16_t *panel) {
  for (int t = 0; t < rows + (rows & 1); t++)
    for (int l = 0; l < PEQA_PANEL; l++)
      panel[2 * ((ptrdiff_t)(t / 2) * PEQA_PANEL + l) + t % 2] =
          peqa_bf16_bits(token_value(rows, columns, x, x_row, t, col0 + l));
}

static void pack_tokens_f32(int rows, int columns, int col0, const float *x, ptrdiff_t x_row,
                            float *panel) {
  for (int t = 0; t < rows; t++)
    for (int l = 0; l < PEQA_PANEL; l++)
      panel[(ptrdiff_t)t * PEQA_PANEL + l] = token_value(rows, columns, x, x_row, t, col0 + l);
}
