/// How a model's linear layers become integers.
package struct QuantizationSettings: Sendable, Equatable {
  /// b in {2, 3, 4, 8}.
  package var bits: Int
  /// Columns a scale: -1 for one scale per row, or 32, 64, 128, 256.
  package var groupSize: Int
  /// The zero point is fixed at 2^(b-1).
  package var symmetric: Bool
  package var method: Method

  /// What the quantizer makes; imported files have more (`PackedLayout`).
  package static let supportedBits = [2, 3, 4, 8]
  package static let supportedGroupSizes = [32, 64, 128, 256]

  package enum Method: String, Sendable, CaseIterable {
    /// Round to nearest on the grid of least squared error.
    case rtn
    /// The same on the grid of least error in the layers' outputs, as far as columns do not depend
    /// on each other.
    case diagonal
    /// Columns make up for the errors of those before them: GPTQ, arXiv 2210.17323.
    case gptq
    /// Then scales, zero points and rounding of each block are trained against its outputs, after
    /// EfficientQAT's Block-AP, arXiv 2407.11062.
    case blockwise
  }

  package init(
    bits: Int = 4, groupSize: Int = -1, symmetric: Bool = false, method: Method = .rtn
  ) {
    self.bits = bits
    self.groupSize = groupSize
    self.symmetric = symmetric
    self.method = method
  }

  /// The settings of the quantizer whose base costs most nearly what one of these bits and groups
  /// costs.
  package init(likeBits bits: Int, groupSize: Int) {
    self.init(
      bits: Self.supportedBits.first { $0 >= bits } ?? 8,
      groupSize: groupSize == -1 ? -1 : min(max(groupSize, 32), 256))
  }

  /// Of a matrix that is quantized so.
  package func layout(rows: Int, columns: Int) -> PackedLayout {
    PackedLayout(rows: rows, columns: columns, bits: bits, groupSize: groupSize)
  }

  /// Throws `badSetting` for a value that the quantizer does not make.
  ///
  /// Two-bit codes by plain rounding ruin a model (method.md: perplexity 51,330 for 23), so they
  /// need `allowingPoorQuality`.
  package func validate(allowingPoorQuality: Bool = false) throws(QuantizationError) {
    guard Self.supportedBits.contains(bits) else {
      throw .badSetting(name: "bits", value: "\(bits)", remedy: "choose 2, 3, 4 or 8.")
    }
    guard groupSize == -1 || Self.supportedGroupSizes.contains(groupSize) else {
      throw .badSetting(
        name: "group size", value: "\(groupSize)",
        remedy: "choose -1 (one scale per row), 32, 64, 128 or 256.")
    }
    guard bits != 2 || method != .rtn || allowingPoorQuality else {
      throw .badSetting(
        name: "bits", value: "2",
        remedy: "rounding to 2 bits leaves a model that cannot be repaired by training scales. "
          + "Choose 3 or 4 bits, or pass --allow-poor-quality.")
    }
  }
}
