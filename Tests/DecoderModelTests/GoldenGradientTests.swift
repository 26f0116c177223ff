import Checkpoints
import DecoderModel
import Foundation
import JSONText
import Kernels
import Testing

/// Numbers made by Fixtures/make_golden.py: transformers in float32 and a float64 reference.
struct Golden {
  let directory: String
  let json: JSONValue
  let tensors: SafetensorsFile

  init(_ name: String) throws {
    let url = try #require(Bundle.module.resourceURL).appending(path: "Fixtures/\(name)")
    directory = url.path
    json = try ModelFiles.json(directory + "/golden.json")
    tensors = try SafetensorsFile(path: directory + "/golden.safetensors")
  }

  struct Sequence {
    let ids, targets: [Int32]
    let starts: [Int]
    let loss: Double
  }

  func sequence(_ name: String) throws -> Sequence {
    let entry = try #require(json["sequences"]?[name])
    func ints(_ key: String) throws -> [Int] {
      try #require(entry[key]?.array).map { try #require($0.int) }
    }
    var start = 0
    let starts = try ints("segments").map { length in
      defer { start += length }
      return start
    }
    return Sequence(
      ids: try ints("ids").map(Int32.init), targets: try ints("targets").map(Int32.init),
      starts: starts, loss: try #require(entry["loss_sum"]?.double))
  }

  func floats(_ name: String) throws -> [Float] {
    let tensor = try #require(tensors.tensor(named: name), "no golden tensor \(name)")
    return try tensors.floats(of: tensor)
  }
}

/// GGUF files of full-precision numbers with golden logits.
let ggufFiles: [String] = {
  let folder = Fixtures.path("gguf")
  let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  return names.filter { $0.hasSuffix("_f32.gguf") || $0 == "llama_f16.gguf" }
    .map { String($0.dropLast(".gguf".count)) }.sorted()
}()

let goldenBases = firstBases + familyBases

/// Made by Fixtures/make_golden.py.
private let firstBases = [
  "llama_4bit_row", "llama_3bit_g32", "llama_2bit_g64", "llama_8bit_g128", "qwen2_4bit_g32",
  "mistral_4bit_row", "llama3rope_4bit_row", "llama_4bit_g32_real_zeros", "qwen3_4bit_row",
  "qwen3_4bit_g32", "yarn_4bit_row", "smollm3_4bit_row",
]

/// Bases and published directories that Fixtures/make_families.py has made: whoever adds a family
/// adds a folder.
let (familyBases, familyDirectories): ([String], [String]) = {
  let fixtures = Bundle.module.resourceURL?.appending(path: "Fixtures").path ?? ""
  let names = (try? FileManager.default.contentsOfDirectory(atPath: fixtures)) ?? []
  let directories = names.filter { name in
    name.hasPrefix("dense_")
      && (try? ModelFiles.json("\(fixtures)/\(name)/golden.json"))?["text"] != nil
  }
  let families = directories.map { $0.dropFirst("dense_".count) }
  let bases = names.filter { name in
    !firstBases.contains(name) && families.contains { name.hasPrefix($0 + "_4bit_") }
  }
  return (bases.sorted(), directories.sorted())
}()

func makeDecoder(
  _ path: String, _ precision: Precision = .fp32, multipliesIntegers: Bool = false,
  threads: Int = 2, instructionSet: InstructionSet = .best
) throws -> Decoder {
  let model = try LoadedModel.open(path)
  let compute = Compute(
    pool: WorkerPool(threads: threads), precision: precision,
    multipliesIntegers: multipliesIntegers, instructionSet: instructionSet)
  return Decoder(config: model.config, weights: model.weights, compute: compute)
}

@Suite struct GoldenGradientTests {
  @Test(arguments: goldenBases, ["single", "packed"])
  func lossMatches(_ name: String, _ which: String) throws {
    let golden = try Golden(name)
    let sequence = try golden.sequence(which)
    let decoder = try makeDecoder(golden.directory)
    let sum = try decoder.loss(
      sequence.ids, targets: sequence.targets, segmentOffsets: sequence.starts)
    // float32 transformers differs from float64 by up to 2.3e-7 relative; 4 times that.
    #expect(abs(sum.loss - sequence.loss) < 1e-6 * sequence.loss)
    #expect(sum.tokens == sequence.targets.count { $0 >= 0 })
  }

