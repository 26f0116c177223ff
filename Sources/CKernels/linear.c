// The three entries of a linear layer, built from panels and products of a table. Blocking depends
// on the shape alone, so a result does not depend on how the output was cut among threads.
#include <string.h>

#include "tables.h"

static int least(int a, int b) { return a < b ? a : b; }
static int even(int n) { return n + (n & 1); }

static const void *offset(const void *rows, int bf16, ptrdiff_t elements) {
  return (const char *)rows + elements * (bf16 ? 2 : 4);
}

// C (+)= A panel; the scales of bf16 change every scale_depth, those of fp32 do not change.
static void multiply(const peqa_kernels *table, int bf16, int m, int n, int k, const void *a,
                     ptrdiff_t a_row, const float *panel, float *c, ptrdiff_t c_row,
                     const float *scale, int scale_depth, int accumulate) {
  if (bf16)
    table->multiply_bf16(m, n, even(k), a, a_row, 2, (const uint16_t *)panel, c, c_row, scale,
                         even(scale_depth), accumulate);
  else
    table->multiply_f32(m, n, k, a, a_row, 1, panel, c, c_row, scale, accumulate);
}

static void start_with_bias(int t0, int t1, int o, int n, const float *bias, float *y,
                            ptrdiff_t y_row) {
  for (int t = t0; t < t1; t++) memcpy(y + t * y_row + o, bias + o, (size_t)n * sizeof(float));
}

// One panel of 64 rows. Codes stay unscaled integers in the panel; the fp32 sum of each group is
// scaled. In fp32 with several groups the weights are scaled instead, which rounds to 2^-24.
static void pack_weights_nt(const peqa_kernels *table, const peqa_matrix *w, int bf16, int t0, int t1,
                          int o, const void *x, ptrdiff_t x_row, int accumulate, float *y,
                          ptrdiff_t y_row, float *panel) {
  int n = least(PEQA_PANEL, w->rows - o);
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
    multiply(table, bf16, t1 - t0, n, depth, offset(x, bf16, t0 * x_row + block), x_row, panel,
             y + t0 * y_row + o, y_row, codes && !scaled ? scales : NULL, group,
             accumulate || block > 0);
  }
}

void peqa_linear_forward(const peqa_kernels *table, const peqa_matrix *w, int bf16, int t0, int t1,
                         int o0, int o1, const void *x, ptrdiff_t x_row, const float *bias,
                         float *y, ptrdiff_t y_row, float *work) {
  for (int o = o0; o < o1; o += PEQA_PANEL) {
    if (bias) start_with_bias(t0, t1, o, least(PEQA_PANEL, w->rows - o), bias, y, y_row);
    pack_weights_nt(table, w, bf16, t0, t1, o, x, x_row, bias != NULL, y, y_row, work);
  }
}

void peqa_linear_input_gradient(const peqa_kernels *table, const peqa_matrix *w, int bf16, int t0,
                                int t1, int i0, int i1, const void *dy, ptrdiff_t dy_row, float *dx,
                                ptrdiff_t dx_row, int accumulate, float *work) {
  int scaled = w->storage == PEQA_CODES && w->groups > 1;
  for (int i = i0; i < i1; i += PEQA_PANEL)
    for (int block = 0; block < w->rows; block += PEQA_DEPTH) {
      int depth = least(PEQA_DEPTH, w->rows - block);
      if (bf16)
        table->pack_weights_nn_bf16(w, block, i, depth, scaled, (uint16_t *)work);
      else
        table->pack_weights_nn_f32(w, block, i, depth, scaled, work);
      multiply(table, bf16, t1 - t0, least(PEQA_PANEL, w->columns - i), depth,
               offset(dy, bf16, t0 * dy_row + block), dy_row, work, dx + t0 * dx_row + i, dx_row,
               NULL, depth, accumulate || block > 0);
    }
}

// Adds sum_i (q - z)[i] * dw[i] of 64 columns to the gradients of the groups they belong to.
static void reduce_groups(const peqa_kernels *table, const peqa_matrix *w, int o, int i,
                          const float *dw, float *ds) {
  float q[PEQA_PANEL];
  table->unpack_row(w, o, i, q);
  int end = least(PEQA_PANEL, w->columns - i);
  for (int k = 0; k < end;) {
    int group = (i + k) / w->group_size;
    int stop = least(end, (group + 1) * w->group_size - i);
    ds[(size_t)o * (size_t)w->groups + (size_t)group] += table->dot(stop - k, q + k, dw + k);
    k = stop;
  }
}

void peqa_linear_group_gradient(const peqa_kernels *table, const peqa_matrix *w, int bf16,
                                int tokens, int o0, int o1, const void *dy_t, ptrdiff_t dy_t_row,
                                const void *x_panels, float *ds, float *work) {
  ptrdiff_t panel_elements = (ptrdiff_t)even(tokens) * PEQA_PANEL;
  for (int i = 0; i < w->columns; i += PEQA_PANEL)
    for (int o = o0; o < o1; o += PEQA_PANEL) {
      int rows = least(PEQA_PANEL, o1 - o);
      const float *panel = offset(x_panels, bf16, i / PEQA_PANEL * panel_elements);
      multiply(table, bf16, rows, PEQA_PANEL, tokens, offset(dy_t, bf16, o * dy_t_row), dy_t_row,
               panel, work, PEQA_PANEL, NULL, tokens, 0);
      for (int r = 0; r < rows; r++) reduce_groups(table, w, o + r, i, work + r * PEQA_PANEL, ds);
    }
}
