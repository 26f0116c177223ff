internal import Checkpoints
internal import Foundation
internal import JSONText

/// What the Hugging Face files beside a tokenizer say about it: `tokenizer_config.json`,
/// `special_tokens_map.json`, `added_tokens.json`, `generation_config.json`, `config.json` and
/// `chat_template.jinja`, each optional.
struct TokenizerSettings {
  private var tokenTexts: [String: String] = [:]
  private var bosID: Int32?
  private var hasConfig = false
  private var stopIDs: [Int32] = []
  var addsBOS: Bool?
  var addsEOS: Bool?
  /// Whether a dummy space follows every special token; true where not stated.
  var isLegacy: Bool?
  var chatTemplateSource: String?
  private(set) var addedTokens: [AddedToken] = []

  init(folder: String) throws {
    let folder = folder.isEmpty ? "." : folder
    func json(_ name: String) throws -> JSONValue? {
      let path = folder + "/" + name
      guard Self.exists(path) else { return nil }
      do {
        return try JSONValue(parsing: try Self.bytes(ofFile: path))
      } catch let error as JSONSyntaxError {
        throw TokenizationError.malformed(source: path, reason: "not valid JSON: \(error)")
      }
    }
    if let map = try json("special_tokens_map.json") { readTokenTexts(map) }
    if let config = try json("tokenizer_config.json") { readConfig(config) }
    if let added = try json("added_tokens.json") { readAddedTokens(added) }
    for name in ["generation_config.json", "config.json"] {
      if let config = try json(name) { readIDs(config) }
    }
    let template = folder + "/chat_template.jinja"
    if Self.exists(template) {
      chatTemplateSource = String(decoding: try Self.bytes(ofFile: template), as: UTF8.self)
    }
  }

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  static func isFolder(_ path: String) -> Bool {
    var isFolder = ObjCBool(false)
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }

  /// The first bytes, enough to tell formats apart.
  static func start(ofFile path: String) throws(CheckpointError) -> [UInt8] {
    try OpenFile(path, .reading).read(atMost: 8)
  }

  static func bytes(ofFile path: String) throws(CheckpointError) -> [UInt8] {
    try OpenFile.contents(of: path)
  }

  private mutating func readTokenTexts(_ value: JSONValue) {
    for name in ["bos_token", "eos_token", "unk_token", "pad_token"] {
      if let text = value[name]?.string ?? value[name]?["content"]?.string {
        tokenTexts[name] = text
      }
    }
  }

  private mutating func readConfig(_ value: JSONValue) {
    hasConfig = true
    readTokenTexts(value)
    addsBOS = value["add_bos_token"]?.bool
    addsEOS = value["add_eos_token"]?.bool
    isLegacy = value["legacy"]?.bool
    chatTemplateSource = Self.template(value["chat_template"])
    for member in value["added_tokens_decoder"]?.members ?? [] {
      guard let id = Int32(member.key), let content = member.value["content"]?.string else {
        continue
      }
      addedTokens.append(
        AddedToken(
          id: id, content: Array(content.utf8), isSpecial: member.value["special"]?.bool ?? false,
          stripsLeft: member.value["lstrip"]?.bool ?? false,
          stripsRight: member.value["rstrip"]?.bool ?? false,
          isSingleWord: member.value["single_word"]?.bool ?? false))
    }
  }

  /// One template, or several with names, of which "default" counts.
  private static func template(_ value: JSONValue?) -> String? {
    if let text = value?.string { return text }
    let named = value?.array ?? []
    return (named.first { $0["name"]?.string == "default" } ?? named.first)?["template"]?.string
  }

  private mutating func readAddedTokens(_ value: JSONValue) {
    let known = Set(addedTokens.map(\.id))
    for member in value.members ?? [] {
      guard let id = member.value.int.flatMap({ Int32(exactly: $0) }), !known.contains(id) else {
        continue
      }
      addedTokens.append(AddedToken(id: id, content: Array(member.key.utf8)))
    }
  }

  private mutating func readIDs(_ value: JSONValue) {
    func ids(_ value: JSONValue?) -> [Int32] {
      (value?.array ?? [value].compactMap(\.self)).compactMap {
        $0.int.flatMap(Int32.init(exactly:))
      }
    }
    stopIDs += ids(value["eos_token_id"])
    bosID = bosID ?? ids(value["bos_token_id"]).first
  }

  /// Fills in what the tokenizer's own file does not say.
  func apply(to definition: inout TokenizerDefinition) {
    func id(_ name: String) -> Int32? {
      guard let text = tokenTexts[name].map({ Array($0.utf8) }) else { return nil }
      return definition.addedTokens.first { $0.content == text }?.id
        ?? definition.model.pieces.value(of: text)
    }
    definition.bosID = id("bos_token") ?? definition.bosID ?? definition.prefix.first
    // A tokenizer_config.json without bos_token means that there is none (Qwen2).
    if !hasConfig { definition.bosID = definition.bosID ?? bosID }
    definition.eosID = id("eos_token") ?? definition.eosID ?? stopIDs.first
    definition.unknownID = definition.unknownID ?? id("unk_token")
    definition.paddingID = id("pad_token") ?? definition.paddingID
    definition.stopIDs += stopIDs
    definition.chatTemplateSource = chatTemplateSource
  }
}
