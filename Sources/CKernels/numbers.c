// Half precision without hardware, and the scale of a weight as products use it.
#include <math.h>

#include "tables.h"

typedef union {
  float value;
  uint32_t bits;
} word;

float peqa_f16_to_f32(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 0x1F, mantissa = h & 0x3FF;
  if (exponent == 31) return ((word){.bits = sign | 0x7F800000 | mantissa << 13}).value;
  if (exponent == 0) return (sign ? -1.0f : 1.0f) * (float)mantissa * 0x1p-24f;
  return ((word){.bits = sign | (exponent + 112) << 23 | mantissa << 13}).value;
}

uint16_t peqa_f32_to_f16(float value) {
  uint32_t bits = ((word){.value = value}).bits;
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000) return sign | 0x7E00;
  if (magnitude >= 0x477FF000) return sign | 0x7C00;  // rounds to 65536 or more
  if (magnitude < 0x38800000) {                       // below 2^-14: subnormal, unit 2^-24
    float scaled = fabsf(value) * 0x1p24f;
    return sign | (uint16_t)rintf(scaled);
  }
  magnitude += 0xFFF + (magnitude >> 13 & 1);
  return sign | (uint16_t)((magnitude - 0x38000000) >> 13);
}

float peqa_effective_scale(const peqa_matrix *w, int row, int group) {
  return w->storage == PEQA_CODES ? peqa_grid_of(w, row, group).scale : 1.0f;
}

void peqa_row_factors(const peqa_matrix *w, float *factors) {
  for (int row = 0; row < w->rows; row++) factors[row] = peqa_effective_scale(w, row, 0);
}
