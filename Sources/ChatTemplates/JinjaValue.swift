internal import JSONText

/// A value while a template is being rendered; behaves as Python's where templates can tell.
enum JinjaValue {
  /// A name or member that is not there: prints as nothing, may be tested, may not be used.
  case undefined(String)
  case none
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case list([JinjaValue])
  case dictionary([Member])
  /// What `namespace()` makes, the only thing a template can change inside a loop: an index into
  /// the interpreter's `namespaces`.
  case namespace(Int)
  /// Indirect, so that no other value takes a macro's memory.
  indirect case macro(JinjaMacro)

  /// Memory of a text in a list, without its bytes: the value, and the head of its storage.
  static let sizeOfText = MemoryLayout<JinjaValue>.stride + 32

  struct Member {
    var key: String
    var value: JinjaValue
  }

  init(_ json: JSONValue) {
    switch json {
    case .null: self = .none
    case .bool(let bool): self = .bool(bool)
    case .integer(let int): self = .int(int)
    case .real(let double): self = .double(double)
    case .string(let string): self = .string(string)
    case .array(let elements): self = .list(elements.map { JinjaValue($0) })
    case .object(let members):
      self = .dictionary(members.map { Member(key: $0.key, value: JinjaValue($0.value)) })
    }
  }
}

extension JinjaValue {
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let bool): bool
    case .int(let int): int != 0
    case .double(let double): double != 0
    case .string(let string): !string.isEmpty
    case .list(let elements): !elements.isEmpty
    case .dictionary(let members): !members.isEmpty
    case .namespace, .macro: true
    }
  }

  var isUndefined: Bool { if case .undefined = self { true } else { false } }

  var number: Double? {
    switch self {
    case .bool(let bool): bool ? 1 : 0
    case .int(let int): Double(int)
    case .double(let double): double
    default: nil
    }
  }

  /// A whole number; Python counts truth values among them.
  var wholeNumber: Int? {
    switch self {
    case .bool(let bool): bool ? 1 : 0
    case .int(let int): int
    default: nil
    }
  }

  var kind: String {
    switch self {
    case .undefined: "an undefined value"
    case .none: "none"
    case .bool: "a truth value"
    case .int, .double: "a number"
    case .string: "a text"
    case .list: "a list"
    case .dictionary: "a dictionary"
    case .namespace: "a namespace"
    case .macro: "a macro"
    }
  }
}
