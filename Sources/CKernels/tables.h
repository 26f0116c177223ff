// What the tables share, and how they are put together.
#ifndef PEQA_TABLES_H
#define PEQA_TABLES_H

#include <string.h>

#include "peqa_kernels.h"

// Every entry of a table, in plain loops.
void peqa_begin_with_reference(peqa_kernels *table);
// Entries that an instruction set has faster (table_NAME.c).
void peqa_override_generic(peqa_kernels *table);
void peqa_override_avx2(peqa_kernels *table);
void peqa_override_avxvnni(peqa_kernels *table);
void peqa_override_avx512(peqa_kernels *table);
void peqa_override_avx512vnni(peqa_kernels *table);
void peqa_override_avx512bf16(peqa_kernels *table);

// Contracts that only a mistake of this program breaks: ends it where they are broken, in releases
// too, for the alternative is a wrong result or a write past the end.
#define PEQA_REQUIRE(CONDITION) ((CONDITION) ? (void)0 : __builtin_trap())

// Every width of codes that kernels know. CALL(bits) gets it as a constant.
#define PEQA_WITH_CODE_BITS(BITS, CALL) \
  switch (BITS) {                       \
    case 2: CALL(2); break;             \
    case 3: CALL(3); break;             \
    case 4: CALL(4); break;             \
    case 5: CALL(5); break;             \
    case 6: CALL(6); break;             \
    case 8: CALL(8); break;             \
    default: __builtin_trap();          \
  }

static inline void peqa_require_matrix(const peqa_matrix *w) {
  PEQA_REQUIRE(w->rows > 0 && w->columns > 0);
  if (w->storage != PEQA_CODES) return;
#define KNOWN(BITS) (void)0
  PEQA_WITH_CODE_BITS(w->bits, KNOWN)
#undef KNOWN
  PEQA_REQUIRE(w->groups == 1 ||
               (w->group_size >= PEQA_LEAST_GROUP && PEQA_DEPTH % w->group_size == 0));
  PEQA_REQUIRE(w->row_stride >= (size_t)(w->columns + 63) / 64 * 8 * (size_t)w->bits);
}

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
