// Kernels written once in vectors of 16 lanes and compiled once for each instruction set by the
// files that include this one. They define:
//   OVERRIDE        name of the function that puts them into a table
//   TILE_VECTORS    vectors of 16 side by side in a tile (4 fill the registers of AVX-512)
//   NATIVE_BF16     1 where vdpbf16ps and vcvtneps2bf16 exist
//   INT8_WIDTH      bits of the vectors that multiply integers by vpmaddubsw; 0: not here
//   ANY_CPU         only where no instruction beyond the plainest may be named; integers stay with
//                   the reference then, whose bits are the same
// What each function computes is specified by reference.c and what it includes.
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "peqa_kernels.h"
#include "tables.h"

#include "vector_types.h"

#define TILE_ROWS 6

// Bits of bf16(x), round to nearest even, in the low half of each lane.
INLINE vu to_bf16(vf x) {
#if NATIVE_BF16
  return (vu)_mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)x));
#else
  vu bits = (vu)x;
  vu rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  vu is_nan = (vu)((bits & 0x7FFFFFFF) > 0x7F800000);
  return (is_nan & ((bits >> 16) | 0x40)) | (~is_nan & rounded);
#endif
}
INLINE vu bf16_pair(vf low, vf high) { return to_bf16(low) | (to_bf16(high) << 16); }

#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
// Sums the lanes in a fixed order: halves are added until one number is left.
INLINE float sum_lanes(vf v) {
  typedef float v8 __attribute__((vector_size(32)));
  typedef float v4 __attribute__((vector_size(16)));
  v8 a = SHUFFLE(v, v, 0, 1, 2, 3, 4, 5, 6, 7) + SHUFFLE(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  v4 b = SHUFFLE(a, a, 0, 1, 2, 3) + SHUFFLE(a, a, 4, 5, 6, 7);
  return (b[0] + b[2]) + (b[1] + b[3]);
}

INLINE void store_bf16(uint16_t *p, vf v) {
  *(vu16_unaligned *)p = __builtin_convertvector(to_bf16(v), vu16);
}

#include "vector_elementwise.h"
#include "vector_norm.h"
#include "vector_activation.h"
#include "vector_softmax.h"
#include "vector_distill.h"
#include "vector_multiply.h"
#include "vector_panels.h"
#include "vector_gemv.h"
#ifndef ANY_CPU
#include "vector_code_bytes.h"
#include "vector_int8.h"
#endif
#if INT8_WIDTH
#define INT8_VNNI 0
#include "vector_int8_products.h"
#include "vector_int8_gemv.h"
#endif
#include "vector_cache.h"

// bf16 products without hardware for them stay what they are.
void OVERRIDE(peqa_kernels *table) {
  table->multiply_f32 = multiply_f32;
  table->pack_weights_nt_f32 = pack_weights_nt_f32;
  table->pack_weights_nt_bf16 = pack_weights_nt_bf16;
  table->pack_weights_nn_f32 = pack_weights_nn_f32;
  table->pack_weights_nn_bf16 = pack_weights_nn_bf16;
  table->scales_per_lane = scales_per_lane;
  table->unpack_row = unpack_row;
  table->gemv_f32 = gemv_f32;
#ifndef ANY_CPU
  table->pack_codes_nt = pack_codes_nt;
  table->pack_codes_nn = pack_codes_nn;
  table->pack_rounded_nn = pack_rounded_nn;
  table->grids_per_lane = grids_per_lane;
  table->round_i8 = round_i8;
  table->round_transposed_i8 = round_transposed_i8;
  table->pack_tokens_i8 = pack_tokens_i8;
#endif
  table->round_bf16 = round_bf16;
  table->transpose_bf16 = transpose_bf16;
  table->pack_tokens_bf16 = pack_tokens_bf16;
  table->pack_tokens_f32 = pack_tokens_f32;
  table->rms_norm = rms_norm;
  table->rms_norm_backward = rms_norm_backward;
  table->layer_norm = layer_norm;
  table->layer_norm_backward = layer_norm_backward;
  table->rope = rope;
  table->activate = activate;
  table->activate_backward = activate_backward;
  table->activation_gradient = activation_gradient;
  table->row_scale_gradient = row_scale_gradient;
  table->soft_cap = soft_cap;
  table->softmax = softmax;
  table->softmax_from_lse = softmax_from_lse;
  table->softmax_backward = softmax_backward;
  table->softmax_bf16 = softmax_bf16;
  table->softmax_gradient_pair_bf16 = softmax_gradient_pair_bf16;
  table->cross_entropy = cross_entropy;
  table->distill = distill;
  table->cache_write = cache_write;
  table->cache_read = cache_read;
  table->cache_attend = cache_attend;
  table->dot = dot;
  table->add = add;
  table->sum = sum;
#if INT8_WIDTH
  table->multiply_i8 = multiply_i8;
  table->gemv_i8 = gemv_i8;
#endif
#if NATIVE_BF16
  table->multiply_bf16 = multiply_bf16;
  table->gemv_bf16 = gemv_bf16;
  table->gemv_operand_bf16 = gemv_operand_bf16;
#endif
}
