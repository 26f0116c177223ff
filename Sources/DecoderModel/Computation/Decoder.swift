internal import ExitCodes
package import Kernels

/// A decoder over frozen weights; its only changing part is the task's scales.
///
/// Works on one sequence or a few stacked ones at a time, knows no rank and no optimizer. Not for
/// concurrent use: it owns its activations.
package final class Decoder {
  package let config: DecoderConfig
  package let weights: DecoderWeights
  package let compute: Compute
  let rotary: Rotation
  /// A backward pass computes each block's products again instead of keeping their outputs: the
  /// same bits in less memory, for about a quarter more time.
  package var recomputesProducts = true
  /// For a base larger than memory; told which block comes next.
  package var prefetcher: BlockPrefetcher?
  /// Held for as long as the matrices point into it.
  private var task: AdapterScales?
  var training: (activations: Activations, gradients: BlockGradients)?
  var inference: Activations?
  var headWork: HeadWorkspace?
  /// Scale gradients of one matrix.
  var scaleGradients: FloatBuffer?

  package init(config: DecoderConfig, weights: DecoderWeights, compute: Compute) {
    self.config = config
    self.weights = weights
    self.compute = compute
    rotary = Rotation(config)
  }

  /// Points every quantized matrix at the scales, and zero points, of a task, or back at the base's
  /// with nil.
  package func use(_ task: AdapterScales?) {
    resetScales()
    self.task = task
    guard let task else { return }
    for entry in task.entries {
      guard let position = config.block.position(of: entry.role) else { continue }
      var linear = weights.layers[entry.layer].linears[position]
      switch task.form {
      case .scales:
        let (scales, minima) = task.pointers(entry)
        linear.matrix.setScales(scales, minima: minima.map { UnsafeRawPointer($0) })
        if let zeros = task.zeroPointer(entry) { linear.matrix.setZeros(.realZeros(zeros)) }
      case .gains:
        guard let base = linear.base else { continue }
        linear.matrix.setScales(
          base.scales, minima: base.minima,
          gains: UnsafePointer(task.gains.pointer + entry.range.lowerBound))
      }
      weights.layers[entry.layer].linears[position] = linear
    }
  }

  private func resetScales() {
    for layer in weights.layers.indices {
      for index in weights.layers[layer].linears.indices {
        guard let base = weights.layers[layer].linears[index].base else { continue }
        weights.layers[layer].linears[index].matrix.setScales(base.scales, minima: base.minima)
        weights.layers[layer].linears[index].matrix.setZeros(base.offset)
      }
    }
  }
}

/// Why a sequence cannot be computed.
package enum DecoderError: ExitCoded, CustomStringConvertible {
  case emptySequence
  case tokenOutOfRange(Int, vocabulary: Int)
  case tooLong(Int, positions: Int)
  case cacheFull(capacity: Int)
  case badTargets(String)

  package var exitCode: Int32 { 65 }

  package var description: String {
    switch self {
    case .emptySequence: "a sequence has no tokens; give at least one"
    case .tokenOutOfRange(let id, let vocabulary):
      "token id \(id) is outside the model's vocabulary of \(vocabulary); "
        + "use the tokenizer that belongs to the model"
    case .tooLong(let length, let positions):
      "a sequence of \(length) tokens is longer than the \(positions) positions for which the model "
        + "has embeddings; use shorter sequences"
    case .cacheFull(let capacity):
      "the context of \(capacity) tokens is full; ask for fewer new tokens or a shorter prompt"
    case .badTargets(let what): "targets do not fit the sequence: \(what)"
    }
  }
}
