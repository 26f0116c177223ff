package import Checkpoints
internal import Foundation
internal import JSONText
internal import Kernels

extension DecoderConfig {
  /// Reads GGUF metadata; keys as in ggml/docs/gguf.md and gguf-py's constants.
  package init(gguf file: GGUFFile) throws {
    let architecture = file["general.architecture"]?.string ?? "(none)"
    let hasExperts = (file["\(architecture).expert_count"]?.int ?? 0) > 0
    guard let family = Family.inGGUF(architecture, hasExperts: hasExperts) else {
      let names = Family.all.compactMap(\.ggufArchitecture)
      let different = names.indices.filter { names.firstIndex(of: names[$0]) == $0 }
      throw ModelFileError.unsupported(
        path: file.path,
        detail: Family.refusal(of: architecture, among: different.map { names[$0] })
          + " (Mistral models are stored as llama.)")
    }
    var fields = ConfigFields { key in
      guard let value = file["\(architecture).\(key)"] else { return nil }
      if let bool = value.bool { return .bool(bool) }
      if let int = value.int { return .integer(int) }
      if let double = value.double { return .real(double) }
      return value.string.map { .string($0) } ?? .array([])
    }
    self = Self.sizes(&fields, family: family, file: file)
    if fields.faults.isEmpty { family.readGGUF(&fields, &self, file) }
    if fields.faults.isEmpty { fields.add(inconsistencies()) }
    guard fields.faults.isEmpty else { throw ModelFileError.faults(path: file.path, fields.faults) }
    rope.scaling = try Self.scaling(file, architecture, theta: rope.theta, headSize: headSize)
  }

  private static func sizes(
    _ fields: inout ConfigFields, family: Family, file: GGUFFile
  ) -> DecoderConfig {
    let hidden = fields.integer("embedding_length", Limits.width)
    let heads = fields.integer("attention.head_count", Limits.heads)
    let headSize = fields.integer(
      "attention.key_length", Limits.headSize, or: max(hidden / heads, 2))
    let rotated = fields.integer("rope.dimension_count", Limits.headSize, or: headSize)
    let valueSize = fields.integer("attention.value_length", Limits.headSize, or: headSize)
    if valueSize != headSize || rotated != headSize && family.keys.rotatedShare == nil {
      fields.fault(
        "heads have \(headSize) keys, \(valueSize) values and \(rotated) rotated dimensions; "
          + "only equal numbers are supported")
    }
    var block = family.block
    if rotated != headSize { block.rotatedSize = rotated }
    if block.experts != nil {
      let count = fields.integer("expert_count", Limits.experts)
      block.experts?.count = count
      block.experts?.perToken = fields.integer("expert_used_count", 1...count)
    }
    let isWide = fields.value("expert_feed_forward_length") == nil
    let epsilon = block.norm == .rms ? "layer_norm_rms_epsilon" : "layer_norm_epsilon"
    // The embedding says how many rows there are; vocab_size is optional and only a cross-check.
    let embedding = file.tensor(named: TensorNames.ggufEmbedding)
    let rows = embedding?.shape.first ?? 0
    if embedding == nil { fields.fault("tensor \"\(TensorNames.ggufEmbedding)\" is missing") }
    let vocabulary = fields.integer("vocab_size", Limits.vocabulary, or: max(rows, 1))
    return DecoderConfig(
      modelType: family.modelType, vocabularySize: vocabulary, hiddenSize: hidden,
      intermediateSize: fields.integer(
        isWide ? "feed_forward_length" : "expert_feed_forward_length", Limits.width),
      layerCount: fields.integer("block_count", Limits.layers), headCount: heads,
      keyValueHeadCount: fields.integer("attention.head_count_kv", Limits.heads, or: heads),
      headSize: headSize,
      normEpsilon: Float(fields.real("attention.\(epsilon)", Limits.epsilon)),
      rope: RopeConfig(theta: fields.real("rope.freq_base", Limits.theta, or: 10_000)),
      maximumLength: fields.integer("context_length", Limits.length, or: 2048),
      tiedEmbeddings: file.tensor(named: TensorNames.ggufOutput) == nil,
      block: block, ends: family.ends)
  }

