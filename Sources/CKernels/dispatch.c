// Which kernels there are: what a CPU has, what each instruction set asks for, and the tables.
#include <string.h>
#include <threads.h>

#include "tables.h"

unsigned peqa_cpu_features(void) {
  unsigned features = PEQA_LANES;
#if defined(__x86_64__)
#define HAS __builtin_cpu_supports
  if (HAS("avx2") && HAS("fma") && HAS("f16c") && HAS("bmi2")) features |= PEQA_AVX2;
  if (HAS("avx512f") && HAS("avx512bw") && HAS("avx512vl") && HAS("avx512dq"))
    features |= PEQA_AVX512;
  if (HAS("avx512bf16")) features |= PEQA_AVX512_BF16;
  if (HAS("avxvnni")) features |= PEQA_AVX_VNNI;
  if (HAS("avx512vnni")) features |= PEQA_AVX512_VNNI;
#undef HAS
#endif
  return features;
}

// Put over the reference in this order, each where an instruction set has the features.
static const struct {
  unsigned features;
  void (*override)(peqa_kernels *table);
} LAYERS[] = {
    {PEQA_LANES, peqa_override_generic},
    {PEQA_AVX2, peqa_override_avx2},
    {PEQA_AVX2 | PEQA_AVX_VNNI, peqa_override_avxvnni},
    {PEQA_AVX2 | PEQA_AVX512, peqa_override_avx512},
    {PEQA_AVX2 | PEQA_AVX512 | PEQA_AVX512_VNNI, peqa_override_avx512vnni},
    {PEQA_AVX2 | PEQA_AVX512 | PEQA_AVX512_BF16, peqa_override_avx512bf16},
};

// The faster ones later. `like` names the set whose results have the same bits, but for products of
// OpenBLAS: integers have them in any case.
static const struct {
  const char *name, *like;
  unsigned features;
} SETS[] = {
    {"generic", "generic", PEQA_LANES},
    {"scalar", "scalar", 0},
    {"avx2", "avx2", PEQA_AVX2},
    {"avxvnni", "avx2", PEQA_AVX2 | PEQA_AVX_VNNI},
    {"avx512", "avx512", PEQA_AVX2 | PEQA_AVX512},
    {"avx512vnni", "avx512", PEQA_AVX2 | PEQA_AVX512 | PEQA_AVX512_VNNI},
    {"avx512bf16", "avx512bf16",
     PEQA_AVX2 | PEQA_AVX512 | PEQA_AVX512_VNNI | PEQA_AVX512_BF16},
};

enum { SET_COUNT = sizeof SETS / sizeof SETS[0], LAYER_COUNT = sizeof LAYERS / sizeof LAYERS[0] };

// Written once, before anybody gets a pointer to one.
static peqa_kernels tables[SET_COUNT];
static once_flag tables_are_made = ONCE_FLAG_INIT;

static void make_tables(void) {
  for (int set = 0; set < SET_COUNT; set++) {
    peqa_begin_with_reference(&tables[set]);
    for (int layer = 0; layer < LAYER_COUNT; layer++)
      if ((LAYERS[layer].features & ~SETS[set].features) == 0) LAYERS[layer].override(&tables[set]);
    tables[set].name = SETS[set].name;
    tables[set].like = SETS[set].like;
    tables[set].features = SETS[set].features;
  }
}

const char *peqa_kernels_at(int index) {
  return index >= 0 && index < SET_COUNT ? SETS[index].name : NULL;
}

const peqa_kernels *peqa_kernels_named(const char *name) {
  call_once(&tables_are_made, make_tables);
  for (int set = 0; set < SET_COUNT; set++)
    if (!strcmp(name, SETS[set].name))
      return (SETS[set].features & ~peqa_cpu_features()) == 0 ? &tables[set] : NULL;
  return NULL;
}
