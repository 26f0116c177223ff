#ifndef PEQA_COPENBLAS_SHIM_H
#define PEQA_COPENBLAS_SHIM_H
#include <cblas.h>
#endif
