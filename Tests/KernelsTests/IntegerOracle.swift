/// Products of a quantized matrix of any form in Double, and what rounding the operands to bytes
/// may change, derived from the grids of the bytes alone.
struct IntegerOracle {
  let w: QuantizedCase
  let tokens: Int
  /// [tokens, I] and [tokens, O].
  let x, dy: [Float]

  /// Half a step of bytes whose greatest number is `greatest`, and 2 units for the rounding of the
  /// step itself and of the number divided by it: numbers near half a step may go the other way.
  private static func half(_ greatest: Double) -> Double { greatest / 254 * (1 + 127 * 8 * unit) }

  private func greatest(_ numbers: some Sequence<Double>) -> Double {
    numbers.reduce(0) { max($0, abs($1)) }
  }

  /// For each number half a step of the 64 from a multiple of 64 on that it is rounded with.
  private func halves(_ numbers: [Double]) -> [Double] {
    numbers.indices.map {
      let first = $0 / 64 * 64
      return Self.half(greatest(numbers[first..<min(numbers.count, first + 64)]))
    }
  }

  private func row(_ numbers: [Float], _ index: Int, _ count: Int) -> [Double] {
    numbers[index * count..<(index + 1) * count].map(Double.init)
  }

  /// fp32 sums: `terms` of them and some roundings of each.
  private static func bound(_ terms: Int, _ magnitude: Double) -> Double {
    (Double(terms) + 16) * unit * magnitude
  }

  /// y [tokens, O]. The exact sums are scaled for each group: what fp32 rounds are the sums of
  /// codes and of zero points, each alone.
  var forward: FormOracle.Expected {
    let (weights, errors) = (w.inInputOrder(w.exactWeights), w.inInputOrder(w.weightErrors))
    let parts = w.inInputOrder(w.separateMagnitudes)
    var result = FormOracle.Expected(values: [], bounds: [])
    for t in 0..<tokens {
      let x = row(x, t, w.columns)
      // Runs are of columns in the order of the matrix.
      let halves = w.inInputOrder(halves(w.inMatrixOrder(x)))
      for o in 0..<w.rows {
        var (sum, error, magnitude) = (0.0, 0.0, 0.0)
        for i in 0..<w.columns {
          let at = o * w.columns + i
          sum += x[i] * weights[at]
          error += halves[i] * abs(weights[at]) + (abs(x[i]) + halves[i]) * errors[at]
          magnitude += (abs(x[i]) + halves[i]) * parts[at]
        }
        result.values.append(sum)
        result.bounds.append(error + Self.bound(w.groups + w.columns / 64, magnitude))
      }
    }
    return result
  }

  /// dx [tokens, I]. With one group a row the scale of the row goes to dy; with several, dy gets
  /// the greatest weight of its row, and weights are rounded to bytes of that.
  var inputGradient: FormOracle.Expected {
    let (weights, errors) = (w.inInputOrder(w.exactWeights), w.inInputOrder(w.weightErrors))
    let parts = w.inInputOrder(w.separateMagnitudes)
    let factors = (0..<w.rows).map {
      w.groups == 1 ? abs(Double(w.scaleOf[$0 * w.columns])) : w.greatestWeight($0)
    }
    var result = FormOracle.Expected(values: [], bounds: [])
    for t in 0..<tokens {
      let dy = row(dy, t, w.rows)
      let scaled = zip(dy, factors).map { $0 * $1 }
      let halves = halves(scaled)
      for i in 0..<w.columns {
        var (sum, error, magnitude) = (0.0, 0.0, 0.0)
        for o in 0..<w.rows {
          let (at, half) = (o * w.columns + i, halves[o])
          sum += dy[o] * weights[at]
          guard factors[o] > 0 else { continue }
          // In units of the row's factor.
          let weight = abs(weights[at]) / factors[o]
          let weightHalf = w.groups == 1 ? 0 : Self.half(1)
          error += half * weight + (abs(scaled[o]) + half) * weightHalf
          error += (abs(scaled[o]) + half) * errors[at] / factors[o]
          magnitude += (abs(scaled[o]) + half) * max(1, parts[at] / factors[o])
        }
        result.values.append(sum)
        result.bounds.append(error + Self.bound(w.rows / 64 + 2, magnitude))
      }
    }
    return result
  }

  /// ds [O, G]: columns of x and of dy are rounded 64 tokens at a time.
  var groupGradient: FormOracle.Expected {
    let (unscaled, errors) = (w.exactUnscaled, w.unscaledErrors)
    let count = w.rows * w.groups
    var result = FormOracle.Expected(
      values: .init(repeating: 0, count: count), bounds: .init(repeating: 0, count: count))
    func columns(_ numbers: [Float], _ count: Int) -> [(numbers: [Double], halves: [Double])] {
      (0..<count).map { column in
        let numbers = (0..<tokens).map { Double(numbers[$0 * count + column]) }
        return (numbers, halves(numbers))
      }
    }
    let (inputs, gradients) = (columns(w.inMatrixOrder(x), w.columns), columns(dy, w.rows))
    for (o, dy) in gradients.enumerated() {
      for (i, x) in inputs.enumerated() {
        let (at, to) = (o * w.columns + i, o * w.groups + i / w.groupSize)
        var (sum, error, magnitude) = (0.0, 0.0, 0.0)
        for t in 0..<tokens {
          sum += dy.numbers[t] * x.numbers[t]
          let greatest = abs(dy.numbers[t]) + dy.halves[t]
          error += dy.halves[t] * abs(x.numbers[t]) + greatest * x.halves[t]
          // Bytes of x count from 128 on; a half is 1/254 of the greatest.
          magnitude += greatest * x.halves[t] * 2 * 256
        }
        result.values[to] += unscaled[at] * sum
        result.bounds[to] += abs(unscaled[at]) * (error + Self.bound(80, magnitude))
        result.bounds[to] += errors[at] * (magnitude + error)
      }
    }
    return result
  }
}

extension QuantizedCase {
  /// What a weight's code and what takes it to zero are, each alone and scaled, together: [O, I].
  var separateMagnitudes: [Double] {
    numbers.enumerated().map { at, q in
      let grid = grids[at / columns * groups + at % columns / groupSize]
      return abs(grid.scale) * Double(q) + abs(grid.added)
    }
  }

  /// The greatest weight that the codes of a row can give.
  func greatestWeight(_ row: Int) -> Double {
    (0..<groups).map {
      let grid = grids[row * groups + $0]
      return max(abs(grid.weight(0)), abs(grid.weight(Double(1 << bits - 1))))
    }.max() ?? 0
  }
}
