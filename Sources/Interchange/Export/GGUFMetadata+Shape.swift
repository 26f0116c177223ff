internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Kernels

extension GGUFMetadata {
  /// What `DecoderConfig(gguf:)` reads: sizes, norms, rotation, experts, windows and caps.
  ///
  /// Choices that files do not spell out belong to an architecture's name; whether they are this
  /// model's is seen when the entries are read back. `json` is `config.json`, for what a
  /// configuration does not keep.
  static func shape(
    of config: DecoderConfig, json: JSONValue, prefix: String, path: String
  ) throws -> [GGUFEntry] {
    var list = GGUFEntryList()
    let block = config.block
    list.integer("\(prefix).block_count", config.layerCount)
    list.integer("\(prefix).context_length", config.maximumLength)
    list.integer("\(prefix).embedding_length", config.hiddenSize)
    list.integer("\(prefix).vocab_size", config.vocabularySize)
    addWidths(config, json, prefix, to: &list)

    let attention = "\(prefix).attention"
    list.integer("\(attention).head_count", config.headCount)
    list.integer("\(attention).head_count_kv", config.keyValueHeadCount)
    list.integer("\(attention).key_length", config.headSize)
    list.integer("\(attention).value_length", config.headSize)
    let epsilon = block.norm == .rms ? "layer_norm_rms_epsilon" : "layer_norm_epsilon"
    list.put("\(attention).\(epsilon)", .float32(config.normEpsilon))
    // Windows of some layers only are those of the architectures that have them.
    if config.globalLayers.isEmpty || block.placement == .both {
      list.integer("\(attention).sliding_window", config.slidingWindow)
    }
    list.put("\(prefix).attn_logit_softcapping", block.scoreCap.map { .float32($0) })
    list.put("\(prefix).final_logit_softcapping", config.ends.logitCap.map { .float32($0) })
    // Architectures with LayerNorm may have either residual.
    if block.norm == .layer {
      list.flag("\(prefix).use_parallel_residual", block.residual == .parallel)
    }

    list.integer("\(prefix).rope.dimension_count", config.rotatedSize)
    list.real("\(prefix).rope.freq_base", config.rope.theta)
    list.real("\(prefix).rope.freq_base_swa", config.localRope?.theta)
    try addScaling(config, json, prefix, path, to: &list)
    return list.entries
  }

  /// Widths of MLPs. Where experts have a key of their own, `intermediate_size` is that of MLPs
  /// which the model does not have; llama.cpp's conversion writes it all the same.
  private static func addWidths(
    _ config: DecoderConfig, _ json: JSONValue, _ prefix: String, to list: inout GGUFEntryList
  ) {
    let isOwn = config.block.experts != nil && json["moe_intermediate_size"] != nil
    let dense = isOwn ? json["intermediate_size"]?.int : nil
    list.integer("\(prefix).feed_forward_length", dense ?? config.intermediateSize)
    guard let experts = config.block.experts else { return }
    list.integer("\(prefix).expert_count", experts.count)
    list.integer("\(prefix).expert_used_count", experts.perToken)
    list.integer(
      "\(prefix).expert_feed_forward_length", isOwn ? config.intermediateSize : nil)
  }

  private static func addScaling(
    _ config: DecoderConfig, _ json: JSONValue, _ prefix: String, _ path: String,
    to list: inout GGUFEntryList
  ) throws {
    let prefix = "\(prefix).rope.scaling"
    switch config.rope.scaling {
    case .none, .llama3:
      list.integer(
        "\(prefix).original_context_length", json["original_max_position_embeddings"]?.int)
    case .linear(let factor):
      list.text("\(prefix).type", "linear")
      list.real("\(prefix).factor", factor)
    case .yarn(let yarn):
      list.text("\(prefix).type", "yarn")
      list.real("\(prefix).factor", yarn.factor)
      list.integer("\(prefix).original_context_length", yarn.originalLength)
      // llama.cpp multiplies the recommended factor by this one.
      let own = yarn.attentionFactor / RopeConfig.YaRN.attentionFactor(yarn.factor)
      list.real("\(prefix).attn_factor", abs(own - 1) < 1e-6 ? nil : own)
      list.real("\(prefix).yarn_beta_fast", yarn.betaFast)
      list.real("\(prefix).yarn_beta_slow", yarn.betaSlow)
    case .dynamic:
      throw ModelFileError.unsupported(
        path: path,
        detail: "llama.cpp knows no rope scaling \"dynamic\", so GGUF cannot hold the model. "
          + "Export it as gptq or compressed-tensors.")
    }
  }

  /// LLaMA 3's factors: 1 for pairs that turn fast, the factor for slow ones, smooth in between.
  static func ropeFactors(
    _ config: DecoderConfig, architecture: String, path: String
  ) throws -> [Float]? {
    guard case .llama3(let factor, let low, let high, let original) = config.rope.scaling else {
      return nil
    }
    guard architecture == "llama" else {
      throw ModelFileError.unsupported(
        path: path,
        detail: "llama.cpp takes rope scaling \"llama3\" from files of the architecture \"llama\" "
          + "alone, and this one is \"\(architecture)\". Export it as gptq or compressed-tensors.")
    }
    let rotated = config.rotatedSize
    return (0..<rotated / 2).map { pair in
      let turn = 2 * Double.pi * pow(config.rope.theta, Double(2 * pair) / Double(rotated))
      let kept = min(max((Double(original) / turn - low) / (high - low), 0), 1)
      return Float(1 / ((1 - kept) / factor + kept))
    }
  }
}
