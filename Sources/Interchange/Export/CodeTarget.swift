internal import Checkpoints
internal import Kernels
internal import Quantization
internal import QuantizedFormats

/// What a format can hold of one matrix.
struct CodeTarget {
  let layout: PackedLayout
  /// The GGML type that this is, in a GGUF file. Those with zero points have one for all codes, so
  /// codes move with their zero points.
  var type: ElementType?
}

/// How far the weights of an export are from those that were trained.
struct ExportDifference: Equatable {
  /// Sum of squared differences, and of the squares of the weights.
  var squaredError = 0.0
  var squaredNorm = 0.0
  var largest = 0.0

  var isExact: Bool { largest == 0 }
  /// Norm of the difference by that of the weights.
  var relative: Double { squaredNorm > 0 ? (squaredError / squaredNorm).squareRoot() : 0 }

  mutating func add(_ weight: Double, _ written: Double) {
    let difference = weight - written
    squaredError += difference * difference
    squaredNorm += weight * weight
    largest = max(largest, abs(difference))
  }

  mutating func add(_ other: ExportDifference) {
    squaredError += other.squaredError
    squaredNorm += other.squaredNorm
    largest = max(largest, other.largest)
  }
}

/// Rows written on the grid of another format: codes stay what they are, scales and zero points or
/// minima become numbers that the format has.
struct CodeConversion {
  let target: CodeTarget

  /// Nil where a scale has no place in the target's type.
  func convert(_ rows: CodedRows) -> (rows: CodedRows, difference: ExportDifference)? {
    var difference = ExportDifference()
    guard target.layout.with(rows: rows.layout.rows) != rows.layout || target.type != nil else {
      return (rows, difference)
    }
    var result = CodedRows(layout: target.layout.with(rows: rows.layout.rows))
    let layout = result.layout
    var codes = [UInt8](repeating: 0, count: layout.columns)
    for row in 0..<layout.rows {
      codes.withUnsafeMutableBufferPointer { rows.unpack(row: row, into: $0) }
      for group in 0..<layout.groups {
        let columns =
          group
          * layout.groupSize..<min(
            layout.columns, (group + 1) * layout.groupSize)
        // A group of the target lies in one of the source.
        let grid = rows.grid(row: row, group: columns.lowerBound / rows.layout.groupSize)
        let old = codes[columns]
        guard let written = write(grid, row * layout.groups + group, &codes, columns, &result)
        else { return nil }
        for (code, column) in zip(old, columns) {
          difference.add(grid.weight(code), written.weight(codes[column]))
        }
      }
      let bytes = row * layout.rowStride..<(row + 1) * layout.rowStride
      codes.withUnsafeBufferPointer { codes in
        result.codes.withUnsafeMutableBytes {
          PackedCodes.pack(
            codes, bits: layout.bits, into: UnsafeMutableRawBufferPointer(rebasing: $0[bytes]))
        }
      }
    }
    return (result, difference)
  }

  /// Writes a group's numbers and moves its codes where they have to; gives the grid that was
  /// written, nil where its scale has no place.
  private func write(
    _ grid: CodeGrid, _ index: Int, _ codes: inout [UInt8], _ columns: Range<Int>,
    _ result: inout CodedRows
  ) -> CodeGrid? {
    var written: CodeGrid
    if target.layout.offset == .minima {
      let minimum = rounded(grid.minimum - grid.scale * grid.zero)
      guard minimum.isFinite else { return nil }
      store(minimum, index, &result.minima)
      written = CodeGrid(scale: rounded(grid.scale), minimum: minimum)
    } else {
      written = integerGrid(grid, &codes, columns)
      written.scale = rounded(written.scale)
      result.zeros[index] = UInt8(written.zero)
    }
    guard written.scale.isFinite else { return nil }
    store(written.scale, index, &result.scales)
    return written
  }

  /// The grid with an integer zero point nearest to `grid`, and the codes on it.
  private func integerGrid(
    _ grid: CodeGrid, _ codes: inout [UInt8], _ columns: Range<Int>
  ) -> CodeGrid {
    let top = Double(target.layout.maximumCode)
    let fixed = target.type == nil ? nil : Double(1 << (target.layout.bits - 1))
    if grid.scale == 0 {
      // One weight for all codes: its own size above the zero point.
      let (weight, zero) = (grid.minimum, fixed ?? 1)
      for column in columns { codes[column] = UInt8(weight == 0 ? zero : zero + 1) }
      return CodeGrid(scale: weight == 0 ? 1 : weight, zero: zero)
    }
    let zero = (grid.zero - grid.minimum / grid.scale).rounded(.toNearestOrEven)
    guard let fixed else { return CodeGrid(scale: grid.scale, zero: min(max(zero, 0), top)) }
    for column in columns {
      codes[column] = UInt8(min(max(Double(codes[column]) - zero + fixed, 0), top))
    }
    return CodeGrid(scale: grid.scale, zero: fixed)
  }

  private func rounded(_ value: Double) -> Double {
    Double(target.layout.scaleType.rounded(Float(value)))
  }

  private func store(_ value: Double, _ index: Int, _ numbers: inout [UInt8]) {
    numbers.withUnsafeMutableBytes {
      guard let start = $0.baseAddress else { return }
      target.layout.scaleType.store(Float(value), start, index)
    }
  }
}
