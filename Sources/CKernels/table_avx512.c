// Kernels for CPUs with: avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c,bmi,bmi2.
#pragma clang attribute push(                                                             \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c,bmi,bmi2"))), \
    apply_to = function)
#define OVERRIDE peqa_override_avx512
#define TILE_VECTORS 4
#define NATIVE_BF16 0
#define INT8_WIDTH 512
#include "vector_body.h"
#pragma clang attribute pop
