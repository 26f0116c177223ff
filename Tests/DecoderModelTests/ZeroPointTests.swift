internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Kernels
internal import Quantization
internal import TestSupport
import Testing

/// Training of zero points: z = z0 + d, real numbers in fp16, one for each group of columns.
@Suite struct ZeroPointTests {
  private static let tokens: [Int32] = [1, 5, 9, 40, 77]
  private static let targets: [Int32] = [5, 9, 40, 77, 3]

  /// One scale a row, groups, zero points that are real in the base, parallel branches, experts.
  static let bases: [(String, ScaleGranularity)] = [
    ("llama_4bit_row", .row), ("llama_3bit_g32", .group), ("llama_4bit_g32_real_zeros", .group),
    ("gptj_4bit_row", .row), ("llama_2bit_g64", .group), ("mixtral_4bit_g32", .group),
  ]

  private func makeScales(
    _ weights: DecoderWeights, _ granularity: ScaleGranularity, modules: TargetModules = .all
  ) -> TrainableScales {
    TrainableScales(
      weights: weights,
      training: ScaleTraining(granularity, modules: modules, zeroPoints: true))
  }

  /// Scales by up to a tenth, zero points by up to half a step.
  private func move(_ scales: TrainableScales) -> [Float] {
    var random = SplitMix64(seed: 3)
    let scaleCount = scales.parts.map(\.range.upperBound).max() ?? 0
    let masters = (0..<scales.count).map { i -> Float in
      let bound: Float = i < scaleCount ? 0.1 : 0.5
      return Float.random(in: -bound...bound, using: &random)
    }
    let faults = masters.withUnsafeBufferPointer { scales.setMasters($0) }
    #expect(faults == ScaleFaults())
    return masters
  }

  private func numbers(_ bytes: UnsafeMutableRawBufferPointer) -> [Double] {
    (0..<bytes.count / 2).map {
      Double(bytes.loadUnaligned(fromByteOffset: $0 * 2, as: Float16.self))
    }
  }

  // MARK: - Gradients

  /// Zero points and scales, away from where they start, against central differences of the plain
  /// decoder. A zero point moves all weights of its group.
  @Test(arguments: bases.filter { $0.0 != "llama_2bit_g64" })
  func gradientsAreSlopes(name: String, granularity: ScaleGranularity) throws {
    let base = try QuantizedBase(path: Fixtures.path(name))
    let decoder = try makeDecoder(base.path)
    let scales = makeScales(decoder.weights, granularity)
    let masters = move(scales)
    decoder.use(scales.task)
    var gradient = [Float](repeating: .nan, count: scales.count)
    let sum = try gradient.withUnsafeMutableBufferPointer {
      try decoder.lossAndGradient(
        Self.tokens, targets: Self.targets, scales: scales, gradient: $0)
    }

    var plain = try PlainDecoder(base)
    for (index, part) in scales.parts.enumerated() {
      let shipped = try #require(decoder.weights.layers[part.entry.layer][part.entry.role].base)
      plain.matrices[index].scales = numbers(scales.task.bytes(of: part.entry))
      for (i, zero) in numbers(scales.task.zeroBytes(of: part.entry)).enumerated() {
        let first = Double(try #require(shipped.zero(i)))
        // fp16 has 11 bits, so rounding moves a number by at most 2^-11 of itself.
        #expect(
          abs(zero - first - Double(masters[part.zeros.lowerBound + i])) <= abs(zero) * 0x1p-11)
        plain.matrices[index].moveZero(i, by: zero - first)
      }
    }
    #expect(abs(plain.loss(Self.tokens, Self.targets) - sum.loss) < 1e-6 * sum.loss)

    for (index, part) in scales.parts.enumerated() {
      // Experts that no token takes have no slope.
      let some = stride(from: index % 5, to: part.zeros.count, by: 7).map { $0 }
      let expected = some.map { i in
        let losses = [1e-3, -1e-3].map { step in
          plain.matrices[index].moveZero(i, by: step)
          defer { plain.matrices[index].moveZero(i, by: -step) }
          return plain.loss(Self.tokens, Self.targets)
        }
        return (losses[0] - losses[1]) / 2e-3
      }
      expectClose(some.map { gradient[part.zeros.lowerBound + $0] }, expected, part.entry.zerosName)
      let base = try #require(decoder.weights.layers[part.entry.layer][part.entry.role].base)
      let few = stride(from: index % 5, to: part.range.count, by: 11).map { $0 }
      let slopes = few.map {
        plain.slope(of: $0, in: index, Self.tokens, Self.targets) * Double(base.scale($0))
      }
      expectClose(
        few.map { gradient[part.range.lowerBound + $0] }, slopes, part.entry.tensorName(.scales))
    }
  }

