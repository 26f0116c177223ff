package import Collectives
package import DecoderModel
package import Interchange
package import JSONText
package import Kernels
package import Quantization

/// Makes codes that know what their layers read: block after block, each for inputs that have come
/// through the quantized blocks before it, and within a block layer after layer.
///
/// All ranks work on every block, each on its sequences and then on its rows. Moments are exact
/// sums and rows are independent, so the codes do not depend on the number of ranks or threads.
/// Memory: one block in fp32, the streams of this rank's sequences, the moments of one layer's
/// inputs.
package final class CalibratedCodes: CodeSource {
  package struct Progress: Sendable {
    /// Parts of blocks.
    package var done: Int
    package var total: Int
    package var text: String
  }

  private let config: DecoderConfig
  private let weights: BlockwiseWeights
  private let decoder: Decoder
  private let stages: BlockStages
  private let streams: CalibrationStreams
  /// Where blocks are trained.
  private let fitting: BlockFitting?
  private let comparison: HeldOutComparison
  private let options: CalibrationOptions
  private let quantization: QuantizeOptions
  private let communicator: Communicator
  /// Where bits and groups come from, for the record.
  private let choice: FormChoice?
  private let isCancelled: () -> Bool
  private let progress: (Progress) -> Void
  /// Of the block that was quantized last, by role.
  private var matrices: [LinearRole: (rows: QuantizedRows, memory: CodedMatrix)] = [:]
  private var nextLayer = 0
  private var layers: [JSONValue] = []
  /// Errors of the stream behind a block before and after its training.
  private var trainingErrors: [Int: (before: Double, after: Double)] = [:]
  private var said = 0

  private var pool: WorkerPool { decoder.compute.pool }

  package init(
    _ model: ModelSource, _ quantization: QuantizeOptions, _ options: CalibrationOptions,
    _ set: CalibrationSet, choice: FormChoice? = nil, compute: Compute, communicator: Communicator,
    isCancelled: @escaping () -> Bool = { false },
    progress: @escaping (Progress) -> Void = { _ in }
  ) throws {
    config = model.config
    (self.quantization, self.options, self.communicator) = (quantization, options, communicator)
    (self.choice, self.isCancelled, self.progress) = (choice, isCancelled, progress)
    weights = try BlockwiseWeights(model)
    decoder = Decoder(config: config, weights: weights.decoderWeights, compute: compute)
    stages = BlockStages(decoder, tokens: set.length)
    streams = try CalibrationStreams(
      set.sequences, stages, config, keepsReference: options.trainsBlocks, communicator)
    fitting = options.trainsBlocks ? try BlockFitting(decoder, tokens: set.length) : nil
    comparison = try HeldOutComparison(set.heldOut, decoder, stages, communicator)
  }

  package func codes(
    _ matrix: QuantizePlan.PlannedMatrix, rows: Range<Int>
  ) throws -> QuantizedRows {
    guard case .linear(let role, let layer) = matrix.tensor.expected.role else {
      preconditionFailure("calibration makes codes of linear layers")
    }
    while nextLayer <= layer { try quantizeBlock() }
    guard layer == nextLayer - 1, let all = matrices[role]?.rows else {
      preconditionFailure("matrices are asked for in the order of their blocks")
    }
    var part = QuantizedRows(all.rows.part(rows))
    guard rows.lowerBound == 0 else { return part }
    // What the whole matrix costs is said once.
    (part.squaredError, part.squaredNorm) = (all.squaredError, all.squaredNorm)
    (part.outputError, part.outputNorm) = (all.outputError, all.outputNorm)
    return part
  }

  /// What ranks do that do not write the base: all blocks, as the one that writes it asks for them.
  package func follow() throws -> [JSONValue.Member] {
    while nextLayer < config.layerCount { try quantizeBlock() }
    return try finish()
  }

  /// Error by layer, and perplexities on text that was kept aside.
  package func finish() throws -> [JSONValue.Member] {
    [
      .init(key: "calibration", value: options.json),
      .init(key: "layers", value: .array(layers)),
    ] + (choice.map { [.init(key: "choice", value: $0.json)] } ?? [])
      + (try comparison.members())
  }

  private func quantizeBlock() throws {
    let layer = nextLayer
    matrices = [:]
    try weights.load(layer: layer, on: pool)
    comparison.runReference(layer)
    streams.runReference(layer, stages)
    for part in BlockStages.Part.allCases {
      try quantize(part, layer)
      // Where the block is trained as a whole, its input is still needed.
      if fitting == nil || part != .hidden { streams.advance(past: part, layer, stages) }
      say(layer)
    }
    if let fitting {
      try train(layer, fitting)
      streams.run(layer, stages)
    }
    let error = try comparison.error(layer, advances: true)
    if fitting != nil { say(layer, trainingErrors[layer]) }
    layers.append(report(layer, streamError: error))
    nextLayer += 1
  }

  private func say(_ layer: Int, _ errors: (before: Double, after: Double)? = nil) {
    said += 1
    func percent(_ share: Double) -> String {
      "\((share * 10_000).rounded() / 100) %"
    }
    let facts = errors.map {
      ", error of its outputs \(percent($0.before)) -> \(percent($0.after))"
    }
    let parts = BlockStages.Part.allCases.count + (fitting == nil ? 0 : 1)
    progress(
      Progress(
        done: said, total: config.layerCount * parts,
        text: "block \(layer + 1)\(facts ?? "")"))
  }

  /// Trains the block, and keeps the result where it is better on text that was kept aside.
  private func train(_ layer: Int, _ fitting: BlockFitting) throws {
    let before = try comparison.error(layer, advances: false)
    let norm = try streams.targetNorm()
    guard norm > 0 else { return }
    let start = matrices
    let training = BlockTraining(
      layer, start.mapValues(\.rows.rows), weights, fitting, options, communicator,
      decoder.compute)
    let trained = try training.run(streams, norm: norm, check: checkCancelled)
    for (role, rows) in trained {
      guard var result = matrices[role]?.rows else { continue }
      result.rows = rows
      put(result, role, layer)
    }
    let after = try comparison.error(layer, advances: false)
    trainingErrors[layer] = (before, after)
    guard !(after < before) else { return }
    for (role, entry) in start { put(entry.rows, role, layer) }
  }

  private func put(_ rows: QuantizedRows, _ role: LinearRole, _ layer: Int) {
    let memory = CodedMatrix(rows.rows)
    matrices[role] = (rows, memory)
    weights.put(memory.matrix, role, layer)
  }

  private func quantize(_ part: BlockStages.Part, _ layer: Int) throws {
    try streams.forEachSet(
      of: part, layer, decoder, stages, options, check: checkCancelled
    ) { roles, moments in
      for role in roles { try quantize(role, layer, moments) }
    }
  }

  private func quantize(_ role: LinearRole, _ layer: Int, _ moments: InputMoments) throws {
    try checkCancelled()
    let sharing = MatrixSharing(
      quantizer: try CalibratedQuantizer(
        quantization.settings(of: role.name(layer: layer)), rounds: options.rounds,
        feedsErrorsBack: options.feedsErrorsBack),
      communicator: communicator, pool: pool)
    communicator.beginPhase("codes of block \(layer)")
    let rows = try sharing.quantize(
      UnsafeBufferPointer(weights.values(role)), rows: config.shape(of: role.kind).rows,
      for: moments)
    put(rows, role, layer)
  }

  private func checkCancelled() throws {
    try communicator.throwWhereCancelled(isCancelled())
  }

  /// Root of the relative squared error: of each layer's output, and of the stream behind the
  /// block.
  private func report(_ layer: Int, streamError: Double) -> JSONValue {
    let errors = config.block.linears.compactMap { role -> JSONValue.Member? in
      guard let rows = matrices[role]?.rows, rows.outputNorm > 0 else { return nil }
      let error = (max(rows.outputError, 0) / rows.outputNorm).squareRoot()
      let name = role.expert.map { "experts.\($0)." } ?? ""
      return .init(key: name + role.kind.rawValue, value: .real(error))
    }
    let before = trainingErrors[layer].map {
      [JSONValue.Member(key: "stream_before_training", value: .real($0.before))]
    }
    return .object(
      errors + (before ?? []) + [.init(key: "stream", value: .real(streamError))])
  }
}
