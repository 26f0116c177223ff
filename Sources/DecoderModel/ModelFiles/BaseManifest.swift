package import JSONText
package import Quantization

/// What `peqa_base.json` says about a base. Docs: docs/file-formats.md.
package struct BaseManifest: Sendable, Equatable {
  package static let fileName = "peqa_base.json"
  package static let weightsName = "base.safetensors"
  package static let formatName = "peqa-base"
  /// The newest version that this program reads. Version 1 has one grid of the quantizer's for all
  /// linear layers and nothing that was imported; a base that is like this is written as one.
  package static let version = 2

  /// SHA-256 of base.safetensors in hexadecimal: the name of the base.
  package var baseDigest: String
  /// Bits and groups of the linear layers, or of most of them.
  package var settings: QuantizationSettings
  /// Those of matrices which differ, by name without suffix.
  package var grids: [String: Grid] = [:]

  /// What the shapes of a matrix's tensors do not say.
  package struct Grid: Sendable, Equatable, Hashable {
    package var bits: Int
    /// -1: a whole row.
    package var groupSize: Int
    package var groupsPerScale: Int

    package init(bits: Int, groupSize: Int, groupsPerScale: Int = 1) {
      (self.bits, self.groupSize, self.groupsPerScale) = (bits, groupSize, groupsPerScale)
    }
  }

  package func grid(of name: String) -> Grid {
    grids[name] ?? Grid(bits: settings.bits, groupSize: settings.groupSize)
  }
  /// The codes are those of a quantized file, not rounded anew.
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
    let grid = Grid(&fields)
    let settings = QuantizationSettings(
      bits: grid.bits, groupSize: grid.groupSize, symmetric: fields.bool("sym", or: false),
      method: QuantizationSettings.Method(rawValue: fields.text("method", or: "")) ?? .rtn)
    self.init(baseDigest: digest, settings: settings)
    for member in json["grids"]?.members ?? [] {
      var own = ConfigFields(object: member.value)
      grids[member.key] = Grid(&own)
      for fault in own.faults { fields.fault("\"grids\", \"\(member.key)\": \(fault)") }
    }
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
    add("version", .integer(reusesCodes || !grids.isEmpty ? Self.version : 1))
    add("base_sha256", .string(baseDigest))
    if let fileSize { add("file_size", .integer(fileSize)) }
    if let headerDigest { add("header_sha256", .string(headerDigest)) }
    if let configDigest { add("config_sha256", .string(configDigest)) }
    add("bits", .integer(settings.bits))
    add("group_size", .integer(settings.groupSize))
    add("sym", .bool(settings.symmetric))
    add("method", .string(settings.method.rawValue))
    add("keep_codes", .bool(reusesCodes))
    if !grids.isEmpty {
      add(
        "grids",
        .object(
          grids.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map {
            JSONValue.Member(key: $0.key, value: $0.value.json)
          }))
    }
    add("source", source)
    add("quality", quality)
    return .object(members)
  }
}

extension BaseManifest.Grid {
  fileprivate init(_ fields: inout ConfigFields) {
    bits = fields.integer("bits", 2...8)
    groupSize = fields.integer("group_size", -1...Int(Int32.max))
    groupsPerScale = fields.integer("groups_per_scale", 1...64, or: 1)
    if !PackedLayout.supportedBits.contains(bits) {
      fields.fault(
        "\"bits\" is \(bits), expected one of \(PackedLayout.supportedBits)")
    }
    if groupSize != -1, !PackedLayout.supportedGroupSizes.contains(groupSize) {
      fields.fault(
        "\"group_size\" is \(groupSize), expected -1 or one of "
          + "\(PackedLayout.supportedGroupSizes)")
    }
    // What is wrong is in the faults; the shapes of a layout stay possible.
    if !fields.faults.isEmpty { (bits, groupSize, groupsPerScale) = (4, -1, 1) }
  }

  fileprivate var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init(key: "bits", value: .integer(bits)),
      .init(key: "group_size", value: .integer(groupSize)),
    ]
    if groupsPerScale > 1 {
      members.append(.init(key: "groups_per_scale", value: .integer(groupsPerScale)))
    }
    return .object(members)
  }
}
