// The macros of mpi.h that Swift cannot import, as inline functions.
#ifndef PEQA_CMPI_SHIM_H
#define PEQA_CMPI_SHIM_H
#include <mpi.h>

static inline MPI_Comm peqa_mpi_comm_world(void) { return MPI_COMM_WORLD; }
#endif
