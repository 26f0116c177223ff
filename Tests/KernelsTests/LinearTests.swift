internal import Kernels
internal import Testing

/// The three products of a linear layer, every instruction set against sums in Double.
///
/// The oracle rounds the operands to bf16 where the kernels do, so only fp32 sums are left to
/// tolerate. A sum of n rounded products in any order errs by at most n * 2^-24 * sum |a||b| to
/// first order (Higham, Accuracy and Stability, section 3.1); `spare` covers the few further
/// roundings: the weight (2), the operand times its scale (1), the scaled sum (1), bias (1), second
/// order.
@Suite struct LinearTests {
  private static let spare = 8.0

  struct Format: CustomTestStringConvertible, Sendable {
    let bits: Int
    let groupSize: Int?
    var testDescription: String { "\(bits) bits, group \(groupSize.map(String.init) ?? "row")" }
  }

  static let formats = [2, 3, 4, 8].flatMap { bits in
    [nil, 32, 64, 128, 256].map { Format(bits: bits, groupSize: $0) }
  }

  /// Borders of lanes (16), panels (64), tiles (6 rows), cuts (24 tokens) and depth (1024).
  static let sizes = [
    (1, 1), (7, 1), (1, 7), (63, 65), (64, 64), (65, 63), (96, 160), (160, 96), (200, 200),
    (65, 1100), (1100, 65),
  ]
  static let tokenCounts = [1, 5, 6, 7, 24, 25, 130]

  @Test(arguments: formats)
  func quantized(_ format: Format) {
    for (index, (rows, columns)) in Self.sizes.enumerated() {
      for variant in 0..<2 {
        let seed = format.bits * 1000 + (format.groupSize ?? 1) * 7 + index * 2 + variant
        let large = rows * columns > 20_000
        let tokens = large ? seed % 8 + 1 : Self.tokenCounts[seed % Self.tokenCounts.count]
        let layer = QuantizedCase(
          rows: rows, columns: columns, bits: format.bits, groupSize: format.groupSize,
          realZeros: variant == 1, gains: (seed / 2) % 2 == 1, offset: seed % 4, seed: seed)
        for precision in Precision.allCases {
          check(layer, tokens: tokens, precision, seed: seed)
        }
      }
    }
  }

  private func check(_ w: QuantizedCase, tokens: Int, _ precision: Precision, seed: Int) {
    var random = RandomNumbers(seed: ~seed)
    let bf16 = precision == .bf16
    let round: (Float) -> Double = { Double(bf16 ? roundedToBF16($0) : $0) }
    let x = GuardedMemory(random.floats(tokens * w.columns))
    let dy = GuardedMemory(random.floats(tokens * w.rows))
    let bias = GuardedMemory(random.floats(w.rows))
    let (xs, dys, biases) = (x.values, dy.values, bias.values)
    let label = "\(w.rows) x \(w.columns), \(tokens) tokens, \(precision), seed \(seed)"
    let scales = (0..<w.rows).map { w.scaleOf[$0 * w.columns] }

    // Forward: bf16 sums x (q - z) of a group and scales the sum.
    let weights =
      bf16 ? zip(w.unscaled, w.scaleOf).map { round($0) * Double($1) } : w.weights
    let forward = Products(
      xs.map(round), weights, m: tokens, n: w.rows, depth: w.columns)
    // Input gradient: with one scale a row the scale goes to dy, else to the weight.
    let perRow = w.groups == 1
    let scaledDY = dys.indices.map {
      perRow ? round(dys[$0] * scales[$0 % w.rows]) : round(dys[$0])
    }
    let factors = zip(w.unscaled, w.scaleOf).map { perRow ? round($0) : round($0 * $1) }
    let backward = Products(
      scaledDY, transposed(factors, rows: w.rows, columns: w.columns), m: tokens, n: w.columns,
      depth: w.rows)
    let groups = groupProducts(w, dys.map(round), xs.map(round), tokens: tokens)

    for set in InstructionSet.available {
      let compute = Compute(pool: WorkerPool(threads: 1), precision: precision, instructionSet: set)
      let y = GuardedMemory<Float>(results: tokens * w.rows, fill: .nan)
      let dx = GuardedMemory<Float>(results: tokens * w.columns, fill: 1)
      let ds = GuardedMemory<Float>(results: w.rows * w.groups, fill: .nan)
      compute.forward(
        w.matrix, compute.operand(x.pointer, tokens: tokens, columns: w.columns), tokens: tokens,
        bias: seed % 3 == 0 ? nil : UnsafePointer(bias.pointer), into: y.pointer)
      compute.inputGradient(
        w.matrix, dy.pointer, tokens: tokens, into: dx.pointer, accumulating: seed % 2 == 0)
      compute.groupGradient(
        w.matrix, dy: dy.pointer, x: x.pointer, tokens: tokens, into: ds.pointer)

      let added = seed % 3 == 0 ? [Float](repeating: 0, count: w.rows) : biases
      let wantY = forward.values.indices.map { forward.values[$0] + Double(added[$0 % w.rows]) }
      let boundY = forward.magnitudes.indices.map {
        Self.bound(w.columns + w.groups, forward.magnitudes[$0] + Double(abs(added[$0 % w.rows])))
      }
      expect(y, wantY, boundY, "forward \(set) \(label)")
      let before = seed % 2 == 0 ? 1.0 : 0
      expect(
        dx, backward.values.map { $0 + before },
        backward.magnitudes.map { Self.bound(w.rows, $0 + before) }, "dx \(set) \(label)")
      expect(
        ds, groups.values, groups.magnitudes.map { Self.bound(tokens + w.groupSize, $0) },
        "ds \(set) \(label)")
    }
    #expect(x.isIntact && dy.isIntact && bias.isIntact)
  }

