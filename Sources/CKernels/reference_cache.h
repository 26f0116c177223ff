// Attention of few queries over cached keys and values.
static float cached(const peqa_cache *cache, const void *numbers, ptrdiff_t at) {
  return cache->half ? peqa_f16_at(numbers, (size_t)at) : ((const float *)numbers)[at];
}

static void keep(const peqa_cache *cache, void *numbers, ptrdiff_t at, float value) {
  if (cache->half)
    ((uint16_t *)numbers)[at] = peqa_f32_to_f16(value);
  else
    ((float *)numbers)[at] = value;
}

static ptrdiff_t key_at(const peqa_cache *cache, int position, int d) {
  return ((ptrdiff_t)(position / 16) * cache->head_size + d) * 16 + position % 16;
}

static void cache_write(const peqa_cache *cache, int position, const float *key,
                        const float *value) {
  int size = cache->head_size, width = peqa_cache_width(cache);
  for (int d = 0; d < size; d++) keep(cache, cache->keys, key_at(cache, position, d), key[d]);
  for (int d = 0; d < width; d++)
    keep(cache, cache->values, (ptrdiff_t)position * width + d, d < size ? value[d] : 0);
}

static void cache_read(const peqa_cache *cache, int count, float *keys, float *values) {
  int size = cache->head_size, width = peqa_cache_width(cache);
  for (int t = 0; t < count; t++)
    for (int d = 0; d < size; d++) {
      keys[(ptrdiff_t)t * size + d] = cached(cache, cache->keys, key_at(cache, t, d));
      values[(ptrdiff_t)t * size + d] = cached(cache, cache->values, (ptrdiff_t)t * width + d);
    }
}

static void cache_attend(const peqa_cache *cache, int first, int last, int heads, float scale,
                         float cap, const float *q, ptrdiff_t q_row, float *out, float *top,
                         float *sum) {
  int size = cache->head_size, width = peqa_cache_width(cache);
  for (int h = 0; h < heads; h++, q += q_row, out += width) {
    float scores[PEQA_CACHE_CHUNK];
    top[h] = -INFINITY;
    sum[h] = 0;
    for (int t = first; t < last; t++) {
      float score = 0;
      for (int d = 0; d < size; d++)
        score += q[d] * cached(cache, cache->keys, key_at(cache, t, d));
      score *= scale;
      if (cap > 0) score = cap * tanhf(score / cap);
      scores[t - first] = score;
      top[h] = fmaxf(top[h], score);
    }
    for (int t = first; t < last; t++)
      sum[h] += scores[t - first] = expf(scores[t - first] - top[h]);
    for (int d = 0; d < width; d++) {
      out[d] = 0;
      for (int t = first; t < last; t++)
        out[d] += scores[t - first] * cached(cache, cache->values, (ptrdiff_t)t * width + d);
    }
  }
}
