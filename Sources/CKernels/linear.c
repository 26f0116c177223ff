// The three entries of a linear layer, built from panels and products of a table. Blocking depends
// on the shape alone, so a result does not depend on how the output was cut among threads.
#include <string.h>

#include "linear.h"

static int even(int n) { return n + (n & 1); }

static size_t element_size(peqa_operand_kind kind) {
  switch (kind) {
    case PEQA_OPERAND_F32: return 4;
    case PEQA_OPERAND_BF16: return 2;
    case PEQA_OPERAND_I8: return 1;
  }
  __builtin_trap();
}

// Rows of an operand from `row` on, with the numbers from `column` on.
static peqa_operand part(const peqa_operand *a, int row, int column) {
  peqa_operand from = *a;
  ptrdiff_t elements = row * a->row + column;
  from.rows = (const char *)a->rows + elements * (ptrdiff_t)element_size(a->kind);
  return from;
}

// C (+)= A panel; the scales of bf16 change every scale_depth, those of fp32 do not change.
static void multiply(const peqa_kernels *table, int m, int n, int k, peqa_operand a,
                     const float *panel, float *c, ptrdiff_t c_row, const float *scale,
                     int scale_depth, int accumulate) {
  PEQA_REQUIRE(m >= 0 && n > 0 && n <= PEQA_PANEL && k > 0);
  switch (a.kind) {
    case PEQA_OPERAND_F32:
      table->multiply_f32(m, n, k, a.rows, a.row, 1, panel, c, c_row, scale, accumulate);
      return;
    case PEQA_OPERAND_BF16:
      PEQA_REQUIRE(a.row % 2 == 0 && (k % scale_depth == 0 || !scale || scale_depth % 2 == 0));
      table->multiply_bf16(m, n, even(k), a.rows, a.row, 2, (const uint16_t *)panel, c, c_row,
                           scale, even(scale_depth), accumulate);
      return;
    case PEQA_OPERAND_I8: break;  // linear_int8.c
  }
  __builtin_trap();
}

static void start_with_bias(int t0, int t1, int o, int n, const float *bias, float *y,
                            ptrdiff_t y_row) {
  for (int t = t0; t < t1; t++) memcpy(y + t * y_row + o, bias + o, (size_t)n * sizeof(float));
}

// One panel of 64 rows. Codes stay unscaled integers in the panel; the fp32 sum of each group is
// scaled. In fp32 with several groups the weights are scaled instead, which rounds to 2^-24.
static void forward_panel(const peqa_kernels *table, const peqa_matrix *w, const peqa_operand *x,
                          int t0, int t1, int o, int accumulate, float *y, ptrdiff_t y_row,
                          float *panel) {
  int n = least(PEQA_PANEL, w->rows - o), bf16 = x->kind == PEQA_OPERAND_BF16;
  int codes = w->storage == PEQA_CODES, scaled = codes && !bf16 && w->groups > 1;
  float scales[PEQA_DEPTH / PEQA_LEAST_GROUP * PEQA_PANEL];
  for (int block = 0; block < w->columns; block += PEQA_DEPTH) {
    int depth = least(PEQA_DEPTH, w->columns - block);
    int group = codes && w->groups > 1 ? least(w->group_size, depth) : depth;
    if (bf16)
      table->pack_weights_nt_bf16(w, o, block, depth, scaled, (uint16_t *)panel);
    else
      table->pack_weights_nt_f32(w, o, block, depth, scaled, panel);
    if (codes && !scaled)
      table->scales_per_lane(w, o, w->groups > 1 ? block / w->group_size : 0,
                             (depth + group - 1) / group, scales);
    multiply(table, t1 - t0, n, depth, part(x, t0, block), panel, y + t0 * y_row + o, y_row,
             codes && !scaled ? scales : NULL, group, accumulate || block > 0);
  }
}

