internal import Checkpoints
internal import DecoderModel
internal import Kernels
internal import RunHistory

extension TrainLoop {
  /// Whether the run ends here, and `best/` becomes its adapter.
  var endsWithBest: Bool {
    loadsBest && (state.globalStep == totalSteps || stoppedEarly)
  }

  /// Whether the adapter of the run is to be the one in `best/`, which is what the state calls so.
  var loadsBest: Bool {
    config.loadBestModelAtEnd && state.bestMetric != nil && !state.bestIsOther
  }

  /// A checkpoint whose state says of `best/` what is so: one from another folder brings that
  /// along, and where none is left to load at the end the next evaluation is the best so far.
  func withBest(
    _ checkpoint: LoadedCheckpoint, in output: OutputFolder
  ) throws -> LoadedCheckpoint {
    func path(_ folder: String, _ name: String) -> String { "\(folder)/\(RunFile.best)/\(name)" }
    let names = [Adapter.weightsName, Adapter.configName]
    func isWhole(_ folder: String) -> Bool { names.allSatisfy { Folder.exists(path(folder, $0)) } }
    guard checkpoint.state.bestMetric != nil else { return checkpoint }
    if isWhole(output.path) { return try compared(checkpoint, in: output) }
    let other = Folder.parent(of: checkpoint.path)
    guard isWhole(other) else {
      guard config.loadBestModelAtEnd else { return checkpoint }
      notice(
        "warning: \(output.file(RunFile.best)) is gone, which the checkpoint names as the best so "
          + "far: the next evaluation takes its place")
      var checkpoint = checkpoint
      (checkpoint.state.bestMetric, checkpoint.state.bestModelCheckpoint) = (nil, nil)
      return checkpoint
    }
    try Folder.make(output.file(RunFile.best))
    for name in names {
      try AtomicFile.write(OpenFile.contents(of: path(other, name)), to: path(output.path, name))
    }
    return try compared(checkpoint, in: output)
  }

  /// Notes whether `best/` is the adapter that the state means: evaluations after the checkpoint
  /// may have replaced it. Those that come again replace it again.
  private func compared(
    _ checkpoint: LoadedCheckpoint, in output: OutputFolder
  ) throws -> LoadedCheckpoint {
    guard let digest = checkpoint.state.bestDigest else { return checkpoint }
    let weights = output.file("\(RunFile.best)/\(Adapter.weightsName)")
    var checkpoint = checkpoint
    checkpoint.state.bestIsOther = try SHA256.hexDigest(ofFile: weights) != digest
    return checkpoint
  }

  /// Does `work` with the adapter in `best/`, and goes back to the scales of this step.
  func withBestAdapter<Value>(_ work: () throws -> Value) throws -> Value {
    run.model.setAdapter(try bestAdapter())
    defer { run.model.setParameters(UnsafeBufferPointer(step.scales.elements)) }
    return try work()
  }

  /// Rank 0 reads it; the others get its numbers.
  private func bestAdapter() throws -> [AdapterTensor] {
    var tensors = run.model.adapterTensors()
    var bytes: [UInt8] = []
    try run.ranks.onRankZero {
      guard let output else { return }
      let path = output.file("\(RunFile.best)/\(Adapter.weightsName)")
      let file = try SafetensorsFile(path: path, inMemory: true)
      for tensor in tensors {
        let found = try file.requiredTensor(named: tensor.name, shape: tensor.shape)
        guard found.type == tensor.type else {
          throw TrainingError.badData(
            "\(path): tensor \"\(tensor.name)\" is \(found.type), expected \(tensor.type)")
        }
        bytes += file.bytes(of: found)
      }
    }
    var rest = try run.ranks.broadcast(bytes)[...]
    for index in tensors.indices {
      let count = tensors[index].bytes.count
      tensors[index].bytes = Array(rest.prefix(count))
      rest = rest.dropFirst(count)
    }
    return tensors
  }
}
