internal import JSONText

/// The settings of a run, in the order of its `config.resolved.yaml`.
///
/// That file has a line a key, `key: value`, where the value is YAML in one line; this is all of
/// YAML that is read here. Whoever needs more reads the file as a run file.
package struct RunSettings: Sendable, Equatable {
  package struct Setting: Sendable, Equatable {
    package var key: String
    /// As YAML.
    package var value: String
  }

  package private(set) var all: [Setting] = []

  package init(parsing text: String) {
    // By bytes: quoted texts may hold other ends of lines than this one.
    for bytes in text.utf8.split(separator: UInt8(ascii: "\n")) {
      let line = Substring(bytes)
      guard !line.hasPrefix("#"), !line.hasPrefix(" "), let colon = line.firstIndex(of: ":") else {
        continue
      }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      all.append(Setting(key: String(line[..<colon]), value: String(value)))
    }
  }

  /// The value of a key as YAML; nil where it is not set.
  package subscript(_ key: String) -> String? { all.first { $0.key == key }?.value }

  /// The value of a key as a text, without quotes.
  package func text(_ key: String) -> String? { self[key].map(Self.plain) }

  package func number(_ key: String) -> Double? {
    self[key].flatMap { Double($0) }.flatMap { $0.isFinite ? $0 : nil }
  }

  /// A list of texts that need no commas, such as `[jsonl, csv]`.
  package func words(_ key: String) -> [String] {
    guard let value = self[key], value.hasPrefix("["), value.hasSuffix("]") else { return [] }
    return value.dropFirst().dropLast().split(separator: ",").map {
      Self.plain(String($0.drop { $0 == " " }))
    }
  }

  private static func plain(_ yaml: String) -> String {
    guard yaml.hasPrefix("\""), let text = try? JSONValue(parsing: yaml).string else { return yaml }
    return text
  }

  /// Keys whose values are not the same in all of these, with a value for each; nil where it has
  /// none. Keys in the order in which they come up.
  package static func differences(
    _ runs: [RunSettings]
  ) -> [(key: String, values: [String?])] {
    var keys: [String] = []
    for setting in runs.flatMap(\.all) where !keys.contains(setting.key) {
      keys.append(setting.key)
    }
    return keys.compactMap { key in
      let values = runs.map { $0[key] }
      return values.allSatisfy { $0 == values[0] } ? nil : (key, values)
    }
  }
}
