// The number-crunching of peqa: pure functions on memory of the caller. No allocation, no threads,
// no I/O, no state. Letters as in docs/numerics.md: T tokens, O rows, I columns, G groups of a row.
// One long header, because the table of kernels is one struct, and each entry's contract stands
// beside it.
#ifndef PEQA_KERNELS_H
#define PEQA_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// Lanes of a panel: so many outputs are computed side by side.
#define PEQA_PANEL 64
// Depth of a panel block along the summed dimension; fixed, because it fixes the order of
// additions.
#define PEQA_DEPTH 1024
// Columns of the smallest group where a row has several.
#define PEQA_LEAST_GROUP 16

// Operands of products with few tokens are padded to a multiple of so many columns.
#define PEQA_FEW_BLOCK 128
// Positions that one call of cache_attend looks at, at most; the first is a multiple of 16 or what
// a window leaves.
#define PEQA_CACHE_CHUNK 128

typedef enum { PEQA_CODES = 0, PEQA_F32 = 1, PEQA_F16 = 2, PEQA_BF16 = 3 } peqa_storage;

// f(x) between the layers of an MLP: x sigmoid(x), max(x, 0), x Phi(x), and the last by tanh:
// x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
typedef enum { PEQA_SILU = 0, PEQA_RELU = 1, PEQA_GELU = 2, PEQA_GELU_TANH = 3 } peqa_activation;

// A weight matrix W [rows O, columns I] as it lies in the mapped file; nothing is owned.
//
// Codes q[o,i] of group G, whose scale is number k = G / groups_per_scale of its row:
//   W = s (q - z)           s = scales[o,k] b[o,G], z = zeros[o,G] or 2^(bits-1)
//   W = s q + m             m = minima[o,k], or -minima[o,k] c[o,G] where there are block minima
// with b and c the integers of blocks, 1 where there are none. Numbers of scales and minima are
// multiplied by the row's gain and rounded to their type first.
typedef struct {
  peqa_storage storage;
  int rows, columns;
  const void *data;   // packed codes (see PackedLayout.swift) or dense row-major numbers
  size_t row_stride;  // bytes from row to row
  int bits, group_size, groups;
  peqa_storage scale_type;               // of scales and minima: F32, F16 or BF16
  int groups_per_scale, scales_per_row;  // 1 and groups where there are no super-blocks
  const void *_Nullable scales;          // [O, scales_per_row]; null: all 1
  const float *_Nullable gains;          // [O]; null: all 1
  const uint8_t *_Nullable zeros_u8;     // [O, G]; at most one of these three
  const uint16_t *_Nullable zeros_f16;   // [O, G]
  const void *_Nullable minima;          // [O, scales_per_row]
  const int8_t *_Nullable block_scales;  // [O, G]
  const uint8_t *_Nullable block_minima; // [O, G]
} peqa_matrix;

// Tokens that a teacher names for a position, at most.
#define PEQA_TEACHER_TOKENS 1024

// What a teacher says of one position, at some temperature: its most probable tokens, ids
// ascending, with the logarithms of their probabilities, and the logarithm of what all others have
// together, -infinity where that is nothing.
typedef struct {
  int count;
  const int32_t *ids;
  const float *logs;
  float rest;
} peqa_teacher;

// W = scale * (slope q - zero). The slope is 1, and 0 where a group has one weight for all codes,
// which then is the scale.
typedef struct {
  float scale, slope, zero;
} peqa_grid;

// fp16 scales and a zero point for each group: what the fastest loops are made for.
static inline int peqa_is_plain(const peqa_matrix *w) {
  return w->scale_type == PEQA_F16 && !w->block_scales && (w->zeros_u8 || w->zeros_f16);
}

// Keys and values of one key-value head as a generation keeps them, in fp32 or fp16.
// keys [position / 16][head_size][16], values [position][head_size rounded up to 16].
typedef struct {
  int half, head_size;
  void *keys, *values;
} peqa_cache;

