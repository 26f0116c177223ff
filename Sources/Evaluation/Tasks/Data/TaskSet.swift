internal import JSONText

/// A task with its items, or one part of it.
package struct Subtask: Sendable {
  /// `piqa`, or `mmlu_astronomy` where the task is cut into parts.
  package var name: String
  package var items: [TaskItem]
}

/// A task that is ready to be evaluated.
package struct TaskSet: Sendable {
  /// Of its results: the task's name, or that of the one part that is evaluated.
  package var name: String
  package var definition: TaskDefinition
  package var split: TaskDefinition.Split
  package var shots: Int
  /// One where the task is not cut.
  package var parts: [Subtask]

  package var itemCount: Int { parts.reduce(0) { $0 + $1.items.count } }

  /// All that are named, each once. A name that is wrong is known before any data is read.
  package static func load(
    _ selections: [String], from data: TaskData, shots: Int? = nil, limit: Int? = nil
  ) throws -> [TaskSet] {
    var sets: [TaskSet] = []
    var names: Set<String> = []
    for (selection, definition) in zip(selections, try selections.map(definition)) {
      let set = try load(selection, definition, from: data, shots: shots, limit: limit)
      for name in Set(set.parts.map(\.name) + [set.name]).sorted()
      where !names.insert(name).inserted {
        throw TaskError.badSelection(selection, reason: "\(name) is evaluated already")
      }
      sets.append(set)
    }
    return sets
  }

  /// Reads the data and makes all prompts.
  ///
  /// - Parameters:
  ///   - selection: a task's name or file; `TASK/PART` takes one part.
  ///   - shots: nil for the task's own number.
  ///   - limit: of items of each part.
  package static func load(
    _ selection: String, from data: TaskData, shots: Int? = nil, limit: Int? = nil
  ) throws -> TaskSet {
    try load(selection, try definition(of: selection), from: data, shots: shots, limit: limit)
  }

  private static func definition(of selection: String) throws -> TaskDefinition {
    let (name, part) = parts(of: selection)
    let definition = try TaskDefinition.named(name)
    if part != nil, definition.groupKey == nil {
      throw TaskError.badSelection(selection, reason: "the task has no parts")
    }
    return definition
  }

  private static func load(
    _ selection: String, _ definition: TaskDefinition, from data: TaskData, shots: Int?,
    limit: Int?
  ) throws -> TaskSet {
    let part = parts(of: selection).1
    let split = try data.evaluatedSplit(of: definition)
    let count = shots ?? definition.fewShotCount
    let examples =
      count > 0 && definition.sampler != .template
      ? try data.documents(of: definition.exampleSplit, definition) : []
    var set = TaskSet(
      name: definition.name, definition: definition, split: split, shots: count, parts: [])
    let groups = try set.grouped(try data.documents(of: split, definition))
    let pools = Dictionary(
      try set.grouped(examples).map { ($0.name, $0.documents) }, uniquingKeysWith: { $0 + $1 })
    for group in groups where part == nil || group.name == part {
      set.parts.append(
        try set.subtask(group.name, group.documents, pool: pools[group.name] ?? [], limit: limit))
    }
    guard !set.parts.isEmpty else {
      let known = groups.prefix(8).map(\.name).joined(separator: ", ")
      throw TaskError.badSelection(
        selection, reason: "no such part; there are \(groups.count), such as \(known)")
    }
    if part != nil { set.name = set.parts[0].name }
    return set
  }

  /// A file's path is no task with a part.
  private static func parts(of selection: String) -> (String, String?) {
    guard !selection.hasSuffix(".yaml"), !selection.hasSuffix(".yml"),
      let slash = selection.firstIndex(of: "/")
    else { return (selection, nil) }
    return (String(selection[..<slash]), String(selection[selection.index(after: slash)...]))
  }

  /// Records by the value of the group's member, sorted by it; all under one name without one.
  private func grouped(
    _ documents: [TaskDocument]
  ) throws(TaskError) -> [(name: String, documents: [TaskDocument])] {
    guard let key = definition.groupKey else { return [(definition.name, documents)] }
    var groups: [String: [TaskDocument]] = [:]
    for document in documents {
      guard let name = document[key]?.string, !name.isEmpty,
        name.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "/") })
      else {
        throw document.error("expected the name of a part in \"\(key)\"")
      }
      groups[name, default: []].append(document)
    }
    return groups.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      .map { ($0.key, $0.value) }
  }

  private func subtask(
    _ group: String, _ documents: [TaskDocument], pool: [TaskDocument], limit: Int?
  ) throws(TaskError) -> Subtask {
    let name = definition.groupKey == nil ? definition.name : "\(definition.name)_\(group)"
    var prompts = TaskPrompts(definition, name: name, shots: shots, pool: pool)
    var items: [TaskItem] = []
    for (number, document) in documents.prefix(limit ?? .max).enumerated() {
      items.append(try prompts.item(number, document))
    }
    return Subtask(name: name, items: items)
  }
}
