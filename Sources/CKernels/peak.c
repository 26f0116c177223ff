// What a core can do at best, for `peqa bench`: multiply-adds that touch nothing but registers, and
// a read of memory that does nothing with what it reads.
#include <immintrin.h>

#include "tables.h"

// Independent sums that hide the latency of an instruction: 5 cycles x 2 units and some to spare.
#define CHAINS 20
// Multiply-adds of each chain in one turn.
#define TURN 256

#define RUN(TYPE, ZERO, STEP)                   \
  TYPE sums[CHAINS];                            \
  for (int c = 0; c < CHAINS; c++)              \
    sums[c] = ZERO;                             \
  for (long turn = 0; turn < turns; turn++)     \
    for (int i = 0; i < TURN; i++) {            \
      _Pragma("clang loop unroll(full)")        \
      for (int c = 0; c < CHAINS; c++) STEP;    \
    }

#define TARGET(FEATURES) __attribute__((target(FEATURES), noinline))

TARGET("avx512f,avx512bf16") static float run_bf16(long turns) {
  __m512bh x = (__m512bh)_mm512_set1_epi32(0x3F803F80);
  RUN(__m512, _mm512_setzero_ps(), sums[c] = _mm512_dpbf16_ps(sums[c], x, x))
  __m512 all = sums[0];
  for (int c = 1; c < CHAINS; c++) all = _mm512_add_ps(all, sums[c]);
  return _mm512_reduce_add_ps(all);
}

TARGET("avx512f,avx512vnni") static float run_int8(long turns) {
  __m512i x = _mm512_set1_epi8(1);
  RUN(__m512i, _mm512_setzero_si512(), sums[c] = _mm512_dpbusd_epi32(sums[c], x, x))
  __m512i all = sums[0];
  for (int c = 1; c < CHAINS; c++) all = _mm512_add_epi32(all, sums[c]);
  return (float)_mm512_reduce_add_epi32(all);
}

TARGET("avx512f") static float run_f32_avx512(long turns) {
  __m512 x = _mm512_set1_ps(1);
  RUN(__m512, _mm512_setzero_ps(), sums[c] = _mm512_fmadd_ps(x, x, sums[c]))
  __m512 all = sums[0];
  for (int c = 1; c < CHAINS; c++) all = _mm512_add_ps(all, sums[c]);
  return _mm512_reduce_add_ps(all);
}

// Sixteen registers: fewer chains, or they would go by way of memory.
#undef CHAINS
#define CHAINS 12
TARGET("avx2,fma") static float run_f32_avx2(long turns) {
  __m256 x = _mm256_set1_ps(1);
  RUN(__m256, _mm256_setzero_ps(), sums[c] = _mm256_fmadd_ps(x, x, sums[c]))
  __m256 all = sums[0];
  for (int c = 1; c < CHAINS; c++) all = _mm256_add_ps(all, sums[c]);
  float lanes[8];
  _mm256_storeu_ps(lanes, all);
  float sum = 0;
  for (int l = 0; l < 8; l++) sum += lanes[l];
  return sum;
}

static float run_f32_scalar(long turns) {
  float x = 1;
  RUN(float, 0, sums[c] += x * x)
  float all = 0;
  for (int c = 0; c < CHAINS; c++) all += sums[c];
  return all;
}

double peqa_peak_run(const peqa_kernels *table, peqa_peak_unit unit, long turns, float *sink) {
  int lanes = 0, chains = 20;
  int avx512 = (table->features & PEQA_AVX512) != 0;
  if (unit == PEQA_PEAK_BF16 && table->features & PEQA_AVX512_BF16) {
    *sink = run_bf16(turns);
    lanes = 32;
  } else if (unit == PEQA_PEAK_INT8 && avx512 && __builtin_cpu_supports("avx512vnni")) {
    *sink = run_int8(turns);
    lanes = 64;
  } else if (unit == PEQA_PEAK_F32 && avx512) {
    *sink = run_f32_avx512(turns);
    lanes = 16;
  } else if (unit == PEQA_PEAK_F32 && table->features & PEQA_AVX2) {
    *sink = run_f32_avx2(turns);
    lanes = 8, chains = 12;
  } else if (unit == PEQA_PEAK_F32) {
    *sink = run_f32_scalar(turns);
    lanes = 1, chains = 12;
  }
  return 2.0 * lanes * chains * TURN * (double)turns;
}

TARGET("avx512f") static uint64_t read_avx512(const char *memory, size_t bytes) {
  __m512i sums[8];
  for (int c = 0; c < 8; c++) sums[c] = _mm512_setzero_si512();
  for (size_t at = 0; at + 512 <= bytes; at += 512) {
#pragma clang loop unroll(full)
    for (int c = 0; c < 8; c++)
      sums[c] = _mm512_xor_si512(sums[c], _mm512_loadu_si512(memory + at + 64 * c));
  }
  for (int c = 1; c < 8; c++) sums[0] = _mm512_xor_si512(sums[0], sums[c]);
  return (uint64_t)_mm512_reduce_add_epi64(sums[0]);
}

uint64_t peqa_read_stream(const peqa_kernels *table, const void *memory, size_t bytes) {
  if (table->features & PEQA_AVX512) return read_avx512(memory, bytes);
  uint64_t sums[4] = {0};
  for (size_t at = 0; at + 32 <= bytes; at += 32)
    for (int c = 0; c < 4; c++) {
      uint64_t word;
      memcpy(&word, (const char *)memory + at + 8 * c, 8);
      sums[c] ^= word;
    }
  return sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
}
