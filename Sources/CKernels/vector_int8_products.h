// Products of unsigned codes with signed bytes, in vectors of INT8_WIDTH bits: by VNNI_DOT where
// INT8_VNNI, else by vpmaddubsw. Every sum is exact, so it does not matter how it is cut; what is
// rounded after it is the contract of multiply_i8.
//
// vpmaddubsw adds two products of an unsigned byte u and a signed byte a in 16 bits and saturates
// at 32767. It never does here: a is -127..127 (peqa_operand), so that
//   bits  u at most  two products  sums of them that fit in 16 bits (STEPS)
//      2          3           762  43
//      3          7          1778  18
//      4         15          3810   8
//      5         31          7874   4
//      6         63         16002   2
//   and for 8 bits u - 128 is -128..127: |u - 128| is at most 128, and multiplied with a that has
//   taken its sign two products are 2 * 128 * 127 = 32512 at most. 128 times the sum of a is added
//   to the sum of 32 bits, which holds all of them: 1024 * 255 * 127 < 2^31, and for gemv_i8 any
//   row of up to 65536 codes: 65536 * 255 * 127 < 2^31.
#define STEPS(BITS) ((BITS) == 8 ? 1 : 32767 / (2 * 127 * ((1 << (BITS)) - 1)))
_Static_assert(STEPS(2) == 43 && STEPS(3) == 18 && STEPS(4) == 8 && STEPS(5) == 4 && STEPS(6) == 2,
               "sums of 16 bits that hold");
_Static_assert(2 * 128 * 127 <= 32767 && 65536LL * 255 * 127 < 1LL << 31, "sums that hold");

#if INT8_WIDTH == 512
typedef __m512i vbytes;
typedef __m512 vfloats;
#define OP(NAME) _mm512_##NAME
#define LOAD_BYTES(P) _mm512_loadu_si512(P)
#define NO_BYTES _mm512_setzero_si512()
enum { WORDS = 16, INT8_VECTORS = 4, INT8_ROWS = INT8_VNNI ? 6 : 3 };
#else
typedef __m256i vbytes;
typedef __m256 vfloats;
#define OP(NAME) _mm256_##NAME
#define LOAD_BYTES(P) _mm256_loadu_si256((const void *)(P))
#define NO_BYTES _mm256_setzero_si256()
enum { WORDS = 8, INT8_VECTORS = 2, INT8_ROWS = INT8_VNNI ? 5 : 3 };
#endif

enum { MOST_PARTS = PEQA_DEPTH / PEQA_LEAST_GROUP };

// Four bytes of a row in every word.
INLINE vbytes four_bytes(const int8_t *a) {
  int32_t word;
  memcpy(&word, a, sizeof word);
  return OP(set1_epi32)(word);
}

INLINE int32_t sum_words(__m128i v) {
  v = _mm_add_epi32(v, _mm_shuffle_epi32(v, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(v, _mm_shuffle_epi32(v, 0xB1)));
}

#if !INT8_VNNI
// Sums of fours of u * a for u of 8 bits, less 128 times the sum of a.
INLINE vbytes dot_centred(vbytes u, vbytes a) {
  u = OP(sub_epi8)(u, OP(set1_epi8)((char)128));
#if INT8_WIDTH == 512
  a = OP(mask_sub_epi8)(a, OP(movepi8_mask)(u), NO_BYTES, a);
#else
  a = OP(sign_epi8)(a, u);
#endif
  return OP(madd_epi16)(OP(maddubs_epi16)(OP(abs_epi8)(u), a), OP(set1_epi16)(1));
}

// 128 times the sum of `k` bytes.
INLINE int32_t centre_of(const int8_t *a, int k) {
  __m256i sums = _mm256_setzero_si256();
  int i = 0;
  for (; i + 32 <= k; i += 32) {
    __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1),
                                         _mm256_loadu_si256((const void *)(a + i)));
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  int32_t sum = sum_words(_mm_add_epi32(_mm256_castsi256_si128(sums),
                                        _mm256_extracti128_si256(sums, 1)));
  for (; i < k; i++) sum += a[i];
  return 128 * sum;
}
#endif

