// Products of integers for CPUs with AVX-512 VNNI:
// avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c,bmi,bmi2.
#pragma clang attribute push(                                                             \
    __attribute__((                                                                       \
        target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c,bmi,bmi2"))), \
    apply_to = function)
#define OVERRIDE peqa_override_avx512vnni
#define INT8_WIDTH 512
#define VNNI_DOT _mm512_dpbusd_epi32
#include "vector_int8_layer.h"
#pragma clang attribute pop
