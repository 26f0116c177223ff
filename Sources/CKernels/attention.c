// Causal softmax attention of one head over one segment in fp32, forward and backward, in blocks of
// 64 queries: no more than 64 rows of scores exist at a time.
#include "attention_range.h"

// Memory layouts in `work`, each zero padded to 64 lanes:
//   transposed panels: [key block][head_size][64 keys]
//   row panels:        [dimension block][row][64 dimensions]
static void transposed_panels(const float *x, ptrdiff_t x_row, int n, int size, float *out) {
  memset(out, 0, (size_t)padded(n) * (size_t)size * sizeof(float));
  for (int t = 0; t < n; t++)
    for (int d = 0; d < size; d++)
      out[((ptrdiff_t)(t / PEQA_PANEL) * size + d) * PEQA_PANEL + t % PEQA_PANEL] =
          x[t * x_row + d];
}

static void row_panels(const peqa_kernels *table, const float *x, ptrdiff_t x_row, int n, int size,
                       ptrdiff_t stride, float *out) {
  for (int d = 0; d < size; d += PEQA_PANEL)
    table->pack_tokens_f32(n, size, d, x, x_row, out + d / PEQA_PANEL * stride * PEQA_PANEL);
}

size_t peqa_attention_work(int keys, int head_size, int capped) {
  size_t n = (size_t)padded(keys), d = (size_t)padded(head_size);
  return 3 * n * d + 2 * PEQA_PANEL * n + 2 * PEQA_PANEL * d + (capped ? n : 0);
}

// c[rows, visible keys] = a-rows times transposed panels.
static void against_keys(const peqa_kernels *table, key_range r, int size, const float *rows,
                         ptrdiff_t stride, const float *panels, float *c, ptrdiff_t c_row) {
  for (int j = r.first; j < r.last; j += PEQA_PANEL)
    table->multiply_f32(r.rows, PEQA_PANEL, size, rows, stride, 1, panels + (ptrdiff_t)j * size,
                        c + j, c_row, NULL, 0);
}

// c[rows, head_size] = scores times row panels of the visible keys.
static void over_keys(const peqa_kernels *table, key_range r, int size, ptrdiff_t stride,
                      const float *scores, ptrdiff_t score_row, const float *panels, float *c,
                      ptrdiff_t c_row) {
  for (int d = 0; d < size; d += PEQA_PANEL)
    table->multiply_f32(r.rows, least(PEQA_PANEL, size - d), r.last - r.first, scores + r.first,
                        score_row, 1, panels + (d / PEQA_PANEL * stride + r.first) * PEQA_PANEL,
                        c + d, c_row, NULL, 0);
}

// c[visible keys, head_size] += scores^T times the block's row panels.
static void onto_keys(const peqa_kernels *table, key_range r, int size, const float *scores,
                      ptrdiff_t score_row, const float *panels, float *c) {
  for (int d = 0; d < size; d += PEQA_PANEL)
    table->multiply_f32(r.last - r.first, least(PEQA_PANEL, size - d), r.rows, scores + r.first, 1,
                        score_row, panels + (ptrdiff_t)d * PEQA_PANEL,
                        c + (ptrdiff_t)r.first * size + d, size, NULL, 1);
}

void peqa_attention_forward(const peqa_kernels *table, const peqa_attention *a, float *out,
                            float *lse, float *work) {
  int size = a->head_size;
  ptrdiff_t n = padded(a->keys);
  float *key_panels = work, *value_panels = key_panels + n * size;
  float *scores = value_panels + n * padded(size);
  transposed_panels(a->k, a->kv_row, a->keys, size, key_panels);
  row_panels(table, a->v, a->kv_row, a->keys, size, n, value_panels);
  for (int block = a->first; block < a->last; block += PEQA_PANEL) {
    key_range r = visible(a, block);
    against_keys(table, r, size, a->q + block * a->q_row, a->q_row, key_panels, scores, n);
    for (int i = 0; i < r.rows; i++) {
      int limit = row_limit(a, block + i), start = row_start(a, block + i);
      float *row = scores + i * n;
      for (int j = r.first; j < start; j++) row[j] = 0;
      float scale = cap_scores(table, a, limit - start, row + start, NULL);
      lse[block + i] = table->softmax(limit - start, (int)padded(r.last) - start, scale, row + start);
    }
    over_keys(table, r, size, n, scores, n, value_panels, out + block * a->q_row, a->q_row);
  }
}

void peqa_attention_backward(const peqa_kernels *table, const peqa_attention *a, const float *out,
                             const float *lse, const float *dout, float *dq, float *dk, float *dv,
                             float *work) {
  int size = a->head_size;
  ptrdiff_t n = padded(a->keys);
  float *key_panels = work, *value_panels = key_panels + n * size;
  float *key_rows = value_panels + n * size, *scores = key_rows + n * padded(size);
  float *dscores = scores + PEQA_PANEL * n, *q_rows = dscores + PEQA_PANEL * n;
  float *dout_rows = q_rows + PEQA_PANEL * padded(size);
  float *slopes = dout_rows + PEQA_PANEL * padded(size);
  transposed_panels(a->k, a->kv_row, a->keys, size, key_panels);
  transposed_panels(a->v, a->kv_row, a->keys, size, value_panels);
  row_panels(table, a->k, a->kv_row, a->keys, size, n, key_rows);
  memset(dk, 0, (size_t)a->keys * (size_t)size * sizeof(float));
  memset(dv, 0, (size_t)a->keys * (size_t)size * sizeof(float));
  for (int block = a->first; block < a->last; block += PEQA_PANEL) {
    key_range r = visible(a, block);
    const float *q = a->q + block * a->q_row, *d = dout + block * a->q_row;
    against_keys(table, r, size, q, a->q_row, key_panels, scores, n);
    against_keys(table, r, size, d, a->q_row, value_panels, dscores, n);
    for (int i = 0; i < r.rows; i++) {
      int limit = row_limit(a, block + i), start = row_start(a, block + i);
      int count = limit - start, end = (int)padded(r.last) - start;
      float *row = scores + i * n, *drow = dscores + i * n;
      float delta = table->dot(size, d + i * a->q_row, out + (block + i) * a->q_row);
      for (int j = r.first; j < start; j++) row[j] = drow[j] = 0;
      float scale = cap_scores(table, a, count, row + start, slopes);
      table->softmax_from_lse(count, end, scale, lse[block + i], row + start);
      table->softmax_backward(count, end, scale, delta, row + start, drow + start);
      if (a->cap > 0)
        for (int j = 0; j < count; j++) drow[start + j] *= slopes[j];
    }
    row_panels(table, q, a->q_row, r.rows, size, PEQA_PANEL, q_rows);
    row_panels(table, d, a->q_row, r.rows, size, PEQA_PANEL, dout_rows);
    over_keys(table, r, size, n, dscores, n, key_rows, dq + block * a->q_row, a->q_row);
    onto_keys(table, r, size, scores, n, dout_rows, dv);
    onto_keys(table, r, size, dscores, n, q_rows, dk);
  }
}
