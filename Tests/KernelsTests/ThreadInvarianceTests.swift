internal import Kernels
internal import Testing

/// No bit of a result depends on the number of threads, nor on the other rows computed with it.
@Suite(.serialized) struct ThreadInvarianceTests {
  struct Setting: Sendable, CustomTestStringConvertible {
    let set: InstructionSet
    let precision: Precision
    var testDescription: String { "\(set) \(precision)" }
  }
  static let settings = InstructionSet.available.flatMap { set in
    Precision.allCases.map { Setting(set: set, precision: $0) }
  }
  static let (rows, columns, tokens) = (130, 1100, 131)

  private struct Layers {
    let quantized: [QuantizedCase]
    let dense: GuardedMemory<Float>
    let matrices: [WeightMatrix]

    init() {
      let (rows, columns) = (ThreadInvarianceTests.rows, ThreadInvarianceTests.columns)
      var random = RandomNumbers(seed: 2)
      quantized =
        [(4, nil, false), (3, 64, true)].map { bits, size, real in
          QuantizedCase(
            rows: rows, columns: columns, bits: bits, groupSize: size, realZeros: real,
            gains: true, offset: 0, seed: bits)
        } + [
          QuantizedCase(
            rows: rows, columns: columns, bits: 5, groupSize: 32, form: .minimaBlocks, gains: true,
            ordered: true, offset: 0, seed: 5)
        ]
      dense = GuardedMemory(random.floats(rows * columns))
      matrices =
        quantized.map(\.matrix) + [
          WeightMatrix(dense: dense.raw, type: .f32, rows: rows, columns: columns),
          // Fewer rows and columns, for products that a library may treat as small.
          WeightMatrix(dense: dense.raw, type: .f32, rows: 70, columns: 40),
        ]
    }
  }

  @Test(arguments: settings)
  func threadCounts(_ setting: Setting) {
    let layers = Layers()
    let want = everything(compute(setting, threads: 1), layers)
    #expect(want.allSatisfy { $0.1.allSatisfy { !$0.isNaN } }, "every number is written")
    for threads in [2, 5] {
      let got = everything(compute(setting, threads: threads), layers)
      for ((name, a), (_, b)) in zip(want, got) {
        let differ = zip(a, b).count { $0.bitPattern != $1.bitPattern }
        #expect(differ == 0, "\(name): \(differ) of \(a.count) differ on \(threads) threads")
      }
    }
  }

  /// Portable results are the same on all instruction sets, the plainest one included: fused
  /// multiply-adds, orders of sums and roundings agree, and no library is asked.
  @Test(arguments: [false, true])
  func portableBits(ofIntegers: Bool) {
    let layers = Layers()
    func everything(_ set: InstructionSet) -> [(String, [Float])] {
      let compute = Compute(
        pool: WorkerPool(threads: 1), multipliesIntegers: ofIntegers, instructionSet: set,
        isPortable: true)
      return self.everything(compute, layers)
    }
    let want = everything(.scalar)
    for set in InstructionSet.available {
      for ((name, a), (_, b)) in zip(want, everything(set)) {
        let differ = zip(a, b).count { $0.bitPattern != $1.bitPattern }
        #expect(differ == 0, "\(name): \(differ) of \(a.count) differ on \(set)")
      }
    }
  }

  private func compute(_ setting: Setting, threads: Int) -> Compute {
    Compute(
      pool: WorkerPool(threads: threads), precision: setting.precision,
      instructionSet: setting.set)
  }

  private func everything(_ compute: Compute, _ layers: Layers) -> [(String, [Float])] {
    linear(compute, layers) + norms(compute) + activations(compute) + elementwise(compute)
      + attention(compute)
  }

  func filled(
    _ count: Int, _ write: (UnsafeMutablePointer<Float>) -> Void
  ) -> [Float] {
    var numbers = [Float](repeating: .nan, count: count)
    numbers.withUnsafeMutableBufferPointer { write($0.baseAddress!) }
    return numbers
  }

  private func linear(_ compute: Compute, _ layers: Layers) -> [(String, [Float])] {
    var random = RandomNumbers(seed: 4)
    let tokens = Self.tokens
    let x = random.floats(tokens * Self.columns)
    let dy = random.floats(tokens * Self.rows)
    var results: [(String, [Float])] = []
    for (index, w) in layers.matrices.enumerated() {
      results.append(
        (
          "forward \(index)",
          filled(tokens * w.rows) {
            compute.forward(
              w, compute.operand(x, tokens: tokens, for: w), tokens: tokens, into: $0)
          }
        ))
      results.append(
        (
          "few tokens \(index)",
          filled(3 * w.rows) {
            let input = compute.decodeOperand(x, tokens: 3, for: w)
            compute.decode(Product(w, into: $0), input: input, tokens: 3)
          }
        ))
      results.append(
        (
          "input gradient \(index)",
          filled(tokens * w.columns) {
            compute.inputGradient(w, dy, tokens: tokens, into: $0, accumulating: false)
          }
        ))
      results.append(
        (
          "group gradient \(index)",
          filled(w.rows * w.groups) {
            compute.groupGradient(w, dy: dy, x: x, tokens: tokens, into: $0)
          }
        ))
    }
    results += fused(compute, layers, dy: dy, y: x)
    return results
  }

