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
  case namespace(JinjaNamespace)
  case macro(JinjaMacro)

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

  /// What `namespace()` makes: the only thing a template can change inside a loop.
  final class JinjaNamespace {
    var members: [Member]
    init(_ members: [Member]) { self.members = members }
  }
}

extension [JinjaValue.Member] {
  subscript(key: String) -> JinjaValue? {
    get { first { $0.key.utf8.elementsEqual(key.utf8) }?.value }
    set {
      let index = firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
      if let newValue {
        if let index {
          self[index].value = newValue
        } else {
          append(JinjaValue.Member(key: key, value: newValue))
        }
      } else if let index {
        remove(at: index)
      }
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

  /// Python's `==`. Texts compare by their code points, never by canonical equivalence.
  func equals(_ other: JinjaValue) -> Bool {
    switch (self, other) {
    case (.undefined, .undefined), (.none, .none): true
    case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
    case (.list(let left), .list(let right)):
      left.count == right.count && zip(left, right).allSatisfy { $0.equals($1) }
    case (.dictionary(let left), .dictionary(let right)):
      left.count == right.count
        && left.allSatisfy { member in right[member.key].map { $0.equals(member.value) } ?? false }
    case (.namespace(let left), .namespace(let right)): left === right
    default:
      if let left = wholeNumber, let right = other.wholeNumber {
        left == right
      } else if let left = number, let right = other.number {
        left == right
      } else {
        false
      }
    }
  }
}