// sums[row][vector] += the products of k / 4 words of rows of `a` with words of a panel.
INLINE void tile_sums(const int rows, const int bits, int k, const int8_t *a, ptrdiff_t a_row,
                      const uint8_t *b, vbytes (*sums)[INT8_VECTORS]) {
#if INT8_VNNI
  for (int d = 0; d < k; d += 4) {
    vbytes u[INT8_VECTORS];
#pragma clang loop unroll(full)
    for (int j = 0; j < INT8_VECTORS; j++) u[j] = LOAD_BYTES(b + d * PEQA_PANEL + 4 * WORDS * j);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      vbytes x = four_bytes(a + i * a_row + d);
#pragma clang loop unroll(full)
      for (int j = 0; j < INT8_VECTORS; j++) sums[i][j] = VNNI_DOT(sums[i][j], u[j], x);
    }
  }
  (void)bits;
#else
  const vbytes ones = OP(set1_epi16)(1);
  for (int from = 0; from < k; from += 4 * STEPS(bits)) {
    int end = from + 4 * STEPS(bits) < k ? from + 4 * STEPS(bits) : k;
    vbytes narrow[INT8_ROWS][INT8_VECTORS];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
      for (int j = 0; j < INT8_VECTORS; j++) narrow[i][j] = NO_BYTES;
    for (int d = from; d < end; d += 4) {
      vbytes u[INT8_VECTORS];
#pragma clang loop unroll(full)
      for (int j = 0; j < INT8_VECTORS; j++) u[j] = LOAD_BYTES(b + d * PEQA_PANEL + 4 * WORDS * j);
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++) {
        vbytes x = four_bytes(a + i * a_row + d);
#pragma clang loop unroll(full)
        for (int j = 0; j < INT8_VECTORS; j++) {
          if (bits == 8)
            sums[i][j] = OP(add_epi32)(sums[i][j], dot_centred(u[j], x));
          else
            narrow[i][j] = OP(add_epi16)(narrow[i][j], OP(maddubs_epi16)(u[j], x));
        }
      }
    }
    if (bits == 8) continue;
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
      for (int j = 0; j < INT8_VECTORS; j++)
        sums[i][j] = OP(add_epi32)(sums[i][j], OP(madd_epi16)(narrow[i][j], ones));
  }
#endif
}

// One vector of a row of C; `at` is the place of its lanes in those of the part.
INLINE void store_words(vbytes sum, int count, const peqa_lanes *lanes, int at, float a_sum,
                        float a_scale, float *c, int accumulate) {
  vfloats value = OP(cvtepi32_ps)(sum), scale = OP(set1_ps)(1);
  if (lanes->slope) value = OP(mul_ps)(value, OP(loadu_ps)(lanes->slope + at));
  vfloats zero = lanes->zero ? OP(loadu_ps)(lanes->zero + at) : OP(set1_ps)(1);
  value = OP(fnmadd_ps)(zero, OP(set1_ps)(a_sum), value);
  value = OP(mul_ps)(value, OP(set1_ps)(a_scale));
  if (lanes->scale) scale = OP(loadu_ps)(lanes->scale + at);
  if (count >= WORDS) {
    vfloats result = OP(mul_ps)(value, scale);
    if (accumulate) result = OP(fmadd_ps)(value, scale, OP(loadu_ps)(c));
    OP(storeu_ps)(c, result);
    return;
  }
  float values[WORDS], scales[WORDS];
  OP(storeu_ps)(values, value);
  OP(storeu_ps)(scales, scale);
  for (int j = 0; j < count; j++)
    c[j] = accumulate ? __builtin_fmaf(values[j], scales[j], c[j]) : values[j] * scales[j];
}

