extension ConfigKind where Value == TaskSettings {
  /// A mapping with `tasks`, and how they are measured.
  static var tasks: ConfigKind {
    let known = ["tasks", "num_fewshot", "limit", "data_dir", "steps"]
    var kind = ConfigKind(
      "{" + known.joined(separator: ", ") + "}", read: { _, _ in nil }, show: show)
    let type = kind.type
    kind.read = { node, location in
      guard case .map(let members) = node.content else {
        return .failure(ConfigKindFault(text: "\(node.kind) is not \(type)"))
      }
      do throws(ConfigKindFault) {
        var settings = TaskSettings()
        settings.dataFolder = location.resolve(".")
        for (key, line, value) in members {
          guard known.contains(key) else {
            throw ConfigKindFault(
              text: "line \(line): unknown key \"\(key)\"\(nearest(to: key, among: known)); known: "
                + known.joined(separator: ", "))
          }
          if case .null = value.content { continue }
          try settings.set(key, value, location, line: line)
        }
        guard !settings.tasks.isEmpty else {
          throw ConfigKindFault(text: "tasks is missing; give names or files of tasks")
        }
        return .success(settings)
      } catch {
        return .failure(error)
      }
    }
    return kind
  }

  private static let show: @Sendable (TaskSettings) -> String? = { settings in
    if settings.tasks.isEmpty { return nil }
    var parts = ["tasks: [" + settings.tasks.map(quoted).joined(separator: ", ") + "]"]
    if let count = settings.fewShotCount { parts.append("num_fewshot: \(count)") }
    if let limit = settings.limit { parts.append("limit: \(limit)") }
    parts.append("data_dir: " + quoted(settings.dataFolder))
    parts.append("steps: \(settings.steps)")
    return "{" + parts.joined(separator: ", ") + "}"
  }
}

extension TaskSettings {
  /// Reads one member, of a key that is known.
  fileprivate mutating func set(
    _ key: String, _ node: ConfigNode, _ location: ConfigLocation, line: Int
  ) throws(ConfigKindFault) {
    func value<Value>(_ kind: ConfigKind<Value>) throws(ConfigKindFault) -> Value {
      do { return try kind.read(node, location).get() } catch {
        throw ConfigKindFault(text: "line \(line): \(key): \(error.text)")
      }
    }
    switch key {
    case "num_fewshot": fewShotCount = try value(.whole(0...1000))
    case "limit": limit = try value(.whole(1...Int.max))
    case "data_dir": dataFolder = try value(.path)
    case "steps": steps = try value(.whole(0...Int.max))
    default:
      tasks = try value(.words("a list of names of tasks")).map { name in
        let isFile = name.hasSuffix(".yaml") || name.hasSuffix(".yml")
        return isFile ? location.resolve(name) : name
      }
    }
  }
}
