// The part of MPI that peqa uses, as inline functions with narrow types: Swift cannot import the
// macros of mpi.h (handles, MPI_IN_PLACE, MPI_STATUS_IGNORE), and a Swift call can then name
// neither a wrong datatype nor a wrong operation. Every function returns the MPI error code.
#ifndef PEQA_CMPI_SHIM_H
#define PEQA_CMPI_SHIM_H
#include <mpi.h>
#include <stdint.h>

static inline MPI_Comm _Nonnull peqa_mpi_comm_world(void) { return MPI_COMM_WORLD; }
static inline MPI_Request _Nonnull peqa_mpi_request_null(void) { return MPI_REQUEST_NULL; }
static inline int peqa_mpi_success(void) { return MPI_SUCCESS; }
static inline int peqa_mpi_thread_serialized(void) { return MPI_THREAD_SERIALIZED; }
static inline int peqa_mpi_max_error_string(void) { return MPI_MAX_ERROR_STRING; }
static inline int peqa_mpi_max_library_version_string(void) {
  return MPI_MAX_LIBRARY_VERSION_STRING;
}

static inline int peqa_mpi_init(int required, int *_Nonnull provided) {
  return MPI_Init_thread(NULL, NULL, required, provided);
}

static inline int peqa_mpi_return_errors(MPI_Comm _Nonnull comm) {
  return MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
}

// The ranks of `comm` that share memory with this one: the ranks of one node.
static inline int peqa_mpi_split_by_node(MPI_Comm _Nonnull comm,
                                         MPI_Comm _Nullable *_Nonnull node) {
  return MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, node);
}

static inline int peqa_mpi_duplicate(MPI_Comm _Nonnull comm, MPI_Comm _Nullable *_Nonnull copy) {
  return MPI_Comm_dup(comm, copy);
}

static inline int peqa_mpi_test(MPI_Request _Nonnull *_Nonnull request, int *_Nonnull done) {
  return MPI_Test(request, done, MPI_STATUS_IGNORE);
}

static inline int peqa_mpi_test_both(MPI_Request _Nonnull *_Nonnull requests, int *_Nonnull done) {
  return MPI_Testall(2, requests, done, MPI_STATUSES_IGNORE);
}

/// Sends to one rank and receives from another; `requests` are two.
static inline int peqa_mpi_start_shift(const void *_Nonnull outgoing, int outgoing_bytes, int to,
                                       void *_Nonnull incoming, int incoming_bytes, int from,
                                       int tag, MPI_Comm _Nonnull comm,
                                       MPI_Request _Nonnull *_Nonnull requests) {
  int code = MPI_Irecv(incoming, incoming_bytes, MPI_BYTE, from, tag, comm, &requests[0]);
  if (code != MPI_SUCCESS) return code;
  return MPI_Isend(outgoing, outgoing_bytes, MPI_BYTE, to, tag, comm, &requests[1]);
}

static inline int peqa_mpi_start_barrier(MPI_Comm _Nonnull comm,
                                         MPI_Request _Nonnull *_Nonnull request) {
  return MPI_Ibarrier(comm, request);
}

static inline int peqa_mpi_start_sum_int64(int64_t *_Nonnull values, int count,
                                           MPI_Comm _Nonnull comm,
                                           MPI_Request _Nonnull *_Nonnull request) {
  return MPI_Iallreduce(MPI_IN_PLACE, values, count, MPI_INT64_T, MPI_SUM, comm, request);
}

static inline int peqa_mpi_start_max_int64(int64_t *_Nonnull values, int count,
                                           MPI_Comm _Nonnull comm,
                                           MPI_Request _Nonnull *_Nonnull request) {
  return MPI_Iallreduce(MPI_IN_PLACE, values, count, MPI_INT64_T, MPI_MAX, comm, request);
}

static inline int peqa_mpi_start_sum_int32(int32_t *_Nonnull values, int count,
                                           MPI_Comm _Nonnull comm,
                                           MPI_Request _Nonnull *_Nonnull request) {
  return MPI_Iallreduce(MPI_IN_PLACE, values, count, MPI_INT32_T, MPI_SUM, comm, request);
}

static inline int peqa_mpi_start_max_double(double *_Nonnull values, int count,
                                            MPI_Comm _Nonnull comm,
                                            MPI_Request _Nonnull *_Nonnull request) {
  return MPI_Iallreduce(MPI_IN_PLACE, values, count, MPI_DOUBLE, MPI_MAX, comm, request);
}

static inline int peqa_mpi_start_broadcast(void *_Nonnull bytes, int count, int root,
                                           MPI_Comm _Nonnull comm,
                                           MPI_Request _Nonnull *_Nonnull request) {
  return MPI_Ibcast(bytes, count, MPI_BYTE, root, comm, request);
}

// Places value `counts[rank]`, already set by its owner, into `counts` of every rank.
static inline int peqa_mpi_start_all_gather_int64(int64_t *_Nonnull counts,
                                                  MPI_Comm _Nonnull comm,
                                                  MPI_Request _Nonnull *_Nonnull request) {
  return MPI_Iallgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, counts, 1, MPI_INT64_T, comm, request);
}

static inline int peqa_mpi_start_all_gather_bytes(const void *_Nonnull bytes, int count,
                                                  void *_Nonnull all, const int *_Nonnull counts,
                                                  const int *_Nonnull offsets,
                                                  MPI_Comm _Nonnull comm,
                                                  MPI_Request _Nonnull *_Nonnull request) {
  return MPI_Iallgatherv(bytes, count, MPI_BYTE, all, counts, offsets, MPI_BYTE, comm, request);
}

static inline int peqa_mpi_start_gather_bytes(const void *_Nonnull bytes, int count,
                                              void *_Nonnull all, const int *_Nonnull counts,
                                              const int *_Nonnull offsets, int root,
                                              MPI_Comm _Nonnull comm,
                                              MPI_Request _Nonnull *_Nonnull request) {
  return MPI_Igatherv(bytes, count, MPI_BYTE, all, counts, offsets, MPI_BYTE, root, comm, request);
}
#endif