// What a CPU can do beyond plain C, as far as any kernel asks. AVX2 is with FMA, F16C and BMI2,
// AVX512 with F, BW, VL and DQ.
typedef enum {
  PEQA_AVX2 = 1,
  PEQA_AVX512 = 2,
  PEQA_AVX512_BF16 = 4,
  PEQA_AVX_VNNI = 8,
  PEQA_AVX512_VNNI = 16,
  PEQA_LANES = 32,  // every CPU: vectors that the compiler makes of whatever there is
} peqa_feature;

// The numbers that a product multiplies.
typedef enum { PEQA_OPERAND_F32 = 0, PEQA_OPERAND_BF16 = 1, PEQA_OPERAND_I8 = 2 } peqa_operand_kind;

// So many numbers of a row of bytes have one scale: what is large in one place of a row leaves the
// other places their precision. Left operands of codes are padded with zeros to whole runs.
#define PEQA_BYTE_RUN 64

// The left operand of a product: rows of numbers, `row` elements apart.
//
// Bytes are integers -127..127; those of run r of row t, PEQA_BYTE_RUN of them, are numbers when
// multiplied by scales[t, r]. They are multiplied with codes as integers, part by part of the row.
// Parts of x are the groups of the matrix, or PEQA_DEPTH numbers (for gemv_i8 the whole row) where
// it has one group; those of dy are PEQA_DEPTH rows, those of dy transposed runs of tokens.
// sums[t, p] is what the zero points of part p are multiplied by (peqa_int8_sums).
typedef struct {
  peqa_operand_kind kind;
  const void *rows;
  ptrdiff_t row;
  const float *_Nullable scales;          // [rows, runs]; these of bytes alone
  ptrdiff_t runs;
  const float *_Nullable sums;            // [rows, parts]
  ptrdiff_t parts;
  const float *_Nullable weight_factors;  // see peqa_int8_row_factors
} peqa_operand;

// What the codes of 64 rows stand for, part by part: numbers [parts][64] of peqa_grid; null: 1.
typedef struct {
  const float *_Nullable scale, *_Nullable slope, *_Nullable zero;
} peqa_lanes;

