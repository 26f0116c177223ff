// Nothing but the products of integers, for instruction sets that add an instruction for them.
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "tables.h"
#include "vector_types.h"

#include "vector_grid.h"

#define INT8_VNNI 1
#include "vector_code_bytes.h"
#include "vector_int8_products.h"
#include "vector_int8_gemv.h"

void OVERRIDE(peqa_kernels *table) {
  table->multiply_i8 = multiply_i8;
  table->gemv_i8 = gemv_i8;
}
