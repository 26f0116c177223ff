internal import Foundation
package import Kernels

/// One matrix whose rounding and scales are trained: continuous weights v, in steps of the scales
/// at the start, and changes d of the scales s = s0 (1 + d). Zero points stay.
///
///     k = clamp(round(v s0 / s), -z, 2^b - 1 - z)        w' = fp16(s) k
///
/// Rounding counts as the identity in gradients, where it does not clip. Source: Block-AP of
/// EfficientQAT, arXiv 2407.11062, section 3.2; there v is not in steps.
package final class TrainedRounding {
  package let layout: PackedLayout
  /// v [O, I] and d [O, G].
  private let steps, changes: FloatBuffer
  private let first: [Float]
  private let zeros: [UInt8]
  private var stepsOptimizer, changesOptimizer: AdamW
  private let stepsGradient, changesGradient: FloatBuffer

  /// - Parameters:
  ///   - rows: where training starts.
  ///   - weights: of the model, [O, I]. v are these, as far as they round to the codes; the others
  ///     lie just inside of what does.
  package init(_ rows: CodedRows, weights: UnsafeBufferPointer<Float>) {
    layout = rows.layout
    let count = layout.rows * layout.columns
    precondition(weights.count == count, "a weight for every code")
    steps = FloatBuffer(count: count)
    changes = FloatBuffer(zeros: layout.rows * layout.groups)
    first = (0..<changes.count).map { rows.scale($0) }
    zeros = rows.zeros
    var settings = AdamW.Settings()
    (settings.beta1, settings.beta2) = (0.9, 0.95)
    stepsOptimizer = AdamW(count: count, settings: settings)
    changesOptimizer = AdamW(count: changes.count, settings: settings)
    stepsGradient = FloatBuffer(count: count)
    changesGradient = FloatBuffer(count: changes.count)
    var codes = [UInt8](repeating: 0, count: layout.columns)
    for row in 0..<layout.rows {
      codes.withUnsafeMutableBufferPointer { rows.unpack(row: row, into: $0) }
      for i in 0..<layout.columns {
        let (at, place) = (row * layout.columns + i, place(row, i))
        let k = Float(codes[i]) - Float(zeros[place])
        steps.pointer[at] = min(max(weights[at] / first[place], k - 0.45), k + 0.45)
      }
    }
  }

  @inline(__always)
  private func place(_ row: Int, _ column: Int) -> Int {
    row * layout.groups + column / layout.groupSize
  }

  /// What a group has: the scale as stored, by which v has to be multiplied to be in steps of it,
  /// and the least and greatest k.
  @inline(__always)
  private func group(_ place: Int) -> (scale: Float, ratio: Float, low: Float, high: Float) {
    let wanted = Float16(first[place] * (1 + changes.pointer[place]))
    let scale = Float(wanted.isFinite && wanted > 0 ? wanted : Float16.leastNormalMagnitude)
    let zero = Float(zeros[place])
    return (scale, first[place] / scale, -zero, Float(layout.maximumCode) - zero)
  }

  /// Calls `body` for every group with its place and columns, rows on all threads.
  private func forGroups(
    _ pool: WorkerPool, _ body: (_ place: Int, _ row: Int, _ columns: Range<Int>) -> Void
  ) {
    pool.parallelRanges(layout.rows) { [self] rows, _ in
      for row in rows {
        for group in 0..<layout.groups {
          let start = group * layout.groupSize
          body(
            row * layout.groups + group, row,
            start..<min(layout.columns, start + layout.groupSize))
        }
      }
    }
  }

  /// w' [O, I].
  package func write(to weights: UnsafeMutablePointer<Float>, on pool: WorkerPool) {
    forGroups(pool) { place, row, columns in
      let (scale, ratio, low, high) = group(place)
      let at = row * layout.columns
      for i in at + columns.lowerBound..<at + columns.upperBound {
        let k = (steps.pointer[i] * ratio).rounded(.toNearestOrEven)
        weights[i] = scale * min(max(k, low), high)
      }
    }
  }

  /// One step of both, from the gradient of w' [O, I].
  package func update(
    gradient: UnsafePointer<Float>, rate: (steps: Double, scales: Double), on pool: WorkerPool
  ) {
    forGroups(pool) { place, row, columns in
      let (scale, ratio, low, high) = group(place)
      let at = row * layout.columns
      var sum: Float = 0
      for i in at + columns.lowerBound..<at + columns.upperBound {
        let t = steps.pointer[i] * ratio
        let k = t.rounded(.toNearestOrEven)
        let isInside = k >= low && k <= high
        stepsGradient.pointer[i] = isInside ? gradient[i] * scale * ratio : 0
        sum += gradient[i] * (isInside ? k - t : min(max(k, low), high))
      }
      changesGradient.pointer[place] = sum * first[place]
    }
    stepsOptimizer.update(steps, gradient: stepsGradient, learningRate: rate.steps, on: pool)
    changesOptimizer.update(
      changes, gradient: changesGradient, learningRate: rate.scales, on: pool)
  }

  /// The codes as they are now.
  package func codedRows() -> CodedRows {
    var rows = CodedRows(layout: layout)
    rows.zeros = zeros
    rows.scales.withUnsafeMutableBytes { bytes in
      let stored = bytes.bindMemory(to: Float16.self)
      for place in 0..<changes.count { stored[place] = Float16(group(place).scale) }
    }
    var codes = [UInt8](repeating: 0, count: layout.columns)
    for row in 0..<layout.rows {
      for i in 0..<layout.columns {
        let (_, ratio, low, high) = group(place(row, i))
        let k = (steps.pointer[row * layout.columns + i] * ratio).rounded(.toNearestOrEven)
        codes[i] = UInt8(Int(min(max(k, low), high)) + Int(zeros[place(row, i)]))
      }
      codes.withUnsafeBufferPointer { rows.pack(row: row, $0) }
    }
    return rows
  }
}
