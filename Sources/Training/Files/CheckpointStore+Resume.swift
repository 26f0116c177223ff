internal import Checkpoints
internal import RunHistory

extension CheckpointStore {
  /// The checkpoint to continue from: the newest that is whole, whatever `latest` names. A save
  /// that was killed before it could write `latest` has lost nothing.
  ///
  /// - Parameter notice: told about every checkpoint that was passed over, and why.
  /// - Returns: nil where there is no checkpoint at all.
  /// - Throws: `TrainingError.noCheckpoint` where there are some and all are damaged.
  func newest(notice: (String) -> Void) throws -> LoadedCheckpoint? {
    var reasons: [String] = []
    for step in steps.reversed() {
      let path = "\(folder)/\(Self.name(step: step))"
      do {
        let checkpoint = try LoadedCheckpoint(path: path)
        if !reasons.isEmpty { notice("falling back to \(Self.name(step: step))") }
        return checkpoint
      } catch {
        reasons.append("\(error)")
        notice("\(Self.name(step: step)) cannot be used: \(error)")
      }
    }
    guard reasons.isEmpty else { throw TrainingError.noCheckpoint(path: folder, reasons: reasons) }
    return nil
  }

  /// Gives their names to whole checkpoints that lack them, because a save was killed between
  /// writing and renaming. Those that are not whole stay where they are.
  func adopt(notice: (String) -> Void) throws {
    for hidden in Folder.names(in: folder) {
      guard let step = Self.step(ofHidden: hidden) else { continue }
      let (path, name) = ("\(folder)/\(hidden)", Self.name(step: step))
      if (try? LoadedCheckpoint(path: "\(folder)/\(name)")) != nil { continue }
      guard let found = try? LoadedCheckpoint(path: path), found.state.globalStep == step else {
        continue
      }
      try StagedDirectory.move(path, to: "\(folder)/\(name)")
      notice("\(name) was whole and had not got its name, which it has now (\(hidden))")
    }
  }

  /// `.checkpoint-N.tmp`, and `.checkpoint-N.tmp.old` where an old one stepped aside.
  private static func step(ofHidden name: String) -> Int? {
    guard name.hasPrefix("."), let end = name.dropFirst().firstIndex(of: ".") else { return nil }
    return RunFile.step(ofCheckpoint: String(name[..<end].dropFirst()))
  }
}
