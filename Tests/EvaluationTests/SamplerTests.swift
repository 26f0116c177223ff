import Evaluation
import Foundation
import JSONText
import Kernels
import Testing

@Suite struct SamplerTests {
  /// Cases of `Fixtures/make_sampling.py`: what transformers 5.23 keeps, and with what probability.
  static let cases: [JSONValue] = {
    let url = Bundle.module.url(forResource: "Fixtures/sampling", withExtension: "json")!
    return try! JSONValue(parsing: [UInt8](Data(contentsOf: url)))["cases"]!.array!
  }()

  static func settings(_ json: JSONValue, seed: UInt64 = 1) throws -> SamplingSettings {
    try SamplingSettings(
      temperature: json["temperature"]!.double!, topK: json["top_k"]!.int!,
      topP: json["top_p"]!.double!, minP: json["min_p"]!.double!,
      repetitionPenalty: json["repetition_penalty"]!.double!, seed: seed)
  }

  static func numbers(_ json: JSONValue?) -> [Double] { json!.array!.map { $0.double! } }

  @Test(arguments: cases.indices)
  func keepsWhatTransformersKeeps(index: Int) throws {
    let golden = Self.cases[index]
    var sampler = Sampler(try Self.settings(golden))
    sampler.observe(Self.numbers(golden["seen"]).map { Int32($0) })
    let kept = sampler.distribution(Self.numbers(golden["logits"]).map { Float($0) })
    let expected = golden["kept"]!.members!
    #expect(kept.map { "\($0.token)" } == expected.map(\.key))
    for (candidate, member) in zip(kept, expected) {
      // transformers keeps scores in fp32: those up to 30 are off by 2^-20, so exp of them by 1e-6
      // of itself; the file rounds at 1e-9.
      let value = member.value.double!
      #expect(abs(candidate.probability - value) <= 4e-6 * value + 1e-9)
    }
  }

  /// Drawn frequencies against the golden probabilities, by chi-square.
  @Test(arguments: [1, 5, 9, 14])
  func drawsFollowTheDistribution(index: Int) throws {
    let golden = Self.cases[index]
    let logits = Self.numbers(golden["logits"]).map { Float($0) }
    var sampler = Sampler(try Self.settings(golden, seed: 99))
    sampler.observe(Self.numbers(golden["seen"]).map { Int32($0) })
    let draws = 20_000
    var counts: [Int32: Int] = [:]
    for _ in 0..<draws { counts[sampler.next(logits)!, default: 0] += 1 }
    let expected = golden["kept"]!.members!.map { (Int32($0.key)!, $0.value.double!) }
    #expect(Set(counts.keys).isSubset(of: expected.map(\.0)))
    // Rare tokens are put together, so that every cell expects at least 10.
    let cells = expected.filter { $0.1 * Double(draws) >= 10 }
    var chi = 0.0
    for (token, probability) in cells {
      let mean = probability * Double(draws)
      chi += pow(Double(counts[token] ?? 0) - mean, 2) / mean
    }
    // Chi-square of n cells has mean n and deviation sqrt(2n); the seed is fixed, so no flakiness.
    let n = Double(cells.count)
    #expect(chi < n + 5 * (2 * n).squareRoot())
  }

  @Test func greedyTakesTheFirstLargest() throws {
    var sampler = Sampler(try SamplingSettings())
    #expect(sampler.next([1, 3, 3, -2]) == 1)
    #expect(sampler.next([-5]) == 0)
    var penalized = Sampler(try SamplingSettings(repetitionPenalty: 2))
    penalized.observe([1, 99, -3])
    // 3 / 2 < 2; a negative one is multiplied: -1 * 2 < -1.5.
    #expect(penalized.next([2, 3, 1]) == 0)
    #expect(penalized.next([-1.5, -1, -9]) == 0)
  }

  @Test func logitsThatAreNoNumbers() throws {
    for temperature in [0.0, 1.0] {
      var sampler = Sampler(try SamplingSettings(temperature: temperature))
      #expect(sampler.next([1, .nan]) == nil)
      #expect(sampler.next([1, .infinity]) == nil)
      #expect(sampler.next([]) == nil)
    }
  }

  @Test func extremesStayDefined() throws {
    // Neither tiny nor huge temperatures overflow; all but one token at probability 0.
    for temperature in [1e-300, 1e-9, 1, 1e9] {
      var sampler = Sampler(
        try SamplingSettings(temperature: temperature, topK: 3, topP: 1e-12, minP: 1))
      #expect(sampler.next([-3e38, 2, 3e38, 1]) == 2)
    }
    let all = Sampler(try SamplingSettings(temperature: 1, topK: 10))
    #expect(all.distribution([0, 0, 0]).map(\.probability).allSatisfy { $0 == 1.0 / 3 })
  }

  @Test func seedsReproduce() throws {
    let logits = (0..<500).map { Float($0 % 17) / 4 }
    func draws(_ seed: UInt64) throws -> [Int32] {
      var sampler = Sampler(try SamplingSettings(temperature: 1, topP: 0.9, seed: seed))
      return (0..<50).map { _ in sampler.next(logits)! }
    }
    #expect(try draws(5) == draws(5))
    #expect(try draws(5) != draws(6))
  }

  /// The first outputs of Vigna's `splitmix64.c` for seed 1234567.
  @Test func splitMixMatchesTheReference() {
    var random = SplitMix64(seed: 1_234_567)
    let numbers: [UInt64] = (0..<5).map { _ in random.next() }
    #expect(
      numbers == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
        4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
      ])
    var other = SplitMix64(seed: 0)
    let units = (0..<10_000).map { _ in other.unitInterval() }
    #expect(units.allSatisfy { $0 >= 0 && $0 < 1 })
    // The mean of n uniform numbers deviates by 1 / sqrt(12 n) = 0.0029.
    #expect(abs(units.reduce(0, +) / 10_000 - 0.5) < 0.012)
  }

  static let hostile: [(flag: String, make: @Sendable () throws -> SamplingSettings)] = [
    ("--temperature", { try SamplingSettings(temperature: -0.1) }),
    ("--temperature", { try SamplingSettings(temperature: .nan) }),
    ("--temperature", { try SamplingSettings(temperature: .infinity) }),
    ("--top-k", { try SamplingSettings(topK: -1) }),
    ("--top-p", { try SamplingSettings(topP: 0) }),
    ("--top-p", { try SamplingSettings(topP: 1.01) }),
    ("--top-p", { try SamplingSettings(topP: .nan) }),
    ("--min-p", { try SamplingSettings(minP: -0.01) }),
    ("--min-p", { try SamplingSettings(minP: 2) }),
    ("--repetition-penalty", { try SamplingSettings(repetitionPenalty: 0) }),
    ("--repetition-penalty", { try SamplingSettings(repetitionPenalty: .nan) }),
  ]

  @Test(arguments: hostile.indices)
  func badSettingsNameFlagAndRemedy(index: Int) {
    let (flag, make) = Self.hostile[index]
    do {
      _ = try make()
      Issue.record("\(flag) was taken")
    } catch {
      guard let error = error as? EvaluationError, case .badSetting(flag, let reason) = error else {
        Issue.record("\(flag): \(error)")
        return
      }
      #expect(error.exitCode == 64 && reason.contains("usual"))
    }
  }

  @Test func flagsWithoutEffectAreNamed() throws {
    #expect(try SamplingSettings(topK: 5, topP: 0.5).flagsWithoutEffect == ["--top-k", "--top-p"])
    #expect(try SamplingSettings(temperature: 1, topK: 5, minP: 0.1).flagsWithoutEffect == [])
  }
}
