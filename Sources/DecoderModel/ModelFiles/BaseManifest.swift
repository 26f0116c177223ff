package import JSONText
package import Quantization

/// What `peqa_base.json` says about a base. Docs: docs/file-formats.md.
package struct BaseManifest: Sendable, Equatable {
  package static let fileName = "peqa_base.json"
  package static let weightsName = "base.safetensors"
  package static let formatName = "peqa-base"
  package static let version = 1

  /// SHA-256 of base.safetensors in hexadecimal: the name of the base.
  package var baseDigest: String
  package var settings: QuantizationSettings
  /// The codes are those of a GGUF file, not rounded anew.
  package var reusesCodes = false
  /// Size of base.safetensors in bytes and SHA-256 of its header: checked on every opening. Nil
  /// where the writer did not say.
  package var fileSize: Int?
  package var headerDigest: String?
  /// `DecoderConfig.digest` of the base's config.json. Nil in bases of versions that did not say.
  package var configDigest: String?
  /// Where the base comes from: `name`, `format`, `sha256`.
  package var source: JSONValue = .object([])
  /// What quantization cost: errors of weights, and perplexities where they were measured.
  package var quality: JSONValue = .object([])

  package init(baseDigest: String, settings: QuantizationSettings) {
    self.baseDigest = baseDigest
    self.settings = settings
  }
}

extension BaseManifest {
  package init(_ json: JSONValue, path: String) throws {
    let format = json["format"]?.string
    guard format == Self.formatName else {
      throw ModelFileError.unsupported(
        path: path, detail: "\"format\" is not \"\(Self.formatName)\": no base of peqa.")
    }
    var fields = ConfigFields(object: json)
    let version = fields.integer("version", 1...Int.max)
    guard version <= Self.version else {
      throw ModelFileError.unsupported(
        path: path,
        detail: "format version \(version) is newer than this program, which reads up to "
          + "\(Self.version). Use a newer peqa.")
    }
    let digest = fields.text("base_sha256", or: "")
    if digest.utf8.count != 64 || !digest.utf8.allSatisfy(Self.isHexadecimal) {
      fields.fault("\"base_sha256\" is not a SHA-256 of 64 lower-case hexadecimal digits")
    }
    let settings = QuantizationSettings(
      bits: fields.integer("bits", 2...8), groupSize: fields.integer("group_size", -1...256),
      symmetric: fields.bool("sym", or: false))
    do {
      try settings.validate(allowingPoorQuality: true)
    } catch {
      fields.fault("\(error)")
    }
    self.init(baseDigest: digest, settings: settings)
    reusesCodes = fields.bool("keep_codes", or: false)
    if fields.value("file_size") != nil { fileSize = fields.integer("file_size", 0...Int.max) }
    if fields.value("header_sha256") != nil {
      headerDigest = fields.text("header_sha256", or: "")
    }
    if fields.value("config_sha256") != nil { configDigest = fields.text("config_sha256", or: "") }
    source = json["source"] ?? .object([])
    quality = json["quality"] ?? .object([])
    guard fields.faults.isEmpty else { throw ModelFileError.faults(path: path, fields.faults) }
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
  }

  package var json: JSONValue {
    var members: [JSONValue.Member] = []
    func add(_ key: String, _ value: JSONValue) { members.append(.init(key: key, value: value)) }
    add("format", .string(Self.formatName))
    add("version", .integer(Self.version))
    add("base_sha256", .string(baseDigest))
    if let fileSize { add("file_size", .integer(fileSize)) }
    if let headerDigest { add("header_sha256", .string(headerDigest)) }
    if let configDigest { add("config_sha256", .string(configDigest)) }
    add("bits", .integer(settings.bits))
    add("group_size", .integer(settings.groupSize))
    add("sym", .bool(settings.symmetric))
    add("method", .string(settings.method.rawValue))
    add("keep_codes", .bool(reusesCodes))
    add("source", source)
    add("quality", quality)
    return .object(members)
  }
}
