internal import Kernels
internal import Testing

/// Attention over cached keys and values against the definition in Double.
@Suite struct AttentionCacheTests {
  /// Sizes off the vector, shared heads, windows; lengths around blocks (16) and chunks (128).
  static let cases: [(AttentionShape, Int)] = [
    (AttentionShape(heads: 2, keyValueHeads: 2, headSize: 6), 1),
    (AttentionShape(heads: 9, keyValueHeads: 3, headSize: 64), 129),
    (AttentionShape(heads: 8, keyValueHeads: 1, headSize: 16), 300),
    (AttentionShape(heads: 5, keyValueHeads: 1, headSize: 80), 128),
    (AttentionShape(heads: 2, keyValueHeads: 2, headSize: 128), 257),
    (AttentionShape(heads: 4, keyValueHeads: 2, headSize: 32, window: 5), 140),
    (AttentionShape(heads: 2, keyValueHeads: 1, headSize: 40, window: 100), 290),
    (AttentionShape(heads: 1, keyValueHeads: 1, headSize: 16, window: 1), 33),
    (AttentionShape(heads: 5, keyValueHeads: 1, headSize: 16, scale: 0.5), 140),
    (AttentionShape(heads: 9, keyValueHeads: 3, headSize: 64, cap: 2), 129),
    (AttentionShape(heads: 4, keyValueHeads: 2, headSize: 6, window: 100, scale: 1, cap: 5), 290),
  ]

  private struct Inputs {
    let q, k, v: [Float]
    init(_ shape: AttentionShape, _ keys: Int) {
      var random = RandomNumbers(seed: keys + shape.headSize)
      // bf16 numbers: what the products of many queries round is exact already.
      q = random.floats(keys * shape.queryWidth, scale: 2).map(roundedToBF16)
      k = random.floats(keys * shape.keyWidth, scale: 2).map(roundedToBF16)
      v = random.floats(keys * shape.keyWidth).map(roundedToBF16)
    }
  }

  private func attend(
    _ compute: Compute, _ shape: AttentionShape, _ x: Inputs, keys: Int, queries: Int
  ) -> GuardedMemory<Float> {
    let cache = AttentionCache(shape, capacity: keys, precision: compute.precision)
    // In two chunks, as a generation writes them: many positions, then few.
    let first = max(0, keys - 3)
    for (start, count) in [(0, first), (first, keys - first)] where count > 0 {
      let at = start * shape.keyWidth
      x.k.withUnsafeBufferPointer { k in
        x.v.withUnsafeBufferPointer { v in
          compute.write(
            keys: k.baseAddress! + at, values: v.baseAddress! + at, tokens: count, at: start,
            to: cache)
        }
      }
    }
    let out = GuardedMemory<Float>(results: queries * shape.queryWidth, fill: .nan)
    let q = GuardedMemory(Array(x.q.suffix(queries * shape.queryWidth)))
    compute.attention(
      over: cache, queries: queries, keys: keys, q: q.pointer, out: out.pointer)
    #expect(q.isIntact)
    return out
  }

  @Test(arguments: cases.indices, Precision.allCases)
  func matchesTheDefinition(_ index: Int, _ precision: Precision) {
    let (shape, keys) = Self.cases[index]
    let x = Inputs(shape, keys)
    // fp16 where products are bf16.
    let kept: (Float) -> Double = { Double(precision == .bf16 ? Float(Float16($0)) : $0) }
    for queries in Set([1, 2, 8, 9, 70]) where queries <= keys {
      let want = NaiveAttention(
        shape, precision: precision, queries: queries, keys: keys,
        q: x.q.suffix(queries * shape.queryWidth).map(Double.init), k: x.k.map(kept),
        v: x.v.map(kept))
      for set in InstructionSet.available {
        let compute = Compute(
          pool: WorkerPool(threads: 2), precision: precision, instructionSet: set)
        let out = attend(compute, shape, x, keys: keys, queries: queries)
        let deviation = Deviation(out.values, want.out, allowing: want.outBounds)
        #expect(deviation.isAllowed && out.isIntact, "\(set) \(queries) of \(keys): \(deviation)")
      }
    }
  }

  @Test(arguments: InstructionSet.available, Precision.allCases)
  func threadsChangeNoBit(_ set: InstructionSet, _ precision: Precision) {
    // The second one is capped.
    for (shape, keys) in [Self.cases[1], Self.cases[9]] {
      let x = Inputs(shape, keys)
      for queries in [1, 3, 20] {
        let results = [1, 2, 3, 5].map { threads in
          let compute = Compute(
            pool: WorkerPool(threads: threads), precision: precision, instructionSet: set)
          return attend(compute, shape, x, keys: keys, queries: queries).values
        }
        #expect(results.allSatisfy { $0 == results[0] })
      }
    }
  }
}
