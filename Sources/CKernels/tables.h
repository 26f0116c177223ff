// What the tables share: the scalar chunks that every instruction set uses as they are.
#ifndef PEQA_TABLES_H
#define PEQA_TABLES_H

#include <string.h>

#include "peqa_kernels.h"

extern const peqa_kernels peqa_table_scalar;
extern const peqa_kernels peqa_table_avx2;
extern const peqa_kernels peqa_table_avx512;
extern const peqa_kernels peqa_table_avx512bf16;

// bf16 products without hardware for them (reference.c, reference_gemv.h).
void peqa_reference_multiply_bf16(int m, int n, int k, const uint16_t *a, ptrdiff_t a_row,
                                  ptrdiff_t a_pair, const uint16_t *b, float *c, ptrdiff_t c_row,
                                  const float *lane_scale, int scale_depth, int accumulate);

void peqa_reference_gemv_bf16(const peqa_matrix *w, int o0, int o1, int tokens, const uint16_t *x,
                             ptrdiff_t x_row, const float *bias, float *y, ptrdiff_t y_row);
void peqa_reference_gemv_operand_bf16(int tokens, int columns, int padded, int ordered,
                                     const float *x, ptrdiff_t x_row, uint16_t *out);

// 2^-100. Gradients of logits below it become 0: what they are multiplied by would give numbers
// without a leading bit, which some CPUs compute a hundred times more slowly, and which no sum
// would notice.
#define PEQA_LEAST_PROBABILITY 0x1p-100f

// bf16 bits of a float, round to nearest even, NaN kept.
static inline uint16_t peqa_bf16_bits(float value) {
  union {
    float value;
    uint32_t bits;
  } u = {value};
  if ((u.bits & 0x7FFFFFFF) > 0x7F800000) return (uint16_t)(u.bits >> 16 | 0x40);
  return (uint16_t)((u.bits + 0x7FFF + (u.bits >> 16 & 1)) >> 16);
}

static inline float peqa_bf16_value(uint16_t bits) {
  union {
    uint32_t bits;
    float value;
  } u = {(uint32_t)bits << 16};
  return u.value;
}

// The fp16 number at `index`; a mapped file may put it at any address.
static inline float peqa_f16_at(const void *numbers, size_t index) {
  uint16_t bits;
  memcpy(&bits, (const char *)numbers + index * sizeof bits, sizeof bits);
  return peqa_f16_to_f32(bits);
}

// Columns of a row of cached values: those of a head, rounded up to a vector.
static inline int peqa_cache_width(const peqa_cache *cache) {
  return (cache->head_size + 15) / 16 * 16;
}

// The number of a type at `index`, and x rounded to a type.
static inline float peqa_number_at(const void *numbers, peqa_storage type, size_t index) {
  float value;
  uint16_t bits;
  switch (type) {
    case PEQA_F32: memcpy(&value, (const char *)numbers + index * 4, 4); return value;
    case PEQA_BF16: memcpy(&bits, (const char *)numbers + index * 2, 2); return peqa_bf16_value(bits);
    default: return peqa_f16_at(numbers, index);
  }
}
static inline float peqa_rounded(float x, peqa_storage type) {
  switch (type) {
    case PEQA_F32: return x;
    case PEQA_BF16: return peqa_bf16_value(peqa_bf16_bits(x));
    default: return peqa_f16_to_f32(peqa_f32_to_f16(x));
  }
}

#define GRID_NAME(name) peqa_##name##_of
#define NUMBER peqa_number_at
#define ROUNDED peqa_rounded
#include "grid.h"
#undef GRID_NAME
#undef NUMBER
#undef ROUNDED
#endif
