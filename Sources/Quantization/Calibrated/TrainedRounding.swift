internal import Foundation
package import Kernels

/// One matrix whose rounding, scales and zero points are trained: continuous weights v, in steps of
/// the scales at the start, changes d of the scales s = s0 (1 + d), shifts e of the zero points.
///
///     z = clamp(round(z0 + e), 0, 2^b - 1)
///     k = clamp(round(v s0 / s), -z, 2^b - 1 - z)        w' = fp16(s) k
///
/// Rounding counts as the identity in gradients, where k is not clipped; so a zero point follows
/// the weights that its range cuts off. Source: Block-AP of EfficientQAT, arXiv 2407.11062, section
/// 3.2; there v is not in steps.
package final class TrainedRounding {
  package let layout: PackedLayout
  /// v [O, I], d [O, G] and e [O, G].
  private let steps, changes, shifts: Trained
  private let first: [Float]
  private let zeros: [UInt8]

  /// Numbers that are trained, with their gradients of the last update.
  private final class Trained {
    let values, gradient: FloatBuffer
    private var optimizer: AdamW

    init(count: Int) {
      (values, gradient) = (FloatBuffer(zeros: count), FloatBuffer(count: count))
      var settings = AdamW.Settings()
      (settings.beta1, settings.beta2) = (0.9, 0.95)
      optimizer = AdamW(count: count, settings: settings)
    }

    func update(rate: Double, on pool: WorkerPool) {
      guard rate > 0 else { return }
      optimizer.update(values, gradient: gradient, learningRate: rate, on: pool)
    }
  }

  /// - Parameters:
  ///   - rows: where training starts.
  ///   - weights: of the model, [O, I]. v are these, as far as they round to the codes; the others
  ///     lie just inside of what does.
  package init(_ rows: CodedRows, weights: UnsafeBufferPointer<Float>) {
    layout = rows.layout
    let count = layout.rows * layout.columns
    precondition(weights.count == count, "a weight for every code")
    let groups = layout.rows * layout.groups
    (steps, changes) = (Trained(count: count), Trained(count: groups))
    shifts = Trained(count: groups)
    first = (0..<groups).map { rows.scale($0) }
    zeros = rows.zeros
    var codes = [UInt8](repeating: 0, count: layout.columns)
    for row in 0..<layout.rows {
      codes.withUnsafeMutableBufferPointer { rows.unpack(row: row, into: $0) }
      for i in 0..<layout.columns {
        let (at, place) = (row * layout.columns + i, place(row, i))
        let k = Float(codes[i]) - Float(zeros[place])
        steps.values.pointer[at] = min(max(weights[at] / first[place], k - 0.45), k + 0.45)
      }
    }
  }

  @inline(__always)
  private func place(_ row: Int, _ column: Int) -> Int {
    row * layout.groups + column / layout.groupSize
  }

  /// What a group has: the scale as stored, by which v has to be multiplied to be in steps of it,
  /// and the least and greatest k. The zero point is -low.
  @inline(__always)
  private func group(_ place: Int) -> (scale: Float, ratio: Float, low: Float, high: Float) {
    let wanted = Float16(first[place] * (1 + changes.values.pointer[place]))
    let scale = Float(wanted.isFinite && wanted > 0 ? wanted : Float16.leastNormalMagnitude)
    let (largest, shift) = (Float(layout.maximumCode), shifts.values.pointer[place])
    let zero = min(max((Float(zeros[place]) + shift).rounded(.toNearestOrEven), 0), largest)
    return (scale, first[place] / scale, -zero, largest - zero)
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
        let k = (steps.values.pointer[i] * ratio).rounded(.toNearestOrEven)
        weights[i] = scale * min(max(k, low), high)
      }
    }
  }

  /// One step of all, from the gradient of w' [O, I]; what has the rate 0 stays.
  package func update(
    gradient: UnsafePointer<Float>, rate: (steps: Double, scales: Double, zeros: Double),
    on pool: WorkerPool
  ) {
    differentiate(gradient, on: pool)
    steps.update(rate: rate.steps, on: pool)
    changes.update(rate: rate.scales, on: pool)
    shifts.update(rate: rate.zeros, on: pool)
  }

  private func differentiate(_ gradient: UnsafePointer<Float>, on pool: WorkerPool) {
    forGroups(pool) { place, row, columns in
      let (scale, ratio, low, high) = group(place)
      let at = row * layout.columns
      var (scaleSum, zeroSum): (Float, Float) = (0, 0)
      for i in at + columns.lowerBound..<at + columns.upperBound {
        let t = steps.values.pointer[i] * ratio
        let k = t.rounded(.toNearestOrEven)
        let isInside = k >= low && k <= high
        steps.gradient.pointer[i] = isInside ? gradient[i] * scale * ratio : 0
        scaleSum += gradient[i] * (isInside ? k - t : min(max(k, low), high))
        zeroSum -= isInside ? 0 : gradient[i]
      }
      changes.gradient.pointer[place] = scaleSum * first[place]
      shifts.gradient.pointer[place] = zeroSum * scale
    }
  }

  /// v [O, I], d [O, G] and e [O, G], or what belongs to each of them.
  package struct Numbers {
    package var steps, changes, shifts: [Float]
  }

  package var numbers: Numbers { numbers(\.values) }
  /// As of the last update.
  package var gradients: Numbers { numbers(\.gradient) }

  private func numbers(_ path: KeyPath<Trained, FloatBuffer>) -> Numbers {
    Numbers(
      steps: Array(steps[keyPath: path].elements), changes: Array(changes[keyPath: path].elements),
      shifts: Array(shifts[keyPath: path].elements))
  }

  /// The codes as they are now.
  package func codedRows() -> CodedRows {
    var rows = CodedRows(layout: layout)
    rows.zeros = zeros.indices.map { UInt8(-group($0).low) }
    rows.scales.withUnsafeMutableBytes { bytes in
      let stored = bytes.bindMemory(to: Float16.self)
      for place in first.indices { stored[place] = Float16(group(place).scale) }
    }
    var codes = [UInt8](repeating: 0, count: layout.columns)
    for row in 0..<layout.rows {
      for i in 0..<layout.columns {
        let (_, ratio, low, high) = group(place(row, i))
        let k = (steps.values.pointer[row * layout.columns + i] * ratio)
          .rounded(.toNearestOrEven)
        codes[i] = UInt8(min(max(k, low), high) - low)
      }
      codes.withUnsafeBufferPointer { rows.pack(row: row, $0) }
    }
    return rows
  }
}