  /// Row gradients of two sequences and the input gradients of the operands they leave.
  private func fused(
    _ compute: Compute, _ layers: Layers, dy: [Float], y: [Float]
  ) -> [(String, [Float])] {
    let (w, sequenceRanges) = (layers.matrices[0], [0..<90, 90..<Self.tokens])
    let (tokens, rows) = (Self.tokens, Self.rows)
    var sums: [(String, [Float])] = []
    let dx = filled(tokens * w.columns) { dx in
      let rowSums = filled(2 * rows) {
        let operand = compute.rowGradients(
          w, dy: dy, y: y, sequenceRanges: sequenceRanges, wantsOperand: true, sums: $0)
        guard let operand else { return }
        compute.inputGradient(w, operand, tokens: tokens, into: dx, accumulating: false)
      }
      sums.append(("row gradients", rowSums))
    }
    var (dgate, dup) = (dy, dy)
    var upSums: [Float] = []
    let gateSums = filled(2 * rows) { gateSums in
      upSums = filled(2 * rows) {
        _ = compute.activationGradients(
          .silu,
          gate: Compute.Activated(w, value: y, output: y, sums: gateSums, gradient: &dgate),
          up: Compute.Activated(w, value: dy, output: dy, sums: $0, gradient: &dup), dh: dy,
          sequenceRanges: sequenceRanges)
      }
    }
    return sums + [("their dx", dx), ("gate sums", gateSums), ("up sums", upSums)]
  }

  private func attention(_ compute: Compute) -> [(String, [Float])] {
    let plain = AttentionShape(heads: 6, keyValueHeads: 2, headSize: 16, window: 70)
    var capped = plain
    (capped.scale, capped.cap) = (1, 3)
    return attention(compute, plain, "attention") + attention(compute, capped, "capped attention")
  }

  private func attention(
    _ compute: Compute, _ shape: AttentionShape, _ name: String
  ) -> [(String, [Float])] {
    let segments = [0..<90, 90..<97, 97..<161]
    var random = RandomNumbers(seed: 9)
    let tokens = 161
    let (q, dout) = (
      random.floats(tokens * shape.queryWidth), random.floats(tokens * shape.queryWidth)
    )
    let (k, v) = (random.floats(tokens * shape.keyWidth), random.floats(tokens * shape.keyWidth))
    var lse = [Float](repeating: .nan, count: shape.heads * tokens)
    let out = filled(q.count) {
      compute.attention(
        shape, segments: segments, q: q, k: k, v: v, tokens: tokens, out: $0, lse: &lse)
    }
    var perHead = [Float](repeating: .nan, count: shape.headGradientCount(tokens: tokens))
    let back = filled(q.count + 2 * k.count) {
      compute.attentionBackward(
        shape, segments: segments, q: q, k: k, v: v, tokens: tokens, out: out, lse: lse,
        dout: dout, dq: $0, dk: $0 + q.count, dv: $0 + q.count + k.count, headGradients: &perHead)
    }
    return [(name, out), ("\(name), lse", lse), ("\(name) backward", back)]
  }

  @Test(arguments: settings)
  func rowsStandAlone(_ setting: Setting) {
    let layers = Layers()
    let compute = Compute(
      pool: WorkerPool(threads: 2), precision: setting.precision, instructionSet: setting.set)
    var random = RandomNumbers(seed: 11)
    let x = random.floats(Self.tokens * Self.columns)
    // OpenBLAS, for dense fp32 products, promises the same bits for the same shape only.
    let ours = layers.matrices.filter { $0.isQuantized || setting.precision == .bf16 }
    for (index, w) in ours.enumerated() {
      func product(_ range: Range<Int>) -> [Float] {
        let part = Array(x[range.lowerBound * w.columns..<range.upperBound * w.columns])
        return filled(range.count * w.rows) {
          compute.forward(
            w, compute.operand(part, tokens: range.count, columns: w.columns),
            tokens: range.count, into: $0)
        }
      }
      let whole = product(0..<Self.tokens)
      for range in [0..<1, 17..<18, 130..<131, 3..<8, 5..<30, 24..<131] {
        let part = product(range)
        let rows = whole[range.lowerBound * w.rows..<range.upperBound * w.rows]
        let differ = zip(part, rows).count { $0.bitPattern != $1.bitPattern }
        #expect(differ == 0, "matrix \(index), rows \(range): \(differ) numbers")
      }
    }
  }
}
