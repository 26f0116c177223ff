internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Kernels
internal import Quantization
internal import TestSupport
import Testing

/// Training of chosen layers: which they are, that their gradients are those of a training of all
/// layers, and that no more of the way back is gone than they need.
@Suite struct TargetModulesTests {
  // MARK: - Patterns

  private static let names = [
    "model.layers.3.mlp.up_proj", "model.layers.12.mlp.experts.5.up_proj",
    "model.layers.29.self_attn.q_proj",
  ]

  /// Which of `names` a pattern fits, by their numbers.
  @Test(
    arguments: [
      ("up_proj", [0, 1]), ("mlp", [0, 1]), ("mlp.*", [0, 1]), ("mlp.up_proj", [0]),
      ("layers.0-3.*", [0]), ("layers.0-3", [0]), ("layers.3", [0]), ("layers.2", []),
      ("layers.4-28.mlp", [1]), ("layers.29.self_attn.q_proj", [2]), ("q_proj", [2]),
      ("proj", []), ("*_proj", [0, 1, 2]), ("*", [0, 1, 2]), ("layers.*.q_proj", [2]),
      ("experts.4-6", [1]), ("experts.5.up_proj", [1]), ("l*.1*.*.u*j", [1]), ("up_proj.*", []),
      ("*.model", []), ("model.*.up_proj", [0, 1]), ("", []), ("3-1", []), ("all", [0, 1, 2]),
      ("all-linear", [0, 1, 2]), ("Q_proj", []), ("layers.03-4", [0]),
      ("*.*.*.*.*.*.*", [1]),
    ] as [(String, [Int])])
  func patternsFit(pattern: String, expected: [Int]) {
    let modules = TargetModules([pattern])
    #expect(Self.names.indices.filter { modules.contains(Self.names[$0]) } == expected)
  }

  /// Many stars cost no more than their number times the length of the name.
  @Test(.timeLimit(.minutes(1))) func manyStars() {
    let stars = String(repeating: "*a", count: 20_000)
    #expect(!TargetModules([stars]).contains(String(repeating: "a", count: 10_000) + "b"))
  }

  @Test func patternsThatFitNothingAreNamed() throws {
    let config = try QuantizedBase(path: Fixtures.path("mixtral_4bit_row")).config
    #expect(TargetModules(["q_proj", "layers.0-99"]).faults(in: config).isEmpty)
    let faults = TargetModules(["q_proj", "qproj", "mlp.up_proj"]).faults(in: config)
    #expect(faults.count == 2)
    #expect(faults[0].hasPrefix("\"qproj\" fits no layer; there are self_attn.q_proj, "))
    #expect(faults[0].contains("mlp.experts.0-3.down_proj in model.layers.0-1"))
    #expect(!TargetModules([]).faults(in: config).isEmpty)
  }

  // MARK: - Gradients

  struct Case: CustomTestStringConvertible, Sendable {
    let base: String
    let granularity: ScaleGranularity
    let patterns: [String]
    var testDescription: String { "\(base) \(granularity) \(patterns)" }
  }

  /// Sequential and parallel blocks, norms before, behind and around branches, experts.
  private static let bases: [(String, ScaleGranularity)] = [
    ("llama_4bit_row", .row), ("llama_3bit_g32", .group), ("llama_3bit_g32", .row),
    ("gptj_4bit_row", .row), ("gpt_neox_4bit_g32", .group), ("gemma2_4bit_row", .row),
    ("opt350_4bit_g32", .group), ("olmo2_4bit_g32", .row), ("mixtral_4bit_g32", .group),
    ("qwen3_4bit_row", .row),
  ]

  static let cases = bases.flatMap { base, granularity in
    [
      ["q_proj", "v_proj"], ["layers.1"], ["layers.1.*.down_proj"], ["layers.1.self_attn.o_proj"],
      ["layers.1.*.up_proj"], ["layers.0.mlp", "layers.1.self_attn.k_proj"],
    ].map { Case(base: base, granularity: granularity, patterns: $0) }
  }

