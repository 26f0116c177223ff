internal import Foundation
internal import JSONText

/// One key of a run file: its names, its type, the field it sets and what it means.
///
/// YAML, `--set key=value`, `--kebab-case` flags, the resolved file and the printed documentation
/// all come from this one table entry.
package struct ConfigKey: Sendable {
  package let name: String
  /// Names of the same thing in other tools or earlier versions, accepted with a notice.
  package let aliases: [String]
  /// Former value -> the value that it is read as, with a notice.
  let formerValues: [String: String]
  /// The type in words, e.g. `a whole number, at least 1`.
  package let type: String
  package let meaning: String
  /// A run that continues must have the same value, or it would not be the same run.
  package let critical: Bool
  /// Reads a value into the field; `location` resolves relative paths. Returns a fault, or nil.
  let read: @Sendable (ConfigNode, _ location: ConfigLocation, inout RunConfig) -> String?
  /// The field as YAML; nil where it is unset.
  let show: @Sendable (RunConfig) -> String?

  /// The key of this name, or with this alias.
  package static func named(_ word: String) -> ConfigKey? {
    all.first { $0.name == word || $0.aliases.contains(word) }
  }

  /// Whether its values are whole numbers.
  package var isWhole: Bool { type.hasPrefix("a whole number") }
  /// Whether its values are numbers.
  package var isNumber: Bool { isWhole || type.hasPrefix("a number") }

  /// The flag, e.g. `--learning-rate`.
  package var flag: String { "--" + name.replacing("_", with: "-") }
  /// The default as YAML; nil where there is none.
  package var defaultText: String? { show(RunConfig()) }
}

/// Where a value was given.
struct ConfigLocation: Sendable {
  enum Source: Int, Sendable, Comparable {
    case yaml, set, flag

    static func < (a: Source, b: Source) -> Bool { a.rawValue < b.rawValue }
  }

  var source: Source
  /// For messages: `run.yaml:12`, `--set lr=1`, `--learning-rate`.
  var text: String
  /// What relative paths are relative to.
  var directory: String
}

extension ConfigKey {
  /// Binds a key to a field by a pair of conversions.
  init<Value>(
    _ name: String, _ field: any WritableKeyPath<RunConfig, Value> & Sendable,
    _ kind: ConfigKind<Value>, aliases: [String] = [], critical: Bool = false, _ meaning: String
  ) {
    self.name = name
    self.aliases = aliases
    self.type = kind.type
    self.meaning = meaning
    self.critical = critical
    self.formerValues = kind.formerValues
    self.read = { node, location, config in
      switch kind.read(node, location) {
      case .success(let value):
        config[keyPath: field] = value
        return nil
      case .failure(let fault): return fault.text
      }
    }
    self.show = { kind.show($0[keyPath: field]) }
  }
}

extension ConfigKey {
  /// Binds a key to a field that is nil where nothing is given.
  init<Value>(
    _ name: String, _ field: any WritableKeyPath<RunConfig, Value?> & Sendable,
    orNil kind: ConfigKind<Value>, aliases: [String] = [], critical: Bool = false,
    _ meaning: String
  ) {
    var optional = ConfigKind<Value?>(
      kind.type, read: { _, _ in nil }, show: { $0.flatMap(kind.show) })
    optional.read = { node, location in kind.read(node, location).map { $0 } }
    self.init(name, field, optional, aliases: aliases, critical: critical, meaning)
  }
}

/// Why a value does not fit; the reader completes the sentence `KEY: ...`.
package struct ConfigKindFault: Error {
  package var text: String

  package init(text: String) { self.text = text }
}

/// How one type of value is read from and written to YAML.
package struct ConfigKind<Value>: Sendable {
  package var type: String
  var read: @Sendable (ConfigNode, ConfigLocation) -> Result<Value, ConfigKindFault>
  var show: @Sendable (Value) -> String?
  var formerValues: [String: String] = [:]

  init(
    _ type: String, read: @escaping @Sendable (ConfigNode, ConfigLocation) -> Value?,
    show: @escaping @Sendable (Value) -> String?
  ) {
    self.type = type
    self.read = { node, location in
      guard let value = read(node, location) else {
        return .failure(ConfigKindFault(text: "\(node.kind) is not \(type)"))
      }
      return .success(value)
    }
    self.show = show
  }
}

extension ConfigNode {
  /// The value as one of a kind that has no path in it.
  package func value<Value>(_ kind: ConfigKind<Value>) throws(ConfigKindFault) -> Value {
    try kind.read(self, ConfigLocation(source: .yaml, text: "", directory: "")).get()
  }
}

