internal import DecoderModel
internal import Evaluation
internal import Foundation

/// The tasks over one base, all in memory, so that switching is a swap of pointers.
final class AdapterSet {
  /// One adapter; without a task it is the base itself.
  struct Task {
    /// As given on the command line; nil for the base.
    let path: String?
    /// What `/adapter` takes: the last component of the path, or `base`.
    let name: String
    let scales: AdapterScales?
    let loadMilliseconds: Double
  }

  private let model: LoadedModel
  private let use: (AdapterScales?) -> Void
  private(set) var tasks: [Task]

  /// Opens all adapters at once, so that a bad one is found before the first answer. `use` makes
  /// the decoder compute a task.
  init(
    _ paths: [String], model: LoadedModel, use: @escaping (AdapterScales?) -> Void
  ) throws {
    self.model = model
    self.use = use
    tasks = [Task(path: nil, name: "base", scales: nil, loadMilliseconds: 0)]
    for path in paths { _ = try add(path) }
  }

  func add(_ path: String) throws -> Task {
    var scales: AdapterScales?
    let time = try Self.milliseconds {
      scales = try Adapter.load(path, base: model.requiredBase(), weights: model.weights)
    }
    let name = URL(fileURLWithPath: path).lastPathComponent
    let task = Task(path: path, name: name, scales: scales, loadMilliseconds: time)
    tasks.append(task)
    return task
  }

  /// The task of that name or path; an unknown path is opened.
  func task(named name: String) throws -> Task {
    try tasks.first { $0.name == name || $0.path == name } ?? add(name)
  }

  /// Makes the decoder compute the task from the next token on; gives milliseconds.
  func switchTo(_ task: Task) -> Double {
    Self.milliseconds { use(task.scales) }
  }

  private static func milliseconds(_ work: () throws -> Void) rethrows -> Double {
    let elapsed = try ContinuousClock().measure(work).components
    return Double(elapsed.seconds) * 1e3 + Double(elapsed.attoseconds) * 1e-15
  }
}
