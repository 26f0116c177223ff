internal import CKernels
internal import COpenBLAS

/// A kernel table whose fp32 products go through OpenBLAS, for dense matrices in fp32.
///
/// Each call covers one panel on one thread, so the threads of the pool stay the only ones and the
/// order of additions depends on the shape alone.
final class BLASTable {
  let table: UnsafeMutablePointer<peqa_kernels>

  init(fallback: UnsafePointer<peqa_kernels>) {
    openblas_set_num_threads(1)
    table = .allocate(capacity: 1)
    table.initialize(to: fallback.pointee)
    table.pointee.multiply_f32 = { m, n, k, a, aRow, aColumn, b, c, cRow, laneScale, accumulate in
      precondition(laneScale == nil && aColumn == 1, "dense products have plain operands")
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, Int32(aRow), b,
        Int32(PEQA_PANEL), accumulate != 0 ? 1 : 0, c, Int32(cRow))
    }
  }

  deinit { table.deallocate() }
}

/// The BLAS library as it runs here.
package enum BLAS {
  /// Version and build options of OpenBLAS.
  package static var version: String { String(cString: openblas_get_config()) }
  /// The core type whose kernels OpenBLAS chose, e.g. `Haswell`.
  package static var coreName: String { String(cString: openblas_get_corename()) }
}
