// Products of a few tokens, bound by reading the weights once: dot products of rows as they lie,
// codes unpacked in registers, row after row, so that memory is read in one stream. Each output is
// summed by itself in an order that depends on the columns alone: lanes first, then a fixed tree.

INLINE const uint8_t *gemv_row(const peqa_matrix *w, int row) {
  return (const uint8_t *)w->data + (size_t)row * w->row_stride;
}

#define FEW_TOKENS 4
// Bytes ahead that are asked for: rows follow each other, so this may be in one of the next rows.
// Into L2: asking for L1 (prefetcht0) was half as fast, see docs/results/decode.md.
#define FEW_AHEAD 16384

INLINE void gemv_store(const int tokens, const vf *sums, float scale, int row, const float *bias,
                      float *y, ptrdiff_t y_row) {
#pragma clang loop unroll(full)
  for (int t = 0; t < tokens; t++)
    y[t * y_row + row] = fmaf(sum_lanes(sums[t]), scale, bias ? bias[row] : 0);
}

// Adds the two sums of a group of columns, scaled where there are several groups.
INLINE void gemv_join(const int tokens, vf (*part)[FEW_TOKENS], int groups, float scale, vf *sums) {
#pragma clang loop unroll(full)
  for (int t = 0; t < tokens; t++) {
    vf sum = part[0][t] + part[1][t];
    sums[t] = groups > 1 ? fma16(sum, splat(scale), sums[t]) : sum;
  }
}

// Calls ROW(tokens) for chunks of 4, 2 and 1 tokens of each row; x and y move along. The row is
// read from memory for the first chunk and from the cache for the others.
#define FEW_PIECES(ROW)                                      \
  for (int row = o0; row < o1; row++) {                      \
    const ELEMENT *xt = x;                                   \
    float *yt = y;                                           \
    int left = tokens;                                       \
    for (; left >= 4; left -= 4) {                           \
      ROW(4);                                                \
      xt += 4 * x_row, yt += 4 * y_row;                      \
    }                                                        \
    if (left >= 2) {                                         \
      ROW(2);                                                \
      xt += 2 * x_row, yt += 2 * y_row, left -= 2;           \
    }                                                        \
    if (left) ROW(1);                                        \
  }

INLINE void gemv_row_f32(const int tokens, const peqa_matrix *w, int row, const float *x,
                        ptrdiff_t x_row, const float *bias, float *y, ptrdiff_t y_row) {
  vf sums[FEW_TOKENS] = {};
  float scale = 1;
  int codes = w->storage == PEQA_CODES, groups = codes ? w->groups : 1;
  int run = groups > 1 ? w->group_size : w->columns;
  for (int group = 0; group < groups; group++) {
    int start = group * run, end = start + run < w->columns ? start + run : w->columns;
    peqa_grid grid = codes ? quick_grid(w, row, group) : (peqa_grid){1, 1, 0};
    scale = grid.scale;
    vf part[2][FEW_TOKENS] = {};
    for (int i = start; i < end; i += 2 * LANES)
#pragma clang loop unroll(full)
      for (int j = 0; j < 2; j++) {
        int col = i + j * LANES;
        if (col >= end) break;
        vf v = codes ? fma16(sixteen_codes(w, row, col), splat(grid.slope), splat(-grid.zero))
                     : sixteen_dense(w, row, col);
#pragma clang loop unroll(full)
        for (int t = 0; t < tokens; t++)
          part[j][t] = fma16(v, load(x + t * x_row + col), part[j][t]);
      }
    gemv_join(tokens, part, groups, scale, sums);
  }
  gemv_store(tokens, sums, groups > 1 ? 1 : scale, row, bias, y, y_row);
}

static void gemv_f32(const peqa_matrix *w, int o0, int o1, int tokens, const float *x,
                    ptrdiff_t x_row, const float *bias, float *y, ptrdiff_t y_row) {
#define ELEMENT float
#define ROW(TOKENS) gemv_row_f32(TOKENS, w, row, xt, x_row, bias, yt, y_row)
  FEW_PIECES(ROW)
#undef ROW
#undef ELEMENT
}

#if NATIVE_BF16
#include "vector_gemv_bf16.h"
#endif
