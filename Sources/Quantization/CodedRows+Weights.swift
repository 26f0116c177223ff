internal import Kernels

extension CodedRows {
  /// What the codes of one group of a row stand for: `scale * code + offset`, or a zero point, in
  /// exact arithmetic where the numbers allow it.
  package func grid(row: Int, group: Int) -> CodeGrid {
    let number = row * layout.scalesPerRow + group / layout.groupsPerScale
    let block = row * layout.groups + group
    var scale = Double(scale(number))
    if layout.groupsPerScale > 1 { scale *= Double(blockScales[block]) }
    switch layout.offset {
    case .zeros: return CodeGrid(scale: scale, zero: Double(zeros[block]))
    case .realZeros:
      return CodeGrid(
        scale: scale, zero: Double(zeros.withUnsafeBytes { FloatType.f16.load($0, block) }))
    case .centre: return CodeGrid(scale: scale, zero: Double(1 << (layout.bits - 1)))
    case .minima:
      var minimum = Double(minimum(number))
      if layout.groupsPerScale > 1 { minimum *= -Double(blockMinima[block]) }
      return CodeGrid(scale: scale, minimum: minimum)
    }
  }

  /// Number `index` of [rows, scalesPerRow].
  package func scale(_ index: Int) -> Float {
    scales.withUnsafeBytes { layout.scaleType.load($0, index) }
  }

  package func minimum(_ index: Int) -> Float {
    minima.withUnsafeBytes { layout.scaleType.load($0, index) }
  }

  /// The weights [rows, I] that the codes stand for, each the exact number rounded once.
  package func dequantized() -> [Float] {
    var weights = [Float](repeating: 0, count: layout.rows * layout.columns)
    weights.withUnsafeMutableBufferPointer { dequantize(into: $0) }
    return weights
  }

  /// The same into [rows, I] of the caller.
  package func dequantize(into weights: UnsafeMutableBufferPointer<Float>) {
    precondition(weights.count == layout.rows * layout.columns, "room for all weights")
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: layout.columns) { row in
      for o in 0..<layout.rows {
        unpack(row: o, into: row)
        for group in 0..<layout.groups {
          let grid = grid(row: o, group: group)
          let columns =
            group
            * layout.groupSize..<min(
              layout.columns, (group + 1) * layout.groupSize)
          for i in columns { weights[o * layout.columns + i] = Float(grid.weight(row[i])) }
        }
      }
    }
  }

  /// Puts codes [I] in the place of a row's.
  package mutating func pack(row: Int, _ unpacked: UnsafeBufferPointer<UInt8>) {
    let place = row * layout.rowStride..<(row + 1) * layout.rowStride
    codes.withUnsafeMutableBytes { bytes in
      PackedCodes.pack(
        unpacked, bits: layout.bits,
        into: UnsafeMutableRawBufferPointer(rebasing: bytes[place]))
    }
  }

  /// The codes [I] of a row.
  package func unpack(row: Int, into unpacked: UnsafeMutableBufferPointer<UInt8>) {
    codes.withUnsafeBytes { bytes in
      let packed = bytes[row * layout.rowStride..<(row + 1) * layout.rowStride]
      PackedCodes.unpack(
        UnsafeRawBufferPointer(rebasing: packed), bits: layout.bits, into: unpacked)
    }
  }
}

/// A grid of weights: `scale * (code - zero)`, or `scale * code + minimum`.
package struct CodeGrid: Sendable, Equatable {
  package var scale: Double
  package var zero: Double
  package var minimum: Double

  package init(scale: Double, zero: Double) { (self.scale, self.zero, minimum) = (scale, zero, 0) }
  package init(scale: Double, minimum: Double) {
    (self.scale, zero, self.minimum) = (scale, 0, minimum)
  }

  @inline(__always)
  package func weight(_ code: UInt8) -> Double { scale * (Double(code) - zero) + minimum }
}

extension FloatType {
  package func load(_ numbers: UnsafeRawBufferPointer, _ index: Int) -> Float {
    guard let start = numbers.baseAddress else { preconditionFailure("no numbers are there") }
    return load(start, index)
  }
}
