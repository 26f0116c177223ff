// What linear.c and linear_int8.c share.
#ifndef PEQA_LINEAR_H
#define PEQA_LINEAR_H

#include "tables.h"

static inline int least(int a, int b) { return a < b ? a : b; }

// One panel of outputs [t0 ..< t1, 64] each, of operands of bytes. Panels of bytes fit in `panel`,
// PEQA_DEPTH * PEQA_PANEL of them.
void peqa_forward_panel_i8(const peqa_kernels *table, const peqa_matrix *w, const peqa_operand *x,
                           int t0, int t1, int o, int accumulate, float *y, ptrdiff_t y_row,
                           void *panel);
void peqa_input_gradient_panel_i8(const peqa_kernels *table, const peqa_matrix *w,
                                  const peqa_operand *dy, int t0, int t1, int i, float *dx,
                                  ptrdiff_t dx_row, int accumulate, void *panel);
// out [rows, 64] = rows from `o` of dy_t times a panel of tokens and its scales.
void peqa_cross_panel_i8(const peqa_kernels *table, const peqa_operand *dy_t, const void *panel,
                         const float *scales, int tokens, int o, int rows, float *out);
// a . b in one order of additions, whatever the instruction set.
float peqa_dot_alike(int n, const float *a, const float *b);
#endif
