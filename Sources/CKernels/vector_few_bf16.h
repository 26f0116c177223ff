// Few tokens in bf16. Codes of up to 4 bits come 128 at a time as 32 words of 16 bits, of which word
// i holds codes 4i to 4i + 3: shifted by j codes, the low bits of the words look up bf16(q - z) of
// codes 4i + j in a table of 32 words (vpermw; it ignores what stands above its five index bits,
// and the table repeats so that codes above in the word do not matter). The operand stands in the
// same order: peqa_few_order.

typedef __m512i words;

INLINE vf few_dot(vf sum, words v, const uint16_t *x) {
  return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)v, (__m512bh)_mm512_loadu_si512(x));
}

// The words of 128 codes, of which `bytes` bytes exist; zeros after them.
INLINE words code_words(const uint8_t *p, const int bits, int bytes) {
  if (bits == 4) {
    if (bytes >= 64) return _mm512_loadu_si512(p);
    return _mm512_maskz_loadu_epi8((1ull << bytes) - 1, p);
  }
  if (bits == 2) {
    if (bytes >= 32) return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)p));
    return _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8((1u << bytes) - 1, p));
  }
  // Twelve bytes a lane of 128 bits, then two bytes a word, of which odd words begin 4 bits late.
  const words lanes = _mm512_setr_epi32(0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11);
  const words pairs = _mm512_broadcast_i32x4(
      _mm_setr_epi8(0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 10, 11));
  const words late = _mm512_set1_epi32(4 << 16);
  words v = _mm512_maskz_loadu_epi8(bytes >= 48 ? 0xFFFFFFFFFFFF : (1ull << bytes) - 1, p);
  return _mm512_srlv_epi16(_mm512_shuffle_epi8(_mm512_permutexvar_epi32(lanes, v), pairs), late);
}

INLINE vf few_levels(const int bits) {
  vf v = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  if (bits == 3) v = (vf){0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7};
  if (bits == 2) v = (vf){0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
  return v;
}

// bf16(q - z) by code, for one zero point.
INLINE words few_table(const int bits, float zero) {
  __m256i half = (__m256i)_mm512_cvtneps_pbh((__m512)(few_levels(bits) - zero));
  return _mm512_broadcast_i64x4(half);
}

// Four numbers from `at`, of which `count` exist, else 0.
INLINE __m128 four_f16(const uint16_t *p, size_t at, int count) {
  return _mm_cvtph_ps(_mm_maskz_loadu_epi16((__mmask8)((1 << count) - 1), p + at));
}
INLINE __m128 four_zeros(const peqa_matrix *w, size_t at, int count) {
  if (w->zeros_f16) return four_f16(w->zeros_f16, at, count);
  __m128i bytes = _mm_maskz_loadu_epi8((__mmask16)((1 << count) - 1), w->zeros_u8 + at);
  return _mm_cvtepi32_ps(_mm_cvtepu8_epi32(bytes));
}

// Scale and table of each 32 columns of a block of 128 columns with groups of 32 or 64.
typedef struct {
  vf scales;
  words low, high;
} few_quarters;

INLINE few_quarters few_block_quarters(const peqa_matrix *w, const int bits, int row, int block) {
  int narrow = w->group_size == 32, first = block * (narrow ? 4 : 2), left = w->groups - first;
  size_t at = (size_t)row * (size_t)w->groups + (size_t)first;
  int count = left < (narrow ? 4 : 2) ? left : (narrow ? 4 : 2);
  __m128 scales = four_f16(w->scales, at, count), zeros = four_zeros(w, at, count);
  if (w->gains) {
    scales = _mm_mul_ps(scales, _mm_set1_ps(w->gains[row]));
    scales = _mm_cvtph_ps(_mm_cvtps_ph(scales, 0));
  }
  if (!narrow) {
    scales = _mm_unpacklo_ps(scales, scales);
    zeros = _mm_unpacklo_ps(zeros, zeros);
  }
  const words spread = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  __m512 levels = (__m512)few_levels(bits), z = _mm512_castps128_ps512(zeros);
  few_quarters q;
  q.scales = (vf)_mm512_permutexvar_ps(spread, _mm512_castps128_ps512(scales));
  __m512 d[4];
#pragma clang loop unroll(full)
  for (int k = 0; k < 4; k++)
    d[k] = _mm512_sub_ps(levels, _mm512_permutexvar_ps(_mm512_set1_epi32(k), z));
  q.low = (words)_mm512_cvtne2ps_pbh(d[1], d[0]);
  q.high = (words)_mm512_cvtne2ps_pbh(d[3], d[2]);
  return q;
}

// How groups lie in blocks of 128 columns.
enum { ONE_GROUP, WIDE_GROUPS, NARROW_GROUPS };

INLINE void few_codes(const int bits, const int layout, const int tokens, const peqa_matrix *w,
                      int row, const uint16_t *x, ptrdiff_t x_row, const float *bias, float *y,
                      ptrdiff_t y_row) {
  const words low4 = _mm512_set1_epi16(15);
  const words quarter = _mm512_set_epi64(
      0x0030003000300030, 0x0030003000300030, 0x0020002000200020, 0x0020002000200020,
      0x0010001000100010, 0x0010001000100010, 0, 0);
  const uint8_t *codes = few_row(w, row);
  // Four sums side by side: the products of one wait for each other.
  vf part[4][FEW_TOKENS] = {}, sums[FEW_TOKENS] = {};
  words table = _mm512_setzero_si512();
  float scale = 1;
  if (layout == ONE_GROUP) {
    table = few_table(bits, few_zero(w, row, 0));
    scale = few_scale(w, row, 0);
  }
  int left = (int)w->row_stride;
  for (int block = 0; block * 128 < w->columns; block++, left -= 16 * bits, codes += 16 * bits) {
    _mm_prefetch(codes + FEW_AHEAD, _MM_HINT_T1);
    words v = code_words(codes, bits, left);
    few_quarters q;
    if (layout == WIDE_GROUPS) {
      int group = block * 128 / w->group_size;
      table = few_table(bits, few_zero(w, row, group));
      scale = few_scale(w, row, group);
    }
    if (layout == NARROW_GROUPS) q = few_block_quarters(w, bits, row, block);
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      words at = j ? _mm512_srli_epi16(v, (unsigned)(j * bits)) : v, weights;
      if (layout == NARROW_GROUPS)
        weights = _mm512_permutex2var_epi16(
            q.low, _mm512_ternarylogic_epi64(at, low4, quarter, 0xEA), q.high);
      else
        weights = _mm512_permutexvar_epi16(at, table);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++)
        part[j][t] = few_dot(layout == ONE_GROUP ? part[j][t] : (vf){}, weights,
                             x + t * x_row + block * 128 + 32 * j);
    }
#pragma clang loop unroll(full)
    for (int t = 0; layout != ONE_GROUP && t < tokens; t++)
      sums[t] = fma16((part[0][t] + part[1][t]) + (part[2][t] + part[3][t]),
                      layout == NARROW_GROUPS ? q.scales : splat(scale), sums[t]);
  }
