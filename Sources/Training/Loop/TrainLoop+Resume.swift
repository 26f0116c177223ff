internal import Checkpoints
internal import Foundation
internal import JSONText
internal import Kernels
internal import RunHistory

extension TrainLoop {
  private var identity: RunIdentity {
    var identity = RunIdentity()
    identity.baseDigest = run.baseDigest
    identity.configDigest = run.configDigest
    identity.dataDigest = run.dataDigest
    identity.parameterCount = run.model.parameterCount
    identity.settings = config.criticalSettings.map { .init(key: $0.0, value: $0.1) }
    if config.deterministic != .off {
      identity.settings.append(.init(key: "kernels", value: run.kernels))
    }
    if let teacher = run.teacherDigest {
      identity.settings.append(.init(key: "teacher (sha256)", value: teacher))
    }
    return identity
  }

  /// Locks the output folder, finds out where to start, and gives all ranks the same start.
  func open() throws {
    state.identity = identity
    state.maxSteps = totalSteps
    state.numTrainEpochs = config.numEpochs
    var checkpoint: LoadedCheckpoint?
    run.ranks.beginPhase("reading the checkpoint")
    try run.ranks.onRankZero {
      let output = try OutputFolder(path: config.outputDirectory)
      self.output = output
      checkpoint = try startingPoint(in: output)
      if let checkpoint { try checkpoint.restore(&step) }
    }
    try broadcast(checkpoint)
    try run.ranks.onRankZero { try prepareFiles() }
  }

  /// Sends rank 0's checkpoint, where there is one, to all ranks.
  private func broadcast(_ checkpoint: LoadedCheckpoint?) throws {
    let text = checkpoint.map { Array($0.state.json(files: []).text().utf8) } ?? []
    let received = try run.ranks.broadcast(text)
    guard !received.isEmpty else { return }
    guard let restored = try TrainerState(json: JSONValue(parsing: received)) else {
      throw TrainingError.badData("rank 0 sent a state that cannot be read")
    }
    let total = state.maxSteps
    state = restored
    state.identity = identity
    state.maxSteps = total
    state.numTrainEpochs = config.numEpochs
    earlierSeconds = restored.seconds
    step.optimizer.updates = restored.globalStep
    try run.ranks.broadcast(step.scales)
    try run.ranks.broadcast(step.optimizer.mean)
    try run.ranks.broadcast(step.optimizer.square)
    let bits = try run.ranks.broadcast(step.blockBits.map { UInt8(bitPattern: $0) })
    step.blockBits = bits.map { Int8(bitPattern: $0) }
    run.model.setParameters(UnsafeBufferPointer(step.scales.elements))
  }

  // MARK: On rank 0

  private func startingPoint(in output: OutputFolder) throws -> LoadedCheckpoint? {
    let store = CheckpointStore(folder: output.path)
    if !config.overwriteOutputDirectory || config.resume != .never {
      try store.adopt(notice: notice)
    }
    if case .path(let path) = config.resume {
      do {
        return try withBest(accept(LoadedCheckpoint(path: path)), in: output)
      } catch let error as CheckpointError {
        throw TrainingError.noCheckpoint(path: path, reasons: ["\(error)"])
      }
    }
    if config.overwriteOutputDirectory, config.resume == .never {
      try output.clear()
      return nil
    }
    let finished = try output.finished()
    if let finished, finished.early || finished.step >= totalSteps || config.resume == .never {
      guard config.overwriteOutputDirectory else {
        throw TrainingError.outputExists(
          path: output.path, reason: "a run that finished at step \(finished.step) is here")
      }
      try output.clear()
      return nil
    }
    if config.resume == .never {
      if store.steps.isEmpty { return nil }
      throw TrainingError.outputExists(
        path: output.path, reason: "an unfinished run is here (resume: auto continues it)")
    }
    let newest = try store.newest(notice: notice).map(accept)
    savedState = newest?.state.withoutTime
    // Other parts of the identity have no influence on the run, or it would not have been accepted.
    savedState?.identity = identity
    return try newest.map { try withBest($0, in: output) }
  }

  /// Checks that a checkpoint belongs to this run.
  private func accept(_ checkpoint: LoadedCheckpoint) throws -> LoadedCheckpoint {
    let differences = state.identity.differences(from: checkpoint.state.identity)
    guard differences.isEmpty else {
      throw TrainingError.resumeMismatch(checkpoint: checkpoint.path, differences: differences)
    }
    let old = checkpoint.state
    notice("continuing from \(checkpoint.path) at step \(old.globalStep) of \(totalSteps)")
    if old.maxSteps != totalSteps, config.schedule != .constant {
      notice(
        "warning: the checkpoint was made for \(old.maxSteps) steps, this run has \(totalSteps): the "
          + "learning rate takes another course than in an unbroken run")
    }
    return checkpoint
  }

  /// Members of `run.json` that the loop knows.
  private var provenance: [(String, JSONValue)] {
    var members: [(String, JSONValue)] = [
      ("base_sha256", .string(run.baseDigest)), ("config_sha256", .string(run.configDigest)),
      ("data_digest", .string(run.dataDigest)),
    ]
    if let teacher = run.teacherDigest { members.append(("teacher_sha256", .string(teacher))) }
    return members + [
      ("trained_numbers", .integer(run.model.parameterCount)), ("ranks", .integer(run.ranks.size)),
      (RunLife.Member.totalSteps, .integer(totalSteps)),
      (RunLife.Member.firstStep, .integer(state.globalStep)),
      (RunLife.Member.started, .string(Date().formatted(.iso8601))),
    ]
  }

  private func prepareFiles() throws {
    guard let output else { return }
    try output.removeTorn()
    // Both speak of an end that is none any more.
    for name in [RunFile.results, RunFile.reportData] { try Folder.remove(output.file(name)) }
    if let text = run.configText {
      try AtomicFile.write(text, to: output.file(RunFile.givenSettings))
    }
    try AtomicFile.write(config.yaml, to: output.file(RunFile.settings))
    for path in run.companions {
      try AtomicFile.write(
        try OpenFile.contents(of: path), to: output.file(Folder.name(of: path)))
    }
    try output.writeProvenance(run.provenance + provenance)
    metrics = try MetricsLog(
      folder: output.path, formats: config.reportTo, continuingFrom: state.globalStep,
      known: state.logHistory, tasks: run.tasks?.names ?? [])
  }
}
