internal import Kernels
internal import Testing

/// Products of a few tokens, every instruction set against sums in Double, as in `LinearTests`: the
/// oracle rounds operands where the contract does, so only fp32 sums are left. A sum of n rounded
/// products in any order errs by at most n units of its magnitudes; the scale of a group, the sum
/// of scaled groups and second order are in `spare`.
@Suite struct DecodeTests {
  private static let spare = 8.0

  /// Borders of vectors (16), words of codes (64, 128 a block), groups and several blocks.
  static let sizes = [
    (1, 1), (3, 31), (2, 32), (5, 63), (17, 64), (1, 65), (4, 127), (7, 128), (3, 129), (33, 200),
    (2, 255), (6, 576), (3, 1100),
  ]

  private func expect(
    _ matrix: WeightMatrix, _ weights: [Double], groups: Int, tokens: Int, _ precision: Precision,
    seed: Int, _ label: String
  ) {
    var random = RandomNumbers(seed: seed)
    let (rows, columns) = (matrix.rows, matrix.columns)
    let x = GuardedMemory(random.floats(tokens * columns))
    let operands = x.values.map { Double(precision == .bf16 ? roundedToBF16($0) : $0) }
    let want = Products(operands, weights, m: tokens, n: rows, depth: columns)
    let bounds = want.magnitudes.map { (Double(columns + groups) + Self.spare) * unit * $0 }
    for set in InstructionSet.available {
      let compute = Compute(pool: WorkerPool(threads: 2), precision: precision, instructionSet: set)
      let y = GuardedMemory<Float>(results: tokens * rows, fill: .nan)
      compute.decode(
        Product(matrix, into: y.pointer),
        input: compute.decodeOperand(x.pointer, tokens: tokens, for: matrix),
        tokens: tokens)
      let deviation = Deviation(y.values, want.values, allowing: bounds)
      #expect(deviation.isAllowed, "\(set) \(precision) \(label): \(deviation)")
      #expect(y.isIntact && x.isIntact, "\(set) \(precision) \(label) wrote outside")
    }
  }

  @Test(arguments: LinearTests.formats)
  func quantized(_ format: LinearTests.Format) {
    for (index, (rows, columns)) in Self.sizes.enumerated() {
      // Two of the four combinations of zero points and gains, the other two with the next size.
      for variant in [index % 2, 3 - index % 2] {
        let seed = format.bits * 1000 + (format.groupSize ?? 1) * 7 + index * 4 + variant
        let w = QuantizedCase(
          rows: rows, columns: columns, bits: format.bits, groupSize: format.groupSize,
          realZeros: variant % 2 == 1, gains: variant / 2 == 1, offset: seed % 4, seed: seed)
        for precision in Precision.allCases {
          let weights = zip(w.unscaled, w.scaleOf).map {
            Double(precision == .bf16 ? roundedToBF16($0) : $0) * Double($1)
          }
          expect(
            w.matrix, weights, groups: w.groups, tokens: (index + variant) % 8 + 1, precision,
            seed: seed, "\(format) \(rows) x \(columns), variant \(variant)")
        }
      }
    }
  }

  @Test(arguments: ["f32", "f16", "bf16"], Precision.allCases)
  func dense(_ type: String, _ precision: Precision) {
    for (index, (rows, columns)) in Self.sizes.enumerated() {
      var random = RandomNumbers(seed: index)
      let (memory, numbers, kind) = LinearTests.denseWeights(
        random.floats(rows * columns), type, index % 4)
      let weights = numbers.map { Double(precision == .bf16 ? roundedToBF16($0) : $0) }
      for tokens in [1, index % 8 + 1] {
        expect(
          WeightMatrix(dense: memory.raw, type: kind, rows: rows, columns: columns), weights,
          groups: 1, tokens: tokens, precision, seed: index, "\(type) \(rows) x \(columns)")
      }
    }
  }

