internal import Kernels
internal import Testing

/// Sums over tokens of dy times the inputs of a group, of which gradients of zero points are made.
@Suite struct GroupSumsTests {
  private static let shapes: [(rows: Int, columns: Int, groupSize: Int?, ordered: Bool)] = [
    (33, 80, 32, false), (130, 272, 16, true), (65, 100, nil, false), (7, 1040, 64, false),
    (64, 48, nil, true),
  ]

  /// Against loops in Double, by the columns that the matrix takes. An input sum is rounded once,
  /// to 2^-24 of itself; then each of T products and T additions rounds by 2^-24 of numbers that
  /// the sum of magnitudes bounds.
  @Test(arguments: [1, 2, 3])
  func areTheSums(threads: Int) {
    let compute = Compute(pool: WorkerPool(threads: threads), precision: .fp32)
    for (seed, shape) in Self.shapes.enumerated() {
      let w = QuantizedCase(
        rows: shape.rows, columns: shape.columns, bits: 4, groupSize: shape.groupSize,
        form: .zeros, gains: false, ordered: shape.ordered, offset: 1, seed: seed)
      for tokens in [0, 1, 25] {
        var random = RandomNumbers(seed: seed + tokens)
        let x = random.floats(tokens * w.columns)
        let dy = random.floats(tokens * w.rows)
        let memory = GuardedMemory<Float>(results: w.rows * w.groups, fill: .nan)
        compute.groupSums(w.matrix, dy: dy, x: x, tokens: tokens, into: memory.pointer)
        #expect(memory.isIntact)
        for (at, found) in memory.values.enumerated() {
          let terms = (0..<tokens).map { t in
            Double(dy[t * w.rows + at / w.groups]) * inputs(w, x, token: t, group: at % w.groups)
          }
          let bound = terms.reduce(0) { $0 + abs($1) } * Double(tokens + 2) * 0x1p-24
          #expect(abs(Double(found) - terms.reduce(0, +)) <= bound)
        }
      }
    }
  }

  private func inputs(_ w: QuantizedCase, _ x: [Float], token: Int, group: Int) -> Double {
    let columns = group * w.groupSize..<min(w.columns, (group + 1) * w.groupSize)
    return columns.reduce(0) { sum, i in
      sum + Double(x[token * w.columns + (w.order.map { Int($0[i]) } ?? i)])
    }
  }

  /// The bits do not depend on the threads.
  @Test func threadsChangeNothing() {
    let w = QuantizedCase(
      rows: 333, columns: 272, bits: 3, groupSize: 32, form: .realZeros, gains: false, offset: 0,
      seed: 9)
    var random = RandomNumbers(seed: 2)
    let (x, dy) = (random.floats(40 * 272), random.floats(40 * 333))
    let found = [1, 2, 5].map { threads in
      let memory = GuardedMemory<Float>(results: 333 * w.groups, fill: .nan)
      Compute(pool: WorkerPool(threads: threads), precision: .fp32)
        .groupSums(w.matrix, dy: dy, x: x, tokens: 40, into: memory.pointer)
      return memory.values
    }
    #expect(found[0] == found[1] && found[0] == found[2])
  }
}
