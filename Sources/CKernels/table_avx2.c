// Kernels for CPUs with: avx2,fma,f16c,bmi,bmi2.
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2"))), apply_to = function)
#define OVERRIDE peqa_override_avx2
#define TILE_VECTORS 1
#define NATIVE_BF16 0
#define INT8_WIDTH 256
#include "vector_body.h"
#pragma clang attribute pop
