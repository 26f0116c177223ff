internal import Kernels
internal import Testing

/// Codes multiplied as integers: the same bits from every instruction set, and from the reference
/// what exact sums of the rounded operands give.
///
/// What rounding an operand to bytes may change follows from its grid: a number errs by half a step
/// at most, and a step is the greatest number of its run by 127. Everything after it is fp32, of
/// which a sum of n terms errs by n units of its magnitudes (`IntegerOracle`).
@Suite struct IntegerProductTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let form: QuantizedCase.Form
    let bits: Int
    let groupSize: Int?
    let ordered: Bool
    var testDescription: String {
      "\(form), \(bits) bits, group \(groupSize.map(String.init) ?? "row")\(ordered ? ", ordered" : "")"
    }
  }

  static let cases = QuantizedCase.Form.allCases.enumerated().flatMap { index, form in
    [2, 3, 4, 5, 6, 8].flatMap { bits in
      [nil, 16, 32, 64, 128, 1024].enumerated().map { place, groupSize in
        Case(
          form: form, bits: bits, groupSize: groupSize, ordered: (index + bits + place) % 3 == 0)
      }
    }
  }

  /// Borders of panels (64), tiles, blocks (1024 columns, rows or tokens), and padding.
  private static let shapes: [(rows: Int, columns: Int, tokens: Int)] = [
    (65, 80, 7), (1, 16, 1), (7, 1040, 5), (130, 272, 13), (1030, 48, 8), (9, 48, 67),
    (3, 80, 1100),
  ]

  private struct Results {
    var forward, decode, dx, ds: [Float]
    var all: [Float] { forward + decode + dx + ds }
  }

  private static func matrix(_ one: Case, _ rows: Int, _ columns: Int, seed: Int) -> QuantizedCase {
    QuantizedCase(
      rows: rows, columns: columns, bits: one.bits, groupSize: one.groupSize, form: one.form,
      gains: seed % 2 == 0, zeroScales: seed % 3 == 0, ordered: one.ordered, offset: seed % 4,
      seed: seed)
  }

  private static func results(
    _ w: QuantizedCase, x: GuardedMemory<Float>, dy: GuardedMemory<Float>, tokens: Int,
    _ set: InstructionSet, threads: Int = 1
  ) -> Results {
    let compute = Compute(
      pool: WorkerPool(threads: threads), precision: .fp32, multipliesIntegers: true,
      instructionSet: set)
    func filled(_ count: Int, _ write: (UnsafeMutablePointer<Float>) -> Void) -> [Float] {
      let memory = GuardedMemory<Float>(results: count, fill: .nan)
      write(memory.pointer)
      #expect(memory.isIntact, "\(set) wrote outside")
      return memory.values
    }
    let matrix = w.matrix
    return Results(
      forward: filled(tokens * w.rows) {
        compute.forward(
          matrix, compute.operand(x.pointer, tokens: tokens, for: matrix), tokens: tokens, into: $0)
      },
      decode: filled(tokens * w.rows) {
        compute.decode(
          Product(matrix, into: $0),
          input: compute.decodeOperand(x.pointer, tokens: tokens, for: matrix), tokens: tokens)
      },
      dx: filled(tokens * w.columns) {
        compute.inputGradient(matrix, dy.pointer, tokens: tokens, into: $0, accumulating: false)
      },
      ds: filled(w.rows * w.groups) {
        compute.groupGradient(matrix, dy: dy.pointer, x: x.pointer, tokens: tokens, into: $0)
      })
  }

  @Test(arguments: cases)
  func everyTableHasTheSameBits(_ one: Case) {
    // Two of the shapes, all of them over the cases.
    for index in [one.bits % 7, (one.bits + 1 + (one.groupSize ?? 0) / 16) % 7] {
      let shape = Self.shapes[index]
      let seed = one.bits * 100 + (one.groupSize ?? 1) + index
      let w = Self.matrix(one, shape.rows, shape.columns, seed: seed)
      var random = RandomNumbers(seed: ~seed)
      let x = GuardedMemory(random.floats(shape.tokens * w.columns, scale: 3))
      let dy = GuardedMemory(random.floats(shape.tokens * w.rows, scale: 0.1))
      let want = Self.results(w, x: x, dy: dy, tokens: shape.tokens, .scalar)
      let oracle = IntegerOracle(w: w, tokens: shape.tokens, x: x.values, dy: dy.values)
      let label = "\(w.rows) x \(w.columns), \(shape.tokens) tokens"
      expect(want.forward, oracle.forward, "forward \(label)")
      expect(want.decode, oracle.forward, "decode \(label)")
      expect(want.dx, oracle.inputGradient, "dx \(label)")
      expect(want.ds, oracle.groupGradient, "ds \(label)")
      for set in InstructionSet.available where set != .scalar {
        let got = Self.results(w, x: x, dy: dy, tokens: shape.tokens, set, threads: 1 + index % 3)
        let differ = zip(got.all, want.all).count { $0.bitPattern != $1.bitPattern }
        #expect(differ == 0, "\(set) \(label): \(differ) of \(want.all.count) differ")
      }
      #expect(x.isIntact && dy.isIntact)
    }
  }

  private func expect(_ got: [Float], _ want: FormOracle.Expected, _ label: String) {
    let deviation = Deviation(got, want.values, allowing: want.bounds)
    #expect(deviation.isAllowed, "\(label): \(deviation)")
  }

  /// A token's numbers are those it has alone, whatever is beside it and however many threads there
  /// are; so are those of a generation.
  @Test(arguments: InstructionSet.available, [nil, 32])
  func tokensStandAlone(_ set: InstructionSet, _ groupSize: Int?) {
    let (rows, columns, tokens) = (130, 200, 30)
    let w = QuantizedCase(
      rows: rows, columns: columns, bits: 4, groupSize: groupSize, realZeros: false, gains: true,
      offset: 0, seed: 4)
    var random = RandomNumbers(seed: 8)
    let (x, dy) = (random.floats(tokens * columns), random.floats(tokens * rows))
    func run(_ range: Range<Int>, threads: Int) -> (y: [Float], dx: [Float]) {
      let results = Self.results(
        w, x: GuardedMemory(Array(x[range.lowerBound * columns..<range.upperBound * columns])),
        dy: GuardedMemory(Array(dy[range.lowerBound * rows..<range.upperBound * rows])),
        tokens: range.count, set, threads: threads)
      return (results.forward, results.dx)
    }
    let together = run(0..<tokens, threads: 3)
    for token in [0, 13, tokens - 1] {
      let alone = run(token..<token + 1, threads: 1)
      #expect(alone.y == Array(together.y[token * rows..<(token + 1) * rows]))
      #expect(alone.dx == Array(together.dx[token * columns..<(token + 1) * columns]))
    }
    #expect(run(0..<tokens, threads: 1) == together)
  }

  /// What is not finite reaches every output of its token and no other; a token of zeros is zeros.
  @Test(arguments: InstructionSet.available, [Float.nan, .infinity, -.infinity])
  func whatIsNotFiniteShows(_ set: InstructionSet, _ number: Float) {
    let (rows, columns) = (33, 80)
    let w = QuantizedCase(
      rows: rows, columns: columns, bits: 3, groupSize: 32, realZeros: false, gains: false,
      offset: 0, seed: 5)
    var random = RandomNumbers(seed: 6)
    var x = random.floats(3 * columns)
    x[40] = number
    for i in 2 * columns..<3 * columns { x[i] = 0 }
    let results = Self.results(
      w, x: GuardedMemory(x), dy: GuardedMemory(random.floats(3 * rows)), tokens: 3, set)
    for y in [results.forward, results.decode] {
      #expect(y[..<rows].allSatisfy { $0.isNaN })
      #expect(y[rows..<2 * rows].allSatisfy { $0.isFinite && $0 != 0 })
      #expect(y[(2 * rows)...].allSatisfy { $0 == 0 })
    }
  }

  /// A dense matrix that reads what a quantized one reads gets it in floating point.
  @Test(arguments: InstructionSet.available)
  func denseMatricesStayFloatingPoint(_ set: InstructionSet) {
    let (rows, columns, tokens) = (33, 200, 5)
    let w = QuantizedCase(
      rows: rows, columns: columns, bits: 4, groupSize: nil, realZeros: false, gains: false,
      offset: 0, seed: 7)
    var random = RandomNumbers(seed: 9)
    let numbers = GuardedMemory(random.floats(rows * columns))
    let dense = WeightMatrix(dense: numbers.raw, type: .f32, rows: rows, columns: columns)
    let x = random.floats(tokens * columns)
    func products(multipliesIntegers: Bool) -> [[Float]] {
      let compute = Compute(
        pool: WorkerPool(threads: 2), precision: .fp32, multipliesIntegers: multipliesIntegers,
        instructionSet: set)
      var (y, few) = ([Float](repeating: 0, count: tokens * rows), [Float]())
      few = y
      compute.forward(
        dense, compute.operand(x, tokens: tokens, for: w.matrix), tokens: tokens, into: &y)
      few.withUnsafeMutableBufferPointer {
        compute.decode(
          Product(dense, into: $0.baseAddress!),
          input: compute.decodeOperand(x, tokens: tokens, for: w.matrix), tokens: tokens)
      }
      return [y, few]
    }
    #expect(products(multipliesIntegers: true) == products(multipliesIntegers: false))
  }
}
