// Products of few tokens with rows of codes as they lie: the sums of vector_int8_products.h, which
// comes before it, without panels. What is rounded is the contract of gemv_i8.

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

// Sums that are gathered in the lanes of one vector: those of 8 rows with one token, of 4 with 2
// or of 2 with 4, token by token.
enum { GEMV_SUMS = 8, GEMV_AHEAD = 1024 };
_Static_assert(PEQA_BYTE_RUN == 64, "a stretch is two vectors of codes, one, or half of one");

// Where the codes of some rows lie, and how far from there those are that are needed next.
typedef struct {
  const uint8_t *codes[GEMV_SUMS];
  ptrdiff_t bytes, next_rows;
} gemv_rows;

INLINE void fetch_ahead(const gemv_rows *from, const int rows, ptrdiff_t at) {
  ptrdiff_t ahead = at + GEMV_AHEAD;
  if (ahead >= from->bytes) ahead += from->next_rows - from->bytes;
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
    _mm_prefetch((const char *)from->codes[r] + ahead, _MM_HINT_T0);
}

// The sums of the eight words of each of eight vectors.
INLINE __m256i sums_of_eight(const __m256i v[GEMV_SUMS]) {
  __m256i a = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
  __m256i b = _mm256_hadd_epi32(_mm256_hadd_epi32(v[4], v[5]), _mm256_hadd_epi32(v[6], v[7]));
  return _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20),
                          _mm256_permute2x128_si256(a, b, 0x31));
}

// Sums of `count` codes from column `at` on, 16, 32 or 64, with the bytes of the tokens. Bytes past
// the last column are 0.
INLINE __m256i stretch_sums(const int bits, const int tokens, const gemv_rows *from, int at,
                            int count, const int8_t *x, ptrdiff_t x_row) {
  const int rows = GEMV_SUMS / tokens;
  __m256i sums[GEMV_SUMS];
  ptrdiff_t place = at / 8 * bits;
  const int8_t *bytes = x + at;
  if (count == 64) {
    fetch_ahead(from, rows, place);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      const uint8_t *codes = from->codes[r] + place;
      __m256i u = many_codes(codes, bits), v = many_codes(codes + 4 * bits, bits);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++) {
        __m256i a = _mm256_loadu_si256((const void *)(bytes + t * x_row));
        __m256i b = _mm256_loadu_si256((const void *)(bytes + t * x_row + 32));
        __m256i sum = add_products(_mm256_setzero_si256(), u, a, bits);
        sums[t * rows + r] = add_products(sum, v, b, bits);
      }
    }
  } else {
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      const uint8_t *codes = from->codes[r] + place;
      __m256i u = count == 16 ? few_codes(codes, bits) : many_codes(codes, bits);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++) {
        const void *b = bytes + t * x_row;
        __m256i a = count == 16 ? _mm256_zextsi128_si256(_mm_loadu_si128(b))
                                : _mm256_loadu_si256(b);
        sums[t * rows + r] = add_products(_mm256_setzero_si256(), u, a, bits);
      }
    }
  }
  __m256i result = sums_of_eight(sums);
#if !INT8_VNNI
  if (bits == 8) {
    int32_t centres[GEMV_SUMS];
    for (int t = 0; t < tokens; t++) {
      int32_t centre = centre_of(bytes + t * x_row, count);
      for (int r = 0; r < rows; r++) centres[t * rows + r] = centre;
    }
    result = _mm256_add_epi32(result, _mm256_loadu_si256((const void *)centres));
  }
#endif
  return result;
}

// For each of the sums the number of its token.
INLINE __m256 by_token(const int tokens, const float *numbers, ptrdiff_t stride) {
  if (tokens == 1) return _mm256_set1_ps(numbers[0]);
  float lanes[GEMV_SUMS];
#pragma clang loop unroll(full)
  for (int i = 0; i < GEMV_SUMS; i++) lanes[i] = numbers[i / (GEMV_SUMS / tokens) * stride];
  return _mm256_loadu_ps(lanes);
}

