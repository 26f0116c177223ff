internal import CKernels
internal import Kernels
internal import Testing

/// Every form of a quantized matrix in every product, every instruction set against the definition
/// in Double: `FormOracle` says what may differ.
@Suite struct MatrixFormTests {
  struct Format: CustomTestStringConvertible, Sendable {
    let form: QuantizedCase.Form
    let bits: Int
    var testDescription: String { "\(form), \(bits) bits" }
  }

  static let bits = [2, 3, 4, 5, 6, 8]
  static let formats = QuantizedCase.Form.allCases.flatMap { form in
    bits.map { Format(form: form, bits: $0) }
  }
  static let groupSizes: [Int?] = [nil, 16, 32, 64, 128, 256, 512, 1024]
  /// Last groups, and last super-blocks, are parts for some group sizes; so are the last vectors,
  /// words and panels.
  static let columnCounts = [48, 80, 272, 1040]

  /// One matrix for each size of a group; the rest of what may vary is drawn. The greatest groups
  /// come with more columns than they have.
  private static func matrix(_ format: Format, _ index: Int) -> (QuantizedCase, String) {
    let form = QuantizedCase.Form.allCases.firstIndex(of: format.form)!
    let seed = (form * 10 + format.bits) * 10 + index
    var random = RandomNumbers(seed: seed)
    let groupSize = groupSizes[index]
    let columns = (groupSize ?? 0) >= 512 ? 1040 : columnCounts[random.integer(0...3)]
    let type = FloatType.allCases[random.integer(0...2)]
    let (gains, zeros, ordered) = (
      random.integer(0...1) == 1, random.integer(0...1) == 1, random.integer(0...1) == 1
    )
    let w = QuantizedCase(
      rows: 65, columns: columns, bits: format.bits, groupSize: groupSize, form: format.form,
      scaleType: type, gains: gains, zeroScales: zeros, ordered: ordered,
      offset: random.integer(0...3), seed: seed)
    let size = groupSize.map(String.init) ?? "row"
    return (
      w,
      "\(columns) columns, group \(size), \(type)\(gains ? ", gains" : "")"
        + "\(zeros ? ", zero scales" : "")\(ordered ? ", ordered" : "")"
    )
  }

  @Test(arguments: formats)
  func productsFollowTheDefinition(_ format: Format) {
    for index in Self.groupSizes.indices {
      let (w, label) = Self.matrix(format, index)
      // Every number of tokens that `decode` takes, over the bits.
      let tokens = (index + format.bits) % 8 + 1
      for precision in Precision.allCases {
        check(w, tokens: tokens, precision, seed: index, "\(label), \(tokens) tokens, \(precision)")
      }
    }
  }

  private func check(
    _ w: QuantizedCase, tokens: Int, _ precision: Precision, seed: Int, _ label: String
  ) {
    var random = RandomNumbers(seed: ~seed)
    let x = GuardedMemory(random.floats(tokens * w.columns))
    let dy = GuardedMemory(random.floats(tokens * w.rows))
    let oracle = FormOracle(w: w, precision: precision, tokens: tokens, x: x.values, dy: dy.values)
    let before: Float = seed % 2 == 0 ? 1 : 0
    let (product, gradient, sums) = (
      oracle.forward, oracle.inputGradient(addedTo: Double(before)), oracle.groupGradient
    )
    for set in InstructionSet.available {
      let compute = Compute(pool: WorkerPool(threads: 1), precision: precision, instructionSet: set)
      func results(_ count: Int, fill: Float = .nan) -> GuardedMemory<Float> {
        GuardedMemory(results: count, fill: fill)
      }
      let (y, few) = (results(tokens * w.rows), results(tokens * w.rows))
      let dx = results(tokens * w.columns, fill: before == 0 ? .nan : before)
      let ds = results(w.rows * w.groups)
      compute.forward(
        w.matrix, compute.operand(x.pointer, tokens: tokens, columns: w.columns), tokens: tokens,
        into: y.pointer)
      compute.decode(
        Product(w.matrix, into: few.pointer),
        input: compute.decodeOperand(x.pointer, tokens: tokens, for: w.matrix), tokens: tokens)
      compute.inputGradient(
        w.matrix, dy.pointer, tokens: tokens, into: dx.pointer, accumulating: before != 0)
      compute.groupGradient(
        w.matrix, dy: dy.pointer, x: x.pointer, tokens: tokens, into: ds.pointer)
      expect(y, product, "forward \(set) \(label)")
      expect(few, product, "decode \(set) \(label)")
      expect(dx, gradient, "dx \(set) \(label)")
      expect(ds, sums, "ds \(set) \(label)")
    }
    #expect(x.isIntact && dy.isIntact)
  }

