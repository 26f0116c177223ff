internal import Checkpoints
internal import DecoderModel
internal import JSONText

/// The output folder of a run: its lock, what may already be in it, and the files written once.
///
/// Only rank 0 has one.
final class OutputFolder {
  let path: String
  let lock: OutputLock

  /// Files of a run, for replacing one. Anything else in the folder is left alone.
  private static let ownNames = [
    "config.yaml", "config.resolved.yaml", "run.json", Adapter.configName,
    Adapter.weightsName, "best", "latest", "metrics.jsonl", "metrics.csv",
    "train_results.json", "eval_results.json",
  ]

  /// Makes and locks the folder.
  init(path: String) throws {
    self.path = path
    try Folder.make(path)
    lock = try OutputLock(folder: path)
  }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// The step at which an earlier run finished here, and whether it stopped early by itself.
  func finished() throws -> (step: Int, early: Bool)? {
    guard Folder.exists(file("train_results.json")) else { return nil }
    let json = try? JSONValue(parsing: OpenFile.contents(of: file("train_results.json")))
    return (
      json?["global_step"]?.int ?? 0, json?["stop_reason"]?.string == StopReason.early.rawValue
    )
  }

  /// Removes what an earlier run left.
  func clear() throws(CheckpointError) {
    for name in Folder.names(in: path)
    where Self.ownNames.contains(name) || name.hasPrefix("checkpoint-")
      || name.hasPrefix(".checkpoint-")
    {
      try Folder.remove(file(name))
    }
  }

  /// Removes what an attempt that was killed left half-written. Whole checkpoints without their
  /// name have been adopted before (`CheckpointStore.adopt`).
  func removeTorn() throws(CheckpointError) {
    for name in Folder.names(in: path)
    where name.hasPrefix(".checkpoint-")
      || name.hasSuffix(".tmp") && Self.ownNames.contains(where: { name.hasPrefix($0 + ".") })
    {
      try Folder.remove(file(name))
    }
  }

  func write(_ json: JSONValue, to name: String) throws {
    try AtomicFile.write(json.text(indent: 2) + "\n", to: file(name))
  }

  /// `run.json`: what this attempt ran on, with earlier ones under `previous`.
  func writeProvenance(_ members: [(String, JSONValue)], continuing: Bool) throws {
    var members = members
    if continuing, let old = try? JSONValue(parsing: OpenFile.contents(of: file("run.json"))) {
      let own = (old.members ?? []).filter { $0.key != "previous" }
      members.append(("previous", .array((old["previous"]?.array ?? []) + [.object(own)])))
    }
    try write(.object(members: members), to: "run.json")
  }
}

/// Why training ended by itself.
package enum StopReason: String, Sendable {
  case complete
  case early = "early_stopping"
}
