// Codes and operands laid out for products of integers.

// Where the codes of a row from column col on lie, a multiple of 8.
INLINE const uint8_t *codes_at(const peqa_matrix *w, const int bits, int row, int col) {
  return (const uint8_t *)w->data + (size_t)row * w->row_stride + (size_t)(col / 8) * (size_t)bits;
}

// Eight vectors of eight words, columns for rows.
INLINE void transpose_words(__m256i v[8]) {
  __m256i twos[8], fours[8];
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i += 2) {
    twos[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
    twos[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i += 4)
#pragma clang loop unroll(full)
    for (int k = 0; k < 2; k++) {
      fours[i + 2 * k] = _mm256_unpacklo_epi64(twos[i + k], twos[i + 2 + k]);
      fours[i + 2 * k + 1] = _mm256_unpackhi_epi64(twos[i + k], twos[i + 2 + k]);
    }
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    v[i] = _mm256_permute2x128_si256(fours[i], fours[i + 4], 0x20);
    v[i + 4] = _mm256_permute2x128_si256(fours[i], fours[i + 4], 0x31);
  }
}

// 32 codes of 8 rows at a time, four in a word. A row has them, with its padding.
INLINE void codes_nt(const peqa_matrix *w, const int bits, int row0, int col0, int depth,
                     uint8_t *panel) {
  int rows = w->rows - row0 < PEQA_PANEL ? w->rows - row0 : PEQA_PANEL;
  for (int d = 0; d < depth; d += 32, panel += 32 * PEQA_PANEL) {
    int words = depth - d < 32 ? (depth - d + 3) / 4 : 8;
    for (int l = 0; l < PEQA_PANEL; l += 8) {
      __m256i v[8];
      for (int r = 0; r < 8; r++)
        v[r] = l + r < rows ? many_codes(codes_at(w, bits, row0 + l + r, col0 + d), bits)
                            : _mm256_setzero_si256();
      transpose_words(v);
      for (int k = 0; k < words; k++)
        _mm256_storeu_si256((void *)(panel + (k * PEQA_PANEL + l) * 4), v[k]);
    }
  }
}

static void pack_codes_nt(const peqa_matrix *w, int row0, int col0, int depth, uint8_t *panel) {
#define CALL(BITS) codes_nt(w, BITS, row0, col0, depth, panel)
    PEQA_WITH_CODE_BITS(w->bits, CALL)
#undef CALL
}

// Four rows of 64 bytes, one row after the other, as 64 lanes of four.
INLINE void store_fours(const uint8_t rows[4][PEQA_PANEL], uint8_t *to) {
  for (int l = 0; l < PEQA_PANEL; l += 32, to += 128) {
    __m256i r[4];
    for (int k = 0; k < 4; k++) r[k] = _mm256_loadu_si256((const void *)(rows[k] + l));
    __m256i a = _mm256_unpacklo_epi8(r[0], r[1]), b = _mm256_unpackhi_epi8(r[0], r[1]);
    __m256i c = _mm256_unpacklo_epi8(r[2], r[3]), d = _mm256_unpackhi_epi8(r[2], r[3]);
    // Four lanes, and the four that are 16 further.
    __m256i e = _mm256_unpacklo_epi16(a, c), f = _mm256_unpackhi_epi16(a, c);
    __m256i g = _mm256_unpacklo_epi16(b, d), h = _mm256_unpackhi_epi16(b, d);
    _mm256_storeu_si256((void *)to, _mm256_permute2x128_si256(e, f, 0x20));
    _mm256_storeu_si256((void *)(to + 32), _mm256_permute2x128_si256(g, h, 0x20));
    _mm256_storeu_si256((void *)(to + 64), _mm256_permute2x128_si256(e, f, 0x31));
    _mm256_storeu_si256((void *)(to + 96), _mm256_permute2x128_si256(g, h, 0x31));
  }
}

// Of 64 codes of a row those whose slope is 0 become 0.
INLINE void drop_flat_codes(const peqa_matrix *w, int row, int col0, uint8_t codes[PEQA_PANEL]) {
  for (int l = 0; l < PEQA_PANEL && col0 + l < w->columns; l += PEQA_LEAST_GROUP)
    if (quick_grid(w, row, (col0 + l) / w->group_size).slope == 0)
      memset(codes + l, 0, PEQA_LEAST_GROUP);
}