  private func expect(
    _ got: GuardedMemory<Float>, _ want: FormOracle.Expected, _ label: String
  ) {
    let deviation = Deviation(got.values, want.values, allowing: want.bounds)
    #expect(deviation.isAllowed, "\(label): \(deviation)")
    #expect(got.isIntact, "\(label) wrote outside")
  }

  /// Scales as products use them, and rows of weights with their scales: what an embedding is.
  @Test(arguments: formats)
  func scalesAndRows(_ format: Format) {
    for index in Self.groupSizes.indices {
      let (w, label) = Self.matrix(format, index)
      let matrix = w.matrix
      let scales = (0..<w.rows * w.groups).map {
        matrix.effectiveScale(row: $0 / w.groups, group: $0 % w.groups)
      }
      #expect(scales == w.grids.map(\.contract.scale), "\(label)")
      let (weights, errors) = (w.exactWeights, w.weightErrors)
      for set in InstructionSet.available {
        let compute = Compute(pool: WorkerPool(threads: 1), instructionSet: set)
        for row in [0, w.rows - 1] {
          let range = row * w.columns..<(row + 1) * w.columns
          let out = GuardedMemory<Float>(results: w.columns, fill: .nan)
          compute.row(row, of: w.matrix(ordered: false), into: out.pointer)
          // Second order: an 8th more.
          let deviation = Deviation(
            out.values, Array(weights[range]), allowing: errors[range].map { $0 * 1.125 })
          #expect(deviation.isAllowed && out.isIntact, "\(set) \(label), row \(row): \(deviation)")
        }
      }
    }
  }

  /// What the oracle of bf16 takes as weights is the definition, but for the roundings of fp32.
  @Test(arguments: formats)
  func theContractIsTheDefinition(_ format: Format) {
    for index in Self.groupSizes.indices {
      let (w, label) = Self.matrix(format, index)
      let products = zip(w.unscaled, w.scaleOf).map { Double($0) * Double($1) }
      let bounds = w.weightErrors.map { $0 * 1.125 }
      var deviation = Deviation()
      for (at, exact) in w.exactWeights.enumerated() {
        deviation.note(products[at], exact, bounds[at], at)
      }
      #expect(deviation.isAllowed, "\(label): \(deviation)")
    }
  }

  /// Against the weights of the definition, bf16 errs by 2^-8 of each, where it rounds an unscaled
  /// weight: no more where a minimum is many steps of its scale than elsewhere.
  @Test(arguments: QuantizedCase.Form.allCases)
  func bf16StaysWithinItsRounding(_ form: QuantizedCase.Form) {
    let w = QuantizedCase(
      rows: 65, columns: 272, bits: 5, groupSize: 16, form: form, gains: false, zeroScales: true,
      offset: 1, seed: 3)
    var random = RandomNumbers(seed: 5)
    let x = random.floats(6 * 272)
    let rounded = x.map { Double(roundedToBF16($0)) }
    let exact = Products(rounded, w.exactWeights, m: 6, n: 65, depth: 272)
    let errors = Products(rounded, w.weightErrors, m: 6, n: 65, depth: 272).magnitudes
    let bounds = zip(exact.magnitudes, errors).map {
      $0 * (0x1p-8 + (272 + 17 + FormOracle.spare) * unit * 1.01) + $1 * 1.01
    }
    for set in InstructionSet.available {
      let compute = Compute(pool: WorkerPool(threads: 1), precision: .bf16, instructionSet: set)
      var (y, few) = ([Float](repeating: .nan, count: 6 * 65), [Float](repeating: .nan, count: 390))
      compute.forward(
        w.matrix, compute.operand(x, tokens: 6, columns: 272), tokens: 6, into: &y)
      few.withUnsafeMutableBufferPointer {
        compute.decode(
          Product(w.matrix, into: $0.baseAddress!),
          input: compute.decodeOperand(x, tokens: 6, for: w.matrix), tokens: 6)
      }
      for got in [y, few] {
        let deviation = Deviation(got, exact.values, allowing: bounds)
        #expect(deviation.isAllowed, "\(set): \(deviation)")
      }
    }
    withExtendedLifetime(w) {}
  }
}