// Kernels of one instruction set. A table begins as the reference (reference.c); files for
// instruction sets put their own functions over some of its entries (dispatch.c).
typedef struct {
  const char *name;   // see peqa_kernels_at
  const char *like;   // the set whose results have the same bits: its own name, or another's
  unsigned features;  // peqa_feature bits that its kernels use

  // C[m,n] (+)= lane_scale[n] * sum_k A[m,k] B[k,n];  n <= 64; B has 64 lanes a row, zero padded.
  // Each element is summed in the order of k. `accumulate` 0 overwrites C.
  void (*multiply_f32)(int m, int n, int k, const float *a, ptrdiff_t a_row, ptrdiff_t a_column,
                       const float *b, float *c, ptrdiff_t c_row, const float *_Nullable lane_scale,
                       int accumulate);
  // The same with bf16 pairs: the pair (k, k + 1) of a row of A lies together, pairs `a_pair`
  // elements apart; B [k/2][64][2]. k is even. Scales [k / scale_depth][64] where they change along
  // k: every `scale_depth` deep the sum is scaled and added to C; scale_depth is even.
  void (*multiply_bf16)(int m, int n, int k, const uint16_t *a, ptrdiff_t a_row, ptrdiff_t a_pair,
                        const uint16_t *b, float *c, ptrdiff_t c_row,
                        const float *_Nullable lane_scale, int scale_depth, int accumulate);

  // Panel for y = x W^T: lane l is row row0 + l, k runs over columns col0 .. col0 + depth.
  // Unscaled q - z (of peqa_grid: slope q - zero) where `scaled` is 0. Columns and rows past the
  // matrix give zeros.
  void (*pack_weights_nt_f32)(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                            float *panel);
  void (*pack_weights_nt_bf16)(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                             uint16_t *panel);
  // Panel for dx = dy W: lane l is column col0 + l, k runs over rows row0 .. row0 + depth.
  void (*pack_weights_nn_f32)(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                             float *panel);
  void (*pack_weights_nn_bf16)(const peqa_matrix *w, int row0, int col0, int depth, int scaled,
                              uint16_t *panel);
  // The scales of 64 rows for `groups` groups: [groups][64], 0 past the last row.
  void (*scales_per_lane)(const peqa_matrix *w, int row0, int group0, int groups, float *scales);
  // 64 unscaled weights q - z of one row from column col0 (a multiple of 64); zeros past the end.
  void (*unpack_row)(const peqa_matrix *w, int row, int col0, float *out);

  // Few tokens: y[t, o] = sum_i x[t,i] W[o,i] + bias[o] for rows o0 <= o < o1, every weight read
  // about once. x rows are padded with zeros to a multiple of PEQA_FEW_BLOCK. fp32 sums; codes
  // count as integers and the sum of a group is scaled.
  void (*gemv_f32)(const peqa_matrix *w, int o0, int o1, int tokens, const float *x, ptrdiff_t x_row,
                  const float *_Nullable bias, float *y, ptrdiff_t y_row);
  // The same with weights q - z (or dense ones) rounded to bf16 and x by gemv_operand_bf16, ordered
  // where peqa_gemv_ordered(w).
  void (*gemv_bf16)(const peqa_matrix *w, int o0, int o1, int tokens, const uint16_t *x,
                   ptrdiff_t x_row, const float *_Nullable bias, float *y, ptrdiff_t y_row);
  // out[t] = bf16 of x[t], zeros from `columns` to `padded`. Where `ordered`, element 32 j + i of
  // each 128 is that of column 4 i + j.
  void (*gemv_operand_bf16)(int tokens, int columns, int padded, int ordered, const float *x,
                           ptrdiff_t x_row, uint16_t *out);

  // Products of bytes. With S the sum of A[m,k] B[k,n] over the k that a run shares with a part, an
  // exact integer, and T the sum of a_scale[m, run] S over the runs of the part,
  //   C[m,n] (+)= sum over parts of scale * (slope T - zero a_sums[m, part])
  // S is exact in fp32. Rounded are, in this order: a_scale S, and for further runs added to T
  // (fused); slope T, less zero a_sum (fused); times scale and, but for the first part of a C that
  // is overwritten, added to C (fused). So all tables give the same bits, but for which NaN.
  // A -127..127; B [k/4][64][4], bytes below 2^bits. Each part is `part` deep, which divides
  // PEQA_BYTE_RUN or is a multiple of it; k is a multiple of 4 and at most PEQA_DEPTH. A begins
  // with a run and a part.
  void (*multiply_i8)(int m, int n, int k, int bits, int part, const peqa_operand *a,
                      const uint8_t *b, const peqa_lanes *lanes, float *c, ptrdiff_t c_row,
                      int accumulate);
  // The codes of a matrix as panels: for y = x W^T lane l is row row0 + l and k runs over columns
  // from col0, a multiple of 64; for dx = dy W lane l is column col0 + l, col0 a multiple of 64,
  // and k runs over rows, those whose slope is 0 as zeros. k is padded with anything to a multiple
  // of 4; so are lanes past the matrix.
  void (*pack_codes_nt)(const peqa_matrix *w, int row0, int col0, int depth, uint8_t *panel);
  void (*pack_codes_nn)(const peqa_matrix *w, int row0, int col0, int depth, uint8_t *panel);
  // The same for dx of weights that are no codes: 128 + the weight times factor[row], rounded to
  // the nearest integer.
  void (*pack_rounded_nn)(const peqa_matrix *w, int row0, int col0, int depth, const float *factor,
                          uint8_t *panel);
  // The grids of 64 rows for `groups` groups: [groups][64] each; scale 0 past the last row.
  void (*grids_per_lane)(const peqa_matrix *w, int row0, int group0, int groups, float *scale,
                         float *slope, float *zero);
  // Bytes of up to some tokens: y[t, o] = the sum over groups as above, plus 0, so that -0 becomes
  // 0. A row with one group is one part.
  void (*gemv_i8)(const peqa_matrix *w, int o0, int o1, int tokens, const peqa_operand *x, float *y,
                  ptrdiff_t y_row);
  // out[t, i] = x[t,i] factor[i] / scales[t, i / PEQA_BYTE_RUN] to the nearest integer, ties to
  // even, for scales [rows, peqa_byte_runs(padded)] of max |x factor| / 127 of a run; zeros up to
  // `padded`, which is whole runs. A run below 2^-100 is zeros with the scale 0, one with a number
  // that is not finite gets the scale NaN. factor null: 1.
  void (*round_i8)(int rows, int columns, int padded, const float *x, ptrdiff_t x_row,
                   const float *_Nullable factor, int8_t *out, float *scales);
  // The same for x transposed: out[i, t] of x[t, i], i0 <= i < i1, with runs of tokens.
  void (*round_transposed_i8)(int rows, int i0, int i1, int padded, const float *x, ptrdiff_t x_row,
                              int8_t *out, float *scales);
  // Panel of bytes for sums over tokens, rounded column by column in runs of tokens as by round_i8:
  // 128 + the byte of x[t, col0 + l]; 128 past the matrix. scales [runs of tokens][64].
  void (*pack_tokens_i8)(int rows, int columns, int col0, const float *x, ptrdiff_t x_row,
                         uint8_t *panel, float *scales);

  // out[t, i] = bf16(x[t, i] * factor[i]); columns up to `padded` are zero. factor null: 1.
  void (*round_bf16)(int rows, int columns, int padded, const float *x, ptrdiff_t x_row,
                     const float *_Nullable factor, uint16_t *out);
  // out[i, t] = x[t, i] for columns i0 ..< i1; rows of `padded` elements, zeros past `rows`.
  void (*transpose_bf16)(int rows, int i0, int i1, int padded, const float *x, ptrdiff_t x_row,
                         uint16_t *out);
  // Panel of an activation for sums over tokens: lane l is column col0 + l, k runs over tokens.
  void (*pack_tokens_bf16)(int rows, int columns, int col0, const float *x, ptrdiff_t x_row,
                           uint16_t *panel);
  void (*pack_tokens_f32)(int rows, int columns, int col0, const float *x, ptrdiff_t x_row,
                          float *panel);

  // y = w * x / rms(x), rms over `width`, as fp32 and as bf16 rows padded to an even count, as
  // asked for; inverse_rms[t] is kept for the backward pass.
  void (*rms_norm)(int rows, int width, float epsilon, const float *x, const float *w,
                   float *_Nullable y, uint16_t *_Nullable y_bf16, float *inverse_rms);
  // dx[t] += d(rms_norm)/dx applied to dy[t].
  void (*rms_norm_backward)(int rows, int width, const float *x, const float *w,
                            const float *inverse_rms, const float *dy, float *dx);
  // y = w * (x - mean) / deviation + b, over `width`; outputs as those of rms_norm. Keeps the mean
  // and 1 / deviation. b null: 0.
  void (*layer_norm)(int rows, int width, float epsilon, const float *x, const float *w,
                     const float *_Nullable b, float *_Nullable y, uint16_t *_Nullable y_bf16,
                     float *mean, float *inverse_deviation);
  // dx[t] += d(layer_norm)/dx applied to dy[t].
  void (*layer_norm_backward)(int rows, int width, const float *x, const float *w,
                              const float *mean, const float *inverse_deviation, const float *dy,
                              float *dx);
  // Rotates pairs (i, i + rotated / 2) of the first `rotated` numbers of each head by the angle
  // whose cosine and sine stand in [position, rotated / 2]; direction -1 turns back. The rest of a
  // head stays.
  void (*rope)(int rows, int heads, int head_size, int rotated, const float *cosine,
               const float *sine, float direction, const float *x, float *y);
  // h = f(gate) * up, elementwise, as fp32 and as bf16, as asked for; h = f(gate) without an up.
  void (*activate)(peqa_activation f, size_t count, const float *gate, const float *_Nullable up,
                   float *_Nullable h, uint16_t *_Nullable h_bf16);
  // dgate, and dup where there is an up, from dh; may overwrite gate and up.
  void (*activate_backward)(peqa_activation f, size_t count, const float *gate,
                            const float *_Nullable up, const float *dh, float *dgate,
                            float *_Nullable dup);
  // The same for columns o0 ..< o1 of matrices whose rows lie `row` apart, as operands of products:
  // bf16(dgate * gate_factor), bf16(dup * up_factor), factors 1 where null.
  // gate_sums[o] += sum_t dgate * gate_output, t in order, likewise up_sums with up. gate_output is
  // gate before its bias.
  void (*activation_gradient)(peqa_activation f, int rows, int o0, int o1, ptrdiff_t row,
                              const float *gate, const float *gate_output,
                              const float *_Nullable up, const float *dh,
                              const float *_Nullable gate_factor,
                              const float *_Nullable up_factor, uint16_t *dgate,
                              uint16_t *_Nullable dup, float *gate_sums,
                              float *_Nullable up_sums);
  // sums[o] += sum_t dy[t, o] * (y[t, o] - minus[t, o]) for columns o0 ..< o1, t in order, and
  // out[t, o] = bf16(dy[t, o] * factor[o]) where `out` is asked for.
  void (*row_scale_gradient)(int rows, int o0, int o1, const float *dy, ptrdiff_t dy_row, const float *y,
                       const float *_Nullable minus, ptrdiff_t y_row,
                       const float *_Nullable factor, uint16_t *_Nullable out, ptrdiff_t out_row,
                       float *sums);
  // x[i] becomes cap * tanh(scale * x[i] / cap); slope[i] what its derivative is, where asked for.
  void (*soft_cap)(size_t n, float scale, float cap, float *x, float *_Nullable slope);
  // x[0..n) becomes softmax(scale * x); elements n ..< padded become 0. Returns log-sum-exp.
  float (*softmax)(int n, int padded, float scale, float *x);
  // p[i] = exp(scale * s[i] - lse) for i < n, else 0.
  void (*softmax_from_lse)(int n, int padded, float scale, float lse, float *s);
  // dp[i] = scale * p[i] * (dp[i] - delta) for i < n, else 0.
  void (*softmax_backward)(int n, int padded, float scale, float delta, const float *p, float *dp);
  // p[i] = bf16(exp(scale * s[i] - top)) for first <= i < last, else 0, for i < end, a multiple of
  // 16; `top` is the greatest scale * s of them. Returns log-sum-exp; inverse_sum makes
  // probabilities of the p.
  float (*softmax_bf16)(int first, int last, int end, float scale, const float *s, uint16_t *p,
                        float *inverse_sum);
  // Probabilities and score gradients of two queries: p = exp(scale * s - lse) and
  // ds = scale * p * (dp - delta) for first <= i < last, else 0, for i < end, a multiple of 16. The
  // rows of s, dp and ds lie `row` apart; pairs hold both queries of a key side by side. Where
  // there are slopes, laid out as s, ds is multiplied by them.
  void (*softmax_gradient_pair_bf16)(const int *first, const int *last, int end, float scale,
                              const float *lse, const float *delta, const float *s,
                              const float *dp, const float *_Nullable slope, ptrdiff_t row,
                              uint16_t *p_pairs, uint16_t *ds, uint16_t *ds_pairs);
  // Returns -log softmax(x)[target]; where `gradient`, x becomes softmax(x) - onehot(target), else
  // it stays. With a cap > 0, x is the result of soft_cap with scale 1, and the gradient that of
  // what was before it.
  double (*cross_entropy)(int n, int target, float cap, float *x, int gradient);
  // losses[0] = cross_entropy, losses[1] = KL(p || q) with q = softmax(x / temperature) and p the
  // teacher's, whose tokens beside those named are one outcome in p and in q. Where `gradient`, x
  // becomes the gradient of weight * temperature^2 * losses[1] + (1 - weight) * losses[0]: of what
  // was before the cap, as above; for a weight of 0 it is that of cross_entropy, bit for bit.
  void (*distill)(int n, int target, float cap, const peqa_teacher *teacher, float weight,
                  float temperature, float *x, int gradient, double *losses);
  // Writes the key and the value of one position, rounded to fp16 where `half`; padding becomes 0.
  void (*cache_write)(const peqa_cache *cache, int position, const float *key, const float *value);
  // Keys and values of positions 0 ..< count as fp32 rows of head_size.
  void (*cache_read)(const peqa_cache *cache, int count, float *keys, float *values);
  // Attention of `heads` queries (q_row apart) to positions first ..< last, at most
  // PEQA_CACHE_CHUNK: out[h] = sum exp(s - top[h]) v, sum[h] = sum exp(..), s = scale q k, through
  // soft_cap where cap > 0. Rows of out are head_size rounded up to 16.
  void (*cache_attend)(const peqa_cache *cache, int first, int last, int heads, float scale,
                       float cap, const float *q, ptrdiff_t q_row, float *out, float *top,
                       float *sum);
  float (*dot)(int n, const float *a, const float *b);
  // y += a.
  void (*add)(size_t count, const float *a, float *y);
  // y = a + b.
  void (*sum)(size_t count, const float *a, const float *b, float *y);
} peqa_kernels;

