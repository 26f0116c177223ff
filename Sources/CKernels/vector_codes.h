// Weights straight to bf16, 32 at a time. A packed code of 2, 3 or 4 bits is an index into a table
// of 16 numbers, which one instruction looks up for 32 codes. Needs AVX-512 BW and BF16.

// The 32 codes that start at `p`, one a 16-bit lane; only the low bits of a lane are the code.
// Reads 4 * bits bytes. Code i starts at bit (bits * i) % 8 of byte bits * i / 8.
INLINE __m512i code_lanes(const uint8_t *p, const int bits) {
#define AT(B, I) (B) * (I) / 8, ((B) * (I) / 8 + 1) & 15
#define FOUR_AT(B, I) AT(B, I), AT(B, I + 1), AT(B, I + 2), AT(B, I + 3)
#define SHIFT(B, I) (B) * (I) % 8, (B) * (I + 1) % 8, (B) * (I + 2) % 8, (B) * (I + 3) % 8
#define ALL(F, B) \
  {F(B, 0), F(B, 4), F(B, 8), F(B, 12), F(B, 16), F(B, 20), F(B, 24), F(B, 28)}
  static const uint8_t BYTES[3][64] = {ALL(FOUR_AT, 2), ALL(FOUR_AT, 3), ALL(FOUR_AT, 4)};
  static const uint16_t SHIFTS[3][32] = {ALL(SHIFT, 2), ALL(SHIFT, 3), ALL(SHIFT, 4)};
#undef ALL
#undef SHIFT
#undef FOUR_AT
#undef AT
  __m128i packed = _mm_maskz_loadu_epi8((__mmask16)((1u << (4 * bits)) - 1), p);
  __m512i bytes =
      _mm512_shuffle_epi8(_mm512_broadcast_i32x4(packed), _mm512_loadu_si512(BYTES[bits - 2]));
  return _mm512_srlv_epi16(bytes, _mm512_loadu_si512(SHIFTS[bits - 2]));
}

// bf16 of the weight by code, repeated so that bits above the code do not matter.
INLINE __m512i code_table(int bits, peqa_grid grid) {
  vi lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  vf number = __builtin_convertvector(lane & ((1 << bits) - 1), vf);
  number = fma16(number, splat(grid.slope), splat(-grid.zero)) * grid.scale;
  return _mm512_broadcast_i64x4((__m256i)_mm512_cvtneps_pbh((__m512)number));
}

INLINE __m512i row_code_table(const peqa_matrix *w, int row, int group, int scaled) {
  peqa_grid grid = quick_grid(w, row, group);
  if (!scaled) grid.scale = 1;
  return code_table(w->bits, grid);
}