  /// ds [O, G] = sum over a group of (q - z) sum_t dy x.
  private func groupProducts(
    _ w: QuantizedCase, _ dy: [Double], _ x: [Double], tokens: Int
  ) -> Products {
    var full = Products(
      transposed(dy, rows: tokens, columns: w.rows),
      transposed(x, rows: tokens, columns: w.columns), m: w.rows, n: w.columns, depth: tokens)
    var sums = [Double](repeating: 0, count: w.rows * w.groups)
    var sizes = sums
    for at in full.values.indices {
      let to = at / w.columns * w.groups + at % w.columns / w.groupSize
      sums[to] += Double(w.unscaled[at]) * full.values[at]
      sizes[to] += Double(abs(w.unscaled[at])) * full.magnitudes[at]
    }
    (full.values, full.magnitudes) = (sums, sizes)
    return full
  }

  private static func bound(_ terms: Int, _ magnitude: Double) -> Double {
    (Double(terms) + spare) * unit * magnitude
  }

  private func expect(
    _ got: GuardedMemory<Float>, _ want: [Double], _ bounds: [Double], _ label: String
  ) {
    let deviation = Deviation(got.values, want, allowing: bounds)
    #expect(deviation.isAllowed, "\(label): \(deviation)")
    #expect(got.isIntact, "\(label) wrote outside")
  }

  // Dense matrices end at the guard with no padding.
  @Test(arguments: ["f32", "f16", "bf16"], Precision.allCases)
  func dense(_ type: String, _ precision: Precision) {
    let bf16 = precision == .bf16
    let round: (Float) -> Double = { Double(bf16 ? roundedToBF16($0) : $0) }
    for (index, (rows, columns)) in Self.sizes.enumerated() {
      var random = RandomNumbers(seed: index)
      let tokens = rows * columns > 20_000 ? 7 : Self.tokenCounts[index % Self.tokenCounts.count]
      let (memory, weights, kind) = Self.denseWeights(
        random.floats(rows * columns), type, index % 4)
      let matrix = WeightMatrix(dense: memory.raw, type: kind, rows: rows, columns: columns)
      let x = GuardedMemory(random.floats(tokens * columns))
      let dy = GuardedMemory(random.floats(tokens * rows))
      let rounded = weights.map(round)
      let forward = Products(x.values.map(round), rounded, m: tokens, n: rows, depth: columns)
      let backward = Products(
        dy.values.map(round), transposed(rounded, rows: rows, columns: columns), m: tokens,
        n: columns, depth: rows)
      for set in InstructionSet.available {
        let compute = Compute(
          pool: WorkerPool(threads: 1), precision: precision, instructionSet: set)
        let y = GuardedMemory<Float>(results: tokens * rows, fill: .nan)
        let dx = GuardedMemory<Float>(results: tokens * columns, fill: .nan)
        compute.forward(
          matrix, compute.operand(x.pointer, tokens: tokens, columns: columns), tokens: tokens,
          into: y.pointer)
        compute.inputGradient(
          matrix, dy.pointer, tokens: tokens, into: dx.pointer, accumulating: false)
        let label = "\(set) \(rows) x \(columns), \(tokens) tokens"
        expect(
          y, forward.values, forward.magnitudes.map { Self.bound(columns, $0) }, "y \(label)")
        expect(
          dx, backward.values, backward.magnitudes.map { Self.bound(rows, $0) }, "dx \(label)")
      }
      let compute = Compute(pool: WorkerPool(threads: 1), precision: precision)
      for row in Set([0, rows - 1]) {
        let out = GuardedMemory<Float>(results: columns, fill: .nan)
        compute.row(row, of: matrix, into: out.pointer)
        let same = out.values == Array(weights[row * columns..<(row + 1) * columns])
        #expect(same && out.isIntact)
      }
    }
  }

  static func denseWeights(
    _ values: [Float], _ type: String, _ slack: Int
  ) -> (GuardedMemory<UInt8>, [Float], FloatType) {
    func bytes<T: FixedWidthInteger>(_ words: [T]) -> GuardedMemory<UInt8> {
      GuardedMemory(words.withUnsafeBytes { Array($0) }, slack: slack)
    }
    switch type {
    case "f32": return (bytes(values.map(\.bitPattern)), values, .f32)
    case "f16":
      return (bytes(values.map { Float16($0).bitPattern }), values.map { Float(Float16($0)) }, .f16)
    default:
      let rounded = values.map(roundedToBF16)
      return (bytes(rounded.map { UInt16($0.bitPattern >> 16) }), rounded, .bf16)
    }
  }

  /// Against the exact product, a bf16 product errs by 2^-8 of each rounded operand, no more.
  @Test func bf16StaysWithinItsRounding() {
    let w = QuantizedCase(
      rows: 65, columns: 200, bits: 4, groupSize: 64, realZeros: false, gains: false, offset: 1,
      seed: 3)
    var random = RandomNumbers(seed: 5)
    let x = random.floats(6 * 200)
    let exact = Products(x.map(Double.init), w.weights, m: 6, n: 65, depth: 200)
    let compute = Compute(pool: WorkerPool(threads: 1), precision: .bf16)
    var y = [Float](repeating: 0, count: 6 * 65)
    compute.forward(
      w.matrix, compute.operand(x, tokens: 6, columns: 200), tokens: 6, into: &y)
    // Integers q - z are exact in bf16: only x is rounded.
    let bounds = exact.magnitudes.map { $0 * (0x1p-8 + 212 * unit) }
    let deviation = Deviation(y, exact.values, allowing: bounds)
    #expect(deviation.isAllowed, "\(deviation)")
  }
}