  struct Mode: CustomTestStringConvertible {
    let granularity: ScaleGranularity
    let parametrization: ScaleParametrization
    var testDescription: String { "\(granularity) \(parametrization)" }
  }

  static let modes = [ScaleGranularity.row, .group].flatMap { granularity in
    ScaleParametrization.allCases.map { Mode(granularity: granularity, parametrization: $0) }
  }

  /// What a trained number means does not depend on the family.
  static let cases = goldenBases.flatMap { name in
    modes.filter { firstBases.contains(name) || $0.parametrization == .relative }
      .map { (name, $0) }
  }

  @Test(arguments: cases)
  func gradientsMatch(_ name: String, _ mode: Mode) throws {
    for instructionSet in InstructionSet.available {
      for precision in Precision.allCases {
        try compareGradients(name, mode, instructionSet, precision)
      }
    }
  }

  private func compareGradients(
    _ name: String, _ mode: Mode, _ instructionSet: InstructionSet, _ precision: Precision
  ) throws {
    let golden = try Golden(name)
    let decoder = try makeDecoder(golden.directory, precision, instructionSet: instructionSet)
    let scales = TrainableScales(
      weights: decoder.weights, granularity: mode.granularity,
      parametrization: mode.parametrization)
    decoder.use(scales.task)
    for which in ["single", "packed"] {
      let sequence = try golden.sequence(which)
      var gradient = [Float](repeating: .nan, count: scales.count)
      let sum = try gradient.withUnsafeMutableBufferPointer {
        try decoder.lossAndGradient(
          sequence.ids, targets: sequence.targets, segmentOffsets: sequence.starts,
          scales: scales, gradient: $0)
      }
      let setting = "\(instructionSet) \(precision) \(which)"
      #expect(
        abs(sum.loss - sequence.loss) < Self.lossTolerance(precision) * sequence.loss, "\(setting)")
      for entry in scales.task.entries {
        let tensorName = entry.tensorName(scales.task.form)
        var expected = try golden.floats("\(which).\(tensorName)")
        if scales.task.form == .scales, mode.parametrization == .relative {
          let base = try #require(decoder.weights.layers[entry.layer][entry.role].base)
          for i in expected.indices { expected[i] *= base.scale(i) }
        }
        expectClose(
          Array(gradient[entry.range]), expected,
          within: Self.tolerance(precision, of: name, blocks: decoder.config.layerCount),
          "\(setting) \(tensorName)")
      }
    }
  }

  /// float32 transformers differs from float64 by up to 2.3e-7 relative; 4 times that. In bf16
  /// every token's loss moves by about 2^-9 of the logits' spread, in both directions.
  private static func lossTolerance(_ precision: Precision) -> Double {
    precision == .fp32 ? 1e-6 : 0x1p-9
  }

  /// Of a tensor's norm.
  ///
  /// fp32: float32 transformers differs from float64 by 4e-6; another order of additions may do the
  /// same again, and 5 times that is allowed.
  ///
  /// bf16: a gradient of a model of n blocks has passed 6 n + 1 products forward (the head is one)
  /// and as many backward. Each rounds two operands by at most 2^-9, evenly distributed, so with a
  /// deviation of 2^-9 / sqrt(3). 4 (6 n + 1) independent roundings add up to the root of that
  /// many, and 5 deviations are allowed: 4.1 % for two blocks. Factors of a wrong row are off by
  /// their spread, tens of percent. With real zero points q - z is rounded too, and codes near the
  /// zero point, whose weights are small, carry the error of the whole difference: three times as
  /// much is allowed.
  private static func tolerance(
    _ precision: Precision, of base: String, blocks: Int
  ) -> Double {
    let rounding = 5 * (Double(4 * (6 * blocks + 1)) / 3).squareRoot() * 0x1p-9
    return precision == .fp32 ? 2e-5 : base.hasSuffix("real_zeros") ? 3 * rounding : rounding
  }

