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
//   to the sum of 32 bits, which holds all of a run: 64 * 255 * 127 < 2^24, exact in fp32 too.
#define STEPS(BITS) ((BITS) == 8 ? 1 : 32767 / (2 * 127 * ((1 << (BITS)) - 1)))
_Static_assert(STEPS(2) == 43 && STEPS(3) == 18 && STEPS(4) == 8 && STEPS(5) == 4 && STEPS(6) == 2,
               "sums of 16 bits that hold");
_Static_assert(2 * 128 * 127 <= 32767 && PEQA_BYTE_RUN * 255 * 127 < 1 << 24, "sums that hold");

#if INT8_WIDTH == 512
typedef __m512i vbytes;
typedef __m512 vfloats;
#define OP(NAME) _mm512_##NAME
#define LOAD_BYTES(P) _mm512_loadu_si512(P)
#define NO_BYTES _mm512_setzero_si512()
enum { WORDS = 16, INT8_VECTORS = 4 };
#else
typedef __m256i vbytes;
typedef __m256 vfloats;
#define OP(NAME) _mm256_##NAME
#define LOAD_BYTES(P) _mm256_loadu_si256((const void *)(P))
#define NO_BYTES _mm256_setzero_si256()
enum { WORDS = 8, INT8_VECTORS = 2 };
#endif

// Rows of a tile: its sums and what has been made of them before stay in registers together.
enum { INT8_ROWS = 3 };

// A stretch of bytes that are in one run and in one part.
enum { MOST_STRETCHES = PEQA_DEPTH / PEQA_LEAST_GROUP };

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
    __m256i pairs =
        _mm256_maddubs_epi16(_mm256_set1_epi8(1), _mm256_loadu_si256((const void *)(a + i)));
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  int32_t sum =
      sum_words(_mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1)));
  for (; i < k; i++) sum += a[i];
  return 128 * sum;
}
#endif

#if !INT8_VNNI
// Has compilers make each step's sums before the next one's. Left to themselves they add as trees,
// which hold more sums than there are registers.
INLINE void keep_order(const int rows, vbytes (*sums)[INT8_VECTORS]) {
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < INT8_VECTORS; j++) __asm__ volatile("" : "+x"(sums[i][j]) : : "memory");
}
#endif

// sums[row][vector] = the products of k / 4 words of rows of bytes with words of a panel.
// `centres`, a number of each row, is what sums of 8 bits without VNNI begin with, see above.
INLINE void tile_sums(const int rows, const int bits, const int k, const int8_t *a, ptrdiff_t a_row,
                      const uint8_t *b, const int32_t *centres, vbytes (*sums)[INT8_VECTORS]) {
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < INT8_VECTORS; j++)
      sums[i][j] = bits == 8 && !INT8_VNNI ? OP(set1_epi32)(centres[i]) : NO_BYTES;
#if INT8_VNNI
  // One step waits for the one before it in each sum alone.
#pragma clang loop unroll_count(8)
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
      keep_order(rows, narrow);
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

// The grid of the lanes of one part: 1 where the matrix has no such numbers.
static const float int8_ones[PEQA_PANEL] = {
#define ONES 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
    ONES, ONES, ONES, ONES
#undef ONES
};
INLINE const float *part_lanes(const float *numbers, int part) {
  return numbers ? numbers + part * PEQA_PANEL : int8_ones;
}

// Puts what `totals` are of one part into whole vectors of C.
INLINE void store_totals(const int rows, vfloats (*totals)[INT8_VECTORS], const peqa_lanes *lanes,
                         int part, int j, const float *a_sums, ptrdiff_t parts, float *c,
                         ptrdiff_t c_row, const int accumulate) {
  const float *scales = part_lanes(lanes->scale, part) + j;
  const float *slopes = lanes->slope ? part_lanes(lanes->slope, part) + j : NULL;
  const float *zeros = part_lanes(lanes->zero, part) + j;
#pragma clang loop unroll(full)
  for (int v = 0; v < INT8_VECTORS; v++) {
    vfloats scale = OP(loadu_ps)(scales + v * WORDS), zero = OP(loadu_ps)(zeros + v * WORDS);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      vfloats value = totals[r][v];
      if (slopes) value = OP(mul_ps)(value, OP(loadu_ps)(slopes + v * WORDS));
      value = OP(fnmadd_ps)(zero, OP(set1_ps)(a_sums[r * parts]), value);
      float *to = c + r * c_row + v * WORDS;
      value = accumulate ? OP(fmadd_ps)(value, scale, OP(loadu_ps)(to)) : OP(mul_ps)(value, scale);
      OP(storeu_ps)(to, value);
    }
  }
}