  /// Several matrices in one job give the bits of each alone, on any number of threads; so does the
  /// gated pair.
  @Test(arguments: InstructionSet.available, Precision.allCases)
  func oneJobForMany(_ set: InstructionSet, _ precision: Precision) {
    var random = RandomNumbers(seed: 9)
    let columns = 200
    let layers = [100, 33, 33].enumerated().map { index, rows in
      QuantizedCase(
        rows: rows, columns: columns, bits: 4, groupSize: index == 0 ? 64 : nil, realZeros: false,
        gains: false, offset: 0, seed: index)
    }
    let x = random.floats(3 * columns)
    func alone(_ w: WeightMatrix) -> [Float] {
      let compute = Compute(pool: WorkerPool(threads: 1), precision: precision, instructionSet: set)
      var y = [Float](repeating: .nan, count: 3 * w.rows)
      let input = compute.decodeOperand(x, tokens: 3, for: w)
      y.withUnsafeMutableBufferPointer {
        compute.decode(Product(w, into: $0.baseAddress!), input: input, tokens: 3)
      }
      return y
    }
    let want = layers.map { alone($0.matrix) }
    for threads in [1, 2, 3, 5] {
      let compute = Compute(
        pool: WorkerPool(threads: threads), precision: precision, instructionSet: set)
      let outs = layers.map { GuardedMemory<Float>(results: 3 * $0.rows, fill: .nan) }
      let hidden = GuardedMemory<Float>(results: 3 * 33, fill: .nan)
      let input = compute.decodeOperand(x, tokens: 3, for: layers[0].matrix)
      let products = zip(layers, outs).map { Product($0.matrix, into: $1.pointer) }
      compute.decode(products[0], products[1], products[2], input: input, tokens: 3)
      compute.decodeActivated(
        .silu, gate: products[1], up: products[2], input: input, tokens: 3, into: hidden.pointer)
      for (out, want) in zip(outs, want) {
        #expect(out.values == want && out.isIntact, "\(threads) threads")
      }
      var gated = [Float](repeating: 0, count: 3 * 33)
      compute.activate(.silu, gate: want[1], up: want[2], count: gated.count, into: &gated)
      // The exponential errs by 2 units in the last place whatever the lanes, see
      // `SoftmaxTests`.
      let bounds = gated.map { Double(abs($0)) * 18 * unit + 0x1p-115 }
      let deviation = Deviation(hidden.values, gated.map(Double.init), allowing: bounds)
      #expect(deviation.isAllowed && hidden.isIntact, "\(deviation)")
      withExtendedLifetime(layers) {}
    }
  }

  /// Without an up and with a bias: f of the products plus the bias, each in memory of its own.
  @Test(arguments: InstructionSet.available, Precision.allCases)
  func activatedWithBias(_ set: InstructionSet, _ precision: Precision) {
    let (rows, columns, tokens) = (33, 200, 3)
    let w = QuantizedCase(
      rows: rows, columns: columns, bits: 4, groupSize: 64, realZeros: false, gains: false,
      offset: 0, seed: 5)
    var random = RandomNumbers(seed: 6)
    let x = GuardedMemory(random.floats(tokens * columns))
    let bias = GuardedMemory(random.floats(rows, scale: 3))
    for threads in [1, 2, 5] {
      let compute = Compute(
        pool: WorkerPool(threads: threads), precision: precision, instructionSet: set)
      let memory = (0..<4).map { _ in GuardedMemory<Float>(results: tokens * rows, fill: .nan) }
      let (product, gate, biased, hidden) = (memory[0], memory[1], memory[2], memory[3])
      let input = compute.decodeOperand(x.pointer, tokens: tokens, for: w.matrix)
      compute.decode(Product(w.matrix, into: product.pointer), input: input, tokens: tokens)
      compute.decodeActivated(
        .relu, gate: Product(w.matrix, into: gate.pointer), up: nil,
        bias: (numbers: UnsafePointer(bias.pointer), biased: biased.pointer), input: input,
        tokens: tokens, into: hidden.pointer)
      let (products, biases) = (product.values, bias.values)
      let sums = products.indices.map { products[$0] + biases[$0 % rows] }
      #expect(gate.values == products, "the product stays in its output")
      #expect(biased.values == sums, "one addition has one right result")
      #expect(hidden.values == sums.map { max($0, 0) }, "relu rounds nothing")
      #expect(sums.contains { $0 < 0 } && sums.contains { $0 > 0 })
      #expect(memory.allSatisfy { $0.isIntact } && bias.isIntact && x.isIntact)
    }
    withExtendedLifetime(w) {}
  }
}
