// Puts together what few queries found in chunks of the cache.
#include <math.h>
#include <string.h>

#include "tables.h"

void peqa_attention_merge(int chunks, int head_size, const float *parts, ptrdiff_t parts_row,
                          const float *tops, const float *sums, ptrdiff_t numbers_row,
                          float *out) {
  float top = -INFINITY, total = 0;
  for (int p = 0; p < chunks; p++) top = fmaxf(top, tops[p * numbers_row]);
  memset(out, 0, (size_t)head_size * sizeof *out);
  for (int p = 0; p < chunks; p++) {
    float weight = expf(tops[p * numbers_row] - top);
    total += weight * sums[p * numbers_row];
    for (int d = 0; d < head_size; d++) out[d] += weight * parts[p * parts_row + d];
  }
  for (int d = 0; d < head_size; d++) out[d] /= total;
}
