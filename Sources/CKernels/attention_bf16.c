// Causal softmax attention of one head over one segment with bf16 products and fp32 sums: queries,
// keys, values, probabilities and their gradients are rounded to bf16 as they enter a product.
#include "attention_range.h"

// Keys of a chunk in the backward pass: its scores stay in the second-level cache.
enum { KEY_PIECE = 512 };

// Operands in `work`; rows of `even(size)` and `n` elements, panels of 64 lanes in pairs:
//   across:  [block of 64 rows][size / 2][64 rows][2]       summed over the head's dimensions
//   along:   [block of 64 dimensions][rows / 2][64][2]      summed over rows
static void pack_across(const peqa_kernels *table, const float *x, ptrdiff_t x_row, int rows,
                        int size, uint16_t *out) {
  peqa_matrix m = {.storage = PEQA_F32, .rows = rows, .columns = size, .data = x,
                   .row_stride = (size_t)x_row * sizeof(float)};
  for (int r = 0; r < rows; r += PEQA_PANEL)
    table->pack_weights_nt_bf16(&m, r, 0, size, 0, out + (ptrdiff_t)r * even(size));
}

static void pack_along(const peqa_kernels *table, const float *x, ptrdiff_t x_row, int rows,
                       int size, ptrdiff_t stride, uint16_t *out) {
  for (int d = 0; d < size; d += PEQA_PANEL)
    table->pack_tokens_bf16(rows, size, d, x, x_row, out + d * stride);
}

static uint16_t *take(uint16_t **work, ptrdiff_t elements) {
  uint16_t *start = *work;
  *work += (elements + 31) / 32 * 32;
  return start;
}

size_t peqa_attention_work_bf16(int keys, int head_size, int capped) {
  ptrdiff_t n = padded(keys), d = padded(head_size), chunk = least((int)n, KEY_PIECE);
  ptrdiff_t forward = 2 * n * d + PEQA_PANEL * (d + 3 * n);
  ptrdiff_t backward = 3 * n * d + PEQA_PANEL * (4 * d + (capped ? 9 : 7) * chunk);
  return (size_t)(forward > backward ? forward : backward) / 2 + 16 * 16;
}

// c[rows, visible keys] = rows times panels packed across.
static void against_keys(const peqa_kernels *table, int rows, int first, int last, int size,
                         const uint16_t *a, const uint16_t *panels, float *c, ptrdiff_t c_row) {
  for (int j = first; j < last; j += PEQA_PANEL)
    table->multiply_bf16(rows, PEQA_PANEL, even(size), a, even(size), 2,
                         panels + (ptrdiff_t)j * even(size), c + (j - first), c_row, NULL, 0, 0);
}

// c[m, size] (+)= a [m, k] times panels packed along, from row `first` of them.
static void along_rows(const peqa_kernels *table, int m, int k, int size, const uint16_t *a,
                       ptrdiff_t a_row, ptrdiff_t a_pair, const uint16_t *panels, ptrdiff_t stride,
                       int first, float *c, ptrdiff_t c_row, int accumulate) {
  for (int d = 0; d < size; d += PEQA_PANEL)
    table->multiply_bf16(m, least(PEQA_PANEL, size - d), even(k), a, a_row, a_pair,
                         panels + d * stride + (ptrdiff_t)first * PEQA_PANEL, c + d, c_row, NULL, 0,
                         accumulate);
}

void peqa_attention_forward_bf16(const peqa_kernels *table, const peqa_attention *a, float *out,
                                 float *lse, float *work) {
  int size = a->head_size;
  ptrdiff_t n = padded(a->keys);
  uint16_t *at = (uint16_t *)work;
  uint16_t *key_panels = take(&at, n * even(size)), *values = take(&at, n * padded(size));
  uint16_t *queries = take(&at, PEQA_PANEL * even(size)), *p = take(&at, PEQA_PANEL * n);
  float *scores = (float *)take(&at, 2 * PEQA_PANEL * n);
  pack_across(table, a->k, a->kv_row, a->keys, size, key_panels);
  pack_along(table, a->v, a->kv_row, a->keys, size, n, values);
  for (int block = a->first; block < a->last; block += PEQA_PANEL) {
    key_range r = visible(a, block);
    float *rows = out + block * a->q_row, inverse[PEQA_PANEL];
    int end = (int)padded(r.last) - r.first;
    table->round_bf16(r.rows, size, even(size), a->q + block * a->q_row, a->q_row, NULL, queries);
    against_keys(table, r.rows, r.first, r.last, size, queries, key_panels, scores, n);
    for (int i = 0; i < r.rows; i++) {
      int first = row_start(a, block + i) - r.first, last = row_limit(a, block + i) - r.first;
      float *row = scores + i * n, scale = cap_scores(table, a, last - first, row + first, NULL);
      lse[block + i] =
          table->softmax_bf16(first, last, end, scale, row, p + i * n, inverse + i);
    }
    along_rows(table, r.rows, r.last - r.first, size, p, n, 2, values, n, r.first, rows, a->q_row,
               0);
    for (int i = 0; i < r.rows; i++)
      for (int d = 0; d < size; d++) rows[i * a->q_row + d] *= inverse[i];
  }
}

