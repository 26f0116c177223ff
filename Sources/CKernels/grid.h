// What the codes of one group of a row stand for. Included with NUMBER(p, type, index), which reads
// a number of a type at any address, and ROUNDED(x, type), which rounds one to it.

// Scale s[row, group] with the row's gain, as the file's type can hold it.
static inline float GRID_NAME(scale)(const peqa_matrix *w, int row, int group) {
  if (!w->scales) return 1.0f;
  size_t at = (size_t)row * (size_t)w->scales_per_row + (size_t)(group / w->groups_per_scale);
  float scale = NUMBER(w->scales, w->scale_type, at);
  return w->gains ? ROUNDED(scale * w->gains[row], w->scale_type) : scale;
}

// The grid of forms with minima, scales of blocks or a fixed zero point.
static inline peqa_grid GRID_NAME(grid)(const peqa_matrix *w, int row, int group) {
  size_t block = (size_t)row * (size_t)w->groups + (size_t)group;
  float scale = GRID_NAME(scale)(w, row, group);
  if (w->block_scales) scale *= (float)w->block_scales[block];
  if (w->zeros_u8) return (peqa_grid){scale, 1, (float)w->zeros_u8[block]};
  if (w->zeros_f16) return (peqa_grid){scale, 1, NUMBER(w->zeros_f16, PEQA_F16, block)};
  if (!w->minima) return (peqa_grid){scale, 1, (float)(1 << (w->bits - 1))};
  size_t at = (size_t)row * (size_t)w->scales_per_row + (size_t)(group / w->groups_per_scale);
  float minimum = NUMBER(w->minima, w->scale_type, at);
  if (w->gains) minimum = ROUNDED(minimum * w->gains[row], w->scale_type);
  if (w->block_minima) minimum *= -(float)w->block_minima[block];
  // A scale so small that it is nothing beside the minimum counts as 0 too.
  float zero = scale == 0 ? 0 : -minimum / scale;
  if (scale == 0 || zero - zero != 0) return (peqa_grid){minimum, 0, -1};
  return (peqa_grid){scale, 1, zero};
}