// Rows row0 ..< row1, 8 / tokens of them at most.
INLINE void gemv_tile(const int bits, const int tokens, const peqa_matrix *w, int row0, int row1,
                      const peqa_operand *x, int t0, float *y, ptrdiff_t y_row) {
  const int rows = GEMV_SUMS / tokens;
  const int8_t *bytes = (const int8_t *)x->rows + t0 * x->row;
  const float *scales = x->scales + t0 * x->runs, *sums = x->sums + t0 * x->parts;
  gemv_rows from = {.bytes = (ptrdiff_t)w->row_stride, .next_rows = rows * (ptrdiff_t)w->row_stride};
  for (int r = 0; r < rows; r++) {
    int row = row0 + r < row1 ? row0 + r : row1 - 1;
    from.codes[r] = (const uint8_t *)w->data + (size_t)row * w->row_stride;
  }
  // Whole runs where a row has one group: what is past its end is multiplied by 0.
  int part = w->groups > 1 ? w->group_size : (w->columns + 63) / 64 * 64;
  int stretch = part < PEQA_BYTE_RUN ? part : PEQA_BYTE_RUN;
  __m256 result = _mm256_setzero_ps();
  for (int g = 0; g < w->groups; g++) {
    int end = (g + 1) * part;
    if (end > w->columns) end = (w->columns + stretch - 1) / stretch * stretch;
    __m256 total = _mm256_setzero_ps();
    for (int at = g * part; at < end; at += stretch) {
      __m256 sum = _mm256_cvtepi32_ps(stretch_sums(bits, tokens, &from, at, stretch, bytes, x->row));
      __m256 scale = by_token(tokens, scales + at / PEQA_BYTE_RUN, x->runs);
      total = at == g * part ? _mm256_mul_ps(sum, scale) : _mm256_fmadd_ps(sum, scale, total);
    }
    float scale[GEMV_SUMS], slope[GEMV_SUMS], zero[GEMV_SUMS];
    for (int r = 0; r < rows; r++) {
      peqa_grid grid = quick_grid(w, row0 + r < row1 ? row0 + r : row1 - 1, g);
      for (int t = 0; t < tokens; t++)
        scale[t * rows + r] = grid.scale, slope[t * rows + r] = grid.slope,
                         zero[t * rows + r] = grid.zero;
    }
    __m256 value = _mm256_mul_ps(total, _mm256_loadu_ps(slope));
    value = _mm256_fnmadd_ps(_mm256_loadu_ps(zero), by_token(tokens, sums + g, x->parts), value);
    __m256 of_group = _mm256_loadu_ps(scale);
    result = g ? _mm256_fmadd_ps(value, of_group, result) : _mm256_mul_ps(value, of_group);
  }
  float results[GEMV_SUMS];
  _mm256_storeu_ps(results, _mm256_add_ps(result, _mm256_setzero_ps()));
  for (int t = 0; t < tokens; t++)
    for (int r = 0; r < rows && row0 + r < row1; r++)
      y[(t0 + t) * y_row + row0 + r] = results[t * rows + r];
}

INLINE void gemv_bits(const int bits, const peqa_matrix *w, int o0, int o1, int tokens,
                      const peqa_operand *x, float *y, ptrdiff_t y_row) {
#define TILES(TOKENS)                                                          \
  for (; t + (TOKENS) <= tokens; t += (TOKENS))                                \
    for (int row = first, next; row < last; row = next) {                      \
      next = row + GEMV_SUMS / (TOKENS) < last ? row + GEMV_SUMS / (TOKENS) : last; \
      gemv_tile(bits, TOKENS, w, row, next, x, t, y, y_row);                   \
    }
  // Eight rows stay in the first cache while tokens pass.
  for (int first = o0; first < o1; first += GEMV_SUMS) {
    int last = first + GEMV_SUMS < o1 ? first + GEMV_SUMS : o1, t = 0;
    TILES(4)
    TILES(2)
    TILES(1)
  }
#undef TILES
}

static void gemv_i8(const peqa_matrix *w, int o0, int o1, int tokens, const peqa_operand *x,
                    float *y, ptrdiff_t y_row) {
  PEQA_REQUIRE(x->row % PEQA_BYTE_RUN == 0);
#define CALL(BITS) gemv_bits(BITS, w, o0, o1, tokens, x, y, y_row)
  PEQA_WITH_CODE_BITS(w->bits, CALL)
#undef CALL
}