#pragma clang loop unroll(full)
  for (int t = 0; layout == ONE_GROUP && t < tokens; t++)
    sums[t] = (part[0][t] + part[1][t]) + (part[2][t] + part[3][t]);
  few_store(tokens, sums, layout == ONE_GROUP ? scale : 1, row, bias, y, y_row);
}

// 32 weights as bf16 in the order of columns: 8-bit codes (q - z, rounded where z is real) or dense
// numbers, zeros past the last column.
INLINE words few_plain(const peqa_matrix *w, const int storage, const uint8_t *p, int col,
                       float zero) {
  int left = w->columns - col;
  __mmask32 here = left >= 32 ? ~0u : (1u << left) - 1;
  vf a, b;
  switch (storage) {
    case PEQA_BF16: return _mm512_maskz_loadu_epi16(here, p + 2 * (size_t)col);
    case PEQA_F16: {
      words h = _mm512_maskz_loadu_epi16(here, p + 2 * (size_t)col);
      a = (vf)_mm512_cvtph_ps(_mm512_castsi512_si256(h));
      b = (vf)_mm512_cvtph_ps(_mm512_extracti64x4_epi64(h, 1));
      break;
    }
    case PEQA_F32:
      a = (vf)_mm512_maskz_loadu_ps((__mmask16)here, p + 4 * (size_t)col);
      b = (vf)_mm512_maskz_loadu_ps((__mmask16)(here >> 16), p + 4 * (size_t)col + 64);
      break;
    default:
      a = __builtin_convertvector(__builtin_convertvector((vu8)_mm_loadu_si128((const void *)(p + col)), vi), vf) - zero;
      b = __builtin_convertvector(__builtin_convertvector((vu8)_mm_loadu_si128((const void *)(p + col + 16)), vi), vf) -
          zero;
  }
  return (words)_mm512_cvtne2ps_pbh((__m512)b, (__m512)a);
}

