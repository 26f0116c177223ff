internal import JSONText

/// What a member of a task's records must be.
///
/// Templates make texts of anything, and choices of a text's characters: what is wrong in the data
/// would count as an item.
package struct RecordMember: Sendable, Equatable {
  package enum Kind: String, Sendable, CaseIterable {
    case string
    /// A list of them, with one or more.
    case strings
    /// A whole number.
    case integer
    case boolean, object
    /// It need not be there.
    case missing
  }

  package var name: String
  /// Any of these.
  package var kinds: [Kind]

  package init(name: String, kinds: [Kind]) { (self.name, self.kinds) = (name, kinds) }
}

extension RecordMember.Kind {
  func fits(_ value: JSONValue?) -> Bool {
    switch self {
    case .string: value?.string != nil
    case .strings: value?.array.map { !$0.isEmpty && $0.allSatisfy { $0.string != nil } } ?? false
    case .integer: value?.int != nil
    case .boolean: value?.bool != nil
    case .object: value?.members != nil
    case .missing: value == nil
    }
  }

  /// For messages; nil for what is not there.
  var text: String? {
    switch self {
    case .string: "a string"
    case .strings: "an array of strings"
    case .integer: "a whole number"
    case .boolean: "a boolean"
    case .object: "an object"
    case .missing: nil
    }
  }
}

extension TaskDocument {
  func check(_ members: [RecordMember]) throws(TaskError) {
    for member in members {
      let value = self[member.name]
      if member.kinds.contains(where: { $0.fits(value) }) { continue }
      let wanted = member.kinds.compactMap(\.text).joined(separator: " or ")
      guard let value else { throw error("\"\(member.name)\" is missing; expected \(wanted)") }
      throw error("\"\(member.name)\": expected \(wanted), not \(value.short)")
    }
  }
}

extension JSONValue {
  /// A scalar as it stands, else what it is.
  fileprivate var short: String {
    let text = text()
    return members == nil && array == nil && text.utf8.count <= 40 ? text : kind
  }
}
