internal import Kernels

// One block forward, cut where a recomputation or a cached context differs.
extension Decoder {
  /// q, k, v and what attention reads of them, for the stream `x` [T, D]; norm1 as well where
  /// `keepingNorm`.
  func attentionInputs(
    _ layer: DecoderWeights.Layer, _ x: UnsafePointer<Float>, tokens: Int, _ a: Activations,
    keepingNorm: Bool = false
  ) {
    let input = normalizedOperand(
      x, layer.inputNorm, a.norm1, keeping: keepingNorm, a.inverseRMS1, tokens)
    compute.forward(layer[.query].matrix, input, tokens: tokens, into: a.q.pointer)
    compute.forward(layer[.key].matrix, input, tokens: tokens, into: a.k.pointer)
    compute.forward(layer[.value].matrix, input, tokens: tokens, into: a.v.pointer)
    rotateInputs(layer, tokens: tokens, a)
  }

  /// RMS norm of x [T, D]; without a y only its 1 / rms.
  func normalize(
    _ x: UnsafePointer<Float>, _ weight: FloatBuffer, _ y: FloatBuffer?, _ inverseRMS: FloatBuffer,
    _ tokens: Int
  ) {
    compute.rmsNorm(
      x, weight: weight.pointer, tokens: tokens, width: config.hiddenSize,
      epsilon: config.normEpsilon, into: y?.pointer, inverseRMS: inverseRMS.pointer)
  }

  /// RMS norm of x [T, D] as the input of products; in y too where `keeping`.
  func normalizedOperand(
    _ x: UnsafePointer<Float>, _ weight: FloatBuffer, _ y: FloatBuffer, keeping: Bool,
    _ inverseRMS: FloatBuffer, _ tokens: Int
  ) -> Operand {
    compute.normalizedOperand(
      x, weight: weight.pointer, tokens: tokens, width: config.hiddenSize,
      epsilon: config.normEpsilon, into: y.pointer, keeping: keeping,
      inverseRMS: inverseRMS.pointer)
  }

  /// What attention reads: biases added, heads of queries and keys normalised and turned.
  func rotateInputs(_ layer: DecoderWeights.Layer, tokens: Int, _ a: Activations) {
    rotate(
      a.q, layer[.query].bias, layer.queryNorm, a.inverseRMSQueries, heads: config.headCount,
      isRotated: layer.isRotated, tokens, a, into: a.queries)
    rotate(
      a.k, layer[.key].bias, layer.keyNorm, a.inverseRMSKeys, heads: config.keyValueHeadCount,
      isRotated: layer.isRotated, tokens, a, into: a.keys)
    if let bias = layer[.value].bias { addBias(bias, to: a.v, tokens: tokens, into: a.values) }
  }

  private func rotate(
    _ x: FloatBuffer, _ bias: FloatBuffer?, _ norm: FloatBuffer?, _ inverseRMS: FloatBuffer?,
    heads: Int, isRotated: Bool, _ tokens: Int, _ a: Activations, into y: FloatBuffer
  ) {
    if let bias { addBias(bias, to: x, tokens: tokens, into: y) }
    if let norm, let inverseRMS {
      // One row for each head of each token. A model has biases or norms here, never both.
      compute.rmsNorm(
        x.pointer, weight: norm.pointer, tokens: tokens * heads, width: config.headSize,
        epsilon: config.normEpsilon, into: y.pointer, inverseRMS: inverseRMS.pointer)
    }
    let isNew = bias == nil && norm == nil
    guard isRotated else {
      let count = tokens * heads * config.headSize
      if isNew { y.pointer.update(from: x.pointer, count: count) }
      return
    }
    compute.rope(
      isNew ? x.pointer : y.pointer, tokens: tokens, heads: heads, headSize: config.headSize,
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

  /// mid = x + o_proj(attentionOutput).
  func closeAttention(
    _ layer: DecoderWeights.Layer, _ x: UnsafePointer<Float>, tokens: Int, _ a: Activations,
    into postAttention: UnsafeMutablePointer<Float>
  ) {
    let input = compute.operand(
      a.attentionOutput.pointer, tokens: tokens, columns: config.queryWidth)
    project(layer[.attentionOutput], input, addingTo: x, tokens: tokens, a, into: postAttention)
  }

  /// gate and up for the stream `postAttention` [T, D]; norm2 as well where `keepingNorm`.
  func expand(
    _ layer: DecoderWeights.Layer, _ postAttention: UnsafePointer<Float>, tokens: Int,
    _ a: Activations,
    keepingNorm: Bool = false
  ) {
    let input = normalizedOperand(
      postAttention, layer.postAttentionNorm, a.norm2, keeping: keepingNorm, a.inverseRMS2, tokens)
    compute.forward(layer[.gate].matrix, input, tokens: tokens, into: a.gate.pointer)
    compute.forward(layer[.up].matrix, input, tokens: tokens, into: a.up.pointer)
  }

  /// out = mid + down_proj(silu(gate) * up).
  func closeMLP(
    _ layer: DecoderWeights.Layer, _ postAttention: UnsafePointer<Float>, tokens: Int,
    _ a: Activations,
    into out: UnsafeMutablePointer<Float>
  ) {
    let input = compute.activatedOperand(
      gate: a.gate.pointer, up: a.up.pointer, tokens: tokens, width: config.intermediateSize,
      into: a.activated.pointer, keeping: false)
    project(layer[.down], input, addingTo: postAttention, tokens: tokens, a, into: out)
  }

  private func project(
    _ linear: DecoderWeights.Linear, _ input: Operand, addingTo stream: UnsafePointer<Float>,
    tokens: Int, _ a: Activations, into out: UnsafeMutablePointer<Float>
  ) {
    compute.forward(linear.matrix, input, tokens: tokens, into: a.scratch.pointer)
    compute.sum(stream, a.scratch.pointer, count: tokens * linear.matrix.rows, into: out)
  }

  /// A whole block over segments that see themselves only.
  func block(_ index: Int, tokens: Int, segments: [Range<Int>], _ a: Activations) {
    block(index, tokens: tokens, a) { attend(tokens: tokens, segments: segments, a) }
  }

  /// A whole block: `a.residual(index)` to `a.residual(index + 1)`, leaving
  /// `a.postAttention(index)` between.
  func block(_ index: Int, tokens: Int, _ a: Activations, attend: () -> Void) {
    let layer = weights.layers[index]
    a.select(layer: index)
    attentionInputs(layer, a.residual(index), tokens: tokens, a)
    attend()
    closeAttention(layer, a.residual(index), tokens: tokens, a, into: a.postAttention(index))
    expand(layer, a.postAttention(index), tokens: tokens, a)
    closeMLP(layer, a.postAttention(index), tokens: tokens, a, into: a.residual(index + 1))
  }

  func attend(tokens: Int, segments: [Range<Int>], _ a: Activations) {
    compute.attention(
      attentionShape, segments: segments, q: a.queries.pointer, k: a.keys.pointer,
      v: a.values.pointer, tokens: tokens, out: a.attentionOutput.pointer, lse: a.lse.pointer)
  }
}
