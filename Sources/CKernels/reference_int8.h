// Products of integers. What is rounded, and in which order, is the contract: see multiply_i8.
static void multiply_i8(int m, int n, int k, int bits, int part, const peqa_operand *a,
                        const uint8_t *b, const peqa_lanes *lanes, float *c, ptrdiff_t c_row,
                        int accumulate) {
  PEQA_REQUIRE(k % 4 == 0 && part % 4 == 0 && k <= PEQA_DEPTH && part > 0);
  for (int i = 0; i < m; i++)
    for (int p = 0; p * part < k; p++)
      for (int j = 0; j < n; j++) {
        int32_t sum = 0;
        for (int d = p * part; d < k && d < (p + 1) * part; d++) {
          uint8_t code = b[(d / 4 * PEQA_PANEL + j) * 4 + d % 4];
          PEQA_REQUIRE(code >> bits == 0);
          sum += ((const int8_t *)a->rows)[i * a->row + d] * code;
        }
        int at = p * PEQA_PANEL + j;
        float value = (float)sum * (lanes->slope ? lanes->slope[at] : 1);
        value = fmaf(lanes->zero ? -lanes->zero[at] : -1, a->sums[i * a->parts + p], value);
        value *= a->scales[i];
        float scale = lanes->scale ? lanes->scale[at] : 1, *to = &c[i * c_row + j];
        *to = accumulate || p > 0 ? fmaf(value, scale, *to) : value * scale;
      }
}

static void pack_codes_nt(const peqa_matrix *w, int row0, int col0, int depth, uint8_t *panel) {
  for (int d = 0; d < (depth + 3) / 4 * 4; d++)
    for (int l = 0; l < PEQA_PANEL; l++) {
      int here = row0 + l < w->rows && d < depth && col0 + d < w->columns;
      panel[(d / 4 * PEQA_PANEL + l) * 4 + d % 4] =
          here ? (uint8_t)code(w, row0 + l, col0 + d) : 0;
    }
}

static void pack_codes_nn(const peqa_matrix *w, int row0, int col0, int depth, uint8_t *panel) {
  for (int d = 0; d < (depth + 3) / 4 * 4; d++)
    for (int l = 0; l < PEQA_PANEL; l++) {
      int row = row0 + d, col = col0 + l;
      int here = d < depth && col < w->columns &&
                 peqa_grid_of(w, row, col / w->group_size).slope != 0;
      panel[(d / 4 * PEQA_PANEL + l) * 4 + d % 4] = here ? (uint8_t)code(w, row, col) : 0;
    }
}

static void pack_rounded_nn(const peqa_matrix *w, int row0, int col0, int depth,
                            const float *factor, uint8_t *panel) {
  for (int d = 0; d < (depth + 3) / 4 * 4; d++)
    for (int l = 0; l < PEQA_PANEL; l++) {
      float number = d < depth ? weight(w, row0 + d, col0 + l, 1) * factor[row0 + d] : 0;
      panel[(d / 4 * PEQA_PANEL + l) * 4 + d % 4] = (uint8_t)(128 + (int)rintf(number));
    }
}

static void grids_per_lane(const peqa_matrix *w, int row0, int group0, int groups, float *scale,
                           float *slope, float *zero) {
  for (int g = 0; g < groups; g++)
    for (int l = 0; l < PEQA_PANEL; l++) {
      peqa_grid grid = {0, 1, 0};
      if (row0 + l < w->rows) grid = peqa_grid_of(w, row0 + l, group0 + g);
      int at = g * PEQA_PANEL + l;
      scale[at] = grid.scale, slope[at] = grid.slope, zero[at] = grid.zero;
    }
}

static void gemv_i8(const peqa_matrix *w, int o0, int o1, int tokens, const peqa_operand *x,
                    float *y, ptrdiff_t y_row) {
  int run = w->groups > 1 ? w->group_size : w->columns;
  for (int t = 0; t < tokens; t++)
    for (int o = o0; o < o1; o++) {
      float total = 0;
      for (int g = 0; g < w->groups; g++) {
        int32_t sum = 0;
        for (int i = g * run; i < (g + 1) * run && i < w->columns; i++)
          sum += ((const int8_t *)x->rows)[t * x->row + i] * code(w, o, i);
        peqa_grid grid = peqa_grid_of(w, o, g);
        float value = fmaf(-grid.zero, x->sums[t * x->parts + g], (float)sum * grid.slope);
        value *= x->scales[t];
        total = g ? fmaf(value, grid.scale, total) : value * grid.scale;
      }
      y[t * y_row + o] = total + 0.0f;
    }
}

// The scale of a row whose greatest magnitude has these bits: 0 where it counts as nothing, NaN
// where it is no number. Bits of magnitudes are ordered as the magnitudes are, NaN last.
static float byte_scale(uint32_t bits) {
  float greatest;
  memcpy(&greatest, &bits, sizeof greatest);
  if (bits >= 0x7F800000) return NAN;
  return greatest >= PEQA_LEAST_PROBABILITY ? greatest / 127 : 0;
}

static int8_t to_byte(float value, uint32_t bits, float scale) {
  float greatest;
  memcpy(&greatest, &bits, sizeof greatest);
  return scale > 0 ? (int8_t)rintf(value * (127 / greatest)) : 0;
}

static uint32_t magnitude(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits & 0x7FFFFFFF;
}

// `row` and `column` are the strides of x.
static void round_rows_i8(int rows, int columns, int padded, const float *x, ptrdiff_t row,
                          ptrdiff_t column, const float *factor, int8_t *out, float *scales) {
  for (int t = 0; t < rows; t++) {
    uint32_t greatest = 0;
    for (int i = 0; i < columns; i++) {
      uint32_t bits = magnitude(x[t * row + i * column] * (factor ? factor[i] : 1));
      if (bits > greatest) greatest = bits;
    }
    scales[t] = byte_scale(greatest);
    for (int i = 0; i < padded; i++) {
      float value = i < columns ? x[t * row + i * column] * (factor ? factor[i] : 1) : 0;
      out[(ptrdiff_t)t * padded + i] = to_byte(value, greatest, scales[t]);
    }
  }
}

static void round_i8(int rows, int columns, int padded, const float *x, ptrdiff_t x_row,
                     const float *factor, int8_t *out, float *scales) {
  round_rows_i8(rows, columns, padded, x, x_row, 1, factor, out, scales);
}

static void round_transposed_i8(int rows, int i0, int i1, int padded, const float *x,
                                ptrdiff_t x_row, const float *factor, int8_t *out, float *scales) {
  round_rows_i8(i1 - i0, rows, padded, x + i0, 1, x_row, factor, out + (ptrdiff_t)i0 * padded,
                scales + i0);
}

static void pack_tokens_i8(int rows, int columns, int col0, const int8_t *x, ptrdiff_t x_row,
                           uint8_t *panel) {
  for (int t = 0; t < (rows + 3) / 4 * 4; t++)
    for (int l = 0; l < PEQA_PANEL; l++) {
      int here = t < rows && col0 + l < columns;
      panel[((ptrdiff_t)(t / 4) * PEQA_PANEL + l) * 4 + t % 4] =
          (uint8_t)(128 + (here ? x[t * x_row + col0 + l] : 0));
    }
}