// The same for `count` lanes of C.
INLINE void store_part_i8(const int rows, vfloats (*totals)[INT8_VECTORS], int count,
                          const peqa_lanes *lanes, int part, int j, const float *a_sums,
                          ptrdiff_t parts, float *c, ptrdiff_t c_row, int accumulate) {
#define STORE(TO, ROW)                                                     \
  if (accumulate)                                                          \
    store_totals(rows, totals, lanes, part, j, a_sums, parts, TO, ROW, 1); \
  else                                                                     \
    store_totals(rows, totals, lanes, part, j, a_sums, parts, TO, ROW, 0)
  if (count >= INT8_VECTORS * WORDS) {
    STORE(c, c_row);
    return;
  }
  float whole[INT8_ROWS][INT8_VECTORS * WORDS] = {};
  for (int r = 0; r < rows && accumulate; r++)
    memcpy(whole[r], c + r * c_row, (size_t)count * sizeof(float));
  STORE(whole[0], INT8_VECTORS * WORDS);
  for (int r = 0; r < rows; r++) memcpy(c + r * c_row, whole[r], (size_t)count * sizeof(float));
#undef STORE
}

// Asks for the lines of a tile of C, which arrive while its sums are made.
INLINE void fetch_part(const int rows, int count, const float *c, ptrdiff_t c_row) {
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
    for (int l = 0; l < count && l < INT8_VECTORS * WORDS; l += 16)
      __builtin_prefetch(c + r * c_row + l, 1, 3);
}

INLINE void tile_i8(const int rows, const int bits, int n, int k, int part, const peqa_operand *a,
                    int i, const uint8_t *b, int j, const peqa_lanes *lanes,
                    int32_t (*centres)[INT8_ROWS], float *c, ptrdiff_t c_row, int accumulate) {
  const int stretch = part < PEQA_BYTE_RUN ? part : PEQA_BYTE_RUN;
  const int8_t *from = (const int8_t *)a->rows + i * a->row;
  const float *scales = a->scales + i * a->runs, *a_sums = a->sums + i * a->parts;
  const ptrdiff_t a_row = a->row, runs = a->runs;
  c += i * c_row + j, b += 4 * j;
  fetch_part(rows, n - j, c, c_row);
  for (int p = 0, d = 0, s = 0; d < k; p++) {
    // -0 plus a number is that number.
    vfloats totals[INT8_ROWS][INT8_VECTORS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
      for (int v = 0; v < INT8_VECTORS; v++) totals[r][v] = OP(set1_ps)(-0.0f);
    for (int end = d + part < k ? d + part : k; d < end; d += stretch, s++) {
      vbytes sums[INT8_ROWS][INT8_VECTORS];
      int here = k - d < stretch ? k - d : stretch;
      if (here == PEQA_BYTE_RUN && rows == INT8_ROWS)
        tile_sums(rows, bits, PEQA_BYTE_RUN, from + d, a_row, b + d * PEQA_PANEL, centres[s], sums);
      else
        tile_sums(rows, bits, here, from + d, a_row, b + d * PEQA_PANEL, centres[s], sums);
#pragma clang loop unroll(full)
      for (int r = 0; r < rows; r++) {
        vfloats scale = OP(set1_ps)(scales[r * runs + d / PEQA_BYTE_RUN]);
#pragma clang loop unroll(full)
        for (int v = 0; v < INT8_VECTORS; v++)
          totals[r][v] = OP(fmadd_ps)(OP(cvtepi32_ps)(sums[r][v]), scale, totals[r][v]);
      }
    }
    store_part_i8(rows, totals, n - j, lanes, p, j, a_sums + p, a->parts, c, c_row,
                  accumulate || p > 0);
  }
}

INLINE void multiply_bits(const int bits, int m, int n, int k, int part, const peqa_operand *a,
                          const uint8_t *b, const peqa_lanes *lanes, float *c, ptrdiff_t c_row,
                          int accumulate) {
#define TILE(ROWS) tile_i8(ROWS, bits, n, k, part, a, i, b, j, lanes, centres, c, c_row, accumulate)
  int32_t centres[MOST_STRETCHES][INT8_ROWS];
  for (int i = 0; i < m; i += INT8_ROWS) {
#if !INT8_VNNI
    const int stretch = part < PEQA_BYTE_RUN ? part : PEQA_BYTE_RUN;
    for (int r = 0; bits == 8 && r < INT8_ROWS && i + r < m; r++)
      for (int s = 0, d = 0; d < k; s++, d += stretch)
        centres[s][r] = centre_of((const int8_t *)a->rows + (i + r) * a->row + d,
                                  k - d < stretch ? k - d : stretch);
#endif
    for (int j = 0; j < n; j += INT8_VECTORS * WORDS) switch (m - i) {
        case 1: TILE(1); break;
        case 2: TILE(2); break;
        default: TILE(INT8_ROWS); break;
      }
  }
#undef TILE
}

static void multiply_i8(int m, int n, int k, int bits, int part, const peqa_operand *a,
                        const uint8_t *b, const peqa_lanes *lanes, float *c, ptrdiff_t c_row,
                        int accumulate) {
  PEQA_REQUIRE(k % 4 == 0 && k <= PEQA_DEPTH && part >= PEQA_LEAST_GROUP);
  PEQA_REQUIRE(part % PEQA_BYTE_RUN == 0 || PEQA_BYTE_RUN % part == 0);
#if INT8_VNNI
  (void)bits;
  multiply_bits(8, m, n, k, part, a, b, lanes, c, c_row, accumulate);
#else
#define CALL(BITS) multiply_bits(BITS, m, n, k, part, a, b, lanes, c, c_row, accumulate)
  PEQA_WITH_CODE_BITS(bits, CALL)
#undef CALL
#endif
}
