package import JSONText

extension DecoderConfig {
  /// Reads a Hugging Face `config.json`; `path` is for messages. Keys that are absent have the
  /// defaults of transformers' LlamaConfig, MistralConfig and Qwen2Config.
  package init(huggingFace json: JSONValue, path: String) throws {
    guard json.members != nil else {
      throw ModelFileError.faults(path: path, ["expected an object, found \(json.kind)"])
    }
    let family = json["model_type"]?.string ?? "(no model_type)"
    guard Self.supportedFamilies.contains(family) else {
      throw ModelFileError.unsupported(
        path: path,
        detail: "architecture \"\(family)\" is not supported. Supported are "
          + Self.supportedFamilies.joined(separator: ", ") + ".")
    }
    try Self.refuseForeignFeatures(json, path: path)
    var fields = ConfigFields(object: json)
    self = Self.read(&fields, family: family)
    guard fields.faults.isEmpty else { throw ModelFileError.faults(path: path, fields.faults) }
    if family == "mistral", json["sliding_window"] == nil, maximumLength > 4096 {
      slidingWindow = 4096
    }
    rope = try RopeConfig(huggingFace: json, path: path)
    let faults = inconsistencies()
    guard faults.isEmpty else { throw ModelFileError.faults(path: path, faults) }
  }

  private static func read(_ fields: inout ConfigFields, family: String) -> DecoderConfig {
    let mistral = family == "mistral"
    let qwen2 = family == "qwen2"
    let heads = fields.integer("num_attention_heads", Limits.heads)
    let hidden = fields.integer("hidden_size", Limits.width)
    let layers = fields.integer("num_hidden_layers", Limits.layers)
    if fields.faults.isEmpty, fields.value("head_dim") == nil, hidden % heads != 0 {
      fields.fault("\"hidden_size\" \(hidden) is no multiple of \(heads) heads; give \"head_dim\"")
    }
    let length = fields.integer(
      "max_position_embeddings", Limits.length, or: mistral ? 131_072 : qwen2 ? 32_768 : 2048)
    return DecoderConfig(
      modelType: family,
      vocabularySize: fields.integer("vocab_size", Limits.vocabulary),
      hiddenSize: hidden,
      intermediateSize: fields.integer("intermediate_size", Limits.width),
      layerCount: layers, headCount: heads,
      keyValueHeadCount: fields.integer(
        "num_key_value_heads", Limits.heads, or: mistral ? 8 : qwen2 ? 32 : heads),
      headSize: fields.integer("head_dim", Limits.headSize, or: max(hidden / heads, 1)),
      normEpsilon: Float(fields.real("rms_norm_eps", Limits.epsilon, or: 1e-6)),
      maximumLength: length,
      tiedEmbeddings: fields.bool("tie_word_embeddings", or: false),
      attentionBias: qwen2,
      slidingWindow: window(&fields, family: family, layers: layers, length: length))
  }

  /// Mistral: a number, null for none, 4096 where the key is absent. Qwen2: only with
  /// `use_sliding_window`, and then only for layers from `max_window_layers` on.
  private static func window(
    _ fields: inout ConfigFields, family: String, layers: Int, length: Int
  ) -> Int? {
    switch family {
    case "mistral":
      guard fields.value("sliding_window") != nil else { return nil }
      let window = fields.integer("sliding_window", Limits.length)
      return window < length ? window : nil
    case "qwen2":
      guard fields.bool("use_sliding_window", or: false) else { return nil }
      let first = fields.integer("max_window_layers", 0...Limits.layers.upperBound, or: 28)
      if first >= layers { return nil }
      if first > 0 {
        fields.fault(
          "\"max_window_layers\" is \(first) of \(layers): layers with different attention are "
            + "not supported")
      }
      return fields.integer("sliding_window", Limits.length, or: 4096)
    default: return nil
    }
  }

  /// Throws for what would change the function of the model and is not computed here.
  private static func refuseForeignFeatures(_ json: JSONValue, path: String) throws {
    func refuse(_ detail: String) -> ModelFileError { .unsupported(path: path, detail: detail) }
    if let quantization = json["quantization_config"], !quantization.isNull {
      let method = quantization["quant_method"]?.string ?? "unknown method"
      throw refuse(
        "the model is quantized already (\(method)). Give the original 16-bit model.")
    }
    if let activation = json["hidden_act"]?.string, activation != "silu" {
      throw refuse("\"hidden_act\" is \"\(activation)\"; only \"silu\" is supported.")
    }
    for key in ["attention_bias", "mlp_bias"] where json[key]?.bool == true {
      throw refuse("\"\(key)\" is true; biases are supported in q, k and v of Qwen2 only.")
    }
    if let share = json["partial_rotary_factor"]?.double, share != 1 {
      throw refuse("\"partial_rotary_factor\" is \(share); only whole heads can rotate.")
    }
    let kinds = Set((json["layer_types"]?.array ?? []).compactMap(\.string))
    if kinds.count > 1 {
      throw refuse(
        "\"layer_types\" mixes \(kinds.sorted()); layers must have one kind of attention.")
    }
  }

  /// The configuration as a `config.json` that transformers reads.
  package var huggingFaceJSON: JSONValue {
    let architecture =
      ["llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM"][modelType]
      ?? "Qwen2ForCausalLM"
    var members: [JSONValue.Member] = []
    func add(_ key: String, _ value: JSONValue) { members.append(.init(key: key, value: value)) }
    add("architectures", [.string(architecture)])
    add("model_type", .string(modelType))
    add("vocab_size", .integer(vocabularySize))
    add("hidden_size", .integer(hiddenSize))
    add("intermediate_size", .integer(intermediateSize))
    add("num_hidden_layers", .integer(layerCount))
    add("num_attention_heads", .integer(headCount))
    add("num_key_value_heads", .integer(keyValueHeadCount))
    add("head_dim", .integer(headSize))
    add("hidden_act", "silu")
    // By way of text: 1e-05, not the Float's 9.999999747378752e-06.
    add("rms_norm_eps", .real(Double("\(normEpsilon)") ?? Double(normEpsilon)))
    add("rope_theta", .real(rope.theta))
    add("rope_scaling", rope.huggingFaceScaling)
    add("max_position_embeddings", .integer(maximumLength))
    add("tie_word_embeddings", .bool(tiedEmbeddings))
    switch modelType {
    case "mistral": add("sliding_window", slidingWindow.map { .integer($0) } ?? .null)
    case "qwen2":
      add("use_sliding_window", .bool(slidingWindow != nil))
      if let slidingWindow { add("sliding_window", .integer(slidingWindow)) }
      add("max_window_layers", .integer(slidingWindow == nil ? layerCount : 0))
    default: add("attention_bias", false)
    }
    return .object(members)
  }
}
