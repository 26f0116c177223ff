internal import CKernels
internal import Kernels

extension InstructionSet {
  /// The kernels themselves, below `Compute`.
  var table: peqa_kernels {
    guard let table = peqa_kernels_named(rawValue) else { preconditionFailure("no \(rawValue)") }
    return table.pointee
  }
}

/// Sizes around the borders of a vector (16), a panel (64) and a chunk of a long sum (1024).
let oddCounts = [1, 7, 15, 16, 17, 63, 64, 65, 200, 1023, 1025, 3001]
