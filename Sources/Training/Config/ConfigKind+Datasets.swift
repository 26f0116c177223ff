internal import Datasets

extension ConfigKind where Value == [DatasetSource] {
  /// A path, a list of paths, or a list of mappings with `path`, `type` and `split`.
  static var datasets: ConfigKind {
    var kind = ConfigKind("a list of {path, type, split}", read: { _, _ in nil }, show: show)
    kind.read = { node, location in
      guard case .list(let elements) = node.content else {
        return result { [try source(node, location)] }
      }
      return result { try elements.map { try source($0, location) } }
    }
    return kind
  }

  private static func result(
    _ read: () throws -> [DatasetSource]
  ) -> Result<[DatasetSource], ConfigKindFault> {
    Result(catching: read).mapError {
      ($0 as? ConfigKindFault) ?? ConfigKindFault(text: "\($0)")
    }
  }

  private static func source(_ node: ConfigNode, _ location: ConfigLocation) throws -> DatasetSource
  {
    switch node.content {
    case .scalar(let path): return DatasetSource(path: location.resolve(path))
    case .map(let members):
      var source = DatasetSource(path: "")
      for (key, line, value) in members {
        guard let text = value.scalar else {
          throw ConfigKindFault(text: "line \(line): \(key) must be a text")
        }
        switch key {
        case "path": source.path = location.resolve(text)
        case "type": source.type = try DatasetType(name: text)
        case "split": source.split = try DatasetSplit(parsing: text)
        default:
          let near = nearest(to: key, among: ["path", "type", "split"])
          throw ConfigKindFault(
            text: "line \(line): unknown key \"\(key)\"\(near); known: path, type, split")
        }
      }
      guard !source.path.isEmpty else {
        throw ConfigKindFault(text: "line \(node.line): a data set without a path")
      }
      return source
    default:
      throw ConfigKindFault(text: "\(node.kind) is not a data set: give {path: FILE, type: FORMAT}")
    }
  }

  private static let show: @Sendable ([DatasetSource]) -> String? = { sources in
    if sources.isEmpty { return nil }
    let texts = sources.map { source in
      var parts = ["path: " + quoted(source.path)]
      if source.type != .auto { parts.append("type: " + source.type.rawValue) }
      if source.split != .all { parts.append("split: " + quoted(source.split.description)) }
      return "{" + parts.joined(separator: ", ") + "}"
    }
    return "[" + texts.joined(separator: ", ") + "]"
  }
}