  private func expectClose(
    _ actual: [Float], _ expected: [Float], within tolerance: Double, _ name: String
  ) {
    #expect(actual.count == expected.count)
    let difference = zip(actual, expected).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) }
    let norm = expected.reduce(0.0) { $0 + pow(Double($1), 2) }
    #expect(
      difference.squareRoot() <= tolerance * norm.squareRoot() + 1e-12,
      "\(name): \((difference / norm).squareRoot()) of the norm")
  }

  @Test(arguments: goldenBases, Precision.allCases)
  func keepingProductsChangesNoBit(_ name: String, _ precision: Precision) throws {
    let golden = try Golden(name)
    let sequence = try golden.sequence("packed")
    let gradients = try [true, false].map { recomputes in
      let decoder = try makeDecoder(golden.directory, precision)
      decoder.recomputesProducts = recomputes
      let scales = TrainableScales(
        weights: decoder.weights, granularity: .group, parametrization: .relative)
      decoder.use(scales.task)
      var gradient = [Float](repeating: .nan, count: scales.count)
      _ = try gradient.withUnsafeMutableBufferPointer {
        try decoder.lossAndGradient(
          sequence.ids, targets: sequence.targets, segmentOffsets: sequence.starts,
          scales: scales, gradient: $0)
      }
      return gradient.map(\.bitPattern)
    }
    #expect(gradients[0] == gradients[1])
  }

  @Test(
    arguments: ["dense_bf16", "dense_f32_sharded", "dense_f16", "dense_phi3"]
      + familyDirectories.filter { $0 != "dense_llama_dynamic" })
  func denseLogitsMatch(_ name: String) throws {
    let golden = try Golden(name)
    let decoder = try makeDecoder(golden.directory)
    let sequence = try golden.sequence("single")
    let expected = try golden.floats("single.logits")
    let cache = decoder.cache(capacity: sequence.ids.count)
    let vocabulary = decoder.config.vocabularySize
    var logits: [Float] = []
    for (t, id) in sequence.ids.enumerated() {
      try decoder.extend([id], cache, into: &logits)
      for (i, logit) in logits.enumerated() {
        // float32 differs from float64 by up to 1.3e-5 absolute.
        #expect(abs(logit - expected[t * vocabulary + i]) < 1e-4)
      }
    }
  }

  /// Files of the families as llama.cpp's conversion writes them (make_gguf_families.py).
  @Test(arguments: ggufFiles)
  func ggufLogitsMatch(_ name: String) throws {
    let stem = Fixtures.path("gguf/\(name)")
    let decoder = try makeDecoder(stem + ".gguf")
    let tensors = try SafetensorsFile(path: stem + ".golden.safetensors")
    let golden = try ModelFiles.json(stem + ".golden.json")
    let ids = try #require(golden["sequences"]?["single"]?["ids"]?.array).compactMap(\.int)
    let expected = try tensors.floats(of: try #require(tensors.tensor(named: "single.logits")))
    let cache = decoder.cache(capacity: ids.count)
    let vocabulary = decoder.config.vocabularySize
    var logits: [Float] = []
    for (t, id) in ids.enumerated() {
      try decoder.extend([Int32(id)], cache, into: &logits)
      let wanted = expected[t * vocabulary..<(t + 1) * vocabulary]
      for (logit, wanted) in zip(logits, wanted) { #expect(abs(logit - wanted) < 1e-4) }
    }
  }

  /// A rotation that depends on the length: of one call, as transformers computes it. What is
  /// cached keeps the turn that it had, there as here, so pieces of a sequence give something else.
  @Test(arguments: ["dense_llama_dynamic", "llama_dynamic_4bit_g32"])
  func dynamicRotation(_ name: String) throws {
    let golden = try Golden(name)
    let decoder = try makeDecoder(golden.directory)
    let ids = try golden.sequence("single").ids
    let expected = try golden.floats("single.logits").suffix(decoder.config.vocabularySize)
    var logits: [Float] = []
    try decoder.extend(ids, decoder.cache(capacity: 64), into: &logits)
    for (logit, wanted) in zip(logits, expected) { #expect(abs(logit - wanted) < 1e-4) }
  }

  @Test(arguments: goldenBases.filter { !$0.hasPrefix("llama_dynamic") })
  func cachedPiecesEqualOneCall(_ name: String) throws {
    let golden = try Golden(name)
    let decoder = try makeDecoder(golden.directory)
    let ids = try golden.sequence("single").ids
    let expected = try golden.floats("single.logits").suffix(decoder.config.vocabularySize)
    let cache = decoder.cache(capacity: 64)
    var logits: [Float] = []
    try decoder.extend(Array(ids[..<7]), cache, into: &logits)
    try decoder.extend(Array(ids[7...]), cache, into: &logits)
    for (logit, wanted) in zip(logits, expected) { #expect(abs(logit - wanted) < 1e-4) }
  }
}
