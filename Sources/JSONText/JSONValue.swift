/// A JSON document as it stands in the file: member order, duplicates and exact key bytes kept.
///
/// Foundation's parsers put members into a Swift dictionary, whose keys compare by Unicode
/// canonical equivalence: two vocabulary entries that differ only in normalisation would become
/// one. Here keys and strings compare by their UTF-8 bytes.
package enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number that was written without fraction or exponent and fits.
  case integer(Int)
  case real(Double)
  case string(String)
  case array([JSONValue])
  case object([Member])

  package struct Member: Sendable, Equatable {
    package var key: String
    package var value: JSONValue

    package init(key: String, value: JSONValue) {
      self.key = key
      self.value = value
    }

    package static func == (one: Member, other: Member) -> Bool {
      one.key.utf8.elementsEqual(other.key.utf8) && one.value == other.value
    }
  }
}

extension JSONValue {
  package static func == (one: JSONValue, other: JSONValue) -> Bool {
    switch (one, other) {
    case (.null, .null): true
    case (.bool(let one), .bool(let other)): one == other
    case (.integer(let one), .integer(let other)): one == other
    case (.real(let one), .real(let other)): one == other
    case (.string(let one), .string(let other)): one.utf8.elementsEqual(other.utf8)
    case (.array(let one), .array(let other)): one == other
    case (.object(let one), .object(let other)): one == other
    default: false
    }
  }

  /// The value of the first member whose key has the same UTF-8 bytes; nil where this is no object.
  package subscript(_ key: String) -> JSONValue? {
    members?.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
  }

  package subscript(_ index: Int) -> JSONValue? {
    guard let array, array.indices.contains(index) else { return nil }
    return array[index]
  }

  package var members: [Member]? { if case .object(let members) = self { members } else { nil } }
  package var array: [JSONValue]? { if case .array(let array) = self { array } else { nil } }
  package var string: String? { if case .string(let string) = self { string } else { nil } }
  package var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
  package var isNull: Bool { self == .null }
  /// The value, or nothing for null. (In `flatMap { $0.isNull ? nil : $0 }` nil is a JSON null.)
  package var unlessNull: JSONValue? { isNull ? Optional.none : Optional.some(self) }

  /// The number, where it is whole and exactly representable (`1e3` and `2.0` count as whole).
  package var int: Int? {
    switch self {
    case .integer(let int): int
    case .real(let real): Int(exactly: real)
    default: nil
    }
  }

  package var double: Double? {
    switch self {
    case .integer(let int): Double(int)
    case .real(let real): real
    default: nil
    }
  }

  /// What kind of value this is, for error messages.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer, .real: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .real(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements.map { Member(key: $0.0, value: $0.1) })
  }
  package init(nilLiteral: ()) { self = .null }
}
