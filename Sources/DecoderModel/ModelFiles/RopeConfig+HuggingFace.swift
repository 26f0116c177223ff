internal import JSONText

extension RopeConfig {
  /// Reads `rope_theta` and `rope_scaling`, or `rope_parameters` as transformers 5 writes them; of
  /// models with two rotations that of layers without a window. `length` is the longest sequence.
  init(huggingFace json: JSONValue, _ family: Family, length: Int, path: String) throws {
    let parameters = json["rope_parameters"]?.unlessNull
    for key in ["rope_parameters", "rope_scaling"] {
      guard let value = json[key]?.unlessNull, value.members == nil else { continue }
      throw ModelFileError.faults(
        path: path, ["\"\(key)\": expected an object or null, found \(value.kind)"])
    }
    let scaling =
      parameters?["full_attention"]?.unlessNull ?? parameters ?? json["rope_scaling"]?.unlessNull
    try self.init(
      scaling, theta: family.keys.theta.flatMap { json[$0]?.unlessNull }, family, length: length,
      path: path)
  }

  /// The rotation of layers with a window, where transformers 5 writes one of its own.
  init?(localIn json: JSONValue, _ family: Family, length: Int, path: String) throws {
    guard let local = json["rope_parameters"]?["sliding_attention"]?.unlessNull else { return nil }
    let theta = json["rope_local_base_freq"]?.unlessNull ?? .real(10_000)
    try self.init(local, theta: theta, family, length: length, path: path)
  }

  private init(
    _ scaling: JSONValue?, theta: JSONValue?, _ family: Family, length: Int, path: String
  ) throws {
    var fields = ConfigFields { key in
      scaling?[key]?.unlessNull ?? (key == "rope_theta" ? theta : Optional.none)
    }
    let theta = fields.real("rope_theta", DecoderConfig.Limits.theta, or: family.defaults.theta)
    // `type` is the older spelling.
    let legacy = fields.text("type", or: "default")
    let kind = fields.text("rope_type", or: legacy)
    let factor = DecoderConfig.Limits.factor
    switch kind {
    case "default": self.init(theta: theta)
    case "linear":
      self.init(theta: theta, scaling: .linear(factor: fields.real("factor", factor)))
    case "llama3":
      self.init(
        theta: theta,
        scaling: .llama3(
          factor: fields.real("factor", factor),
          lowFrequencyFactor: fields.real("low_freq_factor", factor),
          highFrequencyFactor: fields.real("high_freq_factor", factor),
          originalLength: fields.integer(
            "original_max_position_embeddings", DecoderConfig.Limits.length)))
    case "yarn": self.init(theta: theta, scaling: .yarn(Self.yarn(&fields)))
    case "dynamic":
      self.init(
        theta: theta,
        scaling: .dynamic(factor: fields.real("factor", factor), originalLength: length))
    default:
      throw ModelFileError.unsupported(
        path: path,
        detail: "rope scaling \"\(kind)\" is not supported. Supported are default, linear, "
          + "dynamic, llama3, yarn.")
    }
    guard fields.faults.isEmpty else {
      throw ModelFileError.faults(path: path, fields.faults.map { "rope: \($0)" })
    }
  }

  private static func yarn(_ fields: inout ConfigFields) -> YaRN {
    let (limits, factor) = (
      DecoderConfig.Limits.factor, fields.real("factor", DecoderConfig.Limits.factor)
    )
    var attention = YaRN.attentionFactor(factor)
    if fields.value("mscale") != nil, fields.value("mscale_all_dim") != nil {
      let scales = [fields.real("mscale", limits), fields.real("mscale_all_dim", limits)]
      attention =
        YaRN.attentionFactor(factor, scale: scales[0])
        / YaRN.attentionFactor(factor, scale: scales[1])
    }
    return YaRN(
      factor: factor,
      attentionFactor: fields.real("attention_factor", limits, or: attention),
      betaFast: fields.real("beta_fast", limits, or: 32),
      betaSlow: fields.real("beta_slow", limits, or: 1),
      originalLength: fields.integer(
        "original_max_position_embeddings", DecoderConfig.Limits.length),
      truncates: fields.bool("truncate", or: true))
  }

  /// The value of `rope_scaling`.
  var huggingFaceScaling: JSONValue {
    switch scaling {
    case .none: .null
    case .linear(let factor): ["rope_type": "linear", "factor": .real(factor)]
    // The original length is that of the model.
    case .dynamic(let factor, _): ["rope_type": "dynamic", "factor": .real(factor)]
    case .llama3(let factor, let low, let high, let original):
      [
        "rope_type": "llama3", "factor": .real(factor), "low_freq_factor": .real(low),
        "high_freq_factor": .real(high), "original_max_position_embeddings": .integer(original),
      ]
    case .yarn(let yarn):
      [
        "rope_type": "yarn", "factor": .real(yarn.factor),
        "attention_factor": .real(yarn.attentionFactor), "beta_fast": .real(yarn.betaFast),
        "beta_slow": .real(yarn.betaSlow),
        "original_max_position_embeddings": .integer(yarn.originalLength),
        "truncate": .bool(yarn.truncates),
      ]
    }
  }
}
