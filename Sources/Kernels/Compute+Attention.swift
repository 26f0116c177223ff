internal import CKernels

/// Heads and sizes of an attention layer.
package struct AttentionShape: Sendable {
  package var heads: Int
  package var keyValueHeads: Int
  package var headSize: Int
  /// Keys that a query sees at most; nil for all.
  package var window: Int?
  /// Factor of the scores.
  package var scale: Float
  /// Scores s become cap * tanh(s / cap); nil for none.
  package var cap: Float?

  /// - Parameter scale: 1 / sqrt(headSize) where nil.
  package init(
    heads: Int, keyValueHeads: Int, headSize: Int, window: Int? = nil, scale: Float? = nil,
    cap: Float? = nil
  ) {
    precondition(
      heads > 0 && keyValueHeads > 0 && heads % keyValueHeads == 0,
      "query heads share key-value heads evenly")
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headSize = headSize
    self.window = window
    self.scale = scale ?? 1 / Float(headSize).squareRoot()
    self.cap = cap
  }

  /// Parts that a segment's queries are cut into, so that few heads keep many threads at work.
  /// Fixed by the shape, because gradients of keys are summed part by part.
  var queryParts: Int { heads < 24 ? 2 : 1 }

  /// The queries of a part: the first part has more of them, for they see fewer keys. Whole panels.
  func queries(ofPart part: Int, of count: Int) -> Range<Int> {
    guard queryParts == 2 else { return 0..<count }
    let cut = min(count, (count * 7 / 10 + 63) / 64 * 64)
    return part == 0 ? 0..<cut : cut..<count
  }

  /// Floats that `attentionBackward` needs for the gradients of each head's keys and values.
  package func headGradientCount(tokens: Int) -> Int { 2 * heads * queryParts * tokens * headSize }

  /// Numbers of fp32 that a thread needs to attend to segments of up to `keys` tokens.
  package func workCount(keys: Int, precision: Precision) -> Int {
    switch precision {
    case .bf16: peqa_attention_work_bf16(Int32(keys), Int32(headSize), cap == nil ? 0 : 1)
    case .fp32: peqa_attention_work(Int32(keys), Int32(headSize), cap == nil ? 0 : 1)
    }
  }

  package var queryWidth: Int { heads * headSize }
  package var keyWidth: Int { keyValueHeads * headSize }
  var headsPerKey: Int { heads / keyValueHeads }
}

extension Compute {
  /// out [T, heads * size] = causal attention inside each segment; lse [heads, T].
  ///
  /// q [T, heads * size], k and v [T, keyValueHeads * size], after rotation.
  package func attention(
    _ shape: AttentionShape, segments: [Range<Int>], q: UnsafePointer<Float>,
    k: UnsafePointer<Float>, v: UnsafePointer<Float>, tokens: Int,
    out: UnsafeMutablePointer<Float>, lse: UnsafeMutablePointer<Float>
  ) {
    reserveAttention(shape, keys: segments.map(\.count).max() ?? 0)
    pool.parallelFor(segments.count * shape.heads * shape.queryParts) { item, worker in
      let (index, part) = item.quotientAndRemainder(dividingBy: shape.queryParts)
      let (segment, head) = (segments[index / shape.heads], index % shape.heads)
      var one = view(shape, head, segment, part: part, q: q, k: k, v: v)
      attend(
        &one, out + segment.lowerBound * shape.queryWidth + head * shape.headSize,
        lse + head * tokens + segment.lowerBound, worker)
    }
  }

  func attend(
    _ one: inout peqa_attention, _ out: UnsafeMutablePointer<Float>,
    _ lse: UnsafeMutablePointer<Float>, _ worker: Int
  ) {
    switch precision {
    case .fp32: peqa_attention_forward(table, &one, out, lse, attentionWork[worker])
    case .bf16: peqa_attention_forward_bf16(table, &one, out, lse, attentionWork[worker])
    }
  }