// Bits of peqa_feature that this CPU has.
unsigned peqa_cpu_features(void);
// The name of instruction set `index`, the faster ones later; null past the last one.
const char *_Nullable peqa_kernels_at(int index);
// The table for an instruction set by name; null where this CPU lacks it or no such table exists.
const peqa_kernels *_Nullable peqa_kernels_named(const char *name);

// Linear layers, over a part of the output so that threads stay outside. `work` holds one panel:
// PEQA_DEPTH * PEQA_PANEL floats.

// y[t, o] = sum_i x[t,i] W[o,i] + bias[o] for t0 <= t < t1, o0 <= o < o1; o0 a multiple of 64.
void peqa_linear_forward(const peqa_kernels *table, const peqa_matrix *w, const peqa_operand *x,
                         int t0, int t1, int o0, int o1, const float *_Nullable bias, float *y,
                         ptrdiff_t y_row, float *work);
// dx[t, i] (+)= sum_o dy[t,o] W[o,i] for i0 <= i < i1; i0 a multiple of 64. With one scale a row,
// `dy` has been multiplied by the scales already (peqa_row_factors).
void peqa_linear_input_gradient(const peqa_kernels *table, const peqa_matrix *w,
                                const peqa_operand *dy, int t0, int t1, int i0, int i1, float *dx,
                                ptrdiff_t dx_row, int accumulate, float *work);