extension ConfigKind where Value == Int {
  package static func whole(_ range: ClosedRange<Int>) -> ConfigKind {
    let type =
      range.upperBound == Int.max
      ? "a whole number, at least \(range.lowerBound)"
      : "a whole number from \(range.lowerBound) to \(range.upperBound)"
    return ConfigKind(type) { node, _ in
      guard let value = node.wholeNumber else { return nil }
      return range.contains(value) ? value : nil
    } show: {
      String($0)
    }
  }
}

extension ConfigKind where Value == Double {
  package static func number(_ range: ClosedRange<Double>) -> ConfigKind {
    let type =
      range.upperBound == .infinity
      ? "a number, at least \(range.lowerBound.formatted)"
      : "a number from \(range.lowerBound.formatted) to \(range.upperBound.formatted)"
    return ConfigKind(type) { node, _ in
      node.number.flatMap { range.contains($0) ? $0 : nil }
    } show: {
      $0.formatted
    }
  }
}

extension ConfigKind where Value == Bool {
  static var yesNo: ConfigKind {
    ConfigKind("true or false") { node, _ in
      guard case .scalar(let text) = node.content else { return nil }
      switch text.lowercased() {
      case "true", "yes", "on": return true
      case "false", "no", "off": return false
      default: return nil
      }
    } show: {
      $0 ? "true" : "false"
    }
  }
}

extension ConfigKind where Value == String {
  package static var text: ConfigKind {
    ConfigKind("a text") { node, _ in
      node.scalar
    } show: {
      $0.isEmpty ? nil : quoted($0)
    }
  }

  static var path: ConfigKind {
    ConfigKind("a path") { node, location in
      node.scalar.map { location.resolve($0) }
    } show: {
      $0.isEmpty ? nil : quoted($0)
    }
  }
}

extension ConfigKind
where Value: RawRepresentable & CaseIterable & Sendable, Value.RawValue == String {
  package static var choice: ConfigKind { choice(former: [:]) }

  /// `former` are values of earlier versions, each with the one that it is read as.
  static func choice(former: [String: String]) -> ConfigKind {
    let words = Value.allCases.map(\.rawValue)
    var kind = ConfigKind("one of " + words.joined(separator: ", ")) { node, _ in
      node.scalar.flatMap { Value(rawValue: $0) }
    } show: {
      $0.rawValue
    }
    kind.formerValues = former
    return kind
  }
}

extension ConfigKind where Value == [String] {
  package static func words(_ type: String) -> ConfigKind {
    ConfigKind(type) { node, _ in
      switch node.content {
      case .scalar(let text): return [text]
      case .list(let elements):
        let words = elements.compactMap(\.scalar)
        return words.count == elements.count ? words : nil
      default: return nil
      }
    } show: {
      "[" + $0.map(quoted).joined(separator: ", ") + "]"
    }
  }
}

extension ConfigNode {
  package var scalar: String? {
    if case .scalar(let text) = content { text } else { nil }
  }

  /// A finite decimal number: `12`, `1e-4`, `5.0E-5`. No hexadecimal, no `inf`, no `nan`.
  package var number: Double? {
    guard let text = scalar, !text.isEmpty,
      text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), let value = Double(text),
      value.isFinite
    else { return nil }
    return value
  }

  /// Digits are read as they stand, past 2^53 too; other forms, such as `1e3`, as a number.
  package var wholeNumber: Int? {
    scalar.flatMap { Int($0) } ?? number.flatMap { Int(exactly: $0) }
  }
}

extension ConfigLocation {
  /// The absolute path, as seen from where it was written: the resolved file may be read elsewhere.
  func resolve(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    // Foundation takes a leading `..` out of a relative path, and a first part with a colon, as if
    // that were a scheme.
    let here = directory.hasPrefix("/") ? "" : FileManager.default.currentDirectoryPath
    let parts = [here == "/" ? "" : here, directory, path]
    let whole = parts.filter { !$0.isEmpty }.joined(separator: "/")
    return URL(fileURLWithPath: whole.hasPrefix("/") ? whole : "/" + whole).standardized.path
  }
}

extension Double {
  /// Whole values without a fraction, others as the shortest text that reads back the same.
  fileprivate var formatted: String { Int(exactly: self).map(String.init) ?? "\(self)" }
}

/// A text as a YAML scalar that reads back as the same text.
func quoted(_ text: String) -> String {
  let plain = text.utf8.allSatisfy { byte in
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "/._-%+".utf8.contains(byte)
    }
  }
  let first = text.utf8.first ?? 0x2D
  let word = !["true", "false", "yes", "no", "on", "off", "null"].contains(text.lowercased())
  if plain, word, (0x41...0x7A).contains(first) || first == 0x2F || first == 0x2E,
    Double(text) == nil
  {
    return text
  }
  return JSONValue.string(text).text()
}
