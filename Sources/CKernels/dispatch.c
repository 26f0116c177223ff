// Chooses a table by what the CPU can do.
#include <string.h>

#include "tables.h"

static int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi2");
}
static int has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
static int has_avx512bf16(void) { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }

const peqa_kernels *peqa_kernels_named(const char *name) {
  if (!strcmp(name, "scalar")) return &peqa_table_scalar;
  if (!strcmp(name, "avx2") && has_avx2()) return &peqa_table_avx2;
  if (!strcmp(name, "avx512") && has_avx512()) return &peqa_table_avx512;
  if (!strcmp(name, "avx512bf16") && has_avx512bf16()) return &peqa_table_avx512bf16;
  return NULL;
}

const peqa_kernels *peqa_kernels_best(void) {
  if (has_avx512bf16()) return &peqa_table_avx512bf16;
  if (has_avx512()) return &peqa_table_avx512;
  if (has_avx2()) return &peqa_table_avx2;
  return &peqa_table_scalar;
}
