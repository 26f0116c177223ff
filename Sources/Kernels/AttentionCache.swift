internal import CKernels

/// Keys and values of one attention layer for the tokens that a generation has seen.
///
/// fp16 where products are bf16, fp32 else. Keys lie in blocks of 16 positions with the positions
/// side by side, so that a score needs no sum over lanes; values lie as rows. Memory that no
/// position has reached is never touched.
package final class AttentionCache {
  package let shape: AttentionShape
  package let capacity: Int
  private let isHalf: Bool
  private let memory: NumberBuffer<UInt8>
  /// Bytes of the keys, and of the values, of one key-value head.
  private let keyBytes, valueBytes: Int

  package init(_ shape: AttentionShape, capacity: Int, precision: Precision) {
    precondition(capacity > 0, "a cache has room for a token")
    self.shape = shape
    self.capacity = capacity
    isHalf = precision == .bf16
    let (size, positions) = (isHalf ? 2 : 4, (capacity + 15) / 16 * 16)
    keyBytes = positions * shape.headSize * size
    valueBytes = positions * shape.paddedHeadSize * size
    memory = NumberBuffer(count: shape.keyValueHeads * (keyBytes + valueBytes))
  }

  func head(_ index: Int) -> peqa_cache {
    let start = UnsafeMutableRawPointer(memory.pointer) + index * (keyBytes + valueBytes)
    return peqa_cache(
      half: isHalf ? 1 : 0, head_size: Int32(shape.headSize), keys: start,
      values: start + keyBytes)
  }
}

extension AttentionShape {
  /// Rows of values are padded to whole vectors.
  var paddedHeadSize: Int { (headSize + 15) / 16 * 16 }
}

extension Compute {
  /// Writes the keys and values [tokens, keyValueHeads * size] of new tokens from position `start`.
  package func write(
    keys: UnsafePointer<Float>, values: UnsafePointer<Float>, tokens: Int, at start: Int,
    to cache: AttentionCache
  ) {
    precondition(start + tokens <= cache.capacity, "a cache holds no more than its capacity")
    let shape = cache.shape
    pool.parallelRanges(shape.keyValueHeads, unit: tokens > Self.fewTokens ? 1 : 1024) { heads, _ in
      for head in heads {
        var part = cache.head(head)
        for t in 0..<tokens {
          let at = t * shape.keyWidth + head * shape.headSize
          table.pointee.cache_write(&part, Int32(start + t), keys + at, values + at)
        }
      }
    }
  }

  /// Attention of `queries` new tokens over `keys` cached positions, the new ones included.
  ///
  /// q and out [queries, heads * size]. Few queries read the cache as it lies; many unpack a head
  /// of it first.
  package func attention(
    over cache: AttentionCache, queries: Int, keys: Int, q: UnsafePointer<Float>,
    out: UnsafeMutablePointer<Float>
  ) {
    precondition(queries <= keys && keys <= cache.capacity, "queries stand at the last positions")
    if queries <= Self.fewTokens {
      attendDecoding(cache, queries: queries, keys: keys, q: q, out: out)
    } else {
      attendMany(cache, queries: queries, keys: keys, q: q, out: out)
    }
  }

  /// Cut at fixed positions, so that the sums do not depend on the threads.
  private func attendDecoding(
    _ cache: AttentionCache, queries: Int, keys: Int, q: UnsafePointer<Float>,
    out: UnsafeMutablePointer<Float>
  ) {
    let (shape, chunk) = (cache.shape, Int(PEQA_CACHE_CHUNK))
    let (width, shared) = (shape.paddedHeadSize, shape.headsPerKey)
    let chunks = (keys + chunk - 1) / chunk
    // Sums of values, then tops, then sums of weights: [query][chunk][head].
    let count = queries * chunks * shape.heads
    let parts = operandMemory(.attention, bytes: count * (width + 2) * 4)
      .assumingMemoryBound(to: Float.self)
    let (tops, sums) = (parts + count * width, parts + count * (width + 1))
    func visible(_ query: Int) -> Range<Int> {
      let end = keys - queries + query + 1
      return (shape.window.map { max(0, end - $0) } ?? 0)..<end
    }
    pool.parallelFor(queries * chunks * shape.keyValueHeads) { item in
      let (head, rest) = (item % shape.keyValueHeads, item / shape.keyValueHeads)
      let (at, query) = (rest % chunks, rest / chunks)
      let range = visible(query).clamped(to: at * chunk..<(at + 1) * chunk)
      guard !range.isEmpty else { return }
      var part = cache.head(head)
      let first = (query * chunks + at) * shape.heads + head * shared
      table.pointee.cache_attend(
        &part, Int32(range.lowerBound), Int32(range.upperBound), Int32(shared), shape.scale,
        shape.cap ?? 0,
        q + query * shape.queryWidth + head * shared * shape.headSize, shape.headSize,
        parts + first * width, tops + first, sums + first)
    }
    for query in 0..<queries {
      let range = visible(query)
      let first = range.lowerBound / chunk
      for head in 0..<shape.heads {
        let at = (query * chunks + first) * shape.heads + head
        peqa_attention_merge(
          Int32((range.upperBound + chunk - 1) / chunk - first), Int32(shape.headSize),
          parts + at * width, shape.heads * width, tops + at, sums + at, shape.heads,
          out + query * shape.queryWidth + head * shape.headSize)
      }
    }
  }

  private func attendMany(
    _ cache: AttentionCache, queries: Int, keys: Int, q: UnsafePointer<Float>,
    out: UnsafeMutablePointer<Float>
  ) {
    let (shape, size) = (cache.shape, cache.shape.headSize)
    reserveAttention(shape, keys: keys)
    let count = 2 * keys * size + queries
    let memory = operandMemory(.attention, bytes: pool.threads * count * 4)
      .assumingMemoryBound(to: Float.self)
    pool.parallelFor(shape.heads) { head, worker in
      var part = cache.head(head / shape.headsPerKey)
      let rows = memory + worker * count
      table.pointee.cache_read(&part, Int32(keys), rows, rows + keys * size)
      var one = peqa_attention(
        queries: Int32(queries), keys: Int32(keys), head_size: Int32(size),
        window: Int32(shape.window ?? 0), first: 0, last: Int32(queries), scale: shape.scale,
        cap: shape.cap ?? 0,
        q: q + head * size, k: rows,
        v: rows + keys * size, q_row: shape.queryWidth, kv_row: size)
      attend(&one, out + head * size, rows + 2 * keys * size, worker)
    }
  }
}