// Rows lie far apart, where the hardware does not foresee the next one.
enum { ROWS_AHEAD = 16 };

INLINE void codes_nn(const peqa_matrix *w, const int bits, int row0, int col0, int depth,
                     uint8_t *panel) {
  const ptrdiff_t ahead = ROWS_AHEAD * (ptrdiff_t)w->row_stride;
  for (int d = 0; d < depth; d += 4) {
    uint8_t rows[4][PEQA_PANEL];
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) {
      __m256i low = _mm256_setzero_si256(), high = low;
      if (d + k < depth) {
        const uint8_t *p = codes_at(w, bits, row0 + d + k, col0);
        // Past the end it asks for what nobody reads; a prefetch never faults.
        _mm_prefetch((const char *)p + ahead, _MM_HINT_T0);
        low = many_codes(p, bits), high = many_codes(p + 4 * bits, bits);
      }
      _mm256_storeu_si256((void *)rows[k], low);
      _mm256_storeu_si256((void *)(rows[k] + 32), high);
      if (w->minima && d + k < depth) drop_flat_codes(w, row0 + d + k, col0, rows[k]);
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

// 64 weights of a row times `factor` as bytes around 128, of codes that 32 at a time have one grid:
// what each code stands for is rounded once, and looked up.
INLINE void bytes_by_code(const peqa_matrix *w, const int bits, int row, int col0, float factor,
                          uint8_t bytes[PEQA_PANEL]) {
  const vf codes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const uint8_t *p = codes_at(w, bits, row, col0);
  __m256i table = _mm256_setzero_si256();
  for (int l = 0, group = -1; l < PEQA_PANEL && col0 + l < w->columns; l += 32) {
    int now = (col0 + l) / w->group_size;
    if (now != group) {
      peqa_grid grid = quick_grid(w, row, now);
      vf numbers = fma16(codes, splat(grid.slope), splat(-grid.zero)) * grid.scale;
      __m128i rounded = nearest_bytes(numbers * splat(factor));
      table = _mm256_broadcastsi128_si256(_mm_xor_si128(rounded, _mm_set1_epi8((char)128)));
    }
    group = now;
    _mm256_storeu_si256((void *)(bytes + l),
                        _mm256_shuffle_epi8(table, many_codes(p + l / 8 * bits, bits)));
  }
}

// The same of any matrix.
INLINE void bytes_by_number(const peqa_matrix *w, int row, int col0, float factor,
                            uint8_t bytes[PEQA_PANEL]) {
  for (int l = 0; l < PEQA_PANEL; l += LANES) {
    __m128i rounded = nearest_bytes(sixteen_weights(w, row, col0 + l, 1) * splat(factor));
    _mm_storeu_si128((void *)(bytes + l), _mm_xor_si128(rounded, _mm_set1_epi8((char)128)));
  }
}

// `bits` is 0 where codes are not looked up.
INLINE void rounded_nn(const peqa_matrix *w, const int bits, int row0, int col0, int depth,
                       const float *factor, uint8_t *panel) {
  for (int d = 0; d < depth; d += 4) {
    uint8_t rows[4][PEQA_PANEL] = {};
    for (int k = 0; k < 4 && d + k < depth; k++) {
      int row = row0 + d + k;
      if (bits)
        bytes_by_code(w, bits, row, col0, factor[row], rows[k]);
      else
        bytes_by_number(w, row, col0, factor[row], rows[k]);
    }
    store_fours(rows, panel + d * PEQA_PANEL);
  }
}

static void pack_rounded_nn(const peqa_matrix *w, int row0, int col0, int depth,
                            const float *factor, uint8_t *panel) {
  switch (w->group_size >= 32 ? w->bits : 0) {
    case 2: rounded_nn(w, 2, row0, col0, depth, factor, panel); break;
    case 3: rounded_nn(w, 3, row0, col0, depth, factor, panel); break;
    case 4: rounded_nn(w, 4, row0, col0, depth, factor, panel); break;
    default: rounded_nn(w, 0, row0, col0, depth, factor, panel); break;
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
