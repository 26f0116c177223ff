// Register-tiled products: a tile of up to 6 rows by TILE_VECTORS * 16 columns stays in registers
// over the whole depth; B is read along its lanes, A by broadcast.

INLINE void store_tile_row(float *c, vf value, int lanes, const float *scale, int accumulate) {
  if (lanes >= LANES) {
    vf previous = accumulate ? load(c) : (vf){};
    if (scale)
      store(c, fma16(value, load(scale), previous));
    else
      store(c, accumulate ? previous + value : value);
    return;
  }
  float out[LANES];
  store(out, scale ? value * load(scale) : value);
  for (int i = 0; i < lanes; i++) c[i] = accumulate ? c[i] + out[i] : out[i];
}

INLINE void store_tile(const int rows, const int vectors, int n, vf (*acc)[TILE_VECTORS], float *c,
                       ptrdiff_t c_row, const float *scale, int accumulate) {
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++)
      store_tile_row(c + i * c_row + j * LANES, acc[i][j], n - j * LANES,
                     scale ? scale + j * LANES : NULL, accumulate);
}

INLINE void tile_f32(const int rows, const int vectors, int n, int k, const float *a,
                     ptrdiff_t a_row, ptrdiff_t a_column, const float *b, float *c, ptrdiff_t c_row,
                     const float *scale, int accumulate) {
  vf acc[TILE_ROWS][TILE_VECTORS];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++) acc[i][j] = (vf){};
  for (int d = 0; d < k; d++) {
    vf lanes[TILE_VECTORS];
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++) lanes[j] = load(b + (ptrdiff_t)d * PEQA_PANEL + j * LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      vf x = splat(a[i * a_row + d * a_column]);
#pragma clang loop unroll(full)
      for (int j = 0; j < vectors; j++) acc[i][j] = fma16(x, lanes[j], acc[i][j]);
    }
  }
  store_tile(rows, vectors, n, acc, c, c_row, scale, accumulate);
}

#if NATIVE_BF16
// Asks for the lines of a tile of C, which arrive while its sums are made.
INLINE void fetch_tile(int rows, int n, float *c, ptrdiff_t c_row) {
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < n; j += LANES) __builtin_prefetch(c + i * c_row + j, 1, 3);
}

INLINE void tile_bf16(const int rows, const int vectors, int n, int k, const uint16_t *a,
                      ptrdiff_t a_row, ptrdiff_t a_pair, const uint16_t *b, float *c,
                      ptrdiff_t c_row, const float *scale, int accumulate) {
  vf acc[TILE_ROWS][TILE_VECTORS];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++) acc[i][j] = (vf){};
  for (int d = 0; d < k / 2; d++) {
    __m512i lanes[TILE_VECTORS];
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++)
      lanes[j] = _mm512_loadu_si512(b + ((ptrdiff_t)d * PEQA_PANEL + j * LANES) * 2);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      int32_t pair;
      memcpy(&pair, a + i * a_row + d * a_pair, sizeof pair);
      __m512bh x = (__m512bh)_mm512_set1_epi32(pair);
#pragma clang loop unroll(full)
      for (int j = 0; j < vectors; j++)
        acc[i][j] = (vf)_mm512_dpbf16_ps((__m512)acc[i][j], (__m512bh)lanes[j], x);
    }
  }
  store_tile(rows, vectors, n, acc, c, c_row, scale, accumulate);
}
#endif

// Runs CALL(rows, vectors) with both as constants, so that each tile shape is unrolled.
#define WITH_ROWS(ROWS, VECTORS, CALL) \
  switch (ROWS) {                      \
    case 1: CALL(1, VECTORS); break;   \
    case 2: CALL(2, VECTORS); break;   \
    case 3: CALL(3, VECTORS); break;   \
    case 4: CALL(4, VECTORS); break;   \
    case 5: CALL(5, VECTORS); break;   \
    default: CALL(6, VECTORS); break;  \
  }

static void multiply_f32(int m, int n, int k, const float *a, ptrdiff_t a_row, ptrdiff_t a_column,
                         const float *b, float *c, ptrdiff_t c_row, const float *scale,
                         int accumulate) {
#define CALL(R, V)                                                                          \
  tile_f32(R, V, n - j, k, a + i * a_row, a_row, a_column, b + j, c + i * c_row + j, c_row, \
           scale ? scale + j : NULL, accumulate)
  for (int i = 0; i < m; i += TILE_ROWS) {
    int rows = m - i < TILE_ROWS ? m - i : TILE_ROWS;
    int j = 0;
#if TILE_VECTORS == 4
    if (n > 3 * LANES) {
      WITH_ROWS(rows, 4, CALL)
      continue;
    }
#endif
    for (; j < n; j += LANES) WITH_ROWS(rows, 1, CALL)
  }
#undef CALL
}

#if NATIVE_BF16
static void multiply_bf16(int m, int n, int k, const uint16_t *a, ptrdiff_t a_row,
                          ptrdiff_t a_pair, const uint16_t *b, float *c, ptrdiff_t c_row,
                          const float *scale, int scale_depth, int accumulate) {
#define CALL(R, V)                                                                              \
  tile_bf16(R, V, n - j, depth, a + i * a_row + d / 2 * a_pair, a_row, a_pair,                  \
            b + (ptrdiff_t)d * PEQA_PANEL + 2 * j, c + i * c_row + j, c_row,                    \
            scale ? scale + d / scale_depth * PEQA_PANEL + j : NULL, accumulate || d > 0)
  if (!scale) scale_depth = k;
  for (int i = 0; i < m; i += TILE_ROWS) {
    int rows = m - i < TILE_ROWS ? m - i : TILE_ROWS;
    fetch_tile(rows, n, c + i * c_row, c_row);
    // All depths of a tile follow each other, so that its sums stay in the nearest cache.
    for (int d = 0; d < k; d += scale_depth) {
      int depth = k - d < scale_depth ? k - d : scale_depth;
      int j = 0;
      if (n > 3 * LANES) {
        WITH_ROWS(rows, 4, CALL)
        continue;
      }
      for (; j < n; j += LANES) WITH_ROWS(rows, 1, CALL)
    }
  }
#undef CALL
}
#endif
