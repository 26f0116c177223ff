internal import CKernels

extension BLAS {
  /// The variable that OpenBLAS reads while it is loaded.
  package static let coreVariable = "OPENBLAS_CORETYPE"

  /// The core type that OpenBLAS should be told to use; nil where its choice is good or the user's.
  ///
  /// OpenBLAS decides when it is loaded. A release older than the CPU does not know it and takes
  /// its Haswell kernels even where AVX-512 is there: on a recent AMD core 115 GFLOP/s instead of
  /// 215 (0.3.21, sgemm). Only `coreVariable`, set before loading, changes that.
  package static func betterCore(
    than chosen: String = coreName,
    hasAVX512: Bool = peqa_cpu_features() & PEQA_AVX512.rawValue != 0,
    environment: [String: String]
  ) -> String? {
    let usesAVX512 = ["SkylakeX", "Cooperlake", "SapphireRapids"].contains(chosen)
    return hasAVX512 && !usesAVX512 && environment[coreVariable] == nil ? "SkylakeX" : nil
  }
}
