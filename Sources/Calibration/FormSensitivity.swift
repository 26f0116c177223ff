package import Collectives
package import DecoderModel
internal import Interchange
package import Kernels
package import Quantization

/// Measures what each form of each unit of layers costs: by how much predictions change where
/// these layers alone are quantized.
///
/// Block by block through the original model, on all ranks, for unit u and form c:
///
///     cost(u, c) = D(u) e(u, c) / r(u)
///
/// - D(u): KL divergence of the predictions, in nats a token, where the layers of u alone are
///   rounded roughly (`roughGrid`); measured behind the last block (`PerturbedStreams`).
/// - e(u, c): squared error of the outputs by form c and the method that will be used, over
///   `sampleRows` rows of each matrix.
/// - r(u): that of the rough rounding, over the same rows. The norm of their outputs would not do
///   for both: where a few rows have most of it, samples miss them.
///
/// Divergences grow with the square of small errors, and those of several layers add up; so the sum
/// of costs is about the divergence of the whole. Source of both: the linearity theorem of HIGGS,
/// arXiv 2411.17525, which has relative errors of weights in place of those of outputs.
///
/// All sums have a fixed order, and every number depends on text and model alone.
package final class FormSensitivity {
  /// Evenly spread over a matrix.
  private static let sampleRows = 64
  static let roughGrid = BaseManifest.Grid(bits: 3, groupSize: 64)

  private let config: DecoderConfig
  private let weights: BlockwiseWeights
  private let decoder: Decoder
  private let stages: BlockStages
  private let streams: CalibrationStreams
  private let perturbed: PerturbedStreams
  private let candidates: FormCandidates
  private let settings: QuantizationSettings
  private let options: CalibrationOptions
  private let communicator: Communicator
  private let isCancelled: () -> Bool
  private let progress: (CalibratedCodes.Progress) -> Void
  /// Of the block at hand, by kind.
  private var errors: [LinearKind: UnitErrors] = [:]
  private var roughMatrices: [LinearRole: CodedMatrix] = [:]
  private var said = 0

  private var pool: WorkerPool { decoder.compute.pool }

  /// - Parameter settings: what all forms share.
  package init(
    _ model: ModelSource, _ candidates: FormCandidates, _ settings: QuantizationSettings,
    _ options: CalibrationOptions, _ set: CalibrationSet, compute: Compute,
    communicator: Communicator, isCancelled: @escaping () -> Bool = { false },
    progress: @escaping (CalibratedCodes.Progress) -> Void = { _ in }
  ) throws {
    config = model.config
    (self.candidates, self.settings, self.options) = (candidates, settings, options)
    (self.communicator, self.isCancelled, self.progress) = (communicator, isCancelled, progress)
    weights = try BlockwiseWeights(model)
    decoder = Decoder(config: config, weights: weights.decoderWeights, compute: compute)
    stages = BlockStages(decoder, tokens: set.length)
    streams = try CalibrationStreams(
      set.sequences, stages, config, keepsReference: false, communicator)
    perturbed = try PerturbedStreams(set.sequences, decoder, communicator)
  }

  /// Costs of all forms of each unit of the candidates, in nats a token; collective.
  package func measure() throws -> [[Double]] {
    var all: [UnitErrors] = []
    for layer in 0..<config.layerCount {
      errors = [:]
      try weights.load(layer: layer, on: pool)
      for part in BlockStages.Part.allCases {
        try streams.forEachSet(
          of: part, layer, decoder, stages, options, check: checkCancelled
        ) { roles, moments in
          for role in roles { try measure(role, layer, moments) }
        }
        streams.advance(past: part, layer, stages)
        say(layer)
      }
      let units = candidates.units.filter { $0.layer == layer }
      try perturb(units, layer)
      all += units.compactMap { errors[$0.kind] }
    }
    return zip(all, try perturbed.divergences()).map { $0.costs(divergence: $1) }
  }

  private func measure(_ role: LinearRole, _ layer: Int, _ moments: InputMoments) throws {
    try checkCancelled()
    communicator.beginPhase("forms of block \(layer)")
    guard let unit = candidates.units.first(where: { $0.layer == layer && $0.kind == role.kind })
    else { preconditionFailure("every kind of layer is a candidate") }
    let sample = RowSample(
      UnsafeBufferPointer(weights.values(role)), columns: moments.columns, Self.sampleRows)
    let rough = try CalibratedQuantizer(
      settings.with(Self.roughGrid), rounds: 0, feedsErrorsBack: false)
    let forms = try unit.grids.map {
      try CalibratedQuantizer(
        settings.with($0), rounds: options.rounds, feedsErrorsBack: options.feedsErrorsBack)
    }
    let own = try sampleErrors(forms + [rough], sample, moments)
    errors[role.kind, default: UnitErrors(forms: forms.count)].add(own)
    let sharing = MatrixSharing(quantizer: rough, communicator: communicator, pool: pool)
    let rows = try sharing.quantize(
      UnsafeBufferPointer(weights.values(role)), rows: config.shape(of: role.kind).rows,
      for: moments)
    roughMatrices[role] = CodedMatrix(rows.rows)
  }

  /// Squared errors of the outputs of some rows by each of these quantizers, which the ranks share.
  private func sampleErrors(
    _ quantizers: [CalibratedQuantizer], _ sample: RowSample, _ moments: InputMoments
  ) throws -> [Double] {
    let own = stride(from: communicator.rank, to: quantizers.count, by: communicator.size)
    let parts = try own.map { index in
      let rows = QuantizedRows(
        try quantizers[index].quantize(
          UnsafeBufferPointer(sample.memory.elements), rows: sample.rows, for: moments,
          pool: pool))
      return [rows.outputError * moments.unit]
    }
    return try OrderedSums.gather(parts, width: 1, of: quantizers.count, communicator)
      .map { max($0[0], 0) }
  }

  /// One unit after the other is what its rough rounding makes of it.
  private func perturb(_ units: [FormCandidates.Unit], _ layer: Int) throws {
    communicator.beginPhase("effects of block \(layer)")
    perturbed.advance(layer)
    for unit in units {
      try checkCancelled()
      for role in unit.roles {
        guard let matrix = roughMatrices[role]?.matrix else { continue }
        weights.put(matrix, role, layer)
      }
      perturbed.leave(layer)
      for role in unit.roles { weights.put(weights.dense(role), role, layer) }
    }
    perturbed.advanceOriginals(layer)
    say(layer)
  }

  private func say(_ layer: Int) {
    said += 1
    progress(
      .init(
        done: said, total: config.layerCount * (BlockStages.Part.allCases.count + 1),
        text: "block \(layer + 1)"))
  }

  private func checkCancelled() throws {
    try communicator.throwWhereCancelled(isCancelled())
  }
}

