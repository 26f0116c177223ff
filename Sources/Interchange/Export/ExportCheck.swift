internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import Kernels
internal import Quantization

/// Reads an export as another program would and compares it with what was trained.
struct ExportCheck {
  struct Outcome {
    var largestDifference = 0.0
    var worstTensor = ""
    var lossDifference: Double?
  }

  /// Models with more weights are not computed with: in full precision they take 4 bytes each.
  private static let computableWeights = 1_000_000_000
  private static let promptTokens = 16

  private let job: ExportJob
  private let plan: ExportPlan

  init(_ job: ExportJob, _ plan: ExportPlan) { (self.job, self.plan) = (job, plan) }

  func run(_ folder: String) throws -> Outcome {
    let isGGUF = job.options.format == .gguf
    let source = try ModelSource.open(isGGUF ? folder + "/" + ExportFolder.ggufName : folder)
    let total = job.tuned.config.parameterCount
    var (outcome, done) = (Outcome(), 0)
    for tensor in source.tensors {
      let difference = try difference(tensor, source)
      if difference > outcome.largestDifference {
        (outcome.largestDifference, outcome.worstTensor) = (difference, tensor.name)
      }
      done += tensor.elementCount
      try job.step(.checking, done, total)
    }
    if total <= Self.computableWeights { outcome.lossDifference = try lossDifference(source) }
    return outcome
  }

  /// Largest difference of the numbers of a tensor.
  private func difference(_ tensor: ModelTensor, _ source: ModelSource) throws -> Double {
    let tuned = job.tuned
    var largest = 0.0
    func compare(_ one: [Float], _ other: [Float]) {
      for (x, y) in zip(one, other) where x != y {
        largest = max(largest, x.isFinite && y.isFinite ? Double(abs(x - y)) : .infinity)
      }
    }
    guard tensor.coded != nil, let rows = tuned.rows(tensor.expected) else {
      compare(try source.floats(tensor.name), try tuned.weights(tensor.expected))
      return largest
    }
    // Both in the order of the matrix, each rounded once.
    let read = try source.codedRows(tensor, rows: 0..<tensor.rows)?.dequantized() ?? []
    guard read.count == rows.layout.rows * rows.layout.columns else { return .infinity }
    compare(read, rows.dequantized())
    return largest
  }

  /// The losses of a few tokens, by the base with its scales and by what was read back.
  private func lossDifference(_ source: ModelSource) throws -> Double {
    let config = job.tuned.config
    let tokens = (0..<Self.promptTokens).map { Int32($0 * 7919 % config.vocabularySize) }
    let targets = Array(tokens.dropFirst()) + [-1]
    func losses(_ weights: DecoderWeights, _ scales: AdapterScales?) throws -> [Double] {
      let decoder = Decoder(
        config: config, weights: weights, compute: Compute(pool: job.pool, precision: .fp32))
      decoder.use(scales)
      return try decoder.tokenLosses(tokens, targets: targets)
    }
    let trained = try losses(DecoderWeights(job.tuned.base), job.tuned.adapter)
    let written = try losses(DecoderWeights(source), nil)
    return zip(trained, written).map { abs($0 - $1) }.max() ?? 0
  }
}
