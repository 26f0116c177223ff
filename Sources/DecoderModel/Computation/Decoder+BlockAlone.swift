package import Kernels

/// One block by itself, without embedding and output matrix, as benchmarks of other programs take
/// it: forward over one sequence of random numbers, backward from a gradient of ones to the
/// gradients of its scales and of its input.
package final class BlockAlone {
  /// What the backward pass computes again, as a training step would.
  package enum Recomputing: String, CaseIterable, Sendable {
    /// Nothing: the activations of one block are all still there.
    case none
    /// Norms, rotation and SwiGLU: a step that keeps the products of all blocks.
    case elementwise
    /// All but the products that end a branch: a step that keeps the residual streams.
    case products
  }

  package let decoder: Decoder
  package let scales: TrainableScales
  private let recomputing: Recomputing
  private let pass: BlockPass
  /// The input [tokens, D] that `reset` puts in place; tests change it.
  package let input: FloatBuffer
  /// d(sum of outputs)/d(masters) of the last run.
  package let gradient: FloatBuffer

  /// `decoder` has one block; it must not be used for anything else meanwhile.
  package init(
    _ decoder: Decoder, granularity: ScaleGranularity, tokens: Int, recomputing: Recomputing
  ) throws {
    precondition(decoder.config.layerCount == 1, "a block alone is a model of one block")
    self.decoder = decoder
    self.recomputing = recomputing
    scales = TrainableScales(
      weights: decoder.weights, granularity: granularity, parametrization: .relative)
    decoder.use(scales.task)
    decoder.recomputesProducts = recomputing == .products
    let stack = try SequenceBatch(
      [
        TokenSequence(
          tokens: [Int32](repeating: 0, count: tokens),
          targets: [Int32](repeating: -1, count: tokens)
        )
      ], decoder.config)
    let (a, g) = decoder.trainingBuffers(capacity: tokens)
    decoder.rotary.gather(segments: stack.segments, a)
    let gradient = FloatBuffer(count: scales.count)
    self.gradient = gradient
    pass = BlockPass(
      layer: 0, stack: stack, a: a, g: g, scales: scales,
      chunk: decoder.gradientChunk(scales, sequences: 1),
      sink: { _, first, values in
        _ = UnsafeMutableBufferPointer(rebasing: gradient.elements[first...])
          .update(fromContentsOf: values)
      }, reachesInput: true)
    input = FloatBuffer(count: tokens * decoder.config.hiddenSize)
    var random = SplitMix64(seed: 1)
    for index in input.elements.indices {
      // Variance 1: a sum of twelve uniform numbers is close enough to a normal one.
      input.pointer[index] = Float((0..<12).reduce(-6.0) { sum, _ in sum + random.unitInterval() })
    }
    reset()
  }

  /// The gradient of the input, [tokens, D], after `backward`.
  package var inputGradient: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: pass.g[.residual], count: input.count)
  }

  /// The output [tokens, D] after `forward`.
  package var output: UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: pass.a.residual(1), count: input.count)
  }

  /// What has to be done between runs and is not part of them.
  package func reset() {
    pass.a.residual(0).update(from: input.pointer, count: input.count)
    inputGradient.update(repeating: 1)
  }

  package func forward() {
    decoder.block(0, tokens: pass.tokens, segments: pass.segments, pass.a)
  }

  package func backward() {
    if recomputing != .none { decoder.recompute(pass) }
    decoder.backward(pass)
  }
}