// ds[o, G] += sum over i in G of (q - z)[o,i] * sum_t dy[t,o] x[t,i], for o0 <= o < o1.
// `dy_t` is dy transposed [O][tokens]; `x_panels` has one panel of `tokens` rows for each 64
// columns, and `x_scales` the scales of such panels of bytes, one behind the other.
void peqa_linear_group_gradient(const peqa_kernels *table, const peqa_matrix *w,
                                const peqa_operand *dy_t, const void *x_panels,
                                const float *_Nullable x_scales, int tokens, int o0, int o1,
                                float *ds, float *work);
// Scales of a row of `columns` bytes.
static inline int peqa_byte_runs(int columns) {
  return (columns + PEQA_BYTE_RUN - 1) / PEQA_BYTE_RUN;
}
// sums[t, p] = the sum of a[t, i] weights[i] over part p of `columns`, parts `part` long, in double
// and then rounded; a is what the bytes stand for. weights null: 1.
void peqa_int8_sums(int rows, int columns, int part, const peqa_operand *a,
                    const float *_Nullable weights, float *sums);
// What goes into dy before it is rounded to bytes, and what the bytes are multiplied by, for rows
// o0 <= o < o1. With one group a row: its scale, by which dy is multiplied, and its zero point,
// which are the weights of peqa_int8_sums. With several: with f the greatest weight of the row that
// its codes can give, f / 127 for dy and 127 / f for the weights, which are rounded too
// (weight_factors).
void peqa_int8_row_factors(const peqa_matrix *w, int o0, int o1, float *factors, float *others);
// Whether products of few tokens want the bf16 operand in the order of 16-bit words of codes.
static inline int peqa_gemv_ordered(const peqa_matrix *w) {
  return w->storage == PEQA_CODES && w->bits <= 4 && w->group_size >= 32 && peqa_is_plain(w);
}
// factors[o] = the scale of row o; for matrices with one scale a row (1 for dense ones).
void peqa_row_factors(const peqa_matrix *w, float *factors);
// The scale of peqa_grid, by which products multiply.
float peqa_effective_scale(const peqa_matrix *w, int row, int group);

