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
// The scale of a row by the bits of its greatest magnitude; `inverse` is what its numbers are
// multiplied by, 0 where they count as nothing.
INLINE float byte_scale(uint32_t bits, float *inverse) {
  float greatest;
  memcpy(&greatest, &bits, sizeof greatest);
  int counts = bits < 0x7F800000 && greatest >= PEQA_LEAST_PROBABILITY;
  *inverse = counts ? 127 / greatest : 0;
  return counts ? greatest / 127 : bits >= 0x7F800000 ? NAN : 0;
}
// Numbers of which none is to be rounded may be infinite.
INLINE __m128i rounded_bytes(vf v, float inverse) {
  return inverse > 0 ? nearest_bytes(v * inverse) : _mm_setzero_si128();
}

INLINE vf row_numbers(const float *x, const float *factor, int i, int columns) {
  vf v = load_part(x + i, columns - i, 0);
  return factor ? v * load_part(factor + i, columns - i, 0) : v;
}

static void round_i8(int rows, int columns, int padded, const float *x, ptrdiff_t x_row,
                     const float *factor, int8_t *out, float *scales) {
  for (int t = 0; t < rows; t++, x += x_row, out += padded) {
    vu greatest = {};
    for (int i = 0; i < columns; i += LANES)
      greatest = larger(magnitudes(row_numbers(x, factor, i, columns)), greatest);
    uint32_t top = 0;
    for (int l = 0; l < LANES; l++) top = greatest[l] > top ? greatest[l] : top;
    float inverse;
    scales[t] = byte_scale(top, &inverse);
    for (int i = 0; i < padded; i += LANES) {
      __m128i bytes = _mm_setzero_si128();
      if (i < columns) bytes = rounded_bytes(row_numbers(x, factor, i, columns), inverse);
      memcpy(out + i, &bytes, (size_t)(padded - i < LANES ? padded - i : LANES));
    }
  }
}

static void round_transposed_i8(int rows, int i0, int i1, int padded, const float *x,
                                ptrdiff_t x_row, const float *factor, int8_t *out, float *scales) {
  for (int i = i0; i < i1; i += LANES) {
    int lanes = i1 - i < LANES ? i1 - i : LANES;
    vu greatest = {};
    for (int t = 0; t < rows; t++) {
      vf v = load_part(x + t * x_row + i, lanes, 0);
      greatest = larger(magnitudes(factor ? v * splat(factor[t]) : v), greatest);
    }
    vf inverse = {};
    for (int l = 0; l < lanes; l++) {
      float one;
      scales[i + l] = byte_scale(greatest[l], &one);
      inverse[l] = one;
    }
    for (int t = 0; t < padded; t++) {
      int8_t bytes[LANES] = {};
      if (t < rows) {
        vf v = load_part(x + t * x_row + i, lanes, 0);
        if (factor) v *= splat(factor[t]);
        v = (vf)((vu)(v * inverse) & (vu)(inverse > 0));
        _mm_storeu_si128((void *)bytes, nearest_bytes(v));
      }
      for (int l = 0; l < lanes; l++) out[(ptrdiff_t)(i + l) * padded + t] = bytes[l];
    }
  }
}

static void pack_tokens_i8(int rows, int columns, int col0, const int8_t *x, ptrdiff_t x_row,
                           uint8_t *panel) {
  size_t width = (size_t)(columns - col0 < PEQA_PANEL ? columns - col0 : PEQA_PANEL);
  for (int t = 0; t < rows; t += 4) {
    uint8_t lines[4][PEQA_PANEL] = {};
    for (int k = 0; k < 4 && t + k < rows; k++)
      memcpy(lines[k], x + (ptrdiff_t)(t + k) * x_row + col0, width);
    for (int k = 0; k < 4; k++)
      for (int l = 0; l < PEQA_PANEL; l++) lines[k][l] ^= 128;
    store_fours(lines, panel + (ptrdiff_t)t * PEQA_PANEL);
  }
}
