// Attention of few queries over cached keys and values, which are read once, as they come.

INLINE vf cached16(const int half, const void *numbers, ptrdiff_t at) {
  return half ? from_f16((const uint16_t *)numbers + at) : load((const float *)numbers + at);
}

INLINE void keep16(const int half, void *numbers, ptrdiff_t at, vf v) {
  if (!half) {
    store((float *)numbers + at, v);
    return;
  }
  store_f16((uint16_t *)numbers + at, v);
}

static void cache_write(const peqa_cache *cache, int position, const float *key,
                        const float *value) {
  int size = cache->head_size;
  ptrdiff_t width = peqa_cache_width(cache);
  ptrdiff_t block = (ptrdiff_t)(position / LANES) * size * LANES + position % LANES;
  for (int d = 0; d < size; d += LANES) {
    keep16(cache->half, cache->values, position * width + d, load_part(value + d, size - d, 0));
    uint16_t halves[LANES];
    store_f16(halves, load_part(key + d, size - d, 0));
    for (int i = 0; i < LANES && d + i < size; i++) {
      ptrdiff_t at = block + (ptrdiff_t)(d + i) * LANES;
      if (cache->half)
        ((uint16_t *)cache->keys)[at] = halves[i];
      else
        ((float *)cache->keys)[at] = key[d + i];
    }
  }
}

static void cache_read(const peqa_cache *cache, int count, float *keys, float *values) {
  int size = cache->head_size;
  ptrdiff_t width = peqa_cache_width(cache);
  for (int t = 0; t < count; t += LANES) {
    int n = count - t < LANES ? count - t : LANES;
    for (int d = 0; d < size; d++) {
      float lanes[LANES];
      store(lanes, cached16(cache->half, cache->keys, ((ptrdiff_t)t * size + d * LANES)));
      for (int i = 0; i < n; i++) keys[(ptrdiff_t)(t + i) * size + d] = lanes[i];
    }
  }
  for (int t = 0; t < count; t++)
    for (int d = 0; d < size; d += LANES)
      store_part(values + (ptrdiff_t)t * size + d, size - d,
                 cached16(cache->half, cache->values, t * width + d));
}

// Scores of a chunk, a row of PEQA_CACHE_CHUNK + 16 a head, by blocks of 16 positions from the one
// that holds `first`.
#define CACHE_ROW (PEQA_CACHE_CHUNK + LANES)
#define CACHE_HEADS 4

INLINE void cache_scores(const int half, const int heads, const peqa_cache *cache, int start,
                         int last, const float *q, ptrdiff_t q_row, float *scores) {
  int size = cache->head_size;
  for (int t = start; t < last; t += LANES) {
    vf s[CACHE_HEADS] = {};
    for (int d = 0; d < size; d++) {
      vf k = cached16(half, cache->keys, (ptrdiff_t)t * size + d * LANES);
#pragma clang loop unroll(full)
      for (int h = 0; h < heads; h++) s[h] = fma16(splat(q[h * q_row + d]), k, s[h]);
    }
#pragma clang loop unroll(full)
    for (int h = 0; h < heads; h++) store(scores + h * CACHE_ROW + t - start, s[h]);
  }
}

// Turns scores first ..< last of a row that begins at `start` into weights.
INLINE void cache_weights(int start, int first, int last, float scale, float *scores, float *top,
                          float *sum) {
  float *row = scores + first - start;
  int n = last - first;
  float shift = row_maximum(n, row) * scale;
  *top = shift;
  *sum = (float)exponentials(n, scale, shift, row, 1);
}

INLINE void cache_values(const int half, const int heads, const int vectors,
                         const peqa_cache *cache, int first, int last, int d, ptrdiff_t width,
                         const float *weights, float *out) {
  vf acc[CACHE_HEADS][4] = {};
  for (int t = first; t < last; t++) {
    vf v[4];
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++)
      v[j] = cached16(half, cache->values, t * width + d + j * LANES);
#pragma clang loop unroll(full)
    for (int h = 0; h < heads; h++)
#pragma clang loop unroll(full)
      for (int j = 0; j < vectors; j++)
        acc[h][j] = fma16(splat(weights[h * CACHE_ROW + t - first]), v[j], acc[h][j]);
  }
#pragma clang loop unroll(full)
  for (int h = 0; h < heads; h++)
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++) store(out + h * width + d + j * LANES, acc[h][j]);
}

INLINE void cache_heads(const int half, const int heads, const peqa_cache *cache, int first,
                        int last, float scale, float cap, const float *q, ptrdiff_t q_row,
                        float *out, float *top, float *sum) {
  float scores[CACHE_HEADS * CACHE_ROW];
  int start = first / LANES * LANES;
  ptrdiff_t width = peqa_cache_width(cache);
  cache_scores(half, heads, cache, start, last, q, q_row, scores);
  for (int h = 0; h < heads; h++) {
    float *row = scores + h * CACHE_ROW;
    if (cap > 0) soft_cap((size_t)(last - first), scale, cap, row + first - start, NULL);
    cache_weights(start, first, last, cap > 0 ? 1 : scale, row, top + h, sum + h);
  }
  int d = 0;
  for (; d + 4 * LANES <= width; d += 4 * LANES)
    cache_values(half, heads, 4, cache, first, last, d, width, scores + first - start, out);
  for (; d < width; d += LANES)
    cache_values(half, heads, 1, cache, first, last, d, width, scores + first - start, out);
}

static void cache_attend(const peqa_cache *cache, int first, int last, int heads, float scale,
                         float cap, const float *q, ptrdiff_t q_row, float *out, float *top,
                         float *sum) {
  ptrdiff_t width = peqa_cache_width(cache);
#define CALL(HEADS)                                                                             \
  if (cache->half)                                                                              \
    cache_heads(1, HEADS, cache, first, last, scale, cap, q, q_row, out, top, sum);             \
  else                                                                                          \
    cache_heads(0, HEADS, cache, first, last, scale, cap, q, q_row, out, top, sum);             \
  heads -= HEADS, q += HEADS * q_row, out += HEADS * width, top += HEADS, sum += HEADS
  while (heads >= 4) {
    CALL(4);
  }
  while (heads >= 3) {
    CALL(3);
  }
  while (heads >= 1) {
    CALL(1);
  }
#undef CALL
}
