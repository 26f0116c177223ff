internal import Kernels

// One block for a few tokens of a generation: what a layer needs is handed to the threads at once,
// so that five jobs a block wait for each other, attention included.
extension Decoder {
  /// `a.stream(index)` to `a.stream(index + 1)` behind what `cache` holds.
  func fewTokensBlock(_ index: Int, tokens: Int, _ cache: KeyValueCache, _ a: Activations) {
    let layer = weights.layers[index]
    normalize(a.stream(index), layer.inputNorm, a.norm1, a.inverseRMS1, tokens)
    compute.forwardFew(
      FewProduct(layer[.query].matrix, into: a.q.pointer),
      FewProduct(layer[.key].matrix, into: a.k.pointer),
      FewProduct(layer[.value].matrix, into: a.v.pointer),
      input: fewOperand(a.norm1, for: layer[.query], tokens: tokens), tokens: tokens)
    rotateInputs(layer, tokens: tokens, a)
    attend(index, tokens: tokens, cache, a)
    projectFew(
      layer[.attentionOutput], a.attended, addingTo: a.stream(index), tokens: tokens, a,
      into: a.middle(index))
    normalize(a.middle(index), layer.postAttentionNorm, a.norm2, a.inverseRMS2, tokens)
    compute.forwardFewGated(
      gate: FewProduct(layer[.gate].matrix, into: a.gate.pointer),
      up: FewProduct(layer[.up].matrix, into: a.up.pointer),
      input: fewOperand(a.norm2, for: layer[.gate], tokens: tokens), tokens: tokens,
      into: a.hidden.pointer)
    projectFew(
      layer[.down], a.hidden, addingTo: a.middle(index), tokens: tokens, a,
      into: a.stream(index + 1))
  }

  private func fewOperand(
    _ x: FloatBuffer, for linear: DecoderWeights.Linear, tokens: Int
  ) -> Operand {
    compute.fewOperand(x.pointer, tokens: tokens, for: linear.matrix)
  }

  private func projectFew(
    _ linear: DecoderWeights.Linear, _ x: FloatBuffer, addingTo stream: UnsafePointer<Float>,
    tokens: Int, _ a: Activations, into out: UnsafeMutablePointer<Float>
  ) {
    compute.forwardFew(
      FewProduct(linear.matrix, into: a.scratch.pointer),
      input: fewOperand(x, for: linear, tokens: tokens), tokens: tokens)
    compute.sum(stream, a.scratch.pointer, count: tokens * linear.matrix.rows, into: out)
  }

  /// Logits [vocabulary] of one position of the stream.
  func fewLogits(_ stream: UnsafePointer<Float>, _ a: Activations, into logits: inout [Float]) {
    normalize(stream, weights.finalNorm, a.scratch, a.inverseRMS1, 1)
    if logits.count != config.vocabularySize {
      logits = [Float](repeating: 0, count: config.vocabularySize)
    }
    let input = compute.fewOperand(a.scratch.pointer, tokens: 1, for: weights.head)
    logits.withUnsafeMutableBufferPointer {
      guard let start = $0.baseAddress else { return }
      compute.forwardFew(FewProduct(weights.head, into: start), input: input, tokens: 1)
    }
  }

  /// Bytes that generating one token reads at a depth: weights and the cache.
  package func bytesPerToken(depth: Int) -> Int {
    let linears = weights.layers.reduce(0) { sum, layer in
      sum + layer.linears.reduce(0) { $0 + $1.matrix.byteCount }
    }
    let seen = min(depth, config.slidingWindow ?? depth)
    let number = compute.precision == .bf16 ? 2 : 4
    return linears + weights.head.byteCount
      + 2 * config.layerCount * seen * attentionShape.keyWidth * number
  }
}