  /// The numbers of a training of all layers, by tensor.
  private func gradients(
    _ one: Case, _ modules: TargetModules, keeping: Bool
  ) throws -> [String: [Float]] {
    let golden = try Golden(one.base)
    let sequence = try golden.sequence("packed")
    let decoder = try makeDecoder(golden.directory)
    decoder.recomputesProducts = !keeping
    let scales = TrainableScales(
      weights: decoder.weights, training: ScaleTraining(one.granularity, modules: modules))
    decoder.use(scales.task)
    var visits = [Int](repeating: 0, count: scales.count)
    var gradient = [Float](repeating: .nan, count: scales.count)
    let all = TokenSequence(
      tokens: sequence.ids, targets: sequence.targets, segmentOffsets: sequence.starts)
    _ = try decoder.lossesAndGradients([all], scales: scales) { _, first, values in
      for (i, value) in values.enumerated() {
        gradient[first + i] = value
        visits[first + i] += 1
      }
    }
    #expect(visits.allSatisfy { $0 == 1 })
    return Dictionary(
      uniqueKeysWithValues: scales.task.entries.map {
        ($0.tensorName(scales.task.form), Array(gradient[$0.range]))
      })
  }

  /// Bit by bit in fp32, where no product takes another way.
  @Test(arguments: cases)
  func gradientsAreThoseOfAll(_ one: Case) throws {
    let modules = TargetModules(one.patterns)
    for keeping in [false, true] {
      let all = try gradients(one, .all, keeping: keeping)
      let some = try gradients(one, modules, keeping: keeping)
      #expect(!some.isEmpty && some.count < all.count)
      #expect(Set(some.keys) == Set(all.keys.filter { modules.contains($0) }))
      for (name, numbers) in some {
        #expect(numbers.map(\.bitPattern) == all[name]?.map(\.bitPattern), "\(name)")
        // No token may have come to an expert.
        #expect(numbers.contains { $0 != 0 } || name.contains("experts"))
      }
    }
  }

  /// Buffers that a pass must not write, by what is trained: nothing goes back below the lowest
  /// trained layer, nor to the parts of it that no trained number needs.
  @Test(
    arguments: [
      ("llama_4bit_row", ["layers.1.mlp.down_proj"], ["q", "k", "v", "gate", "norm", "heads"]),
      ("llama_3bit_g32", ["layers.1.mlp.down_proj"], ["q", "k", "v", "gate", "norm", "heads"]),
      ("llama_4bit_row", ["layers.1.mlp.gate_proj"], ["q", "k", "v", "norm", "attentionOutput"]),
      ("llama_4bit_row", ["layers.1.self_attn.o_proj"], ["q", "k", "v", "attentionOutput"]),
      ("gptj_4bit_row", ["layers.1.mlp.down_proj"], ["q", "k", "v", "up", "norm", "branch"]),
    ] as [(String, [String], [String])])
  func nothingMoreIsComputed(base: String, patterns: [String], untouched: [String]) throws {
    let golden = try Golden(base)
    let sequence = try golden.sequence("single")
    let decoder = try makeDecoder(golden.directory)
    func train(_ modules: TargetModules) throws {
      let scales = TrainableScales(
        weights: decoder.weights, training: ScaleTraining(.group, modules: modules))
      decoder.use(scales.task)
      let all = TokenSequence(tokens: sequence.ids, targets: sequence.targets)
      _ = try decoder.lossesAndGradients([all], scales: scales) { _, _, _ in }
    }
    func untouchedBuffers() -> Set<String> {
      Set(
        decoder.bufferMemory.filter { $0.memory.elements.allSatisfy { $0 == 12345 } }.map(\.name))
    }
    // Allocates them.
    try train(.all)
    for (_, memory) in decoder.bufferMemory { memory.elements.update(repeating: 12345) }
    try train(TargetModules(patterns))
    let found = untouchedBuffers()
    for name in untouched { #expect(found.contains("gradient.\(name)"), "\(name)") }
    try train(.all)
    #expect(untouchedBuffers().isDisjoint(with: untouched.map { "gradient.\($0)" }))
  }

  // MARK: - Adapters

  /// An adapter of some layers turns these and leaves the others; what is missing or too much for
  /// its `target_modules` is refused.
  @Test(
    arguments: [
      ("llama_4bit_row", .row), ("llama_3bit_g32", .row), ("llama_3bit_g32", .group),
      ("mixtral_4bit_g32", .group),
    ] as [(String, ScaleGranularity)])
  func adaptersOfSomeLayers(base name: String, granularity: ScaleGranularity) throws {
    let (model, folder) = (try LoadedModel.open(Fixtures.path(name)), try TemporaryFolder())
    let base = try model.requiredBase()
    let modules = TargetModules(["layers.1.self_attn", "down_proj"])
    let scales = TrainableScales(
      weights: model.weights, training: ScaleTraining(granularity, modules: modules))
    var random = SplitMix64(seed: 3)
    let masters = (0..<scales.count).map { _ in Float.random(in: -0.2...0.2, using: &random) }
    _ = masters.withUnsafeBufferPointer { scales.setMasters($0) }
    try write(scales.task, over: base, modules: modules.patterns, to: folder("a"))

    let loaded = try Adapter.load(folder("a"), base: base, weights: model.weights)
    #expect(loaded.entries.count == scales.task.entries.count)
    for (one, other) in zip(loaded.entries, scales.task.entries) {
      #expect(Array(loaded.bytes(of: one)) == Array(scales.task.bytes(of: other)))
    }
    for role in model.config.block.linears {
      for layer in 0..<model.config.layerCount {
        var rows = base.linear(role, layer: layer).rows
        let plain = rows.dequantized()
        loaded.apply(to: &rows, layer: layer, role: role)
        let isTrained = modules.contains(role, layer: layer)
        #expect((rows.dequantized() != plain) == isTrained, "\(role) \(layer)")
      }
    }
    try lossesAgree(loaded, scales.task, model)

    for patterns in [nil, ["down_proj"], ["layers.1.self_attn", "mlp"], ["x_proj"]] {
      try write(scales.task, over: base, modules: patterns, to: folder("b"))
      let error = #expect(throws: ModelFileError.self) {
        try Adapter.load(folder("b"), base: base, weights: model.weights)
      }
      #expect(error?.exitCode == 65, "\(patterns ?? [])")
    }

    // The base is an end of lines to it, and adapters of other layers are none.
    let half = try AdapterArithmetic([base.path, folder("a")], over: base.path)
    _ = try half.write(.line(1), to: folder("same"))
    let same = try Adapter.load(folder("same"), base: base, weights: model.weights)
    for (one, other) in zip(same.entries, loaded.entries) {
      #expect(Array(same.bytes(of: one)) == Array(loaded.bytes(of: other)))
    }
    let others = TrainableScales(
      weights: model.weights,
      training: ScaleTraining(granularity, modules: TargetModules(["down_proj"])))
    try write(others.task, over: base, modules: ["down_proj"], to: folder("others"))
    let error = #expect(throws: ModelFileError.self) {
      try AdapterArithmetic([folder("a"), folder("others")])
    }
    #expect("\(try #require(error))".contains("target_modules"))
  }

  private func lossesAgree(
    _ one: AdapterScales, _ other: AdapterScales, _ model: LoadedModel
  ) throws {
    let compute = Compute(pool: WorkerPool(threads: 2), precision: .fp32)
    let decoder = Decoder(config: model.config, weights: model.weights, compute: compute)
    let tokens: [Int32] = [1, 5, 9, 40, 77]
    func losses(_ task: AdapterScales?) throws -> [Double] {
      decoder.use(task)
      return try decoder.tokenLosses(tokens, targets: tokens)
    }
    let found = try losses(one)
    #expect(try found == losses(other))
    #expect(try found != losses(nil))
  }
}

