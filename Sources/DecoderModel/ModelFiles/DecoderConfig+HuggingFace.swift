package import JSONText
internal import Kernels

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
    try Self.refuseForeignFeatures(json, family, path: path)
    var fields = ConfigFields(object: json)
    self = Self.sizes(&fields, family: family)
    rope = try RopeConfig(huggingFace: json, family, length: maximumLength, path: path)
    localRope = try RopeConfig(localIn: json, family, length: maximumLength, path: path)
    if case .dynamic(let factor, let original) = rope.scaling {
      let longest = Double(original) * factor
      guard (1...Double(Limits.length.upperBound)).contains(longest) else {
        throw ModelFileError.faults(
          path: path, ["rope: factor \(factor) of \(original) positions is out of range"])
      }
      maximumLength = Int(longest)
    }
    if fields.faults.isEmpty {
      if let share = family.keys.rotatedShare, block.rotatedSize == nil {
        block.rotatedSize = rotatedSize(&fields, json, share, family.defaults.rotatedShare)
      }
      family.read(&fields, &self)
    }
    if fields.faults.isEmpty { fields.add(inconsistencies()) }
    guard fields.faults.isEmpty else { throw ModelFileError.faults(path: path, fields.faults) }
  }

  private static func sizes(_ fields: inout ConfigFields, family: Family) -> DecoderConfig {
    let (keys, defaults) = (family.keys, family.defaults)
    let heads = fields.integer(keys.heads, Limits.heads)
    let hidden = fields.integer(keys.hiddenSize, Limits.width)
    let layers = fields.integer(keys.layers, Limits.layers)
    let headSize = keys.headSize.flatMap { key in
      fields.value(key) == nil ? nil : fields.integer(key, Limits.headSize)
    }
    if fields.faults.isEmpty, headSize == nil, defaults.headSize == nil, hidden % heads != 0 {
      fields.fault(
        "\"\(keys.hiddenSize)\" \(hidden) is no multiple of \(heads) heads; give \"head_dim\"")
    }
    let size = headSize ?? defaults.headSize ?? max(hidden / heads, 1)
    if fields.faults.isEmpty, !Limits.headSize.contains(size) {
      fields.fault(
        "heads of \(size) numbers (\"\(keys.hiddenSize)\" by \"\(keys.heads)\"); expected "
          + "\(Limits.headSize.lowerBound) to \(Limits.headSize.upperBound)")
    }
    let length = fields.integer(keys.length, Limits.length, or: defaults.length)
    let (epsilon, shared) = (keys.epsilon, keys.keyValueHeads)
    var config = DecoderConfig(
      modelType: family.modelType,
      vocabularySize: fields.integer("vocab_size", Limits.vocabulary),
      hiddenSize: hidden,
      intermediateSize: fields.integer(
        keys.intermediateSize, Limits.width, or: defaults.expansion.map { $0 * hidden }),
      layerCount: layers, headCount: heads,
      // Null means as many as heads, absence the default.
      keyValueHeadCount: shared.map {
        fields.integer(
          $0, Limits.heads, or: fields.has($0) ? heads : defaults.keyValueHeads ?? heads)
      } ?? heads,
      headSize: size,
      normEpsilon: Float(
        epsilon.map { fields.real($0, Limits.epsilon, or: defaults.epsilon) } ?? defaults.epsilon),
      maximumLength: length,
      tiedEmbeddings: fields.bool("tie_word_embeddings", or: defaults.isTied),
      block: family.block, ends: family.ends)
    let name = fields.text(keys.activation, or: defaults.activation)
    if let activation = Activation(huggingFace: name) { config.block.activation = activation }
    return config
  }

  /// The part of a head that turns, as transformers rounds it; its key stands by itself or among
  /// the parameters of the rotation.
  private func rotatedSize(
    _ fields: inout ConfigFields, _ json: JSONValue, _ key: String, _ absent: Double
  ) -> Int? {
    var inside = ConfigFields(object: json["rope_parameters"]?.unlessNull ?? .object([]))
    let nested = inside.real("partial_rotary_factor", 0.0...1.0, or: absent)
    fields.add(inside.faults)
    let share = fields.real(key, 0.0...1.0, or: nested)
    let size = Int(Double(headSize) * share)
    return size == headSize ? nil : size
  }

  /// Throws for what would change the function of the model and is not computed here.
  private static func refuseForeignFeatures(
    _ json: JSONValue, _ family: Family, path: String
  ) throws {
    func refuse(_ detail: String) -> ModelFileError { .unsupported(path: path, detail: detail) }
    let key = family.keys.activation
    if let name = json[key]?.string, Activation(huggingFace: name) == nil {
      throw refuse(
        "\"\(key)\" is \"\(name)\". Supported are "
          + Activation.allCases.map(\.huggingFaceName).joined(separator: ", ") + ".")
    }
    func isForeign(_ key: String) -> Bool { !family.ownKeys.contains(key) }
    for key in ["attention_bias", "mlp_bias"] where json[key]?.bool == true && isForeign(key) {
      throw refuse("\"\(key)\" is true; \(family.modelType) is supported without these biases.")
    }
    if let share = json["partial_rotary_factor"]?.double, share != 1,
      family.keys.rotatedShare == nil
    {
      throw refuse("\"partial_rotary_factor\" is \(share); only whole heads can rotate.")
    }
    let kinds = Set((json["layer_types"]?.array ?? []).compactMap(\.string))
    if kinds.count > 1, isForeign("layer_types") {
      throw refuse(
        "\"layer_types\" mixes \(kinds.sorted()); layers must have one kind of attention.")
    }
  }

  /// The configuration as a `config.json` that transformers reads.
  package var huggingFaceJSON: JSONValue {
    let (family, keys) = (family, family.keys)
    var members: [JSONValue.Member] = []
    func add(_ key: String?, _ value: JSONValue) {
      guard let key else { return }
      members.append(.init(key: key, value: value))
    }
    add("architectures", [.string(family.architecture)])
    add("model_type", .string(modelType))
    add("vocab_size", .integer(vocabularySize))
    add(keys.hiddenSize, .integer(hiddenSize))
    add(keys.intermediateSize, .integer(intermediateSize))
    add(keys.layers, .integer(layerCount))
    add(keys.heads, .integer(headCount))
    add(keys.keyValueHeads, .integer(keyValueHeadCount))
    add(keys.headSize, .integer(headSize))
    add(keys.activation, .string(block.activation.huggingFaceName))
    // By way of text: 1e-05, not the Float's 9.999999747378752e-06.
    add(keys.epsilon, .real(Double("\(normEpsilon)") ?? Double(normEpsilon)))
    add(keys.theta, .real(rope.theta))
    if keys.theta != nil { add("rope_scaling", rope.huggingFaceScaling) }
    // Read back as the whole part of a product, which may fall short.
    let share = Double(rotatedSize) / Double(headSize)
    let isShort = Int(Double(headSize) * share) < rotatedSize
    add(keys.rotatedShare, .real(isShort ? share.nextUp : share))
    if case .dynamic(_, let original) = rope.scaling {
      add(keys.length, .integer(original))
    } else {
      add(keys.length, .integer(maximumLength))
    }
    add("tie_word_embeddings", .bool(tiedEmbeddings))
    for (key, value) in family.members(self) { add(key, value) }
    return .object(members)
  }
}

extension Activation {
  init?(huggingFace name: String) {
    switch name {
    case "silu", "swish": self = .silu
    case "relu": self = .relu
    case "gelu", "gelu_python": self = .gelu
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate": self = .geluTanh
    default: return nil
    }
  }

  var huggingFaceName: String {
    switch self {
    case .silu: "silu"
    case .relu: "relu"
    case .gelu: "gelu"
    case .geluTanh: "gelu_pytorch_tanh"
    }
  }
}
