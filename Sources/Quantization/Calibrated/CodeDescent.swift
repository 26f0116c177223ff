internal import Kernels

/// Lowers the error of a chunk's outputs by moving one number at a time: the scale of a group, its
/// zero point, a code. Nothing moves unless the error becomes less, so it ends.
///
/// For the error e = w' - w of a row, e H e^T changes by 2 d (g_i) + d^2 H_ii where w'_i moves by
/// d, with g = e H. Every move keeps g. Source: coordinate descent on the layer's least-squares
/// problem, as QuantEase (arXiv 2309.01885) does for codes; here scales and zero points move too.
struct CodeDescent {
  private let chunk: CalibratedChunk
  /// g [rows, I].
  private let slope: FloatBuffer
  private let error: FloatBuffer
  /// [rows, g] steps of a group, and [rows, I] what moving its scales by 1 does to g.
  private let steps: FloatBuffer
  private let change: FloatBuffer
  private let moments: UnsafePointer<Float>

  private var rows: Int { chunk.rows }
  private var columns: Int { chunk.columns }

  init(_ chunk: CalibratedChunk) {
    self.chunk = chunk
    moments = UnsafePointer(chunk.shared.moments.matrix.pointer)
    slope = FloatBuffer(count: chunk.rows * chunk.columns)
    error = FloatBuffer(count: chunk.rows * chunk.columns)
    steps = FloatBuffer(count: chunk.rows * chunk.layout.groupSize)
    change = FloatBuffer(count: chunk.rows * chunk.columns)
  }

  /// g of the codes as they are now.
  func start() {
    for row in 0..<rows {
      for i in 0..<columns {
        let place = row * columns + i
        error.pointer[place] = chunk.scale(row, i) * chunk.step(row, i) - chunk.target[place]
      }
    }
    multiply(error, into: slope)
  }

  /// [rows, I] = x H.
  private func multiply(_ x: FloatBuffer, into y: FloatBuffer) {
    BLAS.multiply(
      x.pointer, moments, rows: rows, columns: columns, depth: columns,
      strides: (columns, columns, columns), accumulating: false, into: y.pointer)
  }

  /// One look at every number; true where nothing has moved.
  mutating func sweep() -> Bool {
    var moved = false
    for group in 0..<chunk.groups { moved = fitGroup(group) || moved }
    for row in 0..<rows { moved = moveCodes(row) || moved }
    return !moved
  }

  private func range(_ group: Int) -> Range<Int> {
    let first = group * chunk.layout.groupSize
    return first..<min(columns, first + chunk.layout.groupSize)
  }

  /// Scales of a group of all rows, then zero points.
  private func fitGroup(_ group: Int) -> Bool {
    let range = range(group)
    for row in 0..<rows {
      for (place, i) in range.enumerated() {
        steps.pointer[row * range.count + place] = chunk.step(row, i)
      }
    }
    BLAS.multiply(
      steps.pointer, moments + range.lowerBound * columns, rows: rows, columns: columns,
      depth: range.count, strides: (range.count, columns, columns), accumulating: false,
      into: change.pointer)
    var moved = false
    for row in 0..<rows {
      moved = fitScale(row, group, range) || moved
      if !chunk.shared.symmetric { moved = moveZero(row, group, range) || moved }
    }
    return moved
  }

  private func fitScale(_ row: Int, _ group: Int, _ range: Range<Int>) -> Bool {
    let k = steps.pointer + row * range.count
    let (g, change) = (slope.pointer + row * columns, change.pointer + row * columns)
    let product = BLAS.dot(k, g + range.lowerBound, count: range.count)
    let square = BLAS.dot(k, change + range.lowerBound, count: range.count)
    guard square > 0 else { return false }
    let place = row * chunk.groups + group
    let old = chunk.scales[place]
    let wanted = Float16(old - product / square)
    guard wanted.isFinite, wanted > 0 else { return false }
    let move = Float(wanted) - old
    guard move != 0, 2 * move * product + move * move * square < 0 else { return false }
    chunk.scales[place] = Float(wanted)
    BLAS.add(change, times: move, count: columns, to: g)
    return true
  }

  /// A zero point that goes up by 1 takes all weights of its group down by the scale.
  private func moveZero(_ row: Int, _ group: Int, _ range: Range<Int>) -> Bool {
    let sums = chunk.shared.groupSums.pointer + group * columns
    let (g, place) = (slope.pointer + row * columns, row * chunk.groups + group)
    var (product, square): (Float, Float) = (0, 0)
    for i in range {
      product += g[i]
      square += sums[i]
    }
    let scale = chunk.scales[place]
    guard square > 0 else { return false }
    let wanted = (product / (scale * square)).rounded(.toNearestOrEven)
    let (least, most) = (1 - chunk.zeros[place], chunk.maximumCode - chunk.zeros[place])
    let steps = min(max(wanted, Float(least)), Float(most))
    let move = -steps * scale
    guard steps != 0, 2 * move * product + move * move * square < 0 else { return false }
    chunk.zeros[place] += Int(steps)
    BLAS.add(sums, times: move, count: columns, to: g)
    return true
  }

  private func moveCodes(_ row: Int) -> Bool {
    let g = slope.pointer + row * columns
    var moved = false
    for i in 0..<columns {
      let place = row * columns + i
      let (scale, diagonal) = (chunk.scale(row, i), moments[i * columns + i])
      let code = Int(chunk.codes[place])
      let wanted = (-g[i] / (scale * diagonal)).rounded(.toNearestOrEven)
      let steps = min(max(wanted, Float(-code)), Float(chunk.maximumCode - code))
      let move = steps * scale
      guard steps != 0, 2 * move * g[i] + move * move * diagonal < 0 else { continue }
      chunk.codes[place] = UInt8(code + Int(steps))
      BLAS.add(moments + i * columns, times: move, count: columns, to: g)
      moved = true
    }
    return moved
  }

  /// e H e^T and w H w^T, summed over the rows.
  func outputError() -> (error: Double, norm: Double) {
    start()
    var (cost, norm) = (0.0, 0.0)
    for row in 0..<rows {
      let at = row * columns
      cost += Double(BLAS.dot(error.pointer + at, slope.pointer + at, count: columns))
    }
    let weights = FloatBuffer(count: chunk.target.count)
    _ = weights.elements.update(fromContentsOf: chunk.target)
    multiply(weights, into: slope)
    for row in 0..<rows {
      let at = row * columns
      norm += Double(BLAS.dot(weights.pointer + at, slope.pointer + at, count: columns))
    }
    return (cost, norm)
  }
}
