internal import ExitCodes
internal import Training

/// Why tasks cannot be evaluated: definitions, data, or what the data holds.
package enum TaskError: ExitCoded, Equatable, CustomStringConvertible {
  case unknownTask(String)
  /// A task given twice, or a member that a group does not have.
  case badSelection(String, reason: String)
  /// `line` of the definition, from 1.
  case definition(path: String, line: Int, reason: String)
  /// No file of a split; `tried` are the patterns, under the folder.
  case missing(task: String, split: String, folder: String, tried: [String])
  /// `location` is `file:line`, or `file: element n`.
  case record(location: String, reason: String)
  case noItems(task: String, path: String)
  case fewShot(task: String, reason: String)
  case tooLong(item: String, tokens: Int, context: Int)

  /// By sysexits.
  package var exitCode: Int32 {
    switch self {
    case .unknownTask, .badSelection: 64
    case .record, .noItems, .tooLong: 65
    case .missing, .fewShot: 66
    case .definition: 78
    }
  }

  package var description: String {
    switch self {
    case .unknownTask(let name):
      "tasks: there is no task \"\(name)\"\(nearest(to: name, among: TaskDefinition.namesOfShipped)); "
        + "known are \(TaskDefinition.shippedNames), and files of your own as PATH.yaml"
    case .badSelection(let name, let reason): "tasks: \(name): \(reason)"
    case .definition(let path, let line, let reason): "\(path):\(line): \(reason)"
    case .missing(let task, let split, let folder, let tried):
      "task \(task): no file of its \(split) split in \(folder): looked for "
        + "\(tried.joined(separator: ", ")). Put it there, or name another folder as data-dir."
    case .record(let location, let reason): "\(location): \(reason)"
    case .noItems(let task, let path): "\(path): no items of task \(task)"
    case .fewShot(let task, let reason): "task \(task): \(reason)"
    case .tooLong(let item, let tokens, let context):
      "\(item): \(tokens) tokens are to be predicted; the model's context holds \(context)"
    }
  }
}
