internal import Checkpoints
internal import DecoderModel
internal import Kernels
internal import RunHistory

extension TrainLoop {
  /// Whether the run ends here, and `best/` becomes its adapter.
  var endsWithBest: Bool {
    config.loadBestModelAtEnd && state.bestMetric != nil
      && (state.globalStep == totalSteps || stoppedEarly)
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
