internal import Kernels

/// One block with dense matrices, forward over one sequence and back to the gradients of its
/// matrices: what training of codes against the block's outputs computes with.
package final class BlockFitting {
  /// Takes dL/dy [rows, O] of a layer's outputs y and its inputs [rows, I]: dL/dW = dy^T x. Valid
  /// during the call.
  package typealias Sink = (
    _ role: LinearRole, _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, _ rows: Int
  ) -> Void

  private let decoder: Decoder
  private let a: Activations
  private let g: BlockGradients
  private let tokens: Int
  private let stack: SequenceBatch
  private let scales: TrainableScales

  /// For sequences of `tokens`. The decoder must not be used for anything else meanwhile.
  package init(_ decoder: Decoder, tokens: Int) throws(DecoderError) {
    (self.decoder, self.tokens) = (decoder, tokens)
    a = Activations(decoder.config, capacity: tokens, keeping: .nothing)
    g = BlockGradients(decoder.config, capacity: tokens)
    stack = try SequenceBatch(
      [
        TokenSequence(
          tokens: [Int32](repeating: 0, count: tokens),
          targets: [Int32](repeating: -1, count: tokens))
      ], decoder.config)
    // Dense matrices have no scales: nothing but the sink takes gradients.
    scales = TrainableScales(
      weights: decoder.weights, granularity: .row, parametrization: .relative)
    decoder.rotary.gather(segments: [0..<tokens], a)
  }

  /// The block's output [T, D] for the stream x, valid until the next call.
  package func forward(_ layer: Int, _ x: UnsafePointer<Float>) -> UnsafePointer<Float> {
    let count = tokens * decoder.config.hiddenSize
    a.residual(layer).update(from: x, count: count)
    decoder.block(
      layer,
      ForwardPass(tokens: tokens, a: a, keepsInputs: true) { [unowned self] in
        decoder.attend($0, tokens, [0..<tokens], a)
      })
    // The last layer of the MLP read its input as an operand; here it is wanted in fp32.
    let rows = a.routing.map { $0.tokens.count } ?? tokens
    decoder.activate(MLPRows(expert: nil, first: 0, count: rows, sequenceRanges: []), a)
    return UnsafePointer(a.residual(layer + 1))
  }

  /// Back from dL/d(output) [T, D] of the last `forward`.
  package func backward(_ layer: Int, from gradient: UnsafePointer<Float>, to sink: Sink) {
    g[.residual].update(from: gradient, count: tokens * decoder.config.hiddenSize)
    withoutActuallyEscaping(sink) { sink in
      var pass = BlockPass(
        layer: layer, stack: stack, a: a, g: g, scales: scales,
        chunk: decoder.gradientChunk(scales, sequences: 1), sink: { _, _, _ in },
        reachesInput: false)
      pass.matrixSink = sink
      decoder.backward(pass)
    }
  }
}