// 32 weights of one row from column col (a multiple of 32) as bf16, one a lane; 0 past the end.
// `bits` is 2, 3 or 4 where `table` is the row's code table, 16 for a dense fp16 matrix, else 0.
INLINE __m512i bf16_lanes(const peqa_matrix *w, const int bits, int row, int col, int scaled,
                          __m512i table) {
  if (bits && bits <= 4 && col + 2 * LANES <= w->columns) {
    const uint8_t *p = (const uint8_t *)w->data + (size_t)row * w->row_stride +
                       (size_t)(col / 8) * (size_t)bits;
    return _mm512_permutexvar_epi16(code_lanes(p, bits), table);
  }
  if (bits == 16 && col + 2 * LANES <= w->columns) {
    const uint8_t *p = (const uint8_t *)w->data + (size_t)row * w->row_stride + (size_t)col * 2;
    return (__m512i)_mm512_cvtne2ps_pbh((__m512)from_f16(p + 2 * LANES), (__m512)from_f16(p));
  }
  vf first = sixteen_weights(w, row, col, scaled);
  vf second = sixteen_weights(w, row, col + LANES, scaled);
  return (__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
}

// Whole zero points and codes of at most 4 bits: q - z lies in -15..15, and one table serves all
// rows by the index q + 16 - z.
INLINE int has_whole_numbers(const peqa_matrix *w, const int bits, int scaled) {
  return bits && bits <= 4 && !scaled && w->zeros_u8;
}

INLINE __m512i whole_numbers(__m512i codes, const int bits, __m512i offset) {
  static const uint16_t NUMBERS[32] = {
      0xC180, 0xC170, 0xC160, 0xC150, 0xC140, 0xC130, 0xC120, 0xC110, 0xC100, 0xC0E0, 0xC0C0,
      0xC0A0, 0xC080, 0xC040, 0xC000, 0xBF80, 0x0000, 0x3F80, 0x4000, 0x4040, 0x4080, 0x40A0,
      0x40C0, 0x40E0, 0x4100, 0x4110, 0x4120, 0x4130, 0x4140, 0x4150, 0x4160, 0x4170};
  __m512i code = _mm512_and_si512(codes, _mm512_set1_epi16((1 << bits) - 1));
  return _mm512_permutexvar_epi16(_mm512_add_epi16(code, offset), _mm512_loadu_si512(NUMBERS));
}

// Four rows of 32 codes, a row of each fourth of 16 in a 128-bit lane: 8 codes in each 32 bits.
INLINE __m512i four_rows(const uint8_t *p, size_t stride, const int bits) {
  static const uint8_t SPREAD[2][16] = {
      {0, 1, 128, 128, 2, 3, 128, 128, 4, 5, 128, 128, 6, 7, 128, 128},
      {0, 1, 2, 128, 3, 4, 5, 128, 6, 7, 8, 128, 9, 10, 11, 128}};
  __mmask16 bytes = (__mmask16)((1u << (4 * bits)) - 1);
  __m512i v = _mm512_castsi128_si512(_mm_maskz_loadu_epi8(bytes, p));
  v = _mm512_inserti32x4(v, _mm_maskz_loadu_epi8(bytes, p + 4 * stride), 1);
  v = _mm512_inserti32x4(v, _mm_maskz_loadu_epi8(bytes, p + 8 * stride), 2);
  v = _mm512_inserti32x4(v, _mm_maskz_loadu_epi8(bytes, p + 12 * stride), 3);
  if (bits == 4) return v;
  __m128i spread = _mm_loadu_si128((const __m128i *)SPREAD[bits - 2]);
  return _mm512_shuffle_epi8(v, _mm512_broadcast_i32x4(spread));
}

// 16 rows of 32 codes from `p` to 16 rows of the panel, with `offsets` of whole_numbers by lane.
// The codes are transposed while they are packed, 8 in a word.
INLINE void forward_codes(const uint8_t *p, size_t stride, const int bits, __m512i offsets,
                          uint16_t *panel) {
  __m512i r[4], t[4], words[4];
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) r[i] = four_rows(p + (size_t)i * stride, stride, bits);
#pragma clang loop unroll(full)
  for (int i = 0; i < 2; i++) {
    t[i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 + i] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 2; i++) {
    words[2 * i] = _mm512_unpacklo_epi64(t[2 * i], t[2 * i + 1]);
    words[2 * i + 1] = _mm512_unpackhi_epi64(t[2 * i], t[2 * i + 1]);
  }
  __m512i lane = _mm512_broadcast_i32x4(_mm_set_epi32(0x0C0C0C0C, 0x08080808, 0x04040404, 0));
#pragma clang loop unroll(full)
  for (int pair = 0; pair < 4; pair++) {
    int first = 2 * pair * bits, second = first + bits;
    int bytes = first / 8 | (first / 8 + 1) % 4 << 8 | second / 8 << 16 | (second / 8 + 1) % 4 << 24;
    __m512i index = _mm512_add_epi8(_mm512_set1_epi32(bytes), lane);
    __m512i shift = _mm512_set1_epi32(first % 8 | second % 8 << 16);
#pragma clang loop unroll(full)
    for (int word = 0; word < 4; word++) {
      __m512i codes = _mm512_srlv_epi16(_mm512_shuffle_epi8(words[word], index), shift);
      _mm512_storeu_si512(panel + (8 * word + 2 * pair) * PEQA_PANEL,
                          whole_numbers(codes, bits, offsets));
    }
  }
}

