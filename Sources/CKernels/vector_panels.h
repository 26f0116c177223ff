// Unpacking weights and laying operands out for the products.

#include "vector_grid.h"

INLINE vf sixteen_codes(const peqa_matrix *w, int row, int col) {
  const uint8_t *p =
      (const uint8_t *)w->data + (size_t)row * w->row_stride + (size_t)(col / 8) * (size_t)w->bits;
  uint64_t words[2] = {eight_codes(p, w->bits), eight_codes(p + w->bits, w->bits)};
  return from_bytes(words);
}

// Sixteen dense weights from column col; those past the end are 0.
INLINE vf sixteen_dense(const peqa_matrix *w, int row, int col) {
  const uint8_t *start = (const uint8_t *)w->data + (size_t)row * w->row_stride;
  size_t size = w->storage == PEQA_F32 ? 4 : 2;
  uint8_t tail[LANES * 4] = {0};
  const uint8_t *p = start + (size_t)col * size;
  if (col + LANES > w->columns) {
    if (col < w->columns) memcpy(tail, p, (size_t)(w->columns - col) * size);
    p = tail;
  }
  switch (w->storage) {
    case PEQA_F32: return load(p);
    case PEQA_F16: return from_f16(p);
    default: return from_bf16(p);
  }
}

// Sixteen weights of one row from column col (a multiple of 16): q - z, times s where `scaled`.
INLINE vf sixteen_weights(const peqa_matrix *w, int row, int col, int scaled) {
  if (w->storage != PEQA_CODES) return sixteen_dense(w, row, col);
  if (col >= w->columns) return (vf){};
  int group = col / w->group_size;
  vf v = sixteen_codes(w, row, col);
  if (peqa_is_plain(w)) {
    v -= quick_zero(w, row, group);
    if (scaled) v *= quick_scale(w, row, group);
  } else {
    peqa_grid grid = quick_general_grid(w, row, group);
    v = fma16(v, splat(grid.slope), splat(-grid.zero));
    if (scaled) v *= grid.scale;
  }
  if (col + LANES > w->columns) {
    vi lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    v = (vf)((vi)v & (lane < w->columns - col));
  }
  return v;
}

