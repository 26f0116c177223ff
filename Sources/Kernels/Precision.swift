internal import CKernels

/// The floating-point format that enters matrix products; sums are fp32 in either case.
package enum Precision: String, CaseIterable, Sendable {
  case fp32
  case bf16
}

/// What products multiply: numbers of a precision, and codes as such numbers or as integers.
package struct Arithmetic: Hashable, Sendable {
  /// Of all products but those that `multipliesIntegers` is about.
  package var precision: Precision
  /// Whether codes are multiplied as integers, with operands rounded to bytes.
  package var multipliesIntegers: Bool

  package init(_ precision: Precision, multipliesIntegers: Bool = false) {
    (self.precision, self.multipliesIntegers) = (precision, multipliesIntegers)
  }
}

/// The numbers of an operand, as the kernels read them.
package enum OperandKind: Sendable {
  case f32
  case bf16
  /// Bytes with a scale for each row.
  case i8

  var raw: peqa_operand_kind {
    switch self {
    case .f32: PEQA_OPERAND_F32
    case .bf16: PEQA_OPERAND_BF16
    case .i8: PEQA_OPERAND_I8
    }
  }

  /// Bytes of a number.
  package var byteCount: Int {
    switch self {
    case .f32: 4
    case .bf16: 2
    case .i8: 1
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