// The offsets of whole_numbers for 16 rows, one in both halves of a lane.
INLINE __m512i row_offsets(const peqa_matrix *w, int row0, int group) {
  uint32_t offsets[LANES];
  for (int r = 0; r < LANES; r++) {
    size_t at = (size_t)(row0 + r) * (size_t)w->groups + (size_t)group;
    offsets[r] = (16u - w->zeros_u8[at]) * 0x10001u;
  }
  return _mm512_loadu_si512(offsets);
}

// 16 rows x `depth` columns of any matrix, from column d on.
INLINE void forward_any(const peqa_matrix *w, const int bits, int row0, int col0, int d, int depth,
                        int scaled, uint16_t *panel) {
  __m512i tables[LANES] = {};
  int group = -1, rows = w->rows - row0 < LANES ? w->rows - row0 : LANES;
  for (; d < depth; d += 2 * LANES) {
    vu v[LANES];
    int now = bits && bits <= 4 && col0 + d < w->columns ? (col0 + d) / w->group_size : -1;
    if (now != group && now >= 0)
      for (int r = 0; r < rows; r++) tables[r] = row_code_table(w, row0 + r, now, scaled);
    group = now;
    for (int r = 0; r < rows; r++)
      v[r] = (vu)bf16_lanes(w, bits, row0 + r, col0 + d, scaled, tables[r]);
    for (int r = rows > 0 ? rows : 0; r < LANES; r++) v[r] = (vu){};
    transpose16(v);
    int pairs = (depth - d + 1) / 2 < LANES ? (depth - d + 1) / 2 : LANES;
    for (int j = 0; j < pairs; j++) *(vu_unaligned *)(panel + (d + 2 * j) * PEQA_PANEL) = v[j];
  }
}

INLINE void forward_lanes(const peqa_matrix *w, const int bits, int row0, int col0, int depth,
                          int scaled, uint16_t *panel) {
  int d = 0;
  if (has_whole_numbers(w, bits, scaled) && row0 + LANES <= w->rows) {
    const uint8_t *p = (const uint8_t *)w->data + (size_t)row0 * w->row_stride;
    __m512i offsets = {};
    int group = -1;
    for (; d + 2 * LANES <= depth && col0 + d + 2 * LANES <= w->columns; d += 2 * LANES) {
      int now = (col0 + d) / w->group_size;
      if (now != group) offsets = row_offsets(w, row0, now);
      group = now;
      forward_codes(p + (size_t)((col0 + d) / 8) * (size_t)bits, w->row_stride, bits, offsets,
                    panel + d * PEQA_PANEL);
    }
  }
  forward_any(w, bits, row0, col0, d, depth, scaled, panel);
}

