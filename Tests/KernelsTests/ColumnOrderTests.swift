internal import Kernels
internal import Testing

/// Matrices whose columns are in another order than their input: the bits of the same matrix
/// without an order, over an input that was put in order before. What the numbers must be is the
/// matter of `MatrixFormTests`.
@Suite struct ColumnOrderTests {
  private static let rows = 33

  /// Of every form, with operands of both orders in bf16: that of words of codes is only for the
  /// first three.
  private static func matrices(columns: Int, ordered: Bool) -> [QuantizedCase] {
    let specs: [(QuantizedCase.Form, bits: Int, groupSize: Int?)] = [
      (.zeros, 4, 32), (.realZeros, 3, 64), (.zeros, 2, nil), (.zeros, 4, 16), (.minima, 4, 32),
      (.centreBlocks, 6, 16), (.minimaBlocks, 5, 32), (.realZeros, 8, nil),
    ]
    return specs.enumerated().map { index, spec in
      QuantizedCase(
        rows: rows, columns: columns, bits: spec.bits, groupSize: spec.groupSize, form: spec.0,
        gains: index % 2 == 0, ordered: ordered || index % 2 == 1, offset: index % 4,
        seed: 100 + index)
    }
  }

  private func filled(_ count: Int, _ write: (UnsafeMutablePointer<Float>) -> Void) -> [Float] {
    let memory = GuardedMemory<Float>(results: count, fill: .nan)
    write(memory.pointer)
    #expect(memory.isIntact)
    return memory.values
  }

  private func decoded(_ compute: Compute, _ w: WeightMatrix, _ x: [Float], _ tokens: Int)
    -> [Float]
  {
    filled(tokens * w.rows) {
      compute.decode(
        Product(w, into: $0), input: compute.decodeOperand(x, tokens: tokens, for: w),
        tokens: tokens)
    }
  }

  @Test(arguments: InstructionSet.available, Precision.allCases)
  func anOrderIsAnInputPutInOrder(_ set: InstructionSet, _ precision: Precision) {
    let compute = Compute(pool: WorkerPool(threads: 2), precision: precision, instructionSet: set)
    for (index, columns) in [48, 80, 272, 1040].enumerated() {
      for (which, w) in Self.matrices(columns: columns, ordered: true).enumerated() {
        var random = RandomNumbers(seed: index)
        let tokens = [1, 5, 8, 25][(index + which) % 4]
        let (x, dy) = (random.floats(tokens * columns), random.floats(tokens * w.rows))
        let (own, plain) = (w.matrix, w.matrix(ordered: false))
        let moved = w.inMatrixOrder(x)
        func forward(_ w: WeightMatrix, _ x: [Float]) -> [Float] {
          filled(tokens * w.rows) {
            compute.forward(
              w, compute.operand(x, tokens: tokens, columns: columns), tokens: tokens, into: $0)
          }
        }
        func inputGradient(_ w: WeightMatrix) -> [Float] {
          filled(tokens * columns) {
            compute.inputGradient(w, dy, tokens: tokens, into: $0, accumulating: false)
          }
        }
        func groupGradient(_ w: WeightMatrix, _ x: [Float]) -> [Float] {
          filled(w.rows * w.groups) {
            compute.groupGradient(w, dy: dy, x: x, tokens: tokens, into: $0)
          }
        }
        let label = "\(w.form), \(columns) columns, matrix \(which)"
        let y = forward(own, x)
        #expect(y == forward(plain, moved), "forward \(label)")
        #expect(y != forward(plain, x), "an order that moves nothing: \(label)")
        #expect(groupGradient(own, x) == groupGradient(plain, moved), "ds \(label)")
        #expect(w.inMatrixOrder(inputGradient(own)) == inputGradient(plain), "dx \(label)")
        guard tokens <= Compute.fewTokens else { continue }
        #expect(
          decoded(compute, own, x, tokens) == decoded(compute, plain, moved, tokens),
          "decode \(label)")
      }
    }
  }

  /// Three products of one input give the bits of each alone, whatever matrix the input was made
  /// for: half of these have an order of their own, and operands in bf16 lie in two.
  @Test(arguments: InstructionSet.available, Precision.allCases)
  func oneInputForMatricesOfAnyOrder(_ set: InstructionSet, _ precision: Precision) {
    let (columns, tokens) = (272, 3)
    let cases = Self.matrices(columns: columns, ordered: false)
    var random = RandomNumbers(seed: 7)
    let x = random.floats(tokens * columns)
    let single = Compute(pool: WorkerPool(threads: 1), precision: precision, instructionSet: set)
    let want = cases.map { decoded(single, $0.matrix, x, tokens) }
    for threads in [1, 3] {
      let compute = Compute(
        pool: WorkerPool(threads: threads), precision: precision, instructionSet: set)
      for maker in cases.indices {
        for first in cases.indices {
          let chosen = [first, (first + 1) % cases.count, (first + 3) % cases.count]
          let outs = chosen.map { _ in
            GuardedMemory<Float>(results: tokens * Self.rows, fill: .nan)
          }
          let products = zip(chosen, outs).map { Product(cases[$0].matrix, into: $1.pointer) }
          let input = compute.decodeOperand(x, tokens: tokens, for: cases[maker].matrix)
          compute.decode(products[0], products[1], products[2], input: input, tokens: tokens)
          let label = "\(threads) threads, matrices \(chosen), input for \(maker)"
          #expect(outs.map(\.values) == chosen.map { want[$0] }, "\(label)")

          for out in outs { out.pointer.update(repeating: .nan, count: out.count) }
          let hidden = filled(tokens * Self.rows) {
            compute.decodeActivated(
              .relu, gate: products[0], up: products[1], input: input, tokens: tokens, into: $0)
          }
          // One product of two numbers has one right result.
          let (gate, up) = (want[chosen[0]], want[chosen[1]])
          #expect(hidden == zip(gate, up).map { max($0, 0) * $1 }, "activated, \(label)")
          #expect(outs.allSatisfy { $0.isIntact })
        }
      }
    }
    withExtendedLifetime(cases) {}
  }
}
