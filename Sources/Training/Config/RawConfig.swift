internal import Checkpoints

/// Settings as given, before they are checked: flag over `--set` over YAML over default.
///
/// Faults are collected, not thrown one by one: `resolved(ranks:)` reports all of them together.
package struct RawConfig {
  struct Setting {
    var node: ConfigNode
    var location: ConfigLocation
  }

  /// Key name -> what was given, the strongest source last.
  private(set) var settings: [String: [Setting]] = [:]
  private(set) var faults: [ConfigFault] = []
  /// Aliases that were accepted, and what overrode what.
  private(set) var notices: [String] = []

  package init() {}
}

/// One thing wrong in a configuration.
package struct ConfigFault: Sendable, Equatable, CustomStringConvertible {
  /// `run.yaml:12`, `--set lr=x`, `--learning-rate`; empty where nothing was given.
  package var location: String
  package var message: String

  package init(location: String = "", message: String) {
    self.location = location
    self.message = message
  }

  package init(_ error: ConfigSyntaxError, in path: String) {
    self.init(location: "\(path):\(error.line)", message: error.message)
  }

  package var description: String { location.isEmpty ? message : "\(location): \(message)" }
}

extension RawConfig {
  /// Adds the run file at `path` and gives its text.
  ///
  /// - Throws: `CheckpointError` where it cannot be read; what is wrong in it becomes a fault.
  package mutating func read(file path: String) throws -> String {
    let text = try Self.text(ofFile: path)
    read(yaml: text, path: path)
    return text
  }

  /// Adds a run file. `path` is for messages and for paths relative to its folder.
  package mutating func read(yaml: String, path: String) {
    do throws(ConfigSyntaxError) {
      for (key, line, value) in try ConfigNode.members(yaml: yaml) {
        add(
          key, value,
          ConfigLocation(
            source: .yaml, text: "\(path):\(line)", directory: Self.directory(of: path)))
      }
    } catch {
      faults.append(ConfigFault(error, in: path))
    }
  }

  /// - Throws: `CheckpointError` where a file cannot be read, `TrainingError.badData` where it is
  ///   no text.
  package static func text(ofFile path: String) throws -> String {
    guard let text = String(validating: try OpenFile.contents(of: path), as: UTF8.self) else {
      throw TrainingError.badData("\(path): not a text in UTF-8")
    }
    return text
  }

  /// What paths in a file are relative to; empty for the current folder.
  package static func directory(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }

  /// Adds one setting that counts before those of the run file.
  ///
  /// - Parameters:
  ///   - location: where it was given, for messages.
  ///   - directory: what a relative path is relative to.
  package mutating func set(
    _ key: String, to node: ConfigNode, location: String, directory: String
  ) {
    add(key, node, ConfigLocation(source: .set, text: location, directory: directory))
  }

  /// Adds the arguments of `--set`, each `key=value` with a YAML value; paths are as given.
  package mutating func set(_ assignments: [String]) {
    for assignment in assignments {
      let location = ConfigLocation(source: .set, text: "--set \(assignment)", directory: "")
      guard let equals = assignment.firstIndex(of: "=") else {
        faults.append(ConfigFault(location: location.text, message: "expected key=value"))
        continue
      }
      let key = String(assignment[..<equals])
      add(key, text: String(assignment[assignment.index(after: equals)...]), location)
    }
  }

  /// Adds what is left of the command line: `--key value`, `--key=value`, `--key`, `--no-key`.
  package mutating func read(flags: [String]) {
    var index = 0
    while index < flags.count {
      let flag = flags[index]
      index += 1
      let location = ConfigLocation(source: .flag, text: flag, directory: "")
      guard flag.hasPrefix("--"), flag.utf8.count > 2 else {
        faults.append(ConfigFault(location: location.text, message: "expected --key value"))
        continue
      }
      let body = flag.dropFirst(2)
      if let equals = body.firstIndex(of: "=") {
        add(Self.key(body[..<equals]), text: String(body[body.index(after: equals)...]), location)
      } else if index < flags.count, !flags[index].hasPrefix("--") {
        add(Self.key(body), text: flags[index], location)
        index += 1
      } else if body.hasPrefix("no-"), ConfigKey.named(Self.key(body)) == nil {
        add(Self.key(body.dropFirst(3)), text: "false", location)
      } else {
        add(Self.key(body), text: "true", location)
      }
    }
  }

  private static func key(_ flag: some StringProtocol) -> String {
    String(flag).replacing("-", with: "_")
  }

  private mutating func add(_ key: String, text: String, _ location: ConfigLocation) {
    do {
      let node = try ConfigNode.parse(yaml: text) ?? ConfigNode(content: .null, line: 1)
      add(key, node, location)
    } catch {
      // A value such as `a: b: c` is no YAML, yet may be a perfectly good text.
      add(key, ConfigNode(content: .scalar(text), line: 1), location)
    }
  }

  private mutating func add(_ name: String, _ node: ConfigNode, _ location: ConfigLocation) {
    guard let key = ConfigKey.named(name) else {
      let near = nearest(to: name, among: ConfigKey.all.flatMap { [$0.name] + $0.aliases })
      faults.append(
        ConfigFault(
          location: location.text,
          message: "unknown key \"\(name)\"\(near)"
            + (near.isEmpty ? "; `peqa config` lists all keys" : "")))
      return
    }
    if case .null = node.content { return }
    let node = present(node, of: key, givenAs: name, location)
    let earlier = settings[key.name] ?? []
    if let same = earlier.first(where: {
      $0.location.source == location.source && location.source == .yaml
    }) {
      faults.append(
        ConfigFault(
          location: location.text,
          message: "\(key.name) is given twice, first at \(same.location.text)"))
    }
    settings[key.name] = earlier + [Setting(node: node, location: location)]
  }

  /// The value in the words of this version; a notice tells of former names and values.
  private mutating func present(
    _ node: ConfigNode, of key: ConfigKey, givenAs name: String, _ location: ConfigLocation
  ) -> ConfigNode {
    guard let text = node.scalar, let now = key.formerValues[text] else {
      if key.name != name { notices.append("\(location.text): \(name) is read as \(key.name)") }
      return node
    }
    notices.append("\(location.text): \(name): \(text) is read as \(key.name): \(now)")
    return ConfigNode(content: .scalar(now), line: node.line)
  }

  /// What counts for a key, and what it overrode.
  func winner(_ key: ConfigKey) -> (setting: Setting, overridden: [Setting])? {
    guard let all = settings[key.name], !all.isEmpty else { return nil }
    let ordered = all.enumerated().sorted {
      ($0.element.location.source, $0.offset) < ($1.element.location.source, $1.offset)
    }.map(\.element)
    guard let last = ordered.last else { return nil }
    return (last, Array(ordered.dropLast()))
  }
}