  /// As in `CentralDifferenceTests`: fp32 shows 4e-6 of the norm. Differences with steps of a
  /// thousandth of a code err by less.
  private func expectClose(_ found: [Float], _ expected: [Double], _ name: String) {
    let difference = zip(found, expected).reduce(0) { $0 + pow(Double($1.0) - $1.1, 2) }
    let norm = expected.reduce(0) { $0 + $1 * $1 }
    #expect(difference.squareRoot() <= 1e-4 * norm.squareRoot() + 1e-12, "\(name)")
  }

  /// Stacked or alone, with products kept or not, on any threads: the same bits, and every number
  /// once.
  @Test(arguments: bases, Precision.allCases)
  func bitsDependOnTheSequence(
    _ one: (String, ScaleGranularity), _ precision: Precision
  ) throws {
    let golden = try Golden(one.0)
    let (single, packed) = (try golden.sequence("single"), try golden.sequence("packed"))
    let sequences = [
      TokenSequence(tokens: packed.ids, targets: packed.targets, segmentOffsets: packed.starts),
      TokenSequence(tokens: [single.ids[3]], targets: [single.targets[3]]),
      TokenSequence(tokens: single.ids, targets: single.targets),
    ]
    func gradients(
      _ stacks: [[TokenSequence]], threads: Int, keeping: Bool
    ) throws -> [[UInt32]] {
      let decoder = try makeDecoder(golden.directory, precision, threads: threads)
      decoder.recomputesProducts = !keeping
      let scales = makeScales(decoder.weights, one.1)
      _ = move(scales)
      decoder.use(scales.task)
      return try stacks.flatMap { stack -> [[UInt32]] in
        var found = stack.map { _ in [UInt32](repeating: 0x7fc0_0001, count: scales.count) }
        var visits = 0
        _ = try decoder.lossesAndGradients(stack, scales: scales) { sequence, first, values in
          for (i, value) in values.enumerated() { found[sequence][first + i] = value.bitPattern }
          visits += values.count
        }
        #expect(visits == scales.count * stack.count)
        #expect(found.allSatisfy { !$0.contains(0x7fc0_0001) })
        return found
      }
    }
    let alone = try gradients(sequences.map { [$0] }, threads: 1, keeping: false)
    #expect(try gradients([sequences], threads: 2, keeping: false) == alone)
    #expect(try gradients([sequences], threads: 2, keeping: true) == alone)
  }

  // MARK: - Adapters