/// Writes the two files of an adapter by hand, but for a tensor whose name ends so.
func write(
  _ task: AdapterScales, over base: QuantizedBase, modules: [String]?, to path: String,
  without left: String? = nil
) throws {
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  var tensors = task.entries.map { entry in
    let declaration = TensorDeclaration(
      name: entry.tensorName(task.form), type: entry.type.elementType, shape: task.shape(of: entry))
    return (declaration, Array(task.bytes(of: entry)))
  }
  for entry in task.entries where task.zeroCount > 0 {
    let bytes = Array(task.zeroBytes(of: entry))
    let shape = [entry.rows, bytes.count / 2 / entry.rows]
    tensors.append((TensorDeclaration(name: entry.zerosName, type: .f16, shape: shape), bytes))
  }
  tensors.removeAll { tensor in left.map { tensor.0.name.hasSuffix($0) } ?? false }
  let writer = try SafetensorsWriter(
    path: path + "/" + Adapter.weightsName, tensors: tensors.map(\.0), overwrite: true)
  for (tensor, bytes) in tensors { try writer.append(bytes, to: tensor.name) }
  try writer.finish()
  var members: [JSONValue.Member] = [
    .init(key: "peft_type", value: "PEQA"),
    .init(key: "base_sha256", value: .string(base.manifest.baseDigest)),
  ]
  if let modules {
    members.append(.init(key: "target_modules", value: .array(modules.map { .string($0) })))
  }
  try AtomicFile.write(JSONValue.object(members).text(), to: path + "/" + Adapter.configName)
}
