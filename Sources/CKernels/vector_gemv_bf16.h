// Few tokens in bf16. Codes of up to 4 bits come 128 at a time as 32 words of 16 bits, of which
// word i holds codes 4i to 4i + 3: shifted by j codes, the low bits of the words look up
// bf16(q - z) of codes 4i + j in a table of 32 words (vpermw; it ignores what stands above its five
// index bits, and the table repeats so that codes above in the word do not matter). The operand
// stands in the same order: gemv_operand_bf16.

typedef __m512i words;
#define ONES 0x0001000100010001ll

INLINE vf gemv_dot(vf sum, words v, const uint16_t *x) {
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

INLINE vf gemv_levels(const int bits) {
  vf v = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  if (bits == 3) v = (vf){0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7};
  if (bits == 2) v = (vf){0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
  return v;
}

// bf16(q - z) by code, for one zero point.
INLINE words gemv_table(const int bits, float zero) {
  __m256i half = (__m256i)_mm512_cvtneps_pbh((__m512)(gemv_levels(bits) - zero));
  return _mm512_broadcast_i64x4(half);
}

// How groups lie in blocks of 128 columns: one of the whole row, one a block or several blocks, two
// a block, four a block.
enum { ONE_GROUP, WIDE_GROUPS, HALVES, QUARTERS };

// bf16(q - z) by code for the zero points 0 to 15, so that those of a block need not be computed.
typedef struct {
  uint16_t levels[16][16];
} gemv_integers;

INLINE void gemv_fill(gemv_integers *tables, const int bits) {
  for (int zero = 0; zero < 16; zero++) {
    __m256i half = (__m256i)_mm512_cvtneps_pbh((__m512)(gemv_levels(bits) - (float)zero));
    memcpy(tables->levels[zero], &half, sizeof half);
  }
}

// bf16(q - z) of the groups of a block.
typedef struct {
  words low, high;
} gemv_tables;

// Two or four fp16 numbers from `at`; those from `end` on are 0. At least one is there.
INLINE __m128 gemv_f16s(const uint16_t *p, const int count, size_t at, size_t end) {
  const char *from = (const char *)p + 2 * at;
  uint64_t bits = 0;
  if (at + (size_t)count <= end) {
    memcpy(&bits, from, 2 * (size_t)count);
  } else {
    // One is left, or one to three of four.
    memcpy(&bits, from, 2);
    uint32_t more = 0;
    if (at + 3 <= end)
      memcpy(&more, from + 2, 4);
    else if (at + 2 <= end)
      memcpy(&more, from + 2, 2);
    bits |= (uint64_t)more << 16;
  }
  return _mm_cvtph_ps(_mm_cvtsi64_si128((long long)bits));
}

// Two tables side by side for whole zero points; groups past the row repeat its last one.
INLINE words gemv_pair(const gemv_integers *tables, const uint8_t *zeros, size_t at, size_t end) {
  size_t next = at + 1 < end ? at + 1 : end - 1;
  __m256i low, high;
  memcpy(&low, tables->levels[zeros[at < end ? at : end - 1] & 15], sizeof low);
  memcpy(&high, tables->levels[zeros[next] & 15], sizeof high);
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

INLINE gemv_tables gemv_block_tables(const peqa_matrix *w, const int bits, const int layout,
                                   const gemv_integers *tables, size_t at, size_t end) {
  gemv_tables result;
  if (w->zeros_u8) {
    result.low = gemv_pair(tables, w->zeros_u8, at, end);
    result.high = layout == QUARTERS ? gemv_pair(tables, w->zeros_u8, at + 2, end) : result.low;
    return result;
  }
  __m512 zeros = _mm512_castps128_ps512(gemv_f16s(w->zeros_f16, layout == HALVES ? 2 : 4, at, end));
  __m512 levels = (__m512)gemv_levels(bits), d[4];
#pragma clang loop unroll(full)
  for (int k = 0; k < 4; k++)
    d[k] = _mm512_sub_ps(levels, _mm512_permutexvar_ps(_mm512_set1_epi32(k), zeros));
  result.low = (words)_mm512_cvtne2ps_pbh(d[1], d[0]);
  result.high = layout == QUARTERS ? (words)_mm512_cvtne2ps_pbh(d[3], d[2]) : result.low;
  return result;
}

// Scales of the two or four groups of a block, each over the lanes of its codes.
INLINE vf gemv_block_scales(const peqa_matrix *w, const int layout, int row, size_t at,
                           size_t end) {
  const words halves = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  const words quarters = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  __m128 scales = gemv_f16s(w->scales, layout == HALVES ? 2 : 4, at, end);
  if (w->gains) {
    scales = _mm_mul_ps(scales, _mm_set1_ps(w->gains[row]));
    scales = _mm_cvtph_ps(_mm_cvtps_ph(scales, 0));
  }
  return (vf)_mm512_permutexvar_ps(layout == HALVES ? halves : quarters,
                                   _mm512_castps128_ps512(scales));
}

INLINE void gemv_codes(const int bits, const int layout, const int tokens, const peqa_matrix *w,
                      const gemv_integers *tables, int row, const uint16_t *x, ptrdiff_t x_row,
                      const float *bias, float *y, ptrdiff_t y_row) {
  // With several groups a block, bits 4 and up of an index are the group of the word. Codes j and
  // j + 2 of a word are cleaned together where five or six bits of index fit twice.
  const int twice = bits >= 3, pair = twice ? 1 + (1 << 2 * bits) : 1;
  const words clean = _mm512_set1_epi16((short)(15 * pair));
  const words groups =
      _mm512_mullo_epi16(_mm512_set1_epi16((short)(16 * pair)),
                         layout == HALVES ? _mm512_set_epi64(ONES, ONES, ONES, ONES, 0, 0, 0, 0)
                                          : _mm512_set_epi64(3 * ONES, 3 * ONES, 2 * ONES, 2 * ONES,
                                                             ONES, ONES, 0, 0));
  const uint8_t *codes = gemv_row(w, row);
  // Four sums side by side: the products of one wait for each other. With groups every block begins
  // anew and the processor finds enough to do.
  vf part[4][FEW_TOKENS] = {}, sums[FEW_TOKENS] = {};
  gemv_tables table = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  float scale = 1;
  if (layout == ONE_GROUP) {
    table.low = gemv_table(bits, quick_zero(w, row, 0));
    scale = quick_scale(w, row, 0);
  }
  const int wide = __builtin_ctz((unsigned)w->group_size | 1u << 30);
  size_t group = (size_t)row * (size_t)w->groups, end = group + (size_t)w->groups;
  int left = (int)w->row_stride;
  for (int block = 0; block * 128 < w->columns; block++, left -= 16 * bits, codes += 16 * bits) {
    _mm_prefetch(codes + FEW_AHEAD, _MM_HINT_T1);
    words v = code_words(codes, bits, left);
    vf scales = {};
    if (layout == WIDE_GROUPS) {
      int at = block * 128 >> wide;
      table.low = gemv_table(bits, quick_zero(w, row, at));
      scales = splat(quick_scale(w, row, at));
    }
    if (layout == HALVES || layout == QUARTERS) {
      scales = gemv_block_scales(w, layout, row, group, end);
      table = gemv_block_tables(w, bits, layout, tables, group, end);
      group += layout == HALVES ? 2 : 4;
    }
    words at[4];
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      int grouped = layout == HALVES || layout == QUARTERS;
      if (grouped && twice && j >= 2) {
        at[j] = _mm512_srli_epi16(at[j - 2], (unsigned)(2 * bits));
        continue;
      }
      at[j] = j ? _mm512_srli_epi16(v, (unsigned)(j * bits)) : v;
      if (grouped) at[j] = _mm512_ternarylogic_epi64(at[j], clean, groups, 0xEA);
    }
    vf sum[FEW_TOKENS] = {};
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      words weights = layout == QUARTERS
                          ? _mm512_permutex2var_epi16(table.low, at[j], table.high)
                          : _mm512_permutexvar_epi16(at[j], table.low);
#pragma clang loop unroll(full)
      for (int t = 0; t < tokens; t++) {
        vf *to = layout == ONE_GROUP ? &part[j][t] : &sum[t];
        *to = gemv_dot(*to, weights, x + t * x_row + block * 128 + 32 * j);
      }
    }
#pragma clang loop unroll(full)
    for (int t = 0; layout != ONE_GROUP && t < tokens; t++)
      sums[t] = fma16(sum[t], scales, sums[t]);
  }
#pragma clang loop unroll(full)
  for (int t = 0; layout == ONE_GROUP && t < tokens; t++)
    sums[t] = (part[0][t] + part[1][t]) + (part[2][t] + part[3][t]);
  gemv_store(tokens, sums, layout == ONE_GROUP ? scale : 1, row, bias, y, y_row);
}

// 32 weights as bf16 in the order of columns: codes on their grid, unscaled, or dense numbers.
// Zeros from column `end` on, the last of the matrix or of a group.
INLINE words gemv_plain(const peqa_matrix *w, const int storage, int row, const uint8_t *p, int col,
                       int end, peqa_grid grid) {
  int left = end - col;
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
      a = w->bits == 8 ? from_bytes(p + col) : sixteen_codes(w, row, col);
      a = fma16(a, splat(grid.slope), splat(-grid.zero));
      if (left <= LANES) {
        b = (vf){};
        break;
      }
      b = w->bits == 8 ? from_bytes(p + col + LANES) : sixteen_codes(w, row, col + LANES);
      b = fma16(b, splat(grid.slope), splat(-grid.zero));
  }
  return (words)_mm512_cvtne2ps_pbh((__m512)b, (__m512)a);
}

