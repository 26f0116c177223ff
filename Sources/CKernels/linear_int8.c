// Linear layers in integers: the panels and products of linear.c for operands of bytes.
#include <math.h>
#include <string.h>

#include "linear.h"

// What stands beside the panel of bytes in `work`.
typedef struct {
  float scale[PEQA_DEPTH / PEQA_LEAST_GROUP * PEQA_PANEL];
  float slope[PEQA_DEPTH / PEQA_LEAST_GROUP * PEQA_PANEL];
  float zero[PEQA_DEPTH / PEQA_LEAST_GROUP * PEQA_PANEL];
} grids;

static int whole(int n) { return (n + 3) / 4 * 4; }

// An operand from row `row`, the part `part` and the number `column` of it on, the first of a run.
static peqa_operand bytes_from(const peqa_operand *a, int row, int part, int column) {
  peqa_operand from = *a;
  from.rows = (const int8_t *)a->rows + row * a->row + column;
  from.scales = a->scales + row * a->runs + column / PEQA_BYTE_RUN;
  from.sums = a->sums + row * a->parts + part;
  return from;
}

void peqa_forward_panel_i8(const peqa_kernels *table, const peqa_matrix *w, const peqa_operand *x,
                           int t0, int t1, int o, int accumulate, float *y, ptrdiff_t y_row,
                           void *panel) {
  PEQA_REQUIRE(w->storage == PEQA_CODES && x->row >= whole(w->columns));
  int n = least(PEQA_PANEL, w->rows - o), part = w->groups > 1 ? w->group_size : PEQA_DEPTH;
  PEQA_REQUIRE(x->parts == (w->columns + part - 1) / part);
  grids g;
  peqa_lanes lanes = {g.scale, w->minima ? g.slope : NULL, g.zero};
  for (int block = 0; block < w->columns; block += PEQA_DEPTH) {
    int depth = least(PEQA_DEPTH, w->columns - block), first = block / part;
    table->pack_codes_nt(w, o, block, depth, panel);
    table->grids_per_lane(w, o, w->groups > 1 ? first : 0, (depth + part - 1) / part, g.scale,
                          g.slope, g.zero);
    peqa_operand a = bytes_from(x, t0, first, block);
    table->multiply_i8(t1 - t0, n, whole(depth), w->bits, part, &a, panel, &lanes,
                       y + t0 * y_row + o, y_row, accumulate || block > 0);
  }
}

void peqa_input_gradient_panel_i8(const peqa_kernels *table, const peqa_matrix *w,
                                  const peqa_operand *dy, int t0, int t1, int i, float *dx,
                                  ptrdiff_t dx_row, int accumulate, void *panel) {
  PEQA_REQUIRE(w->storage == PEQA_CODES && dy->row >= whole(w->rows));
  float centre[PEQA_PANEL];
  for (int l = 0; l < PEQA_PANEL; l++) centre[l] = 128;
  // Of codes the zero points are in the sums already.
  peqa_lanes lanes = {NULL, NULL, w->groups > 1 ? centre : NULL};
  PEQA_REQUIRE(w->groups == 1 || dy->weight_factors);
  PEQA_REQUIRE(dy->parts == (w->rows + PEQA_DEPTH - 1) / PEQA_DEPTH);
  for (int block = 0; block < w->rows; block += PEQA_DEPTH) {
    int depth = least(PEQA_DEPTH, w->rows - block);
    if (w->groups > 1)
      table->pack_rounded_nn(w, block, i, depth, dy->weight_factors, panel);
    else
      table->pack_codes_nn(w, block, i, depth, panel);
    peqa_operand a = bytes_from(dy, t0, block / PEQA_DEPTH, block);
    table->multiply_i8(t1 - t0, least(PEQA_PANEL, w->columns - i), whole(depth),
                       w->groups > 1 ? 8 : w->bits, PEQA_DEPTH, &a, panel, &lanes,
                       dx + t0 * dx_row + i, dx_row, accumulate || block > 0);
  }
}

