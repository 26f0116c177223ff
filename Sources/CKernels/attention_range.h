// What both precisions of attention share: which keys a block of queries sees.
#ifndef PEQA_ATTENTION_RANGE_H
#define PEQA_ATTENTION_RANGE_H

#include "tables.h"

static inline int least(int a, int b) { return a < b ? a : b; }
static inline int most(int a, int b) { return a > b ? a : b; }
static inline int even(int n) { return n + (n & 1); }
static inline ptrdiff_t padded(int n) { return (n + PEQA_PANEL - 1) / PEQA_PANEL * PEQA_PANEL; }

// The keys that a block of queries sees: [first, last), `first` rounded down to a panel.
typedef struct {
  int rows, first, last;
} key_range;

static inline key_range visible(const peqa_attention *a, int block) {
  key_range r;
  int offset = a->keys - a->queries;
  r.rows = least(PEQA_PANEL, a->queries - block);
  r.last = offset + block + r.rows;
  int start = a->window > 0 ? most(0, offset + block + 1 - a->window) : 0;
  r.first = start / PEQA_PANEL * PEQA_PANEL;
  return r;
}

// The keys that one query sees: [row_start, row_limit).
static inline int row_limit(const peqa_attention *a, int query) {
  return a->keys - a->queries + query + 1;
}
static inline int row_start(const peqa_attention *a, int query) {
  return a->window > 0 ? most(0, row_limit(a, query) - a->window) : 0;
}

// Bends a row of products q k where scores are capped, and says what is left to scale them by.
static inline float cap_scores(const peqa_kernels *table, const peqa_attention *a, int count,
                               float *row, float *slopes) {
  if (a->cap <= 0) return a->scale;
  table->soft_cap((size_t)count, a->scale, a->cap, row, slopes);
  return 1;
}
#endif
