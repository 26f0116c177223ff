#ifndef PEQA_COPENBLAS_SHIM_H
#define PEQA_COPENBLAS_SHIM_H
#include <cblas.h>

// LAPACK's Cholesky factorization and the inverse made of it, as the library exports them. Matrices
// are in the order of columns.
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info);
#endif