// Row i of a block within a chunk of keys that starts at `start`; nothing past the block.
static void piece_row(const peqa_attention *a, key_range r, int block, int i, int start, int end,
                      int *first, int *last) {
  int query = block + i;
  *first = i < r.rows ? least(end, most(0, row_start(a, query) - start)) : 0;
  *last = i < r.rows ? least(end, most(0, row_limit(a, query) - start)) : 0;
}

void peqa_attention_backward_bf16(const peqa_kernels *table, const peqa_attention *a,
                                  const float *out, const float *lse, const float *dout, float *dq,
                                  float *dk, float *dv, float *work) {
  int size = a->head_size;
  ptrdiff_t n = padded(a->keys), chunk = least((int)n, KEY_PIECE), row = even(size);
  uint16_t *at = (uint16_t *)work;
  uint16_t *keys = take(&at, n * row), *values = take(&at, n * row);
  uint16_t *key_rows = take(&at, n * padded(size));
  uint16_t *q = take(&at, PEQA_PANEL * row), *d = take(&at, PEQA_PANEL * row);
  uint16_t *q_rows = take(&at, PEQA_PANEL * padded(size));
  uint16_t *d_rows = take(&at, PEQA_PANEL * padded(size));
  uint16_t *p_pairs = take(&at, PEQA_PANEL * chunk), *ds_pairs = take(&at, PEQA_PANEL * chunk);
  uint16_t *ds = take(&at, PEQA_PANEL * chunk);
  float *scores = (float *)take(&at, 2 * PEQA_PANEL * chunk);
  float *dscores = (float *)take(&at, 2 * PEQA_PANEL * chunk);
  float *slopes = a->cap > 0 ? (float *)take(&at, 2 * PEQA_PANEL * chunk) : NULL;
  pack_across(table, a->k, a->kv_row, a->keys, size, keys);
  pack_across(table, a->v, a->kv_row, a->keys, size, values);
  pack_along(table, a->k, a->kv_row, a->keys, size, n, key_rows);
  memset(dk, 0, (size_t)a->keys * (size_t)size * sizeof(float));
  memset(dv, 0, (size_t)a->keys * (size_t)size * sizeof(float));
  for (int block = a->first; block < a->last; block += PEQA_PANEL) {
    key_range r = visible(a, block);
    const float *q_block = a->q + block * a->q_row, *d_block = dout + block * a->q_row;
    float delta[PEQA_PANEL + 1] = {0}, sums[PEQA_PANEL + 1] = {0};
    table->round_bf16(r.rows, size, (int)row, q_block, a->q_row, NULL, q);
    table->round_bf16(r.rows, size, (int)row, d_block, a->q_row, NULL, d);
    pack_along(table, q_block, a->q_row, r.rows, size, PEQA_PANEL, q_rows);
    pack_along(table, d_block, a->q_row, r.rows, size, PEQA_PANEL, d_rows);
    for (int i = 0; i < r.rows; i++) {
      delta[i] = table->dot(size, d_block + i * a->q_row, out + (block + i) * a->q_row);
      sums[i] = lse[block + i];
    }
    for (int start = r.first; start < r.last; start += KEY_PIECE) {
      int stop = least(r.last, start + KEY_PIECE), end = (int)padded(stop - start);
      against_keys(table, r.rows, start, stop, size, q, keys, scores, chunk);
      against_keys(table, r.rows, start, stop, size, d, values, dscores, chunk);
      for (int i = 0; i < r.rows; i += 2) {
        int first[2], last[2];
        float scale = a->scale;
        for (int j = 0; j < 2; j++) {
          piece_row(a, r, block, i + j, start, end, first + j, last + j);
          ptrdiff_t row = (i + j) * chunk + first[j];
          if (first[j] < last[j])
            scale = cap_scores(table, a, last[j] - first[j], scores + row,
                               slopes ? slopes + row : NULL);
        }
        table->softmax_gradient_pair_bf16(first, last, end, scale, sums + i, delta + i,
                                   scores + i * chunk, dscores + i * chunk,
                                   slopes ? slopes + i * chunk : NULL, chunk,
                                   p_pairs + i * chunk, ds + i * chunk, ds_pairs + i * chunk);
      }
      along_rows(table, r.rows, stop - start, size, ds, chunk, 2, key_rows, n, start,
                 dq + block * a->q_row, a->q_row, start > r.first);
      along_rows(table, stop - start, r.rows, size, p_pairs, 2, 2 * chunk, d_rows, PEQA_PANEL, 0,
                 dv + (ptrdiff_t)start * size, size, 1);
      along_rows(table, stop - start, r.rows, size, ds_pairs, 2, 2 * chunk, q_rows, PEQA_PANEL, 0,
                 dk + (ptrdiff_t)start * size, size, 1);
    }
  }
}
