import DecoderModel
import Foundation
import Kernels
import Quantization
import Testing

/// Scales of groups by one number per row and per column of groups, and by products of more:
/// s = s0 (1 + r[o] + c[G] + sum_k a[o,k] b[k,G]).
@Suite struct ScaleFactorsTests {
  private static let tokens: [Int32] = [1, 5, 9, 40, 77]
  private static let targets: [Int32] = [5, 9, 40, 77, 3]

  /// f in Double from masters r [O], c [G], a [O, K], b [K, G], as docs/numerics.md has them; from
  /// r alone where a row has one scale.
  private func change(
    _ masters: [Double], of entry: AdapterScales.Entry, _ rank: Int
  ) -> [Double] {
    let (rows, columns) = (entry.rows, entry.groups)
    guard columns > 1 else { return masters }
    let (r, c) = (masters[..<rows], masters[rows..<rows + columns])
    let a = Array(masters[(rows + columns)...].prefix(rows * rank))
    let b = Array(masters.suffix(rank * columns))
    return r.flatMap { r in c.map { r + $0 } }.enumerated().map { i, sum in
      let (o, g) = (i / columns, i % columns)
      return (0..<rank).reduce(sum) { $0 + a[o * rank + $1] * b[$1 * columns + g] }
    }
  }

  private func makeScales(_ decoder: Decoder, rank: Int, seed: UInt64 = 5) -> TrainableScales {
    TrainableScales(
      weights: decoder.weights,
      training: ScaleTraining(.rowAndColumn, rank: rank, seed: seed))
  }

  private func initial(_ scales: TrainableScales) -> [Float] {
    var masters = [Float](repeating: .nan, count: scales.count)
    masters.withUnsafeMutableBufferPointer { scales.copyInitialMasters(to: $0) }
    return masters
  }

  // MARK: - What masters mean

  /// r, c and a begin at 0: the task is the base, bit by bit. b depends on the seed alone.
  @Test(arguments: [0, 1, 3])
  func beginsAtTheBase(rank: Int) throws {
    let golden = try Golden("llama_3bit_g32")
    let decoder = try makeDecoder(golden.directory)
    let base = try QuantizedBase(path: golden.directory)
    let scales = makeScales(decoder, rank: rank)
    let masters = initial(scales)
    #expect(masters == initial(makeScales(decoder, rank: rank)))
    #expect((masters == initial(makeScales(decoder, rank: rank, seed: 6))) == (rank == 0))
    let faults = masters.withUnsafeBufferPointer { scales.setMasters($0) }
    #expect(faults == ScaleFaults() && scales.task.form == .scales)
    for part in scales.parts {
      let (entry, own) = (part.entry, Array(masters[part.range]))
      let shipped = base.linear(entry.role, layer: entry.layer).scales
      #expect(Array(scales.task.bytes(of: entry)) == Array(shipped))
      let random = own.suffix(rank * entry.groups)
      #expect(own.dropLast(random.count).allSatisfy { $0 == 0 })
      let bound = 1 / Float(max(1, rank)).squareRoot()
      #expect(random.allSatisfy { $0 != 0 && abs($0) <= bound })
    }
    let counted = base.trained(scales.training)
    #expect(counted.masters == scales.count && counted.stored == scales.task.count)
  }

  /// Beside the formula in Double: f is off by some roundings of fp32, s by one of fp16.
  @Test(arguments: ["llama_3bit_g32", "llama_2bit_g64"], [0, 2])
  func scalesAreTheFormula(name: String, rank: Int) throws {
    let golden = try Golden(name)
    let decoder = try makeDecoder(golden.directory)
    let scales = makeScales(decoder, rank: rank)
    let masters = moved(scales)
    _ = masters.withUnsafeBufferPointer { scales.setMasters($0) }
    for part in scales.parts {
      let entry = part.entry
      let f = change(masters[part.range].map(Double.init), of: entry, rank)
      let base = try #require(decoder.weights.layers[entry.layer][entry.role].base)
      for (i, scale) in numbers(of: entry, scales).enumerated() {
        let exact = Double(base.scale(i)) * (1 + f[i])
        #expect(abs(scale - exact) <= abs(exact) * (0x1p-11 + 0x1p-20) + 0x1p-25)
      }
    }
  }

