internal import Kernels

// Attention: projections of queries, keys and values, what is done to them before they meet, and
// the way back.
extension Decoder {
  /// q, k, v and what attention reads of them, for the stream `x` [T, D].
  func attentionInputs(
    _ layer: DecoderWeights.Layer, _ x: UnsafePointer<Float>, _ pass: ForwardPass
  ) {
    let a = pass.a
    let input = input(
      x, layer.norm(.input), pass, for: layer[.query].matrix, keeping: .norm1, .inputStatistics)
    multiply(
      Product(layer[.query].matrix, into: a[.q]),
      Product(layer[.key].matrix, into: a[.k]),
      Product(layer[.value].matrix, into: a[.v]), input: input, tokens: pass.tokens,
      isDecoding: pass.isDecoding)
    multiplyByTasks(
      [
        (LinearRole(.query), a[.q]), (LinearRole(.key), a[.k]), (LinearRole(.value), a[.v]),
      ], pass)
    prepareHeads(layer, tokens: pass.tokens, a)
  }

  /// What attention reads: biases added, queries and keys normalised and turned.
  func prepareHeads(_ layer: DecoderWeights.Layer, tokens: Int, _ a: Activations) {
    prepare(
      a[.q], layer, layer[.query].bias, layer.norm(.query), .queryStatistics,
      heads: config.headCount, tokens, a, into: a[.queries])
    prepare(
      a[.k], layer, layer[.key].bias, layer.norm(.key), .keyStatistics,
      heads: config.keyValueHeadCount, tokens, a, into: a[.keys])
    if let bias = layer[.value].bias {
      compute.addBias(
        bias.pointer, width: bias.count, to: a[.v], tokens: tokens, into: a[.values])
    }
  }

  /// Values as attention reads them.
  func values(_ a: Activations) -> UnsafeMutablePointer<Float> {
    config.block.biases.contains(.value) ? a[.values] : a[.v]
  }

  private func prepare(
    _ x: UnsafeMutablePointer<Float>, _ layer: DecoderWeights.Layer, _ bias: FloatBuffer?,
    _ norm: Norm?, _ statistics: BlockBuffer.Name, heads: Int, _ tokens: Int, _ a: Activations,
    into y: UnsafeMutablePointer<Float>
  ) {
    let count = tokens * heads * config.headSize
    if let bias { compute.addBias(bias.pointer, width: bias.count, to: x, tokens: tokens, into: y) }
    if let norm {
      // Rows of a head, or of all heads of a token. A model has biases or norms here, never both.
      compute.normalize(
        x, norm, tokens: count / norm.width, into: y, statistics: a[statistics])
    }
    let isNew = bias == nil && norm == nil
    guard let rope = layer.rope else {
      if isNew { y.update(from: x, count: count) }
      return
    }
    let angles = rotary.angles(rope)
    compute.rope(
      isNew ? x : y, tokens: tokens, heads: heads, headSize: config.headSize,
      rotated: config.rotatedSize, cosine: a[angles.cosine], sine: a[angles.sine], into: y)
  }

  func attend(_ layer: Int, _ tokens: Int, _ segments: [Range<Int>], _ a: Activations) {
    compute.attention(
      weights.layers[layer].attention, segments: segments, q: a[.queries], k: a[.keys],
      v: values(a), tokens: tokens, out: a[.attentionOutput], lse: a[.lse])
  }

  /// Keeps the new keys and values, those of `tokens` from `row` on, and attends to all.
  func attend(
    _ layer: Int, tokens: Int, from row: Int = 0, _ cache: KeyValueCache, _ a: Activations
  ) {
    let (queries, keys) = (row * config.queryWidth, row * config.keyWidth)
    compute.write(
      keys: a[.keys] + keys, values: values(a) + keys, tokens: tokens, at: cache.count,
      to: cache[layer])
    compute.attention(
      over: cache[layer], queries: tokens, keys: cache.count + tokens, q: a[.queries] + queries,
      out: a[.attentionOutput] + queries)
  }

  /// g.residual: from the gradient between attention and MLP to that before the block, where
  /// something needs that.
  func backwardAttention(_ pass: BlockPass) {
    let (a, g, layer, tokens) = (pass.a, pass.g, weights.layers[pass.layer], pass.tokens)
    let x = a.residual(pass.layer)
    let dy = separate(.attention, from: x, pass)
    let output = outputDifference(
      .attention, before: x, after: a.postAttention(pass.layer), pass)
    backward(
      LinearRole(.attentionOutput), pass, dy: dy, y: output.y, minus: output.minus,
      input: a[.attentionOutput], into: pass.reachesHeads ? g[.attentionOutput] : nil)
    guard pass.reachesHeads else { return }
    compute.attentionBackward(
      layer.attention, segments: pass.segments, q: a[.queries], k: a[.keys], v: values(a),
      tokens: tokens, out: a[.attentionOutput], lse: a[.lse], dout: g[.attentionOutput],
      dq: g[.q], dk: g[.k], dv: g[.v], headGradients: g[.heads])
    let dx = pass.reachesInput ? g[.norm] : nil
    let input = UnsafePointer(layer.norm(.input) == nil ? x : a[.norm1])
    let dq = headsBackward(g[.q], of: a[.q], layer, .query, .queryStatistics, pass)
    backward(LinearRole(.query), pass, dy: dq, y: a[.q], input: input, into: dx)
    let dk = headsBackward(g[.k], of: a[.k], layer, .key, .keyStatistics, pass)
    backward(
      LinearRole(.key), pass, dy: dk, y: a[.k], input: input, into: dx, accumulating: true)
    backward(
      LinearRole(.value), pass, dy: g[.v], y: a[.v], input: input, into: dx, accumulating: true)
    guard pass.reachesInput else { return }
    backwardInput(pass, x, layer.norm(.input), .inputStatistics, addingTo: .residual)
  }

  /// The gradient of a projection's output `x` from `dy`, that of what attention read of it:
  /// through the rotation, and the norm where there is one.
  ///
  /// - Returns: `dy` itself, or `g.attentionOutput`, which nobody needs any more.
  private func headsBackward(
    _ dy: UnsafeMutablePointer<Float>, of x: UnsafePointer<Float>, _ layer: DecoderWeights.Layer,
    _ kind: NormKind, _ statistics: BlockBuffer.Name, _ pass: BlockPass
  ) -> UnsafeMutablePointer<Float> {
    let heads = kind == .query ? config.headCount : config.keyValueHeadCount
    if let rope = layer.rope {
      let angles = rotary.angles(rope)
      compute.rope(
        dy, tokens: pass.tokens, heads: heads, headSize: config.headSize,
        rotated: config.rotatedSize, cosine: pass.a[angles.cosine], sine: pass.a[angles.sine],
        backward: true, into: dy)
    }
    guard let norm = layer.norm(kind) else { return dy }
    let (dx, count) = (pass.g[.attentionOutput], pass.tokens * heads * config.headSize)
    dx.update(repeating: 0, count: count)
    compute.normalizeBackward(
      x, norm, statistics: pass.a[statistics], dy: dy, tokens: count / norm.width, addingTo: dx)
    return dx
  }
}
