// Codes and operands laid out for products of integers.

// Eight codes of a row from column col, a multiple of 8.
INLINE uint64_t row_codes(const peqa_matrix *w, const int bits, int row, int col) {
  const uint8_t *p = (const uint8_t *)w->data + (size_t)row * w->row_stride +
                     (size_t)(col / 8) * (size_t)bits;
  return eight_codes(p, bits);
}

INLINE void store_word(uint8_t *to, uint32_t word) { memcpy(to, &word, sizeof word); }

// 64 codes of each row at a time: their panel stays in the first cache. A row has them, with its
// padding.
INLINE void codes_nt(const peqa_matrix *w, const int bits, int row0, int col0, int depth,
                     uint8_t *panel) {
  int rows = w->rows - row0 < PEQA_PANEL ? w->rows - row0 : PEQA_PANEL;
  for (int d = 0; d < depth; d += 64)
    for (int l = 0; l < PEQA_PANEL; l++)
      for (int k = 0; k < 64 && d + k < depth; k += 8) {
        uint64_t codes = l < rows ? row_codes(w, bits, row0 + l, col0 + d + k) : 0;
        uint8_t *to = panel + ((d + k) / 4 * PEQA_PANEL + l) * 4;
        store_word(to, (uint32_t)codes);
        if (d + k + 4 < depth) store_word(to + 4 * PEQA_PANEL, (uint32_t)(codes >> 32));
      }
}

static void pack_codes_nt(const peqa_matrix *w, int row0, int col0, int depth, uint8_t *panel) {
#define CALL(BITS) codes_nt(w, BITS, row0, col0, depth, panel)
  PEQA_WITH_CODE_BITS(w->bits, CALL)
#undef CALL
}

// Four rows of 64 bytes, one row after the other, as 64 lanes of four.
INLINE void store_fours(const uint8_t rows[4][PEQA_PANEL], uint8_t *to) {
  for (int l = 0; l < PEQA_PANEL; l += 16, to += 64) {
    __m128i r[4];
    for (int k = 0; k < 4; k++) r[k] = _mm_loadu_si128((const void *)(rows[k] + l));
    __m128i a = _mm_unpacklo_epi8(r[0], r[1]), b = _mm_unpackhi_epi8(r[0], r[1]);
    __m128i c = _mm_unpacklo_epi8(r[2], r[3]), d = _mm_unpackhi_epi8(r[2], r[3]);
    _mm_storeu_si128((void *)to, _mm_unpacklo_epi16(a, c));
    _mm_storeu_si128((void *)(to + 16), _mm_unpackhi_epi16(a, c));
    _mm_storeu_si128((void *)(to + 32), _mm_unpacklo_epi16(b, d));
    _mm_storeu_si128((void *)(to + 48), _mm_unpackhi_epi16(b, d));
  }
}

INLINE void codes_nn(const peqa_matrix *w, const int bits, int row0, int col0, int depth,
                     uint8_t *panel) {
  for (int d = 0; d < depth; d += 4) {
    uint8_t rows[4][PEQA_PANEL] = {};
    for (int k = 0; k < 4 && d + k < depth; k++) {
      int row = row0 + d + k;
      for (int l = 0; l < PEQA_PANEL; l += 8) {
        if (w->minima && l % PEQA_LEAST_GROUP == 0 && col0 + l < w->columns &&
            quick_grid(w, row, (col0 + l) / w->group_size).slope == 0) {
          l += PEQA_LEAST_GROUP - 8;
          continue;
        }
        uint64_t codes = row_codes(w, bits, row, col0 + l);
        memcpy(&rows[k][l], &codes, sizeof codes);
      }
    }
    store_fours(rows, panel + d * PEQA_PANEL);
  }
}

static void pack_codes_nn(const peqa_matrix *w, int row0, int col0, int depth, uint8_t *panel) {
#define CALL(BITS) codes_nn(w, BITS, row0, col0, depth, panel)
  PEQA_WITH_CODE_BITS(w->bits, CALL)
#undef CALL
}

INLINE __m256i nearest_integers(vf v, int half) {
  union {
    vf v;
    __m256 halves[2];
  } u = {v};
  return _mm256_cvtps_epi32(u.halves[half]);
}

