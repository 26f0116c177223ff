internal import JSONText

extension RopeConfig {
  /// Reads `rope_theta` and `rope_scaling`, or `rope_parameters` as transformers 5 writes them.
  init(huggingFace json: JSONValue, path: String) throws {
    let parameters = json["rope_parameters"]?.unlessNull
    let scaling = parameters ?? json["rope_scaling"]?.unlessNull
    var fields = ConfigFields { key in
      scaling?[key]?.unlessNull ?? (key == "rope_theta" ? json[key]?.unlessNull : Optional.none)
    }
    let theta = fields.real("rope_theta", DecoderConfig.Limits.theta, or: 10_000)
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
    default:
      throw ModelFileError.unsupported(
        path: path,
        detail: "rope scaling \"\(kind)\" is not supported. Supported are default, linear, llama3.")
    }
    guard fields.faults.isEmpty else {
      throw ModelFileError.faults(path: path, fields.faults.map { "rope: \($0)" })
    }
  }

  /// The value of `rope_scaling`.
  var huggingFaceScaling: JSONValue {
    switch scaling {
    case .none: .null
    case .linear(let factor): ["rope_type": "linear", "factor": .real(factor)]
    case .llama3(let factor, let low, let high, let original):
      [
        "rope_type": "llama3", "factor": .real(factor), "low_freq_factor": .real(low),
        "high_freq_factor": .real(high), "original_max_position_embeddings": .integer(original),
      ]
    }
  }
}