// One head of causal attention over one segment. Query i stands at key position
// keys - queries + i and sees the keys up to there, at most `window` of them (0: all).
// Only queries first ..< last are computed; `first` is a multiple of 64.
typedef struct {
  int queries, keys, head_size, window, first, last;
  float scale, cap;    // scores are scale q k, through soft_cap where cap > 0
  const float *q;      // [queries] rows of head_size, q_row apart; so are out, dout, dq
  const float *k, *v;  // [keys] rows, kv_row apart
  ptrdiff_t q_row, kv_row;
} peqa_attention;

// Floats of `work` for either direction.
size_t peqa_attention_work(int keys, int head_size, int capped);
// out = softmax(scale q k^T) v; lse [queries] is kept for the backward pass.
void peqa_attention_forward(const peqa_kernels *table, const peqa_attention *a, float *out,
                            float *lse, float *work);
// Overwrites dq of its queries, and the call's own dk, dv [keys, head_size] with what these queries
// add to them; queries == keys.
void peqa_attention_backward(const peqa_kernels *table, const peqa_attention *a, const float *out,
                             const float *lse, const float *dout, float *dq, float *dk, float *dv,
                             float *work);

// The same with bf16 products.
size_t peqa_attention_work_bf16(int keys, int head_size, int capped);
void peqa_attention_forward_bf16(const peqa_kernels *table, const peqa_attention *a, float *out,
                                 float *lse, float *work);
