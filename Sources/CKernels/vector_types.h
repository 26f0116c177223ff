// Vectors of 16 lanes, for whatever instruction set a file is compiled.
#ifndef PEQA_VECTOR_TYPES_H
#define PEQA_VECTOR_TYPES_H

#define LANES 16
#define INLINE static inline __attribute__((always_inline))

// Loads and stores take any address: numbers in a mapped file may lie at odd ones.
typedef float vf __attribute__((vector_size(64)));
typedef float vf_unaligned __attribute__((vector_size(64), aligned(1)));
typedef uint32_t vu __attribute__((vector_size(64)));
typedef uint32_t vu_unaligned __attribute__((vector_size(64), aligned(1)));
typedef int32_t vi __attribute__((vector_size(64)));
typedef uint16_t vu16 __attribute__((vector_size(32)));
typedef uint16_t vu16_unaligned __attribute__((vector_size(32), aligned(1)));
typedef uint8_t vu8 __attribute__((vector_size(16)));
#ifndef ANY_CPU
typedef _Float16 vh __attribute__((vector_size(32)));
#endif
typedef double vd __attribute__((vector_size(128)));

INLINE vf load(const void *p) { return *(const vf_unaligned *)p; }
INLINE void store(float *p, vf v) { *(vf_unaligned *)p = v; }
// Not zeros plus x: that is an addition, because of -0.
INLINE vf splat(float x) { return (vf){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }
INLINE vf fma16(vf a, vf b, vf c) { return __builtin_elementwise_fma(a, b, c); }
INLINE vf from_bytes(const void *p) {
  vu8 bytes;
  memcpy(&bytes, p, sizeof bytes);
  return __builtin_convertvector(__builtin_convertvector(bytes, vi), vf);
}
INLINE vf from_f16(const void *p) {
#ifdef ANY_CPU
  vf v;
  for (int i = 0; i < LANES; i++) v[i] = peqa_f16_at(p, (size_t)i);
  return v;
#else
  vh h;
  memcpy(&h, p, sizeof h);
  return __builtin_convertvector(h, vf);
#endif
}
// Sixteen fp16 numbers, to nearest even, to 32 bytes anywhere.
INLINE void store_f16(void *p, vf v) {
#ifdef ANY_CPU
  for (int i = 0; i < LANES; i++) {
    uint16_t bits = peqa_f32_to_f16(v[i]);
    memcpy((char *)p + 2 * i, &bits, sizeof bits);
  }
#else
  vh h = __builtin_convertvector(v, vh);
  memcpy(p, &h, sizeof h);
#endif
}
INLINE vf from_bf16(const void *p) {
  return (vf)(__builtin_convertvector(*(const vu16_unaligned *)p, vu) << 16);
}
#endif
