// Codes and what they stand for, read by hardware.
#ifndef PEQA_VECTOR_GRID_H
#define PEQA_VECTOR_GRID_H

// Eight numbers of `bits` bits, one beside the other, to bytes.
INLINE uint64_t spread_bits(uint64_t word, int bits) {
  uint64_t mask = (1u << bits) - 1;
#ifdef ANY_CPU
  uint64_t bytes = 0;
  for (int i = 0; i < 8; i++) bytes |= (word >> (bits * i) & mask) << (8 * i);
  return bytes;
#else
  return _pdep_u64(word, mask * 0x0101010101010101);
#endif
}

// Eight codes as eight bytes: code i of a byte-aligned run of 8 codes of b bits (b bytes).
INLINE uint64_t eight_codes(const uint8_t *p, int bits) {
  uint64_t word = 0;
#define EIGHT(BITS)            \
  memcpy(&word, p, (BITS));    \
  return (BITS) == 8 ? word : spread_bits(word, (BITS))
  PEQA_WITH_CODE_BITS(bits, EIGHT)
#undef EIGHT
}

// Zero point and scale as grid.h gives them, converted by hardware.
INLINE float quick_half(const void *numbers, size_t index) {
#ifdef ANY_CPU
  return peqa_f16_at(numbers, index);
#else
  _Float16 half;
  memcpy(&half, (const char *)numbers + index * sizeof half, sizeof half);
  return (float)half;
#endif
}
INLINE float through_half(float x) {
#ifdef ANY_CPU
  return peqa_rounded(x, PEQA_F16);
#else
  return (float)(_Float16)x;
#endif
}
INLINE float quick_number(const void *numbers, peqa_storage type, size_t index) {
  return type == PEQA_F16 ? quick_half(numbers, index) : peqa_number_at(numbers, type, index);
}
INLINE float quick_rounded(float x, peqa_storage type) {
  return type == PEQA_F16 ? through_half(x) : peqa_rounded(x, type);
}
#define GRID_NAME(name) quick_general_##name
#define NUMBER quick_number
#define ROUNDED quick_rounded
#include "grid.h"
#undef GRID_NAME
#undef NUMBER
#undef ROUNDED

// Of plain forms.
INLINE float quick_zero(const peqa_matrix *w, int row, int group) {
  size_t at = (size_t)row * (size_t)w->groups + (size_t)group;
  return w->zeros_u8 ? (float)w->zeros_u8[at] : quick_half(w->zeros_f16, at);
}
INLINE float quick_scale(const peqa_matrix *w, int row, int group) {
  if (!w->scales) return 1;
  float scale = quick_half(w->scales, (size_t)row * (size_t)w->groups + (size_t)group);
  return w->gains ? through_half(scale * w->gains[row]) : scale;
}
INLINE peqa_grid quick_grid(const peqa_matrix *w, int row, int group) {
  if (peqa_is_plain(w))
    return (peqa_grid){quick_scale(w, row, group), 1, quick_zero(w, row, group)};
  return quick_general_grid(w, row, group);
}
#endif
