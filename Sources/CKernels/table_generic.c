// The kernels in vectors for any CPU: slower than plain loops where it lacks fused multiply-add,
// but with the bits that all other tables of this source have.
#define OVERRIDE peqa_override_generic
#define TILE_VECTORS 1
#define NATIVE_BF16 0
#define INT8_WIDTH 0
#define ANY_CPU
#include "vector_body.h"
