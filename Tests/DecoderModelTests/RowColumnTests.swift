internal import DecoderModel
internal import Foundation
internal import Kernels
internal import Quantization
import Testing

/// Scales made of numbers for rows and for groups of columns.
@Suite struct RowColumnTests {
  /// One matrix's factors, in the order in which they lie: r [O], c [G], a [O, K], b [G, K].
  private struct Factors {
    let rows, groups, rank: Int
    let values: ArraySlice<Float>

    /// A matrix of one group has its own numbers, as with `row`.
    static func count(_ entry: AdapterScales.Entry, _ rank: Int) -> Int {
      entry.groups == 1 ? entry.rows : (entry.rows + entry.groups) * (1 + rank)
    }

    private func value(_ index: Int) -> Double { Double(values[values.startIndex + index]) }
    func r(_ o: Int) -> Double { value(o) }
    func c(_ g: Int) -> Double { value(rows + g) }
    func a(_ o: Int, _ k: Int) -> Double { value(rows + groups + o * rank + k) }
    func b(_ g: Int, _ k: Int) -> Double {
      value(rows + groups + rows * rank + g * rank + k)
    }

    func change(_ o: Int, _ g: Int) -> Float {
      if groups == 1 { return Float(r(o)) }
      var sum = Float(r(o)) + Float(c(g))
      for k in 0..<rank { sum += Float(a(o, k)) * Float(b(g, k)) }
      return sum
    }

    /// d(loss)/d(factors) of d(loss)/d(change) [O, G].
    func gradient(_ slopes: ArraySlice<Float>) -> [Double] {
      if groups == 1 { return slopes.map { Double($0) } }
      var out = [Double](repeating: 0, count: (rows + groups) * (1 + rank))
      for o in 0..<rows {
        for g in 0..<groups {
          let slope = Double(slopes[slopes.startIndex + o * groups + g])
          out[o] += slope
          out[rows + g] += slope
          for k in 0..<rank {
            out[rows + groups + o * rank + k] += slope * b(g, k)
            out[rows + groups + rows * rank + g * rank + k] += slope * a(o, k)
          }
        }
      }
      return out
    }
  }

  private func gradient(
    _ golden: Golden, _ training: ScaleTraining, _ masters: (TrainableScales) -> [Float]
  ) throws -> (scales: TrainableScales, masters: [Float], gradient: [Float], loss: Double) {
    let sequence = try golden.sequence("packed")
    let decoder = try makeDecoder(golden.directory)
    let scales = TrainableScales(weights: decoder.weights, training: training)
    decoder.use(scales.task)
    let values = masters(scales)
    values.withUnsafeBufferPointer { _ = scales.setMasters($0) }
    var gradient = [Float](repeating: .nan, count: scales.count)
    let one = TokenSequence(
      tokens: sequence.ids, targets: sequence.targets, segmentOffsets: sequence.starts)
    let sums = try decoder.lossesAndGradients([one], scales: scales) { _, first, part in
      for (i, value) in part.enumerated() { gradient[first + i] = value }
    }
    return (scales, values, gradient, sums[0].loss)
  }

  /// The chain rule in Double over the gradients of all scales, which other tests hold against
  /// central differences.
  @Test(arguments: ["llama_3bit_g32", "mixtral_4bit_g32", "gpt_neox_4bit_g32"], [0, 2])
  func gradientsFollowFromThoseOfTheScales(base: String, rank: Int) throws {
    let golden = try Golden(base)
    var training = ScaleTraining(.rowColumn)
    (training.rank, training.seed) = (rank, 7)
    var random = SplitMix64(seed: 3)
    let own = try gradient(golden, training) { scales in
      (0..<scales.count).map { _ in Float(random.unitInterval() - 0.5) / 8 }
    }
    var first = 0
    var parts: [Factors] = []
    for entry in own.scales.task.entries {
      let count = Factors.count(entry, rank)
      parts.append(
        Factors(
          rows: entry.rows, groups: entry.groups, rank: rank,
          values: own.masters[first..<first + count]))
      first += count
    }
    try #require(first == own.masters.count)
    let all = try gradient(golden, ScaleTraining(.group)) { _ in
      parts.flatMap { part in
        (0..<part.rows).flatMap { o in (0..<part.groups).map { part.change(o, $0) } }
      }
    }
    #expect(own.loss == all.loss)
    for (entry, part) in zip(all.scales.task.entries, parts) {
      let expected = part.gradient(all.gradient[entry.range])
      let actual = own.gradient[part.values.indices]
      let norm = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let difference = zip(actual, expected).reduce(0) { $0 + pow(Double($1.0) - $1.1, 2) }
        .squareRoot()
      // Sums of at most a few hundred fp32 numbers: some 1e-6 of the norm of their addends.
      #expect(difference <= 1e-5 * norm + 1e-7, "\(entry.tensorName(.scales))")
    }
  }

  @Test(arguments: [0, 3]) func startsAtTheBase(rank: Int) throws {
    let decoder = try makeDecoder(Golden("llama_3bit_g32").directory)
    var training = ScaleTraining(.rowColumn)
    (training.rank, training.seed) = (rank, 11)
    let scales = TrainableScales(weights: decoder.weights, training: training)
    let before = scales.task.entries.map { Array(scales.task.bytes(of: $0)) }
    var masters = [Float](repeating: .nan, count: scales.count)
    masters.withUnsafeMutableBufferPointer { scales.copyInitialMasters(to: $0) }
    #expect(masters.contains { $0 != 0 } == (rank > 0))
    masters.withUnsafeBufferPointer { _ = scales.setMasters($0) }
    #expect(scales.task.entries.map { Array(scales.task.bytes(of: $0)) } == before)
  }

  @Test func countsWhatIsExchangedAndWhatIsKept() throws {
    let base = try QuantizedBase(path: Golden("llama_3bit_g32").directory)
    let decoder = try makeDecoder(Golden("llama_3bit_g32").directory)
    var training = ScaleTraining(.rowColumn)
    training.rank = 2
    let scales = TrainableScales(weights: decoder.weights, training: training)
    let numbers = base.trained(training)
    #expect(numbers.masters == scales.count)
    #expect(numbers.stored == scales.task.count)
    #expect(numbers.stored == base.trained(ScaleTraining(.group)).masters)
  }

  @Test func whatCannotBeIsRefused() throws {
    let rows = try QuantizedBase(path: Golden("llama_4bit_row").directory)
    let faults = ScaleTraining(.rowColumn).faults(rows.config, over: rows.linearLayouts)
    #expect(faults.map(\.key) == ["scale_granularity"])
    var ranked = ScaleTraining(.group)
    ranked.rank = 1
    #expect(ranked.faults(rows.config, over: rows.linearLayouts).map(\.key) == ["scale_rank"])
    let groups = try QuantizedBase(path: Golden("llama_3bit_g32").directory)
    let absolute = ScaleTraining(.rowColumn, .absolute)
    #expect(
      absolute.faults(groups.config, over: groups.linearLayouts).map(\.key) == ["scale_param"])
  }
}
