internal import Checkpoints
internal import DecoderModel
internal import JSONText
internal import RunHistory

/// The output folder of a run: its lock, what may already be in it, and the files written once.
///
/// Only rank 0 has one.
final class OutputFolder {
  let path: String
  let lock: OutputLock
  /// What `run.json` says of this attempt and of those before it; nil until it is written.
  private var provenance: [(String, JSONValue)]?

  /// Files of a run, for replacing one. Anything else in the folder is left alone.
  private static let ownNames = [
    RunFile.givenSettings, RunFile.settings, RunFile.provenance, Adapter.configName,
    Adapter.weightsName, RunFile.best, RunFile.latest, RunFile.metrics, RunFile.metricsTable,
    RunFile.results, RunFile.evaluation, RunFile.report, RunFile.reportData, RunFile.tensorboard,
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
    guard Folder.exists(file(RunFile.results)) else { return nil }
    let json = try? JSONValue(parsing: OpenFile.contents(of: file(RunFile.results)))
    return (
      json?["global_step"]?.int ?? 0, json?["stop_reason"]?.string == RunEnd.Reason.early.rawValue
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

  /// `run.json`: what this attempt ran on, with earlier ones under `previous`, those that did not
  /// come to their first checkpoint included.
  func writeProvenance(_ members: [(String, JSONValue)]) throws {
    var members = members
    let previous = RunLife.Member.previous
    let bytes = try? OpenFile.contents(of: file(RunFile.provenance))
    if let bytes, let old = try? JSONValue(parsing: bytes) {
      let own = (old.members ?? []).filter { $0.key != previous }
      members.append((previous, .array((old[previous]?.array ?? []) + [.object(own)])))
    }
    provenance = members
    try write(.object(members: members), to: RunFile.provenance)
  }

  /// Adds to `run.json` how this attempt ended; false where it had not come so far as to be in it.
  ///
  /// - Throws: `TrainingError.locked` where another attempt has the folder now.
  func note(_ end: RunEnd) throws -> Bool {
    guard let provenance else { return false }
    try lock.checkOwnership()
    try write(
      .object(members: provenance + [(RunLife.Member.ended, end.json)]), to: RunFile.provenance)
    return true
  }
}