/// Squared errors of the outputs of the same rows of a unit's matrices, by each form and roughly.
struct UnitErrors {
  private var forms: [Double]
  private var rough = 0.0

  init(forms count: Int) { forms = Array(repeating: 0, count: count) }

  /// Those of one matrix: by each form, then roughly.
  mutating func add(_ errors: [Double]) {
    for index in forms.indices { forms[index] += errors[index] }
    rough += errors[forms.count]
  }

  /// What each form costs where the rough one costs `divergence`. Layers that read nothing, or
  /// whose rough form is exact, cost nothing in any.
  func costs(divergence: Double) -> [Double] {
    forms.map { rough > 0 ? divergence * $0 / rough : 0 }
  }
}

/// Evenly spread rows of a matrix, one behind another.
struct RowSample {
  let rows: Int
  let memory: FloatBuffer

  init(_ weights: UnsafeBufferPointer<Float>, columns: Int, _ most: Int) {
    let all = weights.count / columns
    rows = min(all, most)
    memory = FloatBuffer(count: rows * columns)
    for row in 0..<rows {
      let first = row * all / rows * columns
      _ = UnsafeMutableBufferPointer(rebasing: memory.elements[row * columns..<(row + 1) * columns])
        .update(fromContentsOf: weights[first..<first + columns])
    }
  }
}
