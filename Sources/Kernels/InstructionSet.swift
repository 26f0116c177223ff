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

  /// What every CPU computes with the bits of the faster ones, see `Compute.isPortable`.
  static let generic = InstructionSet(known: "generic")

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

  /// The set whose results have the same bits: this one, or one that lacks a faster instruction.
  package var roundsLike: InstructionSet {
    guard let like = table?.pointee.like else { return self }
    return InstructionSet(rawValue: String(cString: like)) ?? self
  }

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