void peqa_linear_forward(const peqa_kernels *table, const peqa_matrix *w, const peqa_operand *x,
                         int t0, int t1, int o0, int o1, const float *bias, float *y,
                         ptrdiff_t y_row, float *work) {
  PEQA_REQUIRE(o0 % PEQA_PANEL == 0 && o1 <= w->rows);
  peqa_require_matrix(w);
  for (int o = o0; o < o1; o += PEQA_PANEL) {
    if (bias) start_with_bias(t0, t1, o, least(PEQA_PANEL, w->rows - o), bias, y, y_row);
    if (x->kind == PEQA_OPERAND_I8)
      peqa_forward_panel_i8(table, w, x, t0, t1, o, bias != NULL, y, y_row, work);
    else
      forward_panel(table, w, x, t0, t1, o, bias != NULL, y, y_row, work);
  }
}

void peqa_linear_input_gradient(const peqa_kernels *table, const peqa_matrix *w,
                                const peqa_operand *dy, int t0, int t1, int i0, int i1, float *dx,
                                ptrdiff_t dx_row, int accumulate, float *work) {
  PEQA_REQUIRE(i0 % PEQA_PANEL == 0 && i1 <= w->columns);
  peqa_require_matrix(w);
  int scaled = w->storage == PEQA_CODES && w->groups > 1;
  for (int i = i0; i < i1; i += PEQA_PANEL) {
    if (dy->kind == PEQA_OPERAND_I8) {
      peqa_input_gradient_panel_i8(table, w, dy, t0, t1, i, dx, dx_row, accumulate, work);
      continue;
    }
    for (int block = 0; block < w->rows; block += PEQA_DEPTH) {
      int depth = least(PEQA_DEPTH, w->rows - block);
      if (dy->kind == PEQA_OPERAND_BF16)
        table->pack_weights_nn_bf16(w, block, i, depth, scaled, (uint16_t *)work);
      else
        table->pack_weights_nn_f32(w, block, i, depth, scaled, work);
      multiply(table, t1 - t0, least(PEQA_PANEL, w->columns - i), depth, part(dy, t0, block), work,
               dx + t0 * dx_row + i, dx_row, NULL, depth, accumulate || block > 0);
    }
  }
}

// Adds sum_i (q - z)[i] * dw[i] of 64 columns to the gradients of the groups they belong to. Of
// bytes by a sum that all tables share.
static void reduce_groups(const peqa_kernels *table, const peqa_matrix *w, int o, int i, int i8,
                          const float *dw, float *ds) {
  float q[PEQA_PANEL];
  table->unpack_row(w, o, i, q);
  int end = least(PEQA_PANEL, w->columns - i);
  for (int k = 0; k < end;) {
    int group = (i + k) / w->group_size;
    int stop = least(end, (group + 1) * w->group_size - i);
    float sum = i8 ? peqa_dot_alike(stop - k, q + k, dw + k) : table->dot(stop - k, q + k, dw + k);
    ds[(size_t)o * (size_t)w->groups + (size_t)group] += sum;
    k = stop;
  }
}

void peqa_linear_group_gradient(const peqa_kernels *table, const peqa_matrix *w,
                                const peqa_operand *dy_t, const void *x_panels,
                                const float *x_scales, int tokens, int o0, int o1, float *ds,
                                float *work) {
  PEQA_REQUIRE(o1 <= w->rows);
  peqa_require_matrix(w);
  int i8 = dy_t->kind == PEQA_OPERAND_I8, padded = i8 ? (tokens + 3) / 4 * 4 : even(tokens);
  size_t scale_count = (size_t)peqa_byte_runs(tokens) * PEQA_PANEL;
  size_t panel_bytes = (size_t)padded * PEQA_PANEL * element_size(dy_t->kind);
  for (int i = 0; i < w->columns; i += PEQA_PANEL)
    for (int o = o0; o < o1; o += PEQA_PANEL) {
      int rows = least(PEQA_PANEL, o1 - o);
      size_t place = (size_t)(i / PEQA_PANEL);
      const void *panel = (const char *)x_panels + place * panel_bytes;
      if (i8)
        peqa_cross_panel_i8(table, dy_t, panel, x_scales + place * scale_count, tokens, o, rows,
                            work);
      else
        multiply(table, rows, PEQA_PANEL, tokens, part(dy_t, o, 0), panel, work, PEQA_PANEL, NULL,
                 tokens, 0);
      for (int r = 0; r < rows; r++) 
        reduce_groups(table, w, o + r, i, i8, work + r * PEQA_PANEL, ds);
    }
}
