internal import Yams

/// A value as written in a run file or on the command line, with the place where it stands.
struct ConfigNode {
  enum Content {
    /// `null`, `~` or nothing: the key is present but says nothing.
    case null
    case scalar(String)
    case list([ConfigNode])
    case map([(key: String, keyLine: Int, value: ConfigNode)])
  }

  var content: Content
  /// Line in the text, from 1.
  var line: Int

  var kind: String {
    switch content {
    case .null: "nothing"
    case .scalar(let text): "\"\(text)\""
    case .list: "a list"
    case .map: "a mapping"
    }
  }
}

/// Why a text is not a run file.
struct ConfigSyntaxError: Error {
  var message: String
  var line: Int
}

extension ConfigNode {
  /// Aliases may multiply nodes without bound; no honest run file comes near this many.
  private static let maximumNodes = 100_000

  /// Parses one YAML document; nil when it is empty.
  static func parse(yaml: String) throws(ConfigSyntaxError) -> ConfigNode? {
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
      var members: [(key: String, keyLine: Int, value: ConfigNode)] = []
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