INLINE void gemv_row_plain(const int storage, const int tokens, const peqa_matrix *w, int row,
                          const uint16_t *x, ptrdiff_t x_row, const float *bias, float *y,
                          ptrdiff_t y_row) {
  const uint8_t *start = gemv_row(w, row);
  const size_t bits = storage == PEQA_F32 ? 32 : storage == PEQA_CODES ? (size_t)w->bits : 16;
  int groups = storage == PEQA_CODES ? w->groups : 1;
  int run = groups > 1 ? w->group_size : w->columns;
  vf sums[FEW_TOKENS] = {};
  peqa_grid grid = {1, 1, 0};
  for (int group = 0; group < groups; group++) {
    int first = group * run, end = first + run < w->columns ? first + run : w->columns;
    if (storage == PEQA_CODES) grid = quick_grid(w, row, group);
    vf part[2][FEW_TOKENS] = {};
    for (int i = first; i < end; i += 64)
#pragma clang loop unroll(full)
      for (int j = 0; j < 2; j++) {
        int col = i + 32 * j;
        if (col >= end) break;
        words v = gemv_plain(w, storage, row, start, col, end, grid);
        _mm_prefetch(start + (size_t)col * bits / 8 + FEW_AHEAD, _MM_HINT_T1);
#pragma clang loop unroll(full)
        for (int t = 0; t < tokens; t++)
          part[j][t] = gemv_dot(part[j][t], v, x + t * x_row + col);
      }
    gemv_join(tokens, part, groups, grid.scale, sums);
  }
  gemv_store(tokens, sums, groups > 1 ? 1 : grid.scale, row, bias, y, y_row);
}