void peqa_cross_panel_i8(const peqa_kernels *table, const peqa_operand *dy_t, const void *panel,
                         const float *scales, int tokens, int o, int rows, float *out) {
  PEQA_REQUIRE(dy_t->row >= whole(tokens));
  PEQA_REQUIRE(dy_t->runs == peqa_byte_runs(tokens) && dy_t->parts == dy_t->runs);
  float centre[PEQA_DEPTH / PEQA_BYTE_RUN * PEQA_PANEL];
  for (int i = 0; i < PEQA_DEPTH / PEQA_BYTE_RUN * PEQA_PANEL; i++) centre[i] = 128;
  for (int block = 0; block < tokens; block += PEQA_DEPTH) {
    int run = block / PEQA_BYTE_RUN;
    peqa_lanes lanes = {scales + (size_t)run * PEQA_PANEL, NULL, centre};
    peqa_operand a = bytes_from(dy_t, o, run, block);
    table->multiply_i8(rows, PEQA_PANEL, whole(least(PEQA_DEPTH, tokens - block)), 8, PEQA_BYTE_RUN,
                       &a, (const uint8_t *)panel + (size_t)block * PEQA_PANEL, &lanes, out,
                       PEQA_PANEL, block > 0);
  }
}

float peqa_dot_alike(int n, const float *a, const float *b) {
  float lanes[16] = {0};
  int i = 0;
  for (; i + 16 <= n; i += 16)
    for (int l = 0; l < 16; l++) lanes[l] += a[i + l] * b[i + l];
  for (int l = 0; i + l < n; l++) lanes[l] += a[i + l] * b[i + l];
  for (int half = 8; half > 0; half /= 2)
    for (int l = 0; l < half; l++) lanes[l] += lanes[l + half];
  return lanes[0];
}

// Weights as whole numbers of 16 bits; false where one is none.
static int all_whole(int n, const float *weights, int16_t *whole) {
  int others = 0;
  for (int i = 0; i < n; i++) {
    // What does not fit is unequal as well.
    float near = fminf(fmaxf(weights[i], INT16_MIN), INT16_MAX);
    whole[i] = (int16_t)near;
    others += (float)whole[i] != weights[i];
  }
  return others == 0;
}

// Sums of a run are exact in 32 bits: 64 * 127 * 2^15 < 2^31.
_Static_assert(PEQA_BYTE_RUN * 127ll * (1 << 15) < 1ll << 31, "sums of whole numbers");
static int32_t sum_whole(int n, const int16_t *weights, const int8_t *bytes) {
  int32_t sum = 0;
  if (weights)
    for (int i = 0; i < n; i++) sum += weights[i] * bytes[i];
  else
    for (int i = 0; i < n; i++) sum += bytes[i];
  return sum;
}

// One after the other: rounded like that on every CPU.
static double sum_in_order(int n, const float *weights, const int8_t *bytes) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += (double)weights[i] * bytes[i];
  return sum;
}

void peqa_int8_sums(int rows, int columns, int part, const peqa_operand *a, const float *weights,
                    float *sums) {
  PEQA_REQUIRE(!weights || part <= PEQA_DEPTH);
  int parts = (columns + part - 1) / part;
  int16_t numbers[PEQA_DEPTH];
  for (int p = 0; p < parts; p++) {
    int start = p * part, end = least(start + part, columns);
    int whole = !weights || all_whole(end - start, weights + start, numbers);
    for (int t = 0; t < rows; t++) {
      const int8_t *bytes = (const int8_t *)a->rows + t * a->row;
      double sum = 0;
      for (int i = start, next; i < end; i = next) {
        next = least((i / PEQA_BYTE_RUN + 1) * PEQA_BYTE_RUN, end);
        double here = whole ? sum_whole(next - i, weights ? numbers + i - start : NULL, bytes + i)
                            : sum_in_order(next - i, weights + i, bytes + i);
        sum += here * (double)a->scales[t * a->runs + i / PEQA_BYTE_RUN];
      }
      sums[(ptrdiff_t)t * parts + p] = (float)sum;
    }
  }
}

// The greatest weight that a row can have.
static float greatest_weight(const peqa_matrix *w, int row) {
  float greatest = 0, last = (float)((1 << w->bits) - 1);
  for (int g = 0; g < w->groups; g++) {
    peqa_grid grid = peqa_grid_of(w, row, g);
    float low = fabsf((0 - grid.zero) * grid.scale);
    float high = fabsf((grid.slope * last - grid.zero) * grid.scale);
    greatest = fmaxf(greatest, fmaxf(low, high));
  }
  return greatest;
}

void peqa_int8_row_factors(const peqa_matrix *w, int o0, int o1, float *factors, float *others) {
  PEQA_REQUIRE(w->storage == PEQA_CODES);
  for (int o = o0; o < o1; o++) {
    if (w->groups == 1) {
      peqa_grid grid = peqa_grid_of(w, o, 0);
      factors[o] = grid.scale, others[o] = grid.zero;
    } else {
      float greatest = greatest_weight(w, o);
      factors[o] = greatest / 127;
      others[o] = greatest >= PEQA_LEAST_PROBABILITY ? 127 / greatest : 0;
    }
  }
}
