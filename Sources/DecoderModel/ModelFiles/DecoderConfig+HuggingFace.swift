package import JSONText

extension DecoderConfig {
  /// Reads a Hugging Face `config.json`; `path` is for messages. Keys that are absent have the
  /// defaults of the family's configuration class in transformers.
  package init(huggingFace json: JSONValue, path: String) throws {
    guard json.members != nil else {
      throw ModelFileError.faults(path: path, ["expected an object, found \(json.kind)"])
    }
    let name = json["model_type"]?.string ?? "(no model_type)"
    guard let family = Family.named(name) else {
      throw ModelFileError.unsupported(
        path: path, detail: Family.refusal(of: name, among: Family.all.map(\.modelType)))
    }
    try Self.refuseForeignFeatures(json, path: path)
    var fields = ConfigFields(object: json)
    self = Self.read(&fields, family: family)
    guard fields.faults.isEmpty else { throw ModelFileError.faults(path: path, fields.faults) }
    rope = try RopeConfig(huggingFace: json, theta: family.defaultTheta, path: path)
    let faults = inconsistencies()
    guard faults.isEmpty else { throw ModelFileError.faults(path: path, faults) }
  }

  private static func read(_ fields: inout ConfigFields, family: Family) -> DecoderConfig {
    let heads = fields.integer("num_attention_heads", Limits.heads)
    let hidden = fields.integer("hidden_size", Limits.width)
    let layers = fields.integer("num_hidden_layers", Limits.layers)
    if fields.faults.isEmpty, fields.value("head_dim") == nil, family.defaultHeadSize == nil,
      hidden % heads != 0
    {
      fields.fault("\"hidden_size\" \(hidden) is no multiple of \(heads) heads; give \"head_dim\"")
    }
    let length = fields.integer(
      "max_position_embeddings", Limits.length, or: family.defaultLength)
    return DecoderConfig(
      modelType: family.modelType,
      vocabularySize: fields.integer("vocab_size", Limits.vocabulary),
      hiddenSize: hidden,
      intermediateSize: fields.integer("intermediate_size", Limits.width),
      layerCount: layers, headCount: heads,
      keyValueHeadCount: fields.integer(
        "num_key_value_heads", Limits.heads, or: family.defaultKeyValueHeads ?? heads),
      headSize: fields.integer(
        "head_dim", Limits.headSize, or: family.defaultHeadSize ?? max(hidden / heads, 1)),
      normEpsilon: Float(
        fields.real("rms_norm_eps", Limits.epsilon, or: family.defaultNormEpsilon)),
      maximumLength: length,
      tiedEmbeddings: fields.bool("tie_word_embeddings", or: family.tiesByDefault),
      attentionBias: family.attentionBias,
      slidingWindow: family.window(&fields, layers, length), queryKeyNorm: family.queryKeyNorm,
      unrotatedLayers: family.unrotatedLayers(&fields, layers))
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
    // Configurations are made from a family's name, in files and presets alike.
    let family = Family.named(modelType) ?? .llama
    var members: [JSONValue.Member] = []
    func add(_ key: String, _ value: JSONValue) { members.append(.init(key: key, value: value)) }
    add("architectures", [.string(family.architecture)])
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
    for (key, value) in family.ownMembers(self) { add(key, value) }
    return .object(members)
  }
}
