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
  static func of(
    _ rows: CodedRows, for format: ExportFormat, isReordered: Bool
  ) -> Result<CodeTarget, NoTarget> {
    let source = rows.layout
    return Result { () throws(NoTarget) in
      guard !isReordered || format == .gptq else {
        throw NoTarget(reason: "its columns are in act-order, which only gptq has")
      }
      return switch format {
      case .gptq: gptq(source)
      case .awq: try awq(source)
      case .mlx: try mlx(rows)
      case .compressedTensors: try compressedTensors(source)
      case .gguf: try gguf(rows)
      case .hf: throw NoTarget(reason: "hf holds full precision")
      }
    }
  }

  private static func gptq(_ source: PackedLayout) -> CodeTarget {
    CodeTarget(
      layout: PackedLayout(
        rows: source.rows, columns: source.columns,
        bits: GPTQPacking.supportedBits.first { $0 >= source.bits } ?? 8,
        groupSize: source.groupSize, scaleType: source.scaleType == .bf16 ? .bf16 : .f16))
  }

  private static func awq(_ source: PackedLayout) throws(NoTarget) -> CodeTarget {
    guard source.bits <= AWQPacking.bits else {
      throw NoTarget(reason: "awq has codes of 4 bits, these have \(source.bits)")
    }
    guard source.rows % AWQPacking.outputMultiple == 0 else {
      throw NoTarget(reason: "awq needs a multiple of 8 outputs, these are \(source.rows)")
    }
    return CodeTarget(
      layout: PackedLayout(
        rows: source.rows, columns: source.columns, bits: AWQPacking.bits,
        groupSize: try dividingGroup(source, format: "awq")))
  }

  private static func compressedTensors(_ source: PackedLayout) throws(NoTarget) -> CodeTarget {
    CodeTarget(
      layout: PackedLayout(
        rows: source.rows, columns: source.columns, bits: source.bits <= 4 ? 4 : 8,
        groupSize: try dividingGroup(source, format: "compressed-tensors"),
        scaleType: source.scaleType == .bf16 ? .bf16 : .f16))
  }

  /// A whole row, or the largest group that divides the columns and lies in one of the source.
  private static func dividingGroup(
    _ source: PackedLayout, format: String
  ) throws(NoTarget) -> Int {
    if source.groups == 1 { return source.columns }
    var size = source.groupSize
    while size >= 16, source.columns % size != 0 { size /= 2 }
    guard size >= 16 else {
      throw NoTarget(
        reason: "\(format) needs groups that divide the \(source.columns) columns")
    }
    return size
  }

  private static func mlx(_ rows: CodedRows) throws(NoTarget) -> CodeTarget {
    let source = rows.layout
    let bits = source.bits == 5 ? 6 : source.bits
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
    if source.offset == .minima && source.groupsPerScale == 1 && source.bits <= 5 {
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
