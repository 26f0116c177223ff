internal import Checkpoints
internal import Datasets
internal import Foundation
internal import JSONText

/// Reads the records of a task's splits below a folder.
package struct TaskData: Sendable {
  package let folder: String

  package init(folder: String) { self.folder = folder }

  /// The split that is evaluated: test where its files are there, else validation.
  package func evaluatedSplit(
    of definition: TaskDefinition
  ) throws(TaskError) -> TaskDefinition.Split {
    let named = [TaskDefinition.Split.test, .validation].filter {
      definition.splits[$0] != nil
    }
    for split in named where files(of: split, definition) != nil { return split }
    throw missing(named, definition)
  }

  /// All records of a split, in order, without the definition's fields.
  package func documents(
    of split: TaskDefinition.Split, _ definition: TaskDefinition
  ) throws -> [TaskDocument] {
    guard let (files, paths) = files(of: split, definition) else {
      throw missing([split], definition)
    }
    var documents: [TaskDocument] = []
    for path in paths { documents += try read(path, files.format) }
    if let labels = files.labels { try label(&documents, by: "\(folder)/\(labels)") }
    guard !documents.isEmpty else {
      throw TaskError.noItems(task: definition.name, path: paths[0])
    }
    for document in documents { try document.check(definition.record) }
    return documents
  }

  private func files(
    of split: TaskDefinition.Split, _ definition: TaskDefinition
  ) -> (TaskFiles, [String])? {
    for files in definition.splits[split] ?? [] {
      if let paths = files.found(in: folder) { return (files, paths) }
    }
    return nil
  }

  private func missing(
    _ splits: [TaskDefinition.Split], _ definition: TaskDefinition
  ) -> TaskError {
    .missing(
      task: definition.name, split: splits.map(\.rawValue).joined(separator: " or "),
      folder: folder,
      tried: splits.flatMap { (definition.splits[$0] ?? []).map(\.text) })
  }

  private func read(_ path: String, _ format: TaskFiles.Format) throws -> [TaskDocument] {
    let file = try MappedFile(path: path)
    guard var reader = RecordReader(file, path: path, opensTasks: false) else { return [] }
    var documents: [TaskDocument] = []
    while let record = try reader.next() {
      let location = record.location.text(path: path)
      guard let members = record.value.members else {
        throw TaskError.record(
          location: location, reason: "expected an object, not \(record.value.kind)")
      }
      let document = TaskDocument(members: members, location: location)
      documents += format == .superNI ? try document.instances(of: Self.taskName(path)) : [document]
    }
    return documents
  }

  /// `task1_x` of `.../task1_x.json` and of `.../task1_x/test.json`.
  private static func taskName(_ path: String) -> String {
    let url = URL(fileURLWithPath: path).deletingPathExtension()
    let splits = ["test", "train"]
    return splits.contains(url.lastPathComponent)
      ? url.deletingLastPathComponent().lastPathComponent : url.lastPathComponent
  }

  /// Sets the member `label` of every record to its line of the file.
  private func label(_ documents: inout [TaskDocument], by path: String) throws {
    let text = String(decoding: try OpenFile.contents(of: path), as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline)
    guard lines.count == documents.count else {
      throw TaskError.record(
        location: path, reason: "\(lines.count) labels for \(documents.count) records")
    }
    for (index, line) in lines.enumerated() {
      guard let label = Int(line.trimmingCharacters(in: .whitespaces)) else {
        throw TaskError.record(
          location: "\(path):\(index + 1)", reason: "expected a whole number, not \"\(line)\"")
      }
      documents[index].set("label", .integer(label))
    }
  }
}

extension TaskDocument {
  /// The instances of a task of Super-NaturalInstructions, each with the task's definition and
  /// positive examples.
  fileprivate func instances(of task: String) throws(TaskError) -> [TaskDocument] {
    guard let definition = self["Definition"]?[0]?.string ?? self["Definition"]?.string else {
      throw error("\"Definition\" is missing, or holds no text")
    }
    guard let instances = self["Instances"]?.array else {
      throw error("\"Instances\" is missing, or no array")
    }
    let examples = try (self["Positive Examples"]?.array ?? []).map { example throws(TaskError) in
      guard let input = example["input"]?.string, let output = example["output"]?.string else {
        throw error("a positive example needs the strings \"input\" and \"output\"")
      }
      return JSONValue.object([
        .init(key: "input", value: .string(input)), .init(key: "output", value: .string(output)),
      ])
    }
    var documents: [TaskDocument] = []
    for (index, instance) in instances.enumerated() {
      var document = TaskDocument(
        members: instance.members ?? [], location: "\(location): instance \(index)")
      guard document["input"]?.string != nil else {
        throw document.error("an instance needs a string \"input\"")
      }
      document.set("task", .string(task))
      document.set("definition", .string(definition))
      document.set("positive_examples", .array(examples))
      documents.append(document)
    }
    return documents
  }
}
