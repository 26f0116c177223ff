internal import Checkpoints
internal import Kernels
internal import Quantization
internal import QuantizedFormats

/// Why a format cannot hold a matrix.
struct NoTarget: Error {
  let reason: String
}

// What each format can hold of a matrix, as its own program reads it: docs/file-formats.md.
extension CodeTarget {
  /// - Parameter group: of all matrices of a file, where the format has one group size that divides
  ///   the columns: `dividingGroup`.
  static func of(
    _ rows: CodedRows, for format: ExportFormat, group: Int?, isReordered: Bool
  ) -> Result<CodeTarget, NoTarget> {
    let source = rows.layout
    return Result { () throws(NoTarget) in
      guard !isReordered || format == .gptq else {
        throw NoTarget(reason: "its columns are in act-order, which only gptq has")
      }
      return switch format {
      case .gptq: try gptq(source)
      case .awq: try awq(source, group)
      case .mlx: try mlx(rows)
      case .compressedTensors: try compressedTensors(source, group)
      case .gguf: try gguf(rows)
      case .hf: throw NoTarget(reason: "hf holds full precision")
      }
    }
  }

  /// Bits of a format's codes that hold those of a layout.
  static func bits(of source: PackedLayout, in format: ExportFormat) -> Int {
    switch format {
    case .gptq: GPTQPacking.supportedBits.first { $0 >= source.bits } ?? 8
    case .compressedTensors: source.bits <= 4 ? 4 : 8
    case .mlx: source.bits == 5 ? 6 : source.bits
    case .awq: AWQPacking.bits
    case .gguf, .hf: source.bits
    }
  }

  private static func gptq(_ source: PackedLayout) throws(NoTarget) -> CodeTarget {
    let bits = bits(of: source, in: .gptq)
    guard source.columns * bits % 32 == 0, source.rows * bits % 32 == 0 else {
      throw NoTarget(
        reason: "gptq wants whole words of 32 bits; \(source.rows) x \(source.columns) codes of "
          + "\(bits) bits leave one unfinished")
    }
    return CodeTarget(
      layout: PackedLayout(
        rows: source.rows, columns: source.columns, bits: bits,
        groupSize: source.groupSize, scaleType: source.scaleType == .bf16 ? .bf16 : .f16))
  }

  private static func awq(_ source: PackedLayout, _ group: Int?) throws(NoTarget) -> CodeTarget {
    guard source.bits <= AWQPacking.bits else {
      throw NoTarget(reason: "awq has codes of 4 bits, these have \(source.bits)")
    }
    guard source.rows % AWQPacking.outputMultiple == 0 else {
      throw NoTarget(reason: "awq needs a multiple of 8 outputs, these are \(source.rows)")
    }
    return CodeTarget(
      layout: PackedLayout(
        rows: source.rows, columns: source.columns, bits: AWQPacking.bits,
        groupSize: try size(group, source, "awq")))
  }

  private static func compressedTensors(
    _ source: PackedLayout, _ group: Int?
  ) throws(NoTarget) -> CodeTarget {
    CodeTarget(
      layout: PackedLayout(
        rows: source.rows, columns: source.columns, bits: bits(of: source, in: .compressedTensors),
        groupSize: try size(group, source, "compressed-tensors"),
        scaleType: source.scaleType == .bf16 ? .bf16 : .f16))
  }

  private static func size(
    _ group: Int?, _ source: PackedLayout, _ format: String
  ) throws(NoTarget) -> Int {
    guard let group else {
      throw NoTarget(
        reason: "\(format) has one group size that divides the columns of all layers; there is "
          + "none of 16 or more for this base")
    }
    return group == -1 ? source.columns : group
  }

  /// The largest group that divides the columns of all matrices and lies in one of theirs: -1 where
  /// all have whole rows, nil where there is none.
  static func dividingGroup(_ layouts: [PackedLayout]) -> Int? {
    let sizes = layouts.filter { $0.groups > 1 }.map(\.groupSize)
    guard var size = sizes.min() else { return -1 }
    while size >= 16, layouts.contains(where: { $0.columns % size != 0 }) { size /= 2 }
    return size >= 16 ? size : nil
  }

  private static func mlx(_ rows: CodedRows) throws(NoTarget) -> CodeTarget {
    let source = rows.layout
    let bits = bits(of: source, in: .mlx)
    let size = [128, 64, 32].first {
      source.columns % $0 == 0 && (source.groups == 1 || source.groupSize % $0 == 0)
    }
    guard let size else {
      throw NoTarget(
        reason: "mlx has groups of 32, 64 and 128 that divide the columns; these are groups of "
          + "\(source.groupSize) in \(source.columns) columns")
    }
    func target(_ type: FloatType) -> CodeTarget {
      CodeTarget(
        layout: PackedLayout(
          rows: source.rows, columns: source.columns, bits: bits, groupSize: size, offset: .minima,
          scaleType: type))
    }
    return target(rows.fitsMinima(.f16) ? .f16 : rows.fitsMinima(.bf16) ? .bf16 : .f32)
  }

  private static func gguf(_ rows: CodedRows) throws(NoTarget) -> CodeTarget {
    let source = rows.layout
    guard source.columns % 32 == 0, source.groups == 1 || source.groupSize % 32 == 0 else {
      throw NoTarget(
        reason: "gguf has blocks of 32 columns; these are groups of \(source.groupSize) in "
          + "\(source.columns) columns")
    }
    let type: ElementType
    let hasOffsets = source.offset == .minima || rows.hasZerosBetweenCodes
    if hasOffsets && source.groupsPerScale == 1 && source.bits <= 5 {
      type = source.bits <= 4 ? .q4_1 : .q5_1
    } else {
      let (low, high) = rows.stepRange
      type = low >= -8 && high <= 7 ? .q4_0 : low >= -16 && high <= 15 ? .q5_0 : .q8_0
    }
    guard let layout = GGMLBlocks.layout(type, rows: source.rows, columns: source.columns) else {
      throw NoTarget(reason: "\(type.name) has no rows of \(source.columns) columns")
    }
    return CodeTarget(layout: layout, type: type)
  }
}

extension CodedRows {
  /// Least and greatest code less its zero point, rounded where that is no integer.
  fileprivate var stepRange: (low: Int, high: Int) {
    var (low, high) = (0, 0)
    for row in 0..<layout.rows {
      for group in 0..<layout.groups {
        let grid = grid(row: row, group: group)
        let zero = grid.scale == 0 ? 0 : grid.zero - grid.minimum / grid.scale
        let whole = Int(min(max(zero.rounded(), -1024), 1024))
        low = min(low, -whole)
        high = max(high, layout.maximumCode - whole)
      }
    }
    return (low, high)
  }

  /// Whether some zero point is no whole number.
  fileprivate var hasZerosBetweenCodes: Bool {
    guard layout.offset == .realZeros else { return false }
    return (0..<layout.rows * layout.groups).contains { index in
      let zero = zeros.withUnsafeBytes { FloatType.f16.load($0, index) }
      return zero != zero.rounded()
    }
  }

  /// Whether scale and minimum of every group are numbers of the type.
  fileprivate func fitsMinima(_ type: FloatType) -> Bool {
    (0..<layout.rows).allSatisfy { row in
      (0..<layout.groups).allSatisfy { group in
        let grid = grid(row: row, group: group)
        let minimum = grid.minimum - grid.scale * grid.zero
        return Double(type.rounded(Float(grid.scale))) == grid.scale
          && Double(type.rounded(Float(minimum))) == minimum
      }
    }
  }
}
