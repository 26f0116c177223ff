internal import Kernels

/// Some rows of a matrix on their way to codes; one thread works on it.
final class CalibratedChunk {
  /// What all chunks of a matrix read.
  struct Shared: @unchecked Sendable {
    let layout: PackedLayout
    let symmetric: Bool
    let moments: InputMoments
    /// [G, I].
    let groupSums: FloatBuffer
    let rounds: Int
    let feedsErrorsBack: Bool
  }

  struct Result {
    var rows: QuantizedRows
    /// First row with a group whose scale does not fit, counted in the chunk, and that group.
    var badGroup: (row: Int, group: Int)?
  }

  let shared: Shared
  let rows: Int
  /// As they came, [rows, I].
  let target: UnsafeBufferPointer<Float>
  /// [rows, I].
  var codes: [UInt8]
  /// As stored, [rows, G].
  var scales: [Float]
  var zeros: [Int]
  private var badGroup: (row: Int, group: Int)?
  private var hasGrids = false

  var layout: PackedLayout { shared.layout }
  var columns: Int { layout.columns }
  var groups: Int { layout.groups }
  var maximumCode: Int { layout.maximumCode }

  init(_ shared: Shared, _ target: UnsafeBufferPointer<Float>, rows: Int) {
    (self.shared, self.target, self.rows) = (shared, target, rows)
    codes = [UInt8](repeating: 0, count: target.count)
    scales = [Float](repeating: 1, count: rows * shared.layout.groups)
    zeros = [Int](repeating: 1 << (shared.layout.bits - 1), count: rows * shared.layout.groups)
  }

  /// Grids to begin with instead of those of least error.
  func use(scales: [Float], zeros: [Int]) {
    (self.scales, self.zeros, hasGrids) = (scales, zeros, true)
  }

  func run() -> Result {
    let work = FloatBuffer(count: target.count)
    _ = work.elements.update(fromContentsOf: target)
    var descent = CodeDescent(self)
    if shared.feedsErrorsBack {
      ErrorFeedback(self, work).run()
    } else {
      findGrids(work.pointer)
      for row in 0..<rows { for i in 0..<columns { _ = round(row, i, target[row * columns + i]) } }
    }
    descent.start()
    for _ in 0..<shared.rounds where !descent.sweep() {}
    var result = packed()
    (result.rows.outputError, result.rows.outputNorm) = descent.outputError()
    return result
  }

  /// Grids of all groups of `weights` [rows, I].
  func findGrids(_ weights: UnsafePointer<Float>) {
    for row in 0..<rows {
      for group in 0..<groups { findGrid(row, group, weights + row * columns) }
    }
  }

  /// The grid of one group, for the weights of its row as they are now.
  func findGrid(_ row: Int, _ group: Int, _ weights: UnsafePointer<Float>) {
    if hasGrids { return }
    let first = group * layout.groupSize
    let own = first..<min(first + layout.groupSize, columns)
    let search = GroupSearch(bits: layout.bits, symmetric: shared.symmetric)
    let values = UnsafeBufferPointer(start: weights + first, count: own.count)
    let found = GroupGrid.withVectors(values) { weights in
      GroupGrid.withVectors(own.lazy.map(shared.moments.importance)) { importance in
        search.best(weights, importance: importance)
      }
    }
    guard let found else {
      badGroup = [badGroup, (row, group)].compactMap(\.self).min { $0 < $1 }
      return
    }
    scales[row * groups + group] = Float(found.scale)
    zeros[row * groups + group] = found.zero
  }

  /// Gives a weight its nearest code; returns what that stands for.
  @inline(__always)
  func round(_ row: Int, _ column: Int, _ weight: Float) -> Float {
    let place = row * groups + column / layout.groupSize
    let (scale, zero) = (scales[place], zeros[place])
    let step = (weight / scale).rounded(.toNearestOrEven)
    let low = Float(-zero)
    let k = min(max(step, low), Float(maximumCode - zero))
    codes[row * columns + column] = UInt8(Int(k) + zero)
    return k * scale
  }

  /// What the code at a place stands for, in steps.
  @inline(__always)
  func step(_ row: Int, _ column: Int) -> Float {
    Float(Int(codes[row * columns + column]) - zeros[row * groups + column / layout.groupSize])
  }

  @inline(__always)
  func scale(_ row: Int, _ column: Int) -> Float {
    scales[row * groups + column / layout.groupSize]
  }

  private func packed() -> Result {
    var result = QuantizedRows(layout: layout.with(rows: rows))
    result.rows.zeros = zeros.map { UInt8($0) }
    result.rows.scales.withUnsafeMutableBytes { bytes in
      let stored = bytes.bindMemory(to: Float16.self)
      for (index, scale) in scales.enumerated() { stored[index] = Float16(scale) }
    }
    for row in 0..<rows {
      codes.withUnsafeBufferPointer {
        result.rows.pack(
          row: row, UnsafeBufferPointer(rebasing: $0[row * columns..<(row + 1) * columns]))
      }
      for i in 0..<columns {
        let w = Double(target[row * columns + i])
        let difference = w - Double(scale(row, i) * step(row, i))
        result.squaredError += difference * difference
        result.squaredNorm += w * w
      }
    }
    return Result(rows: result, badGroup: badGroup)
  }
}
