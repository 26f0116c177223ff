extension CheckpointStore {
  /// The checkpoint to continue from: the one that `latest` names, else the newest that is whole.
  ///
  /// - Parameter notice: told about every checkpoint that was passed over, and why.
  /// - Returns: nil where there is no checkpoint at all.
  /// - Throws: `TrainingError.noCheckpoint` where there are some and all are damaged.
  func newest(notice: (String) -> Void) throws -> LoadedCheckpoint? {
    let all = Array(steps.reversed())
    let first = latest.map { [$0] } ?? []
    let candidates = first + all.filter { !first.contains($0) }
    var reasons: [String] = []
    for step in candidates {
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
}
