internal import Yams

/// A value as written in a run file or on the command line, with the location where it stands.
package struct ConfigNode {
  package enum Content {
    /// `null`, `~` or nothing: the key is present but says nothing.
    case null
    case scalar(String)
    case list([ConfigNode])
    case map([Member])
  }

  package typealias Member = (key: String, keyLine: Int, value: ConfigNode)

  package var content: Content
  /// Line in the text, from 1.
  package var line: Int

  package init(content: Content, line: Int) { (self.content, self.line) = (content, line) }

  package var kind: String {
    switch content {
    case .null: "nothing"
    case .scalar(let text): "\"\(text)\""
    case .list: "a list"
    case .map: "a mapping"
    }
  }
}

/// Why a text is not a run file.
package struct ConfigSyntaxError: Error {
  package var message: String
  package var line: Int

  package init(message: String, line: Int) { (self.message, self.line) = (message, line) }
}

extension ConfigNode {
  /// Aliases may multiply nodes without bound; no honest run file comes near this many.
  private static let maximumNodes = 100_000

  /// Yams composes an alias by copying, and hashes every key whole: keys made of 3 levels more cost
  /// many times more. With 32 aliases the largest document has 3^(32/3), about 120,000 nodes.
  private static let maximumAliases = 32
  private static let maximumBytes = 4 << 20

  /// Parses one YAML document; nil when it is empty.
  ///
  /// Time and memory are bounded before Yams sees the text, because Yams itself sets no bound.
  package static func parse(yaml: String) throws(ConfigSyntaxError) -> ConfigNode? {
    try checkSize(of: yaml)
    do {
      guard let root = try Yams.compose(yaml: yaml) else { return nil }
      var budget = maximumNodes
      return try ConfigNode(root, budget: &budget, line: 1)
    } catch let error as ConfigSyntaxError {
      throw error
    } catch let error as YamlError {
      throw ConfigSyntaxError(error)
    } catch {
      throw ConfigSyntaxError(message: "\(error)", line: 1)
    }
  }

  /// The members of a document that is a mapping; none of an empty one.
  package static func members(yaml: String) throws(ConfigSyntaxError) -> [Member] {
    guard let root = try parse(yaml: yaml) else { return [] }
    guard case .map(let members) = root.content else {
      throw ConfigSyntaxError(message: "expected `key: value`", line: root.line)
    }
    return members
  }

  private static func checkSize(of yaml: String) throws(ConfigSyntaxError) {
    let size = yaml.utf8.count
    guard size <= maximumBytes else {
      throw ConfigSyntaxError(message: "\(size) bytes; at most \(maximumBytes) are read", line: 1)
    }
    var (aliases, line) = (0, 1)
    var (before, last) = (UInt8(ascii: "\n"), UInt8(ascii: "\n"))
    for byte in yaml.utf8 {
      if last == UInt8(ascii: "*"), isWord(byte), !isInsideText(before) { aliases += 1 }
      guard aliases <= maximumAliases else {
        throw ConfigSyntaxError(
          message: "more than \(maximumAliases) aliases (*name); write the values out", line: line)
      }
      if byte == UInt8(ascii: "\n") { line += 1 }
      (before, last) = (last, byte)
    }
  }

  /// What libyaml takes as a character of an anchor's name.
  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
    default: false
    }
  }

  /// No alias begins right after such a byte: it belongs to a text, as in `part*one` or `data/*a`.
  /// Stars in quotes and comments are counted as well: too many are refused, never too few.
  private static func isInsideText(_ byte: UInt8) -> Bool {
    isWord(byte) && byte != UInt8(ascii: "-") || byte == UInt8(ascii: "/")
      || byte == UInt8(ascii: ".")
  }

  private init(_ node: Node, budget: inout Int, line: Int) throws(ConfigSyntaxError) {
    budget -= 1
    let line = node.mark?.line ?? line
    guard budget > 0 else {
      throw ConfigSyntaxError(message: "more than \(Self.maximumNodes) values", line: line)
    }
    self.line = line
    switch node {
    case .scalar(let scalar):
      let plain = scalar.style == .plain || scalar.style == .any
      let empty = ["", "~", "null", "Null", "NULL"].contains(scalar.string)
      content = plain && empty ? .null : .scalar(scalar.string)
    case .sequence(let sequence):
      var elements: [ConfigNode] = []
      for element in sequence {
        elements.append(try ConfigNode(element, budget: &budget, line: line))
      }
      content = .list(elements)
    case .mapping(let mapping):
      var members: [Member] = []
      for (key, value) in mapping {
        let keyLine = key.mark?.line ?? line
        guard let name = key.scalar?.string else {
          throw ConfigSyntaxError(message: "a key must be a plain word", line: keyLine)
        }
        members.append((name, keyLine, try ConfigNode(value, budget: &budget, line: keyLine)))
      }
      content = .map(members)
    case .alias:
      throw ConfigSyntaxError(message: "an alias without its anchor", line: line)
    }
  }
}

extension ConfigSyntaxError {
  fileprivate init(_ error: YamlError) {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      self.init(message: "not YAML: \(problem)", line: mark.line)
    case .duplicatedKeysInMapping(let duplicates, let context):
      self.init(
        message: "key given twice: \(duplicates.joined(separator: ", "))", line: context.mark.line)
    default: self.init(message: "not YAML: \(error)", line: 1)
    }
  }
}
