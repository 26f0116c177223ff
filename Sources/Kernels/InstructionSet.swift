internal import CKernels

/// An instruction set with a table of kernels.
package enum InstructionSet: String, CaseIterable, Sendable {
  case scalar
  case avx2
  case avx512
  case avx512bf16

  /// The ones that this CPU has.
  package static var available: [InstructionSet] {
    allCases.filter { peqa_kernels_named($0.rawValue) != nil }
  }

  /// The fastest one of this CPU.
  package static var best: InstructionSet { available.last ?? .scalar }

  /// bf16 products run in hardware.
  package var hasNativeBF16: Bool { self == .avx512bf16 }
}

/// The number format that enters the matrix products; sums are fp32 in either case.
package enum Precision: String, CaseIterable, Sendable {
  case fp32
  case bf16
}