  private static func scaling(
    _ file: GGUFFile, _ architecture: String, theta: Double, headSize: Int
  ) throws -> RopeConfig.Scaling {
    for name in ["rope_factors_long.weight", "rope_factors_short.weight"]
    where file.tensor(named: name) != nil {
      throw ModelFileError.unsupported(
        path: file.path, detail: "rope scaling \"longrope\" (\"\(name)\") is not supported.")
    }
    if let tensor = file.tensor(named: TensorNames.ggufRopeFactors) {
      let factors = try file.floats(of: tensor)
      guard let scaling = llama3Scaling(factors, theta: theta, headSize: headSize) else {
        throw ModelFileError.unsupported(
          path: file.path,
          detail: "\"\(TensorNames.ggufRopeFactors)\" holds factors that are not those of LLaMA 3.")
      }
      return scaling
    }
    let prefix = "\(architecture).rope.scaling"
    let factor =
      file["\(prefix).factor"]?.double ?? file["\(architecture).rope.scale_linear"]?.double
    switch file["\(prefix).type"]?.string ?? (factor == nil ? "none" : "linear") {
    case "none": return .none
    case "linear":
      guard let factor, Limits.factor.contains(factor) else {
        throw ModelFileError.faults(
          path: file.path, ["\"\(prefix).factor\" is missing or out of range"])
      }
      return factor == 1 ? .none : .linear(factor: factor)
    case "yarn":
      guard let factor, Limits.factor.contains(factor),
        let length = file["\(prefix).original_context_length"]?.int,
        Limits.length.contains(length),
        // llama.cpp multiplies the recommended factor by this one.
        case let own = file["\(prefix).attn_factor"]?.double ?? 1, Limits.factor.contains(own)
      else {
        throw ModelFileError.faults(
          path: file.path,
          [
            "\"\(prefix).factor\", \".original_context_length\" or \".attn_factor\" is missing or "
              + "out of range"
          ])
      }
      let yarn =
        RopeConfig.YaRN(
          factor: factor, attentionFactor: own * RopeConfig.YaRN.attentionFactor(factor),
          betaFast: file["\(prefix).yarn_beta_fast"]?.double ?? 32,
          betaSlow: file["\(prefix).yarn_beta_slow"]?.double ?? 1, originalLength: length)
      let faults = yarn.inconsistencies(theta: theta)
      guard faults.isEmpty else { throw ModelFileError.faults(path: file.path, faults) }
      return .yarn(yarn)
    case let kind:
      throw ModelFileError.unsupported(
        path: file.path,
        detail: "rope scaling \"\(kind)\" is not supported. Supported are none, linear, yarn and "
          + "LLaMA 3.")
    }
  }

  /// GGUF keeps the factors that LLaMA 3's rule gives, not its parameters. All published models use
  /// low 1, high 4 and 8192 tokens, and the largest factor is `factor`; accepted where these
  /// reproduce every factor to Float accuracy.
  private static func llama3Scaling(
    _ factors: [Float], theta: Double, headSize: Int
  ) -> RopeConfig.Scaling? {
    guard factors.count == headSize / 2, let factor = factors.max(), factor.isFinite, factor >= 1
    else { return nil }
    if factors.allSatisfy({ $0 == 1 }) { return RopeConfig.Scaling.none }
    let (low, high, original) = (1.0, 4.0, 8192.0)
    for (index, stored) in factors.enumerated() {
      let wavelength = 2 * Double.pi * pow(theta, Double(2 * index) / Double(headSize))
      let smooth = min(max((original / wavelength - low) / (high - low), 0), 1)
      let expected = 1 / ((1 - smooth) / Double(factor) + smooth)
      if abs(expected - Double(stored)) > 1e-4 * expected { return nil }
    }
    return .llama3(
      factor: Double(factor), lowFrequencyFactor: low, highFrequencyFactor: high,
      originalLength: Int(original))
  }
}
