internal import Checkpoints

extension TaskDefinition {
  /// Names of the shipped tasks, for messages.
  package static var shippedNames: String {
    namesOfShipped.joined(separator: ", ")
  }

  static var namesOfShipped: [String] { shipped.map(\.name) }

  /// A shipped task by its name, or the one of a file that is called `*.yaml` or `*.yml`.
  package static func named(_ name: String) throws -> TaskDefinition {
    if name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
      let bytes = try OpenFile.contents(of: name)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw TaskError.definition(path: name, line: 1, reason: "the file is not UTF-8 text")
      }
      return try TaskDefinition(yaml: text, path: name)
    }
    let full = name == "lambada" ? "lambada_openai" : name
    guard let found = shipped.first(where: { $0.name == full }) else {
      throw TaskError.unknownTask(name)
    }
    return try TaskDefinition(yaml: found.yaml, path: "task \(full)")
  }
}
