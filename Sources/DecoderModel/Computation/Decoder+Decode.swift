internal import Kernels

// One block for a few tokens of a generation: what a layer needs is handed to the threads at once,
// so that five jobs a block wait for each other, attention included.
extension Decoder {
  /// `a.residual(index)` to `a.residual(index + 1)` behind what `cache` holds.
  func decodeBlock(_ index: Int, tokens: Int, _ cache: KeyValueCache, _ a: Activations) {
    let layer = weights.layers[index]
    normalize(a.residual(index), layer.inputNorm, a.norm1, a.inverseRMS1, tokens)
    compute.decode(
      DecodeProduct(layer[.query].matrix, into: a.q.pointer),
      DecodeProduct(layer[.key].matrix, into: a.k.pointer),
      DecodeProduct(layer[.value].matrix, into: a.v.pointer),
      input: decodeOperand(a.norm1, for: layer[.query], tokens: tokens), tokens: tokens)
    rotateInputs(layer, tokens: tokens, a)
    attend(index, tokens: tokens, cache, a)
    projectDecoding(
      layer[.attentionOutput], a.attentionOutput, addingTo: a.residual(index), tokens: tokens, a,
      into: a.postAttention(index))
    normalize(a.postAttention(index), layer.postAttentionNorm, a.norm2, a.inverseRMS2, tokens)
    compute.decodeGated(
      gate: DecodeProduct(layer[.gate].matrix, into: a.gate.pointer),
      up: DecodeProduct(layer[.up].matrix, into: a.up.pointer),
      input: decodeOperand(a.norm2, for: layer[.gate], tokens: tokens), tokens: tokens,
      into: a.activated.pointer)
    projectDecoding(
      layer[.down], a.activated, addingTo: a.postAttention(index), tokens: tokens, a,
      into: a.residual(index + 1))
  }

  private func decodeOperand(
    _ x: FloatBuffer, for linear: DecoderWeights.Linear, tokens: Int
  ) -> Operand {
    compute.decodeOperand(x.pointer, tokens: tokens, for: linear.matrix)
  }

  private func projectDecoding(
    _ linear: DecoderWeights.Linear, _ x: FloatBuffer, addingTo stream: UnsafePointer<Float>,
    tokens: Int, _ a: Activations, into out: UnsafeMutablePointer<Float>
  ) {
    compute.decode(
      DecodeProduct(linear.matrix, into: a.scratch.pointer),
      input: decodeOperand(x, for: linear, tokens: tokens), tokens: tokens)
    compute.sum(stream, a.scratch.pointer, count: tokens * linear.matrix.rows, into: out)
  }

  /// Logits [vocabulary] of one position of the stream.
  func decodeLogits(_ stream: UnsafePointer<Float>, _ a: Activations, into logits: inout [Float]) {
    normalize(stream, weights.finalNorm, a.scratch, a.inverseRMS1, 1)
    if logits.count != config.vocabularySize {
      logits = [Float](repeating: 0, count: config.vocabularySize)
    }
    let input = compute.decodeOperand(a.scratch.pointer, tokens: 1, for: weights.head)
    logits.withUnsafeMutableBufferPointer {
      guard let start = $0.baseAddress else { return }
      compute.decode(DecodeProduct(weights.head, into: start), input: input, tokens: 1)
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