// `centres` [rows][parts] is what sums of 8 bits without VNNI begin with, see above.
INLINE void tile_i8(const int rows, const int bits, int n, int k, int part, const peqa_operand *a,
                    int i, const uint8_t *b, int j, const peqa_lanes *lanes,
                    const int32_t (*centres)[MOST_PARTS], float *c, ptrdiff_t c_row,
                    int accumulate) {
  const int8_t *from = (const int8_t *)a->rows + i * a->row;
  for (int p = 0, d = 0; d < k; p++, d += part) {
    vbytes sums[INT8_ROWS][INT8_VECTORS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
      for (int v = 0; v < INT8_VECTORS; v++)
        sums[r][v] = bits == 8 && !INT8_VNNI ? OP(set1_epi32)(centres[r][p]) : NO_BYTES;
    tile_sums(rows, bits, k - d < part ? k - d : part, from + d, a->row,
              b + d * PEQA_PANEL + 4 * j, sums);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
      for (int v = 0; v < INT8_VECTORS; v++)
        store_words(sums[r][v], n - j - v * WORDS, lanes, p * PEQA_PANEL + j + v * WORDS,
                    a->sums[(i + r) * a->parts + p], a->scales[i + r],
                    c + (i + r) * c_row + j + v * WORDS, accumulate || p > 0);
  }
}

INLINE void multiply_bits(const int bits, int m, int n, int k, int part, const peqa_operand *a,
                          const uint8_t *b, const peqa_lanes *lanes, float *c, ptrdiff_t c_row,
                          int accumulate) {
#define TILE(ROWS) \
  tile_i8(ROWS, bits, n, k, part, a, i, b, j, lanes, centres, c, c_row, accumulate)
  int32_t centres[INT8_ROWS][MOST_PARTS];
  for (int i = 0; i < m; i += INT8_ROWS) {
#if !INT8_VNNI
    for (int r = 0; bits == 8 && r < INT8_ROWS && i + r < m; r++)
      for (int p = 0, d = 0; d < k; p++, d += part)
        centres[r][p] = centre_of((const int8_t *)a->rows + (i + r) * a->row + d,
                                  k - d < part ? k - d : part);
#endif
    for (int j = 0; j < n; j += INT8_VECTORS * WORDS) switch (m - i) {
        case 1: TILE(1); break;
        case 2: TILE(2); break;
#if INT8_VNNI
        case 3: TILE(3); break;
        case 4: TILE(4); break;
#if INT8_WIDTH == 512
        case 5: TILE(5); break;
#endif
#endif
        default: TILE(INT8_ROWS); break;
      }
  }
#undef TILE
}

static void multiply_i8(int m, int n, int k, int bits, int part, const peqa_operand *a,
                        const uint8_t *b, const peqa_lanes *lanes, float *c, ptrdiff_t c_row,
                        int accumulate) {
  PEQA_REQUIRE(k % 4 == 0 && part % 4 == 0 && k <= PEQA_DEPTH && part >= PEQA_LEAST_GROUP);
#if INT8_VNNI
  (void)bits;
  multiply_bits(8, m, n, k, part, a, b, lanes, c, c_row, accumulate);
#else
#define CALL(BITS) multiply_bits(BITS, m, n, k, part, a, b, lanes, c, c_row, accumulate)
  PEQA_WITH_CODE_BITS(bits, CALL)
#undef CALL
#endif
}

// Thirty-two codes as they come.
INLINE __m256i many_codes(const uint8_t *p, const int bits) {
  if (bits == 8) return _mm256_loadu_si256((const void *)p);
  if (bits == 4) {
    __m256i v = _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)p));
    return _mm256_and_si256(_mm256_or_si256(v, _mm256_slli_epi16(v, 4)), _mm256_set1_epi8(15));
  }
  if (bits == 2) {
    __m256i v = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)p));
    v = _mm256_or_si256(v, _mm256_slli_epi32(v, 12));
    v = _mm256_or_si256(v, _mm256_slli_epi32(v, 6));
    return _mm256_and_si256(v, _mm256_set1_epi8(3));
  }
  return _mm256_set_epi64x(
      (long long)eight_codes(p + 3 * bits, bits), (long long)eight_codes(p + 2 * bits, bits),
      (long long)eight_codes(p + bits, bits), (long long)eight_codes(p, bits));
}

// Sixteen codes, and zeros.
INLINE __m256i few_codes(const uint8_t *p, const int bits) {
  return _mm256_set_epi64x(0, 0, (long long)eight_codes(p + bits, bits),
                           (long long)eight_codes(p, bits));
}

// sum + fours of products; of 8 bits without VNNI less 128 times the sum of a.
INLINE __m256i add_products(__m256i sum, __m256i u, __m256i a, const int bits) {
#if INT8_VNNI && INT8_WIDTH == 512
  (void)bits;
  return _mm256_dpbusd_epi32(sum, u, a);
#elif INT8_VNNI
  (void)bits;
  return VNNI_DOT(sum, u, a);
#else
  if (bits == 8) {
    u = _mm256_sub_epi8(u, _mm256_set1_epi8((char)128));
    a = _mm256_sign_epi8(a, u), u = _mm256_abs_epi8(u);
  }
  __m256i pairs = _mm256_maddubs_epi16(u, a);
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
#endif
}

enum { GEMV_TOKENS = 4, GEMV_AHEAD = 4096 };