  @Test(arguments: bases)
  func adaptersHoldZeroPoints(name: String, granularity: ScaleGranularity) throws {
    let (model, folder) = (try LoadedModel.open(Fixtures.path(name)), try TemporaryFolder())
    let base = try model.requiredBase()
    let modules = TargetModules(["layers.1", "down_proj"])
    let scales = makeScales(model.weights, granularity, modules: modules)
    let compute = Compute(pool: WorkerPool(threads: 2), precision: .fp32)
    let decoder = Decoder(config: model.config, weights: model.weights, compute: compute)
    func losses(_ task: AdapterScales?) throws -> [Double] {
      decoder.use(task)
      return try decoder.tokenLosses(Self.tokens, targets: Self.targets)
    }
    // Whole zero points as real ones are the same function.
    let plain = try losses(nil)
    for (one, other) in zip(try losses(scales.task), plain) { #expect(abs(one - other) < 1e-5) }
    _ = move(scales)
    try write(scales.task, over: base, modules: modules.patterns, to: folder("a"))
    let loaded = try Adapter.load(folder("a"), base: base, weights: model.weights)
    #expect(loaded.zeroCount == scales.task.zeroCount && loaded.zeroCount > 0)
    for (one, other) in zip(loaded.entries, scales.task.entries) {
      #expect(Array(loaded.zeroBytes(of: one)) == Array(scales.task.zeroBytes(of: other)))
    }
    let tuned = try losses(loaded)
    #expect(try losses(scales.task) == tuned && tuned != plain)
    #expect(try losses(nil) == plain)
    #expect(decoder.rowFactors(of: loaded).obstacle?.contains("zero points") == true)

    // Weights by another way: s (q - z) with zero points in the rows.
    var rows = base.linear(LinearRole(.query), layer: 1).rows
    loaded.apply(to: &rows, layer: 1, role: LinearRole(.query))
    #expect(rows.layout.offset == .realZeros)
    let entry = try #require(loaded.entry(layer: 1, role: LinearRole(.query)))
    #expect(rows.zeros == Array(loaded.zeroBytes(of: entry)))

    // The base is an end of lines to it.
    let arithmetic = try AdapterArithmetic([base.path, folder("a")], over: base.path)
    _ = try arithmetic.write(.line(1), to: folder("same"))
    let same = try Adapter.load(folder("same"), base: base, weights: model.weights)
    for (one, other) in zip(same.entries, loaded.entries) {
      #expect(Array(same.zeroBytes(of: one)) == Array(loaded.zeroBytes(of: other)))
    }
    let kinds = arithmetic.difference(top: 1).kinds.map(\.key)
    #expect(kinds.contains("self_attn.q_proj") && kinds.contains("self_attn.q_proj.zeros"))
  }

  /// Zero points of some layers only, or without scales beside them, are no adapter.
  @Test func brokenAdaptersAreRefused() throws {
    let (model, folder) = (
      try LoadedModel.open(Fixtures.path("llama_3bit_g32")), try TemporaryFolder()
    )
    let base = try model.requiredBase()
    let scales = makeScales(model.weights, .group)
    for left in ["layers.1.mlp.up_proj.zeros", "layers.0.mlp.up_proj.scales"] {
      try write(scales.task, over: base, modules: nil, to: folder("a"), without: left)
      #expect(throws: ModelFileError.self) {
        try Adapter.load(folder("a"), base: base, weights: model.weights)
      }
      #expect(throws: ModelFileError.self) { try AdapterFile(path: folder("a")) }
    }
  }

  // MARK: - Where it does not fit

  @Test func refusals() throws {
    func keys(_ training: ScaleTraining, _ name: String) throws -> [String] {
      let base = try QuantizedBase(path: Fixtures.path(name))
      return training.faults(base.config, over: base.linearLayouts).map(\.key)
    }
    let zeros = "train_zero_points"
    #expect(try keys(ScaleTraining(.row, zeroPoints: true), "llama_4bit_row") == [])
    #expect(try keys(ScaleTraining(.group, zeroPoints: true), "llama_4bit_row") == [])
    #expect(try keys(ScaleTraining(.group, zeroPoints: true), "llama_3bit_g32") == [])
    #expect(try keys(ScaleTraining(.row, zeroPoints: true), "llama_3bit_g32") == [zeros])
    #expect(try keys(ScaleTraining(.rowAndColumn, zeroPoints: true), "llama_3bit_g32") == [zeros])

    let config = try QuantizedBase(path: Fixtures.path("llama_4bit_row")).config
    let role = LinearRole(.query)
    for (offset, perScale) in [(PackedLayout.Offset.minima, 1), (.centre, 1), (.centre, 2)] {
      let layout = PackedLayout(
        rows: 8, columns: 64, bits: 4, groupSize: 32, offset: offset, groupsPerScale: perScale)
      let faults = ScaleTraining(.group, zeroPoints: true).faults(
        config, over: [LinearLayout(layer: 0, role: role, layout: layout)])
      #expect(faults.map(\.key) == [zeros] && faults[0].text.contains("layers.0.self_attn.q_proj"))
    }
  }

  @Test func numbersAreCounted() throws {
    for (name, granularity) in Self.bases {
      let base = try QuantizedBase(path: Fixtures.path(name))
      let scales = makeScales(try DecoderWeights(base), granularity)
      let found = base.trained(scales.training)
      #expect(found == TrainedNumbers(masters: scales.count, stored: scales.count))
      #expect(scales.count == scales.task.count + scales.task.zeroCount)
    }
  }
}

extension PlainDecoder.Matrix {
  /// Moves zero point `index` of [O, G].
  fileprivate mutating func moveZero(_ index: Int, by step: Double) {
    let (row, group) = (index / groups, index % groups)
    for i in group * groupSize..<min(columns, (group + 1) * groupSize) {
      integers[row * columns + i] -= step
    }
  }
}
