// Products of integers for CPUs with AVX-VNNI: avxvnni,avx2,fma,f16c,bmi,bmi2.
#pragma clang attribute push(__attribute__((target("avxvnni,avx2,fma,f16c,bmi,bmi2"))), \
                             apply_to = function)
#define OVERRIDE peqa_override_avxvnni
#define INT8_WIDTH 256
#define VNNI_DOT _mm256_dpbusd_avx_epi32
#include "vector_int8_layer.h"
#pragma clang attribute pop