// Transposes 16 x 16 words in place: four rounds of 2 x 2 block exchanges.
INLINE void transpose16(vu v[LANES]) {
  vu t[LANES];
  for (int i = 0; i < 16; i += 2) {
    t[i] = SHUFFLE(v[i], v[i + 1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30);
    t[i + 1] = SHUFFLE(v[i], v[i + 1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
  }
  for (int i = 0; i < 16; i += 4)
    for (int j = i; j < i + 2; j++) {
      v[j] = SHUFFLE(t[j], t[j + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
      v[j + 2] =
          SHUFFLE(t[j], t[j + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
  for (int i = 0; i < 16; i += 8)
    for (int j = i; j < i + 4; j++) {
      t[j] = SHUFFLE(v[j], v[j + 4], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
      t[j + 4] =
          SHUFFLE(v[j], v[j + 4], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    }
  for (int j = 0; j < 8; j++) {
    v[j] = SHUFFLE(t[j], t[j + 8], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
    v[j + 8] =
        SHUFFLE(t[j], t[j + 8], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  }
}

#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31

static void pack_weights_nt_f32(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                              float *panel) {
  for (int block = 0; block < PEQA_PANEL; block += LANES)
    for (int d = 0; d < depth; d += LANES) {
      vu v[LANES];
      for (int r = 0; r < LANES; r++) {
        int row = row0 + block + r;
        v[r] = row < w->rows ? (vu)sixteen_weights(w, row, col0 + d, scaled) : (vu){};
      }
      transpose16(v);
      int count = depth - d < LANES ? depth - d : LANES;
      for (int j = 0; j < count; j++)
        *(vu_unaligned *)(panel + (d + j) * PEQA_PANEL + block) = v[j];
    }
}

static void pack_weights_nn_f32(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                               float *panel) {
  for (int d = 0; d < depth; d++)
    for (int l = 0; l < PEQA_PANEL; l += LANES)
      store(panel + d * PEQA_PANEL + l,
            row0 + d < w->rows ? sixteen_weights(w, row0 + d, col0 + l, scaled) : (vf){});
}

#if NATIVE_BF16
#include "vector_codes.h"
#else
static void pack_weights_nt_bf16(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                               uint16_t *panel) {
  for (int block = 0; block < PEQA_PANEL; block += LANES)
    for (int d = 0; d < depth; d += 2 * LANES) {
      vu v[LANES];
      for (int r = 0; r < LANES; r++) {
        int row = row0 + block + r;
        if (row >= w->rows) {
          v[r] = (vu){};
          continue;
        }
        vf a = sixteen_weights(w, row, col0 + d, scaled);
        vf b = sixteen_weights(w, row, col0 + d + LANES, scaled);
        v[r] = bf16_pair(SHUFFLE(a, b, EVEN), SHUFFLE(a, b, ODD));
      }
      transpose16(v);
      int pairs = (depth - d + 1) / 2 < LANES ? (depth - d + 1) / 2 : LANES;
      for (int j = 0; j < pairs; j++)
        *(vu_unaligned *)(panel + 2 * ((d / 2 + j) * PEQA_PANEL + block)) = v[j];
    }
}

static void pack_weights_nn_bf16(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                                uint16_t *panel) {
  for (int d = 0; d < depth; d += 2)
    for (int l = 0; l < PEQA_PANEL; l += LANES) {
      int row = row0 + d;
      vf a = row < w->rows ? sixteen_weights(w, row, col0 + l, scaled) : (vf){};
      vf b = row + 1 < w->rows && d + 1 < depth ? sixteen_weights(w, row + 1, col0 + l, scaled)
                                                : (vf){};
      *(vu_unaligned *)(panel + d * PEQA_PANEL + 2 * l) = bf16_pair(a, b);
    }
}
#endif

static void scales_per_lane(const peqa_matrix *w, int row0, int group0, int groups, float *scales) {
  for (int l = 0; l < PEQA_PANEL; l++)
    for (int g = 0; g < groups; g++)
      scales[g * PEQA_PANEL + l] = row0 + l < w->rows ? quick_grid(w, row0 + l, group0 + g).scale : 0;
}

static void unpack_row(const peqa_matrix *w, int row, int col0, float *out) {
  for (int l = 0; l < PEQA_PANEL; l += LANES) store(out + l, sixteen_weights(w, row, col0 + l, 0));
}

static void round_bf16(int rows, int columns, int padded, const float *x, ptrdiff_t x_row,
                       const float *factor, uint16_t *out) {
  for (int t = 0; t < rows; t++) {
    const float *from = x + t * x_row;
    uint16_t *to = out + (ptrdiff_t)t * padded;
    int i = 0;
    for (; i + LANES <= columns; i += LANES) {
      vf v = load(from + i);
      if (factor) v *= load(factor + i);
      store_bf16(to + i, v);
    }
    for (; i < padded; i++)
      to[i] = i < columns ? peqa_bf16_bits(factor ? from[i] * factor[i] : from[i]) : 0;
  }
}

static void transpose_bf16(int rows, int i0, int i1, int padded, const float *x, ptrdiff_t x_row,
                           uint16_t *out) {
  for (int i = i0; i < i1; i += LANES)
    for (int t = 0; t < padded; t += LANES) {
      vu v[LANES];
      int lanes = i1 - i < LANES ? i1 - i : LANES;
      for (int r = 0; r < LANES; r++) {
        float row[LANES] = {0};
        const float *from = x + (ptrdiff_t)(t + r) * x_row + i;
        if (t + r < rows && lanes < LANES) {
          memcpy(row, from, (size_t)lanes * sizeof(float));
          from = row;
        }
        v[r] = t + r < rows ? (vu)load(from) : (vu){};
      }
      transpose16(v);
      int count = padded - t < LANES ? padded - t : LANES;
      for (int j = 0; j < lanes; j++) {
        vu16 bits = __builtin_convertvector(to_bf16((vf)v[j]), vu16);
        memcpy(out + (ptrdiff_t)(i + j) * padded + t, &bits, (size_t)count * 2);
      }
    }
}

INLINE vf token_lanes(int rows, int columns, const float *x, ptrdiff_t x_row, int t, int col) {
  if (t >= rows || col >= columns) return (vf){};
  return load_part(x + (ptrdiff_t)t * x_row + col, columns - col, 0);
}

static void pack_tokens_bf16(int rows, int columns, int col0, const float *x, ptrdiff_t x_row,
                             uint16_t *panel) {
  for (int t = 0; t < rows; t += 2)
    for (int l = 0; l < PEQA_PANEL; l += LANES)
      *(vu_unaligned *)(panel + (ptrdiff_t)t * PEQA_PANEL + 2 * l) =
          bf16_pair(token_lanes(rows, columns, x, x_row, t, col0 + l),
                    token_lanes(rows, columns, x, x_row, t + 1, col0 + l));
}

static void pack_tokens_f32(int rows, int columns, int col0, const float *x, ptrdiff_t x_row,
                            float *panel) {
  for (int t = 0; t < rows; t++)
    for (int l = 0; l < PEQA_PANEL; l += LANES)
      store(panel + (ptrdiff_t)t * PEQA_PANEL + l,
            token_lanes(rows, columns, x, x_row, t, col0 + l));
}