  /// dq, dk, dv from dout, with q, k, v, out and lse of the forward pass.
  ///
  /// `headGradients` holds `shape.headGradientCount(tokens: T)` floats: dk and dv of each part of
  /// the queries of each head, summed over the heads that share a key-value head in order.
  package func attentionBackward(
    _ shape: AttentionShape, segments: [Range<Int>], q: UnsafePointer<Float>,
    k: UnsafePointer<Float>, v: UnsafePointer<Float>, tokens: Int, out: UnsafePointer<Float>,
    lse: UnsafePointer<Float>, dout: UnsafePointer<Float>, dq: UnsafeMutablePointer<Float>,
    dk: UnsafeMutablePointer<Float>, dv: UnsafeMutablePointer<Float>,
    headGradients: UnsafeMutablePointer<Float>
  ) {
    reserveAttention(shape, keys: segments.map(\.count).max() ?? 0)
    let (perHead, parts) = (tokens * shape.headSize, shape.queryParts)
    pool.parallelFor(segments.count * shape.heads * parts) { item, worker in
      let (index, part) = item.quotientAndRemainder(dividingBy: parts)
      let (segment, head) = (segments[index / shape.heads], index % shape.heads)
      let at = segment.lowerBound * shape.queryWidth + head * shape.headSize
      let own =
        headGradients + 2 * (head * parts + part) * perHead + segment.lowerBound * shape.headSize
      var one = view(shape, head, segment, part: part, q: q, k: k, v: v)
      let backward =
        precision == .bf16 ? peqa_attention_backward_bf16 : peqa_attention_backward
      backward(
        table, &one, out + at, lse + head * tokens + segment.lowerBound, dout + at, dq + at, own,
        own + perHead, attentionWork[worker])
    }
    sumHeads(shape, headGradients, tokens: tokens, dk: dk, dv: dv)
  }

  private func sumHeads(
    _ shape: AttentionShape, _ headGradients: UnsafePointer<Float>, tokens: Int,
    dk: UnsafeMutablePointer<Float>, dv: UnsafeMutablePointer<Float>
  ) {
    let size = shape.headSize
    let shared = shape.headsPerKey * shape.queryParts
    let perHead = tokens * size
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      for t in range {
        for head in 0..<shape.keyValueHeads {
          let to = t * shape.keyWidth + head * size
          let first = headGradients + 2 * head * shared * perHead + t * size
          (dk + to).update(from: first, count: size)
          (dv + to).update(from: first + perHead, count: size)
          for other in 1..<shared {
            table.pointee.add(size, first + 2 * other * perHead, dk + to)
            table.pointee.add(size, first + (2 * other + 1) * perHead, dv + to)
          }
        }
      }
    }
  }

  private func view(
    _ shape: AttentionShape, _ head: Int, _ segment: Range<Int>, part: Int,
    q: UnsafePointer<Float>, k: UnsafePointer<Float>, v: UnsafePointer<Float>
  ) -> peqa_attention {
    let queries = shape.queries(ofPart: part, of: segment.count)
    let keyHead = head / shape.headsPerKey
    let keyAt = segment.lowerBound * shape.keyWidth + keyHead * shape.headSize
    return peqa_attention(
      queries: Int32(segment.count), keys: Int32(segment.count), head_size: Int32(shape.headSize),
      window: Int32(shape.window ?? 0), first: Int32(queries.lowerBound),
      last: Int32(queries.upperBound), scale: shape.scale, cap: shape.cap ?? 0,
      q: q + segment.lowerBound * shape.queryWidth + head * shape.headSize, k: k + keyAt,
      v: v + keyAt, q_row: shape.queryWidth, kv_row: shape.keyWidth)
  }

  func reserveAttention(_ shape: AttentionShape, keys: Int) {
    let needed = shape.workCount(keys: keys, precision: precision)
    guard needed > attentionWorkCount else { return }
    for work in attentionWork { work.deallocate() }
    attentionWork = (0..<pool.threads).map { _ in .allocate(capacity: needed) }
    attentionWorkCount = needed
  }
}
