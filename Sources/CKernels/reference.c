// The reference: the specification of every kernel, in plain loops. Kept boring on purpose; entries
// that a table has faster must agree with it within the tolerance that the tests derive.
#include <math.h>
#include <string.h>

#include "tables.h"

static void multiply_f32(int m, int n, int k, const float *a, ptrdiff_t a_row, ptrdiff_t a_column,
                         const float *b, float *c, ptrdiff_t c_row, const float *lane_scale,
                         int accumulate) {
  for (int i = 0; i < m; i++) {
    float sum[PEQA_PANEL] = {0};
    for (int d = 0; d < k; d++)
      for (int j = 0; j < n; j++) sum[j] += a[i * a_row + d * a_column] * b[d * PEQA_PANEL + j];
    for (int j = 0; j < n; j++) {
      float value = lane_scale ? sum[j] * lane_scale[j] : sum[j];
      c[i * c_row + j] = accumulate ? c[i * c_row + j] + value : value;
    }
  }
}

static void multiply_bf16(int m, int n, int k, const uint16_t *a, ptrdiff_t a_row,
                          ptrdiff_t a_pair, const uint16_t *b, float *c, ptrdiff_t c_row,
                          const float *lane_scale, int scale_depth, int accumulate) {
  PEQA_REQUIRE(k % 2 == 0 && (!lane_scale || scale_depth % 2 == 0));
  int depth = lane_scale ? scale_depth : k;
  for (int i = 0; i < m; i++)
    for (int d0 = 0; d0 < k; d0 += depth) {
      float sum[PEQA_PANEL] = {0};
      const float *scale = lane_scale ? lane_scale + d0 / depth * PEQA_PANEL : NULL;
      for (int d = d0; d < k && d < d0 + depth; d++)
        for (int j = 0; j < n; j++)
          sum[j] += peqa_bf16_value(a[i * a_row + d / 2 * a_pair + d % 2]) *
                    peqa_bf16_value(b[2 * (d / 2 * PEQA_PANEL + j) + d % 2]);
      for (int j = 0; j < n; j++) {
        float value = scale ? sum[j] * scale[j] : sum[j];
        c[i * c_row + j] = accumulate || d0 > 0 ? c[i * c_row + j] + value : value;
      }
    }
}

#include "reference_panels.h"
#include "reference_gemv.h"
#include "reference_int8.h"
#include "reference_elementwise.h"
#include "reference_cache.h"

void peqa_begin_with_reference(peqa_kernels *table) {
  *table = (peqa_kernels){
      .name = "scalar",
      .like = "scalar",
      .multiply_f32 = multiply_f32,
      .multiply_bf16 = multiply_bf16,
      .pack_weights_nt_f32 = pack_weights_nt_f32,
      .pack_weights_nt_bf16 = pack_weights_nt_bf16,
      .pack_weights_nn_f32 = pack_weights_nn_f32,
      .pack_weights_nn_bf16 = pack_weights_nn_bf16,
      .scales_per_lane = scales_per_lane,
      .unpack_row = unpack_row,
      .gemv_f32 = gemv_f32,
      .gemv_bf16 = gemv_bf16,
      .gemv_operand_bf16 = gemv_operand_bf16,
      .multiply_i8 = multiply_i8,
      .pack_codes_nt = pack_codes_nt,
      .pack_codes_nn = pack_codes_nn,
      .pack_rounded_nn = pack_rounded_nn,
      .grids_per_lane = grids_per_lane,
      .gemv_i8 = gemv_i8,
      .round_i8 = round_i8,
      .round_transposed_i8 = round_transposed_i8,
      .pack_tokens_i8 = pack_tokens_i8,
      .round_bf16 = round_bf16,
      .transpose_bf16 = transpose_bf16,
      .pack_tokens_bf16 = pack_tokens_bf16,
      .pack_tokens_f32 = pack_tokens_f32,
      .rms_norm = rms_norm,
      .rms_norm_backward = rms_norm_backward,
      .layer_norm = layer_norm,
      .layer_norm_backward = layer_norm_backward,
      .rope = rope,
      .activate = activate,
      .activate_backward = activate_backward,
      .activation_gradient = activation_gradient,
      .row_scale_gradient = row_scale_gradient,
      .soft_cap = soft_cap,
      .softmax = softmax,
      .softmax_from_lse = softmax_from_lse,
      .softmax_backward = softmax_backward,
      .softmax_bf16 = softmax_bf16,
      .softmax_gradient_pair_bf16 = softmax_gradient_pair_bf16,
      .cross_entropy = cross_entropy,
      .distill = distill,
      .cache_write = cache_write,
      .cache_read = cache_read,
      .cache_attend = cache_attend,
      .dot = dot,
      .add = add,
      .sum = sum,
  };
}
