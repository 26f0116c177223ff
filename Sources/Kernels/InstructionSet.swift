internal import CKernels

/// An instruction set with a table of kernels, by the name that `dispatch.c` gives it.
package struct InstructionSet: RawRepresentable, CaseIterable, Hashable, Sendable {
  package let rawValue: String

  /// Nil where there is no such table.
  package init?(rawValue: String) {
    guard let known = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = known
  }

  private init(known: String) { rawValue = known }

  /// The specification, which every CPU computes.
  package static let scalar = InstructionSet(known: "scalar")

  /// The faster ones later.
  package static let allCases: [InstructionSet] = {
    var sets: [InstructionSet] = []
    while let name = peqa_kernels_at(Int32(sets.count)) {
      sets.append(InstructionSet(known: String(cString: name)))
    }
    return sets
  }()

  /// The ones that this CPU has.
  package static var available: [InstructionSet] { allCases.filter { $0.table != nil } }

  /// The fastest one of this CPU.
  package static var best: InstructionSet { available.last ?? .scalar }

  /// bf16 products run in hardware.
  package var hasNativeBF16: Bool { uses(PEQA_AVX512_BF16) }

  /// Its kernels; nil where this CPU lacks something that they need.
  var table: UnsafePointer<peqa_kernels>? { peqa_kernels_named(rawValue) }

  func uses(_ feature: peqa_feature) -> Bool {
    (table?.pointee.features ?? 0) & feature.rawValue != 0
  }
}

extension InstructionSet: CustomStringConvertible {
  package var description: String { rawValue }
}

/// The number format that enters the matrix products; sums are fp32 in either case.
package enum Precision: String, CaseIterable, Sendable {
  case fp32
  case bf16
}

/// The numbers of an operand, as the kernels read them.
package enum OperandKind: Sendable {
  case f32
  case bf16

  var raw: peqa_operand_kind {
    switch self {
    case .f32: PEQA_OPERAND_F32
    case .bf16: PEQA_OPERAND_BF16
    }
  }

  /// Bytes of a number.
  package var byteCount: Int {
    switch self {
    case .f32: 4
    case .bf16: 2
    }
  }
}

extension Precision {
  package var kind: OperandKind {
    switch self {
    case .fp32: .f32
    case .bf16: .bf16
    }
  }
}
