internal import Kernels

// One block forward, cut where a recomputation or a cached context differs.
extension Decoder {
  /// norm1, q, k, v and what attention reads of them, for the stream `x` [T, D].
  func attentionInputs(
    _ layer: DecoderWeights.Layer, _ x: UnsafePointer<Float>, tokens: Int, _ a: Activations
  ) {
    normalizeInput(layer, x, tokens: tokens, a)
    let input = compute.operand(a.norm1.pointer, tokens: tokens, columns: config.hiddenSize)
    compute.forward(layer[.query].matrix, input, tokens: tokens, into: a.q.pointer)
    compute.forward(layer[.key].matrix, input, tokens: tokens, into: a.k.pointer)
    compute.forward(layer[.value].matrix, input, tokens: tokens, into: a.v.pointer)
    rotateInputs(layer, tokens: tokens, a)
  }

  func normalizeInput(
    _ layer: DecoderWeights.Layer, _ x: UnsafePointer<Float>, tokens: Int, _ a: Activations
  ) {
    compute.rmsNorm(
      x, weight: layer.inputNorm.pointer, tokens: tokens, width: config.hiddenSize,
      epsilon: config.normEpsilon, into: a.norm1.pointer, inverseRMS: a.inverseRMS1.pointer)
  }

  /// What attention reads: biases added, queries and keys turned.
  func rotateInputs(_ layer: DecoderWeights.Layer, tokens: Int, _ a: Activations) {
    rotate(a.q, bias: layer[.query].bias, heads: config.headCount, tokens, a, into: a.queries)
    rotate(a.k, bias: layer[.key].bias, heads: config.keyValueHeadCount, tokens, a, into: a.keys)
    if let bias = layer[.value].bias { addBias(bias, to: a.v, tokens: tokens, into: a.values) }
  }

  private func rotate(
    _ x: FloatBuffer, bias: FloatBuffer?, heads: Int, _ tokens: Int, _ a: Activations,
    into y: FloatBuffer
  ) {
    if let bias { addBias(bias, to: x, tokens: tokens, into: y) }
    compute.rope(
      bias == nil ? x.pointer : y.pointer, tokens: tokens, heads: heads, headSize: config.headSize,
      cosine: a.cosine.pointer, sine: a.sine.pointer, into: y.pointer)
  }

  private func addBias(
    _ bias: FloatBuffer, to x: FloatBuffer, tokens: Int, into y: FloatBuffer
  ) {
    for t in 0..<tokens {
      let at = t * bias.count
      for o in 0..<bias.count { y.pointer[at + o] = x.pointer[at + o] + bias.pointer[o] }
    }
  }

  /// mid = x + o_proj(attended).
  func closeAttention(
    _ layer: DecoderWeights.Layer, _ x: UnsafePointer<Float>, tokens: Int, _ a: Activations,
    into middle: UnsafeMutablePointer<Float>
  ) {
    project(layer[.attentionOutput], a.attended, addingTo: x, tokens: tokens, a, into: middle)
  }

  /// norm2, gate, up and hidden = silu(gate) * up, for the stream `middle` [T, D].
  func expand(
    _ layer: DecoderWeights.Layer, _ middle: UnsafePointer<Float>, tokens: Int, _ a: Activations
  ) {
    normalizeMiddle(layer, middle, tokens: tokens, a)
    let input = compute.operand(a.norm2.pointer, tokens: tokens, columns: config.hiddenSize)
    compute.forward(layer[.gate].matrix, input, tokens: tokens, into: a.gate.pointer)
    compute.forward(layer[.up].matrix, input, tokens: tokens, into: a.up.pointer)
    activate(tokens: tokens, a)
  }

  func normalizeMiddle(
    _ layer: DecoderWeights.Layer, _ middle: UnsafePointer<Float>, tokens: Int, _ a: Activations
  ) {
    compute.rmsNorm(
      middle, weight: layer.postAttentionNorm.pointer, tokens: tokens, width: config.hiddenSize,
      epsilon: config.normEpsilon, into: a.norm2.pointer, inverseRMS: a.inverseRMS2.pointer)
  }

  func activate(tokens: Int, _ a: Activations) {
    compute.swiGLU(
      gate: a.gate.pointer, up: a.up.pointer, count: tokens * config.intermediateSize,
      into: a.hidden.pointer)
  }

  /// out = mid + down_proj(hidden).
  func closeMLP(
    _ layer: DecoderWeights.Layer, _ middle: UnsafePointer<Float>, tokens: Int, _ a: Activations,
    into out: UnsafeMutablePointer<Float>
  ) {
    project(layer[.down], a.hidden, addingTo: middle, tokens: tokens, a, into: out)
  }

  private func project(
    _ linear: DecoderWeights.Linear, _ x: FloatBuffer, addingTo stream: UnsafePointer<Float>,
    tokens: Int, _ a: Activations, into out: UnsafeMutablePointer<Float>
  ) {
    let matrix = linear.matrix
    let input = compute.operand(x.pointer, tokens: tokens, columns: matrix.columns)
    compute.forward(matrix, input, tokens: tokens, into: a.scratch.pointer)
    out.update(from: stream, count: tokens * matrix.rows)
    compute.add(a.scratch.pointer, to: out, count: tokens * matrix.rows)
  }

  /// A whole block: `x` to `out`, leaving `middle` between.
  func block(
    _ index: Int, tokens: Int, segments: [Range<Int>], _ a: Activations
  ) {
    let layer = weights.layers[index]
    a.enter(index)
    attentionInputs(layer, a.stream(index), tokens: tokens, a)
    attend(tokens: tokens, segments: segments, a)
    closeAttention(layer, a.stream(index), tokens: tokens, a, into: a.middle(index))
    expand(layer, a.middle(index), tokens: tokens, a)
    closeMLP(layer, a.middle(index), tokens: tokens, a, into: a.stream(index + 1))
  }

  func attend(tokens: Int, segments: [Range<Int>], _ a: Activations) {
    compute.attention(
      attentionShape, segments: segments, q: a.queries.pointer, k: a.keys.pointer,
      v: a.values.pointer, tokens: tokens, out: a.attended.pointer, lse: a.lse.pointer)
  }
}