// Sums of codes first ..< end of a row with the bytes of some tokens, the products exact.
INLINE void row_sums(const int bits, const int tokens, const uint8_t *codes, int first, int end,
                     const int8_t *x, ptrdiff_t x_row, int32_t *sums) {
  __m256i lanes[2][GEMV_TOKENS];
#pragma clang loop unroll(full)
  for (int t = 0; t < tokens; t++) lanes[0][t] = lanes[1][t] = _mm256_setzero_si256();
  int i = first;
  for (; i + 64 <= end; i += 64) {
    _mm_prefetch((const char *)codes + i / 8 * bits + GEMV_AHEAD, _MM_HINT_T0);
#pragma clang loop unroll(full)
    for (int half = 0; half < 2; half++) {
      int at = i + 32 * half;
      __m256i u = many_codes(codes + at / 8 * bits, bits);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++)
        lanes[half][t] = add_products(
            lanes[half][t], u, _mm256_loadu_si256((const void *)(x + t * x_row + at)), bits);
    }
  }
  // Bytes past the last column are 0, and other groups end at a multiple of 16.
  for (; i < end; i += 32) {
    int is_half = end - i <= 16;
    __m256i u = is_half ? few_codes(codes + i / 8 * bits, bits)
                        : many_codes(codes + i / 8 * bits, bits);
#pragma clang loop unroll(full)
    for (int t = 0; t < tokens; t++) {
      const int8_t *from = x + t * x_row + i;
      __m256i a = is_half ? _mm256_zextsi128_si256(_mm_loadu_si128((const void *)from))
                          : _mm256_loadu_si256((const void *)from);
      lanes[0][t] = add_products(lanes[0][t], u, a, bits);
    }
  }
#pragma clang loop unroll(full)
  for (int t = 0; t < tokens; t++) {
    __m256i sum = _mm256_add_epi32(lanes[0][t], lanes[1][t]);
    sums[t] = sum_words(_mm_add_epi32(_mm256_castsi256_si128(sum),
                                      _mm256_extracti128_si256(sum, 1)));
#if !INT8_VNNI
    if (bits == 8) sums[t] += centre_of(x + t * x_row + first, end - first);
#endif
  }
}

INLINE void int8_gemv_row(const int bits, const int tokens, const peqa_matrix *w, int row,
                     const peqa_operand *x, int t0, float *y, ptrdiff_t y_row) {
  const uint8_t *codes = (const uint8_t *)w->data + (size_t)row * w->row_stride;
  const int8_t *bytes = (const int8_t *)x->rows + t0 * x->row;
  int run = w->groups > 1 ? w->group_size : w->columns;
  float totals[GEMV_TOKENS] = {};
  for (int g = 0; g < w->groups; g++) {
    int end = (g + 1) * run < w->columns ? (g + 1) * run : w->columns;
    int32_t sums[GEMV_TOKENS];
    row_sums(bits, tokens, codes, g * run, end, bytes, x->row, sums);
    peqa_grid grid = quick_grid(w, row, g);
#pragma clang loop unroll(full)
    for (int t = 0; t < tokens; t++) {
      float value = (float)sums[t] * grid.slope;
      value = __builtin_fmaf(-grid.zero, x->sums[(t0 + t) * x->parts + g], value);
      value *= x->scales[t0 + t];
      totals[t] = g ? __builtin_fmaf(value, grid.scale, totals[t]) : value * grid.scale;
    }
  }
  for (int t = 0; t < tokens; t++) y[(t0 + t) * y_row + row] = totals[t] + 0.0f;
}

INLINE void gemv_bits(const int bits, const peqa_matrix *w, int o0, int o1, int tokens,
                      const peqa_operand *x, float *y, ptrdiff_t y_row) {
  for (int row = o0; row < o1; row++) {
    int t = 0;
    for (; t + 4 <= tokens; t += 4) int8_gemv_row(bits, 4, w, row, x, t, y, y_row);
    for (; t + 2 <= tokens; t += 2) int8_gemv_row(bits, 2, w, row, x, t, y, y_row);
    for (; t < tokens; t++) int8_gemv_row(bits, 1, w, row, x, t, y, y_row);
  }
}

static void gemv_i8(const peqa_matrix *w, int o0, int o1, int tokens, const peqa_operand *x,
                    float *y, ptrdiff_t y_row) {
  PEQA_REQUIRE(w->columns <= 65536 && x->row % 32 == 0);
#define CALL(BITS) gemv_bits(BITS, w, o0, o1, tokens, x, y, y_row)
  PEQA_WITH_CODE_BITS(w->bits, CALL)
#undef CALL
}