// Sixteen integers of -128..127, to the nearest, ties to even.
INLINE __m128i nearest_bytes(vf v) {
  __m256i words = _mm256_packs_epi32(nearest_integers(v, 0), nearest_integers(v, 1));
  words = _mm256_permute4x64_epi64(words, 0xD8);
  return _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

static void pack_rounded_nn(const peqa_matrix *w, int row0, int col0, int depth,
                            const float *factor, uint8_t *panel) {
  const __m128i centre = _mm_set1_epi8((char)128);
  for (int d = 0; d < depth; d += 4) {
    uint8_t rows[4][PEQA_PANEL];
    for (int k = 0; k < 4; k++)
      for (int l = 0; l < PEQA_PANEL; l += LANES) {
        vf v = {};
        if (d + k < depth)
          v = sixteen_weights(w, row0 + d + k, col0 + l, 1) * splat(factor[row0 + d + k]);
        _mm_storeu_si128((void *)&rows[k][l], _mm_xor_si128(nearest_bytes(v), centre));
      }
    store_fours(rows, panel + d * PEQA_PANEL);
  }
}

static void grids_per_lane(const peqa_matrix *w, int row0, int group0, int groups, float *scale,
                           float *slope, float *zero) {
  for (int l = 0; l < PEQA_PANEL; l++)
    for (int g = 0; g < groups; g++) {
      peqa_grid grid = {0, 1, 0};
      if (row0 + l < w->rows) grid = quick_grid(w, row0 + l, group0 + g);
      int at = g * PEQA_PANEL + l;
      scale[at] = grid.scale, slope[at] = grid.slope, zero[at] = grid.zero;
    }
}

INLINE vu magnitudes(vf v) { return (vu)v & 0x7FFFFFFF; }
INLINE vu larger(vu a, vu b) {
  vu is = (vu)(a > b);
  return (a & is) | (b & ~is);
}
// The scale of a run by the bits of its greatest magnitude; `inverse` is what its numbers are
// multiplied by, 0 where they count as nothing.
INLINE float byte_scale(uint32_t bits, float *inverse) {
  float greatest;
  memcpy(&greatest, &bits, sizeof greatest);
  int counts = bits < 0x7F800000 && greatest >= PEQA_LEAST_PROBABILITY;
  *inverse = counts ? 127 / greatest : 0;
  return counts ? greatest / 127 : bits >= 0x7F800000 ? NAN : 0;
}

INLINE vf row_numbers(const float *x, const float *factor, int i, int columns) {
  vf v = load_part(x + i, columns - i, 0);
  return factor ? v * load_part(factor + i, columns - i, 0) : v;
}

INLINE uint32_t greatest_lane(vu v) {
  __m256i halves[2];
  memcpy(halves, &v, sizeof halves);
  __m256i a = _mm256_max_epu32(halves[0], halves[1]);
  __m128i b = _mm_max_epu32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
  b = _mm_max_epu32(b, _mm_shuffle_epi32(b, 0x4E));
  b = _mm_max_epu32(b, _mm_shuffle_epi32(b, 0xB1));
  return (uint32_t)_mm_cvtsi128_si32(b);
}

static void round_i8(int rows, int columns, int padded, const float *x, ptrdiff_t x_row,
                     const float *factor, int8_t *out, float *scales) {
  enum { VECTORS = PEQA_BYTE_RUN / LANES };
  PEQA_REQUIRE(padded % PEQA_BYTE_RUN == 0 && columns <= padded);
  for (int t = 0; t < rows; t++, x += x_row, out += padded)
    for (int run = 0; run < padded; run += PEQA_BYTE_RUN) {
      vf numbers[VECTORS];
      vu greatest = {};
      for (int v = 0; v < VECTORS; v++) {
        int i = run + v * LANES;
        numbers[v] = i < columns ? row_numbers(x, factor, i, columns) : (vf){};
        greatest = larger(magnitudes(numbers[v]), greatest);
      }
      float inverse;
      *scales++ = byte_scale(greatest_lane(greatest), &inverse);
      for (int v = 0; v < VECTORS; v++) {
        // Numbers of which none is to be rounded may be infinite.
        __m128i bytes = inverse > 0 ? nearest_bytes(numbers[v] * inverse) : _mm_setzero_si128();
        _mm_storeu_si128((void *)(out + run + v * LANES), bytes);
      }
    }
}

// Scales of 16 columns over `rows` numbers each, and what their numbers are multiplied by.
INLINE vf column_scales(int rows, const float *x, ptrdiff_t x_row, int lanes, float *scales) {
  vu greatest = {};
  for (int t = 0; t < rows; t++)
    greatest = larger(magnitudes(load_part(x + t * x_row, lanes, 0)), greatest);
  vf inverse = {};
  for (int l = 0; l < LANES; l++) {
    float one;
    scales[l] = byte_scale(greatest[l], &one);
    inverse[l] = one;
  }
  return inverse;
}

// A row of columns as bytes; those that are not to be rounded may be infinite.
INLINE __m128i column_bytes(const float *x, int lanes, vf inverse) {
  vf v = load_part(x, lanes, 0) * inverse;
  return nearest_bytes((vf)((vu)v & (vu)(inverse > 0)));
}

// Sixteen vectors of sixteen bytes, columns for rows.
INLINE void transpose_bytes(__m128i v[LANES]) {
  for (int round = 0; round < 4; round++) {
    __m128i to[LANES];
    for (int i = 0; i < LANES / 2; i++) {
      to[2 * i] = _mm_unpacklo_epi8(v[i], v[i + LANES / 2]);
      to[2 * i + 1] = _mm_unpackhi_epi8(v[i], v[i + LANES / 2]);
    }
    for (int i = 0; i < LANES; i++) v[i] = to[i];
  }
}

static void round_transposed_i8(int rows, int i0, int i1, int padded, const float *x,
                                ptrdiff_t x_row, int8_t *out, float *scales) {
  ptrdiff_t runs = peqa_byte_runs(padded);
  for (int i = i0; i < i1; i += LANES)
    for (int run = 0; run < padded; run += PEQA_BYTE_RUN) {
      int lanes = i1 - i < LANES ? i1 - i : LANES;
      int here = rows - run < PEQA_BYTE_RUN ? rows - run : PEQA_BYTE_RUN;
      const float *from = x + run * x_row + i;
      float of_lanes[LANES];
      vf inverse = column_scales(here, from, x_row, lanes, of_lanes);
      for (int l = 0; l < lanes; l++) scales[(i + l) * runs + run / PEQA_BYTE_RUN] = of_lanes[l];
      for (int t = 0; t < PEQA_BYTE_RUN && run + t < padded; t += LANES) {
        __m128i bytes[LANES];
        for (int k = 0; k < LANES; k++)
          bytes[k] = t + k < here ? column_bytes(from + (t + k) * x_row, lanes, inverse)
                                  : _mm_setzero_si128();
        transpose_bytes(bytes);
        size_t count = (size_t)(padded - run - t < LANES ? padded - run - t : LANES);
        for (int l = 0; l < lanes; l++)
          memcpy(out + (ptrdiff_t)(i + l) * padded + run + t, &bytes[l], count);
      }
    }
}

static void pack_tokens_i8(int rows, int columns, int col0, const float *x, ptrdiff_t x_row,
                           uint8_t *panel, float *scales) {
  const __m128i centre = _mm_set1_epi8((char)128);
  for (int run = 0; run < rows; run += PEQA_BYTE_RUN, scales += PEQA_PANEL) {
    int here = rows - run < PEQA_BYTE_RUN ? rows - run : PEQA_BYTE_RUN;
    uint8_t lines[PEQA_BYTE_RUN][PEQA_PANEL];
    memset(lines, 128, sizeof lines);
    for (int l = 0; l < PEQA_PANEL; l += LANES) {
      int lanes = columns - col0 - l < LANES ? columns - col0 - l : LANES;
      if (lanes <= 0) {
        memset(scales + l, 0, LANES * sizeof *scales);
        continue;
      }
      const float *from = x + run * x_row + col0 + l;
      vf inverse = column_scales(here, from, x_row, lanes, scales + l);
      for (int t = 0; t < here; t++)
        _mm_storeu_si128((void *)&lines[t][l],
                         _mm_xor_si128(column_bytes(from + t * x_row, lanes, inverse), centre));
    }
    for (int t = 0; t < here; t += 4)
      store_fours(&lines[t], panel + (ptrdiff_t)(run + t) * PEQA_PANEL);
  }
}