void peqa_attention_backward_bf16(const peqa_kernels *table, const peqa_attention *a,
                                  const float *out, const float *lse, const float *dout, float *dq,
                                  float *dk, float *dv, float *work);

// What this core can do at best, for measurements (peak.c).
typedef enum { PEQA_PEAK_F32, PEQA_PEAK_BF16, PEQA_PEAK_INT8 } peqa_peak_unit;
// Multiply-adds in registers alone, by the widest instruction of the table. Returns the operations
// done, two a multiply-add; 0 where the table has no such products. `sink` gets what nobody needs.
double peqa_peak_run(const peqa_kernels *table, peqa_peak_unit unit, long turns, float *sink);
// Reads `bytes` from first to last; returns what nobody needs.
uint64_t peqa_read_stream(const peqa_kernels *table, const void *memory, size_t bytes);

// Puts the results of cache_attend for `chunks` runs of positions together: out [head_size]. Value
// sums are parts_row apart, tops and sums numbers_row.
void peqa_attention_merge(int chunks, int head_size, const float *parts, ptrdiff_t parts_row,
                          const float *tops, const float *sums, ptrdiff_t numbers_row, float *out);

// For loops that wait for another thread: tells the core so, and takes some tens of nanoseconds.
static inline void peqa_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

uint16_t peqa_f32_to_f16(float value);
float peqa_f16_to_f32(uint16_t bits);

// The same bits on every CPU, see elementary.c.
double peqa_exp(double x);
double peqa_log(double x);
double peqa_pow(double x, double y);  // x > 0
double peqa_sin(double x);
double peqa_cos(double x);

#pragma clang assume_nonnull end
#endif