INLINE void few_row_plain(const int storage, const int tokens, const peqa_matrix *w, int row,
                          const uint16_t *x, ptrdiff_t x_row, const float *bias, float *y,
                          ptrdiff_t y_row) {
  const uint8_t *start = few_row(w, row);
  const size_t size = storage == PEQA_F32 ? 4 : storage == PEQA_CODES ? 1 : 2;
  int groups = storage == PEQA_CODES ? w->groups : 1;
  int run = groups > 1 ? w->group_size : w->columns;
  vf sums[FEW_TOKENS] = {};
  float zero = 0, scale = 1;
  for (int group = 0; group < groups; group++) {
    int first = group * run, end = first + run < w->columns ? first + run : w->columns;
    if (storage == PEQA_CODES) {
      zero = few_zero(w, row, group);
      scale = few_scale(w, row, group);
    }
    vf part[2][FEW_TOKENS] = {};
    for (int i = first; i < end; i += 64)
#pragma clang loop unroll(full)
      for (int j = 0; j < 2; j++) {
        int col = i + 32 * j;
        if (col >= end) break;
        words v = few_plain(w, storage, start, col, zero);
        _mm_prefetch(start + (size_t)col * size + FEW_AHEAD, _MM_HINT_T1);
#pragma clang loop unroll(full)
        for (int t = 0; t < tokens; t++)
          part[j][t] = few_dot(part[j][t], v, x + t * x_row + col);
      }
#pragma clang loop unroll(full)
    for (int t = 0; t < tokens; t++) {
      vf sum = part[0][t] + part[1][t];
      sums[t] = groups > 1 ? fma16(sum, splat(scale), sums[t]) : sum;
    }
  }
  few_store(tokens, sums, groups > 1 ? 1 : scale, row, bias, y, y_row);
}

static void few_bf16(const peqa_matrix *w, int o0, int o1, int tokens, const uint16_t *x,
                     ptrdiff_t x_row, const float *bias, float *y, ptrdiff_t y_row) {
#define ELEMENT uint16_t
#define CODES(T) few_codes(BITS, LAYOUT, T, w, row, xt, x_row, bias, yt, y_row)
#define PLAIN(T) few_row_plain(STORAGE, T, w, row, xt, x_row, bias, yt, y_row)
#define LAYOUTS                   \
  if (w->groups == 1) {           \
    enum { LAYOUT = ONE_GROUP };  \
    FEW_PIECES(CODES)             \
  } else if (w->group_size >= 128) { \
    enum { LAYOUT = WIDE_GROUPS };   \
    FEW_PIECES(CODES)                \
  } else {                           \
    enum { LAYOUT = NARROW_GROUPS }; \
    FEW_PIECES(CODES)                \
  }
  if (w->storage == PEQA_F16) {
    enum { STORAGE = PEQA_F16 };
    FEW_PIECES(PLAIN)
  } else if (w->storage == PEQA_BF16) {
    enum { STORAGE = PEQA_BF16 };
    FEW_PIECES(PLAIN)
  } else if (w->storage == PEQA_F32) {
    enum { STORAGE = PEQA_F32 };
    FEW_PIECES(PLAIN)
  } else if (w->bits == 8) {
    enum { STORAGE = PEQA_CODES };
    FEW_PIECES(PLAIN)
  } else if (w->bits == 4) {
    enum { BITS = 4 };
    LAYOUTS
  } else if (w->bits == 3) {
    enum { BITS = 3 };
    LAYOUTS
  } else {
    enum { BITS = 2 };
    LAYOUTS
  }
#undef LAYOUTS
#undef PLAIN
#undef CODES
#undef ELEMENT
}

// 128 columns at a time in the order of code_words where `ordered`, else as they come.
static void few_operand_bf16(int tokens, int columns, int padded, int ordered, const float *x,
                             ptrdiff_t x_row, uint16_t *out) {
  for (int t = 0; t < tokens; t++)
    for (int i = 0; i < padded; i += 128) {
      uint16_t plain[128];
      for (int j = 0; j < 128; j += LANES) {
        vf v = i + j < columns ? load_part(x + t * x_row + i + j, columns - i - j, 0) : (vf){};
        __m256i half = (__m256i)_mm512_cvtneps_pbh((__m512)v);
        memcpy(plain + j, &half, sizeof half);
      }
      uint16_t *block = out + (ptrdiff_t)t * padded + i;
      if (!ordered) memcpy(block, plain, sizeof plain);
      for (int j = 0; ordered && j < 4; j++)
        for (int k = 0; k < 32; k++) block[32 * j + k] = plain[4 * k + j];
    }
}
