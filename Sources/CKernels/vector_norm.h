// Norms over the numbers of a token.

static void rms_norm(int rows, int width, float epsilon, const float *x, const float *w, float *y,
                     uint16_t *y_bf16, float *inverse_rms) {
  int padded = width + (width & 1);
  for (int t = 0; t < rows; t++, x += width) {
    float inverse = 1.0f / sqrtf(dot(width, x, x) / (float)width + epsilon);
    inverse_rms[t] = inverse;
    for (int i = 0; i < width; i += LANES) {
      vf v = load_part(x + i, width - i, 0) * inverse * load_part(w + i, width - i, 0);
      if (y) store_part(y + (ptrdiff_t)t * width + i, width - i, v);
      if (y_bf16) store_part_bf16(y_bf16 + (ptrdiff_t)t * padded + i, padded - i, v);
    }
  }
}

static void rms_norm_backward(int rows, int width, const float *x, const float *w,
                              const float *inverse_rms, const float *dy, float *dx) {
  for (int t = 0; t < rows; t++, x += width, dy += width, dx += width) {
    vf sum = {};
    for (int i = 0; i < width; i += LANES)
      sum = fma16(load_part(x + i, width - i, 0) * load_part(w + i, width - i, 0),
                  load_part(dy + i, width - i, 0), sum);
    float inverse = inverse_rms[t];
    float mean = sum_lanes(sum) * inverse * inverse / (float)width;
    for (int i = 0; i < width; i += LANES) {
      vf g = load_part(w + i, width - i, 0) * load_part(dy + i, width - i, 0);
      vf change = fma16(load_part(x + i, width - i, 0), splat(-mean), g) * inverse;
      store_part(dx + i, width - i, load_part(dx + i, width - i, 0) + change);
    }
  }
}

// Sum of (x - mean)^2.
INLINE float squares_about(int width, const float *x, float mean) {
  vf sum = {};
  for (int i = 0; i < width; i += LANES) {
    vf d = load_part(x + i, width - i, mean) - mean;
    sum = fma16(d, d, sum);
  }
  return sum_lanes(sum);
}

INLINE float sum_of(int width, const float *x) {
  vf sum = {};
  for (int i = 0; i < width; i += LANES) sum += load_part(x + i, width - i, 0);
  return sum_lanes(sum);
}

static void layer_norm(int rows, int width, float epsilon, const float *x, const float *w,
                       const float *b, float *y, uint16_t *y_bf16, float *mean,
                       float *inverse_deviation) {
  int padded = width + (width & 1);
  for (int t = 0; t < rows; t++, x += width) {
    float middle = sum_of(width, x) / (float)width;
    float inverse = 1.0f / sqrtf(squares_about(width, x, middle) / (float)width + epsilon);
    mean[t] = middle;
    inverse_deviation[t] = inverse;
    for (int i = 0; i < width; i += LANES) {
      // Past the row the weight is 0, and so must be the result.
      vf scaled = (load_part(x + i, width - i, middle) - middle) * inverse;
      vf v = scaled * load_part(w + i, width - i, 0);
      if (b) v += load_part(b + i, width - i, 0);
      if (y) store_part(y + (ptrdiff_t)t * width + i, width - i, v);
      if (y_bf16) store_part_bf16(y_bf16 + (ptrdiff_t)t * padded + i, padded - i, v);
    }
  }
}

static void layer_norm_backward(int rows, int width, const float *x, const float *w,
                                const float *mean, const float *inverse_deviation,
                                const float *dy, float *dx) {
  for (int t = 0; t < rows; t++, x += width, dy += width, dx += width) {
    vf sum = {}, product = {};
    for (int i = 0; i < width; i += LANES) {
      vf g = load_part(w + i, width - i, 0) * load_part(dy + i, width - i, 0);
      sum += g;
      product = fma16(g, load_part(x + i, width - i, mean[t]) - mean[t], product);
    }
    float inverse = inverse_deviation[t];
    float shift = sum_lanes(sum) / (float)width;
    float slope = sum_lanes(product) * inverse * inverse / (float)width;
    for (int i = 0; i < width; i += LANES) {
      vf g = load_part(w + i, width - i, 0) * load_part(dy + i, width - i, 0);
      vf centred = load_part(x + i, width - i, mean[t]) - mean[t];
      vf change = fma16(-centred, splat(slope), g - shift) * inverse;
      store_part(dx + i, width - i, load_part(dx + i, width - i, 0) + change);
    }
  }
}
