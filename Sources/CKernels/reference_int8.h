// Products of integers. What is rounded, and in which order, is the contract: see multiply_i8.
// T of bytes `from` ..< `end` of a row, in one part; `code` gives what each is multiplied by.
#define SUM_OF_RUNS(TOTAL, OPERAND, ROW, FROM, END, AT, CODE)                                  \
  float TOTAL = 0;                                                                             \
  for (int at_ = (FROM), next_; at_ < (END); at_ = next_) {                                    \
    next_ = (at_ / PEQA_BYTE_RUN + 1) * PEQA_BYTE_RUN;                                         \
    if (next_ > (END)) next_ = (END);                                                          \
    int32_t sum_ = 0;                                                                          \
    for (int AT = at_; AT < next_; AT++)                                                       \
      sum_ += ((const int8_t *)(OPERAND)->rows)[(ROW) * (OPERAND)->row + AT] * (int)(CODE);    \
    float scale_ = (OPERAND)->scales[(ROW) * (OPERAND)->runs + at_ / PEQA_BYTE_RUN];           \
    TOTAL = at_ == (FROM) ? (float)sum_ * scale_ : fmaf((float)sum_, scale_, TOTAL);           \
  }

static void multiply_i8(int m, int n, int k, int bits, int part, const peqa_operand *a,
                        const uint8_t *b, const peqa_lanes *lanes, float *c, ptrdiff_t c_row,
                        int accumulate) {
  PEQA_REQUIRE(k % 4 == 0 && k <= PEQA_DEPTH && part >= PEQA_LEAST_GROUP);
  PEQA_REQUIRE(part % PEQA_BYTE_RUN == 0 || PEQA_BYTE_RUN % part == 0);
  for (int d = 0; d < k; d++)
    for (int j = 0; j < n; j++)
      PEQA_REQUIRE(b[(d / 4 * PEQA_PANEL + j) * 4 + d % 4] >> bits == 0);
  for (int i = 0; i < m; i++)
    for (int p = 0; p * part < k; p++)
      for (int j = 0; j < n; j++) {
        int end = (p + 1) * part < k ? (p + 1) * part : k;
        SUM_OF_RUNS(total, a, i, p * part, end, d, b[(d / 4 * PEQA_PANEL + j) * 4 + d % 4])
        int at = p * PEQA_PANEL + j;
        float value = total * (lanes->slope ? lanes->slope[at] : 1);
        value = fmaf(lanes->zero ? -lanes->zero[at] : -1, a->sums[i * a->parts + p], value);
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
  int part = w->groups > 1 ? w->group_size : w->columns;
  for (int t = 0; t < tokens; t++)
    for (int o = o0; o < o1; o++) {
      float y_o = 0;
      for (int g = 0; g < w->groups; g++) {
        int end = (g + 1) * part < w->columns ? (g + 1) * part : w->columns;
        SUM_OF_RUNS(total, x, t, g * part, end, i, code(w, o, i))
        peqa_grid grid = peqa_grid_of(w, o, g);
        float value = fmaf(-grid.zero, x->sums[t * x->parts + g], total * grid.slope);
        y_o = g ? fmaf(value, grid.scale, y_o) : value * grid.scale;
      }
      y[t * y_row + o] = y_o + 0.0f;
    }
}

// The scale of a run whose greatest magnitude has these bits: 0 where it counts as nothing, NaN
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

// A run of numbers `stride` apart and of their factors, as bytes.
static float round_run(int count, const float *x, ptrdiff_t stride, const float *factor,
                       int8_t *bytes) {
  uint32_t greatest = 0;
  for (int i = 0; i < count; i++) {
    uint32_t bits = magnitude(x[i * stride] * (factor ? factor[i] : 1));
    if (bits > greatest) greatest = bits;
  }
  float scale = byte_scale(greatest);
  for (int i = 0; i < count; i++)
    bytes[i] = to_byte(x[i * stride] * (factor ? factor[i] : 1), greatest, scale);
  return scale;
}

static void round_row(int count, int padded, const float *x, ptrdiff_t stride, const float *factor,
                      int8_t *bytes, float *scales) {
  for (int i = 0; i < padded; i += PEQA_BYTE_RUN) {
    int here = i >= count ? 0 : count - i < PEQA_BYTE_RUN ? count - i : PEQA_BYTE_RUN;
    memset(bytes + i, 0, (size_t)(padded - i < PEQA_BYTE_RUN ? padded - i : PEQA_BYTE_RUN));
    scales[i / PEQA_BYTE_RUN] =
        round_run(here, x + i * stride, stride, factor ? factor + i : NULL, bytes + i);
  }
}

static void round_i8(int rows, int columns, int padded, const float *x, ptrdiff_t x_row,
                     const float *factor, int8_t *out, float *scales) {
  PEQA_REQUIRE(padded % PEQA_BYTE_RUN == 0 && columns <= padded);
  for (int t = 0; t < rows; t++)
    round_row(columns, padded, x + t * x_row, 1, factor, out + (ptrdiff_t)t * padded,
              scales + (ptrdiff_t)t * peqa_byte_runs(padded));
}

static void round_transposed_i8(int rows, int i0, int i1, int padded, const float *x,
                                ptrdiff_t x_row, int8_t *out, float *scales) {
  for (int i = i0; i < i1; i++)
    round_row(rows, padded, x + i, x_row, NULL, out + (ptrdiff_t)i * padded,
              scales + (ptrdiff_t)i * peqa_byte_runs(padded));
}

static void pack_tokens_i8(int rows, int columns, int col0, const float *x, ptrdiff_t x_row,
                           uint8_t *panel, float *scales) {
  for (int t = 0; t < rows; t += PEQA_BYTE_RUN)
    for (int l = 0; l < PEQA_PANEL; l++) {
      int count = rows - t < PEQA_BYTE_RUN ? rows - t : PEQA_BYTE_RUN;
      int8_t bytes[PEQA_BYTE_RUN] = {0};
      scales[t / PEQA_BYTE_RUN * PEQA_PANEL + l] = 0;
      if (col0 + l < columns)
        scales[t / PEQA_BYTE_RUN * PEQA_PANEL + l] =
            round_run(count, x + t * x_row + col0 + l, x_row, NULL, bytes);
      for (int k = 0; k < (count + 3) / 4 * 4; k++)
        panel[((ptrdiff_t)((t + k) / 4) * PEQA_PANEL + l) * 4 + k % 4] = (uint8_t)(128 + bytes[k]);
    }
}