static void gemv_bf16(const peqa_matrix *w, int o0, int o1, int tokens, const uint16_t *x,
                     ptrdiff_t x_row, const float *bias, float *y, ptrdiff_t y_row) {
#define ELEMENT uint16_t
#define CODES(T) gemv_codes(BITS, LAYOUT, T, w, &tables, row, xt, x_row, bias, yt, y_row)
#define PLAIN(T) gemv_row_plain(STORAGE, T, w, row, xt, x_row, bias, yt, y_row)
#define LAYOUTS                           \
  if (w->groups == 1) {                   \
    enum { LAYOUT = ONE_GROUP };          \
    FEW_PIECES(CODES)                     \
  } else if (w->group_size >= 128) {      \
    enum { LAYOUT = WIDE_GROUPS };        \
    FEW_PIECES(CODES)                     \
  } else if (w->group_size == 64) {       \
    enum { LAYOUT = HALVES };             \
    gemv_fill(&tables, BITS);              \
    FEW_PIECES(CODES)                     \
  } else {                                \
    enum { LAYOUT = QUARTERS };           \
    gemv_fill(&tables, BITS);              \
    FEW_PIECES(CODES)                     \
  }
  gemv_integers tables = {};
  if (w->storage == PEQA_F16) {
    enum { STORAGE = PEQA_F16 };
    FEW_PIECES(PLAIN)
  } else if (w->storage == PEQA_BF16) {
    enum { STORAGE = PEQA_BF16 };
    FEW_PIECES(PLAIN)
  } else if (w->storage == PEQA_F32) {
    enum { STORAGE = PEQA_F32 };
    FEW_PIECES(PLAIN)
  } else if (!peqa_gemv_ordered(w)) {
    enum { STORAGE = PEQA_CODES };
    FEW_PIECES(PLAIN)
  } else if (w->bits == 4) {
    enum { BITS = 4 };
    LAYOUTS
  } else if (w->bits == 3) {
    enum { BITS = 3 };
    LAYOUTS
  } else {
    PEQA_REQUIRE(w->bits == 2);
    enum { BITS = 2 };
    LAYOUTS
  }
#undef LAYOUTS
#undef PLAIN
#undef CODES
#undef ELEMENT
}

// 128 columns at a time in the order of code_words where `ordered`, else as they come.
static void gemv_operand_bf16(int tokens, int columns, int padded, int ordered, const float *x,
                             ptrdiff_t x_row, uint16_t *out) {
  for (int t = 0; t < tokens; t++)
    for (int i = 0; i < padded; i += 128) {
      uint16_t plain[128];
      for (int j = 0; j < 128; j += LANES) {
        vf v = i + j < columns ? load_part(x + t * x_row + i + j, columns - i - j, 0) : (vf){};
        store_bf16(plain + j, v);
      }
      uint16_t *block = out + (ptrdiff_t)t * padded + i;
      if (!ordered) memcpy(block, plain, sizeof plain);
      for (int j = 0; ordered && j < 4; j++)
        for (int k = 0; k < 32; k++) block[32 * j + k] = plain[4 * k + j];
    }
}