  /// Away from the start, so that no factor is 0.
  private func moved(_ scales: TrainableScales) -> [Float] {
    var random = SplitMix64(seed: 11)
    return initial(scales).map { $0 + Float.random(in: -0.1...0.1, using: &random) }
  }

  private func numbers(
    of entry: AdapterScales.Entry, _ scales: TrainableScales
  ) -> [Double] {
    let bytes = UnsafeRawBufferPointer(scales.task.bytes(of: entry))
    return (0..<entry.range.count).map {
      Double(bytes.loadUnaligned(fromByteOffset: $0 * 2, as: Float16.self))
    }
  }

  // MARK: - Gradients

  /// Every master of every matrix against central differences of the plain decoder, at scales as
  /// they were rounded: the change of a master goes through that rounding unchanged.
  @Test(arguments: ["llama_2bit_g64", "qwen3_4bit_g32"], [0, 2])
  func gradientsAreSlopes(name: String, rank: Int) throws {
    let golden = try Golden(name)
    let decoder = try makeDecoder(golden.directory)
    let scales = makeScales(decoder, rank: rank)
    let masters = moved(scales)
    _ = masters.withUnsafeBufferPointer { scales.setMasters($0) }
    decoder.use(scales.task)
    var gradient = [Float](repeating: .nan, count: scales.count)
    let sum = try gradient.withUnsafeMutableBufferPointer {
      try decoder.lossAndGradient(
        Self.tokens, targets: Self.targets, scales: scales, gradient: $0)
    }

    var plain = try PlainDecoder(QuantizedBase(path: golden.directory))
    for (index, part) in scales.parts.enumerated() {
      plain.matrices[index].scales = numbers(of: part.entry, scales)
    }
    #expect(abs(plain.loss(Self.tokens, Self.targets) - sum.loss) < 1e-6 * sum.loss)
    for (index, part) in scales.parts.enumerated() {
      let entry = part.entry
      let own = masters[part.range].map(Double.init)
      let base = try #require(decoder.weights.layers[entry.layer][entry.role].base)
      let (now, before) = (plain.matrices[index].scales, change(own, of: entry, rank))
      func loss(_ master: Int, _ step: Double) -> Double {
        var masters = own
        masters[master] += step
        let after = change(masters, of: entry, rank)
        plain.matrices[index].scales = now.indices.map {
          now[$0] + Double(base.scale($0)) * (after[$0] - before[$0])
        }
        return plain.loss(Self.tokens, Self.targets)
      }
      // c and b have few numbers, of which each moves a whole column; of r and a some will do.
      let (c, a) = (entry.rows, entry.rows + entry.groups)
      let b = own.count - rank * entry.groups
      let chosen = own.indices.filter { i in
        if i < c { i % 3 == 0 } else if i < a || i >= b { true } else { i % 7 == 0 }
      }
      let expected = chosen.map { (loss($0, 1e-4) - loss($0, -1e-4)) / 2e-4 }
      plain.matrices[index].scales = now
      let pairs = zip(chosen.map { Double(gradient[part.range.lowerBound + $0]) }, expected)
      let difference = pairs.reduce(0) { $0 + pow($1.0 - $1.1, 2) }.squareRoot()
      let norm = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
      // As in `CentralDifferenceTests`: fp32 shows 4e-6 of the norm, differences err by 1e-8.
      #expect(norm > 0 && difference <= 1e-4 * norm, "\(entry.tensorName(.scales))")
    }
  }

  // MARK: - Where it does not fit

  @Test func needsGroups() throws {
    let training = ScaleTraining(.rowAndColumn, rank: 2)
    let rows = try QuantizedBase(path: Fixtures.path("llama_4bit_row"))
    let faults = training.faults(rows.config, over: rows.linearLayouts)
    #expect(faults.map(\.key) == ["scale_granularity"])
    #expect(faults[0].text.contains("--group-size"))
    let groups = try QuantizedBase(path: Fixtures.path("llama_3bit_g32"))
    #expect(training.faults(groups.config, over: groups.linearLayouts).isEmpty)
    let absolute = ScaleTraining(.rowAndColumn, .absolute)
    let keys = absolute.faults(groups.config, over: groups.linearLayouts).map(\.key)
    #expect(keys == ["scale_param"])
  }
}