// Stores two rows of 64 columns as pairs.
INLINE void store_pairs(__m512i v[2][2], uint16_t *to) {
  static const uint16_t LOW[32] = {0, 32, 1, 33, 2,  34, 3,  35, 4,  36, 5,  37, 6,  38, 7,  39,
                                   8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
  __m512i low = _mm512_loadu_si512(LOW), high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
#pragma clang loop unroll(full)
  for (int half = 0; half < 2; half++, to += PEQA_PANEL) {
    _mm512_storeu_si512(to, _mm512_permutex2var_epi16(v[0][half], low, v[1][half]));
    _mm512_storeu_si512(to + 32, _mm512_permutex2var_epi16(v[0][half], high, v[1][half]));
  }
}

// Rows lie far apart, where the hardware does not foresee the next one.
enum { AHEAD = 16 };

// Whole 64 columns of `rows` rows, an even number, with one zero point each.
INLINE void backward_codes(const peqa_matrix *w, const int bits, int row0, int col0, int rows,
                           uint16_t *panel) {
  size_t stride = w->row_stride, groups = (size_t)w->groups;
  const uint8_t *p = (const uint8_t *)w->data + (size_t)row0 * stride + (size_t)(col0 / 8 * bits);
  const uint8_t *zeros = w->zeros_u8 + (size_t)row0 * groups + (size_t)(col0 / w->group_size);
  for (int d = 0; d < rows; d += 2, panel += 2 * PEQA_PANEL) {
    __m512i v[2][2];
#pragma clang loop unroll(full)
    for (int r = 0; r < 2; r++, p += stride, zeros += groups) {
      // Past the end it asks for what nobody reads; a prefetch never faults.
      _mm_prefetch((const char *)p + AHEAD * stride, 3);
      __m512i offset = _mm512_set1_epi16((short)(16 - *zeros));
      v[r][0] = whole_numbers(code_lanes(p, bits), bits, offset);
      v[r][1] = whole_numbers(code_lanes(p + 4 * bits, bits), bits, offset);
    }
    store_pairs(v, panel);
  }
}

INLINE void backward_lanes(const peqa_matrix *w, const int bits, int row0, int col0, int depth,
                           int scaled, uint16_t *panel) {
  size_t byte = w->storage == PEQA_CODES ? (size_t)(col0 / 8) * (size_t)w->bits
                                         : (size_t)col0 * (w->storage == PEQA_F32 ? 4 : 2);
  int end = depth < w->rows - row0 ? depth : w->rows - row0;
  int d = 0;
  if (has_whole_numbers(w, bits, scaled) && w->group_size >= PEQA_PANEL &&
      col0 + PEQA_PANEL <= w->columns) {
    d = end & ~1;
    backward_codes(w, bits, row0, col0, d, panel);
  }
  for (; d < depth; d += 2) {
    __m512i v[2][2] = {};
#pragma clang loop unroll(full)
    for (int r = 0; r < 2; r++) {
      int row = row0 + d + r;
      if (d + r >= end) break;
      if (row + AHEAD < w->rows)
        _mm_prefetch((const char *)w->data + (size_t)(row + AHEAD) * w->row_stride + byte, 3);
      __m512i table = {};
#pragma clang loop unroll(full)
      for (int half = 0; half < 2; half++) {
        int col = col0 + 32 * half;
        if (col >= w->columns) break;
        if (bits && bits <= 4 && (half == 0 || w->group_size < PEQA_PANEL))
          table = row_code_table(w, row, col / w->group_size, scaled);
        v[r][half] = bf16_lanes(w, bits, row, col, scaled, table);
      }
    }
    store_pairs(v, panel + d * PEQA_PANEL);
  }
}

// The bits of codes of which 32 have one grid, 16 for fp16, 0 for what bf16_lanes knows no shortcut
// for.
INLINE int short_cut(const peqa_matrix *w) {
  if (w->storage != PEQA_CODES) return w->storage == PEQA_F16 ? 16 : 0;
  return w->group_size >= 2 * LANES || w->groups == 1 ? w->bits : 0;
}

// Runs CALL(bits) with the bits as a constant.
#define WITH_BITS(W, CALL)   \
  switch (short_cut(W)) {    \
    case 2: CALL(2); break;  \
    case 3: CALL(3); break;  \
    case 4: CALL(4); break;  \
    case 16: CALL(16); break;\
    default: CALL(0); break; \
  }

static void pack_weights_nt_bf16(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                               uint16_t *panel) {
#define CALL(BITS) forward_lanes(w, BITS, row0 + l, col0, depth, scaled, panel + 2 * l)
  for (int l = 0; l < PEQA_PANEL; l += LANES) WITH_BITS(w, CALL)
#undef CALL
}

static void pack_weights_nn_bf16(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                                uint16_t *panel) {
#define CALL(BITS) backward_lanes(w, BITS, row0, col0, depth, scaled, panel)
  WITH_BITS(w, CALL)
#undef CALL
}
