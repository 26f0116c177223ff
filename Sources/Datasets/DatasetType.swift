internal import JSONText

/// The form of a data set's records.
package enum DatasetType: String, Sendable, CaseIterable {
  /// `instruction`, `input` (may be absent), `output`; Alpaca prompt.
  case alpaca
  /// The same records as one user turn and one assistant turn of the model's chat template.
  case alpacaChat = "alpaca_chat"
  /// `prompt`, `completion`; taken as they are.
  case completion
  /// `messages` of `role`, `content`, or ShareGPT `conversations` of `from`, `value`.
  case chat
  /// A plain text file, or records with `text`.
  case text
  /// A Super-NaturalInstructions task: one object with `Definition` and `Instances`; Alpaca prompt.
  case superNI = "super_ni"
  /// Found from the keys of the first record.
  case auto

  /// The type named in a run file.
  package init(name: String) throws(DatasetError) {
    guard let type = DatasetType(rawValue: name) else {
      let known = DatasetType.allCases.map(\.rawValue).joined(separator: ", ")
      throw .badSetting(key: "datasets.type", reason: "\"\(name)\" is none of \(known)")
    }
    self = type
  }

  /// The type that fits the keys of `record`; nil if none does.
  static func detected(from record: JSONValue) -> DatasetType? {
    func has(_ keys: String...) -> Bool { keys.allSatisfy { record[$0] != nil } }
    if has("Definition", "input", "output") { return .superNI }
    if has("messages") || has("conversations") { return .chat }
    if has("instruction", "output") { return .alpaca }
    if has("prompt", "completion") { return .completion }
    if has("text") { return .text }
    return nil
  }
}
