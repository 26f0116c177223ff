internal import Kernels

// Several generations in one pass: products read the weights once for all, each sequence attends to
// its own cache, and rows of outputs are multiplied by the scales of their sequence's task.
extension Decoder {
  /// A task as it takes part in batches. Leaves the decoder with the base's own scales.
  package func rowFactors(of task: AdapterScales?) -> RowFactors {
    use(task)
    defer { use(nil) }
    return RowFactors(task, pointedAt: weights)
  }

  /// Runs one token behind each cache; `logits` become those [vocabulary] after each.
  ///
  /// A sequence's logits depend on its own tokens and task alone. They have the bits that
  /// `extend` gives by itself, but for tasks that are not exact. Afterwards the decoder's task is
  /// undetermined: call `use` before anything else. A failed call leaves the caches as they were.
  ///
  /// - Parameters:
  ///   - tokens: at most `Compute.fewTokens`.
  ///   - tasks: of each sequence; those with an obstacle only among themselves.
  package func extend(
    _ tokens: [Int32], _ caches: [KeyValueCache], tasks: [RowFactors],
    into logits: inout [[Float]]
  ) throws(DecoderError) {
    let count = tokens.count
    precondition(count <= Compute.fewTokens, "more tokens than are read at once")
    precondition(count == caches.count && count == tasks.count, "one of each for a sequence")
    try config.check(tokens)
    for cache in caches {
      guard cache.count < cache.capacity else { throw .cacheFull(capacity: cache.capacity) }
      try config.checkLength(cache.count + 1)
    }
    let a = inferenceActivations(capacity: count)
    for (row, cache) in caches.enumerated() { begin(tokens[row], cache, row: row, a) }
    let pass = ForwardPass(tokens: count, a: a, isDecoding: true, factors: share(tasks)) { layer in
      for (row, cache) in caches.enumerated() {
        self.attend(layer, tokens: 1, from: row, behind: cache.count, cache, a)
      }
    }
    for layer in 0..<config.layerCount {
      prefetcher?.prefetch(layer, next: (layer + 1) % config.layerCount)
      block(layer, pass)
    }
    for cache in caches { cache.advance(by: 1) }
    let work = headWorkspace()
    decodeLogits(a.residual(config.layerCount), tokens: count, a, into: work.logits.pointer)
    let vocabulary = config.vocabularySize
    logits = (0..<count).map {
      Array(work.logits.elements[$0 * vocabulary..<($0 + 1) * vocabulary])
    }
  }

  /// The stream and the rotation of one token, at its own position.
  private func begin(_ token: Int32, _ cache: KeyValueCache, row: Int, _ a: Activations) {
    rotary.gather(segments: CollectionOfOne(row..<row + 1), offset: cache.count, a)
    embed(
      [token], segments: CollectionOfOne(0..<1), offset: cache.count, a,
      into: a.residual(0) + row * config.hiddenSize)
  }

  /// Points the matrices at what the tasks have in common; what is left to be multiplied, or nil
  /// where a single task needs nothing.
  ///
  /// A task that is not exact is computed with factors even where it is alone in a step, so that
  /// its results do not depend on who else is there.
  private func share(_ tasks: [RowFactors]) -> StackedFactors? {
    if let first = tasks.first, first.isExact, tasks.allSatisfy({ $0 === first }) {
      use(first.task)
      return nil
    }
    precondition(tasks.allSatisfy { $0.obstacle == nil }, "a task that shares no products")
    use(nil)
    for layer in weights.layers.indices {
      for position in weights.layers[layer].linears.indices {
        let matrix = weights.layers[layer].linears[position].matrix
        guard matrix.scalesFinishedRows else { continue }
        weights.layers[layer].linears[position].matrix = matrix.withoutScales
      }
    }
    return StackedFactors(tasks)
  }

  /// Makes outputs [rows, O] of layers those of each token's task, in a pass of several tasks.
  ///
  /// - Parameter tokens: of each row, where rows are not simply the tokens of the pass.
  func multiplyByTasks(
    _ outputs: [(role: LinearRole, y: UnsafeMutablePointer<Float>)], tokens: [Int]? = nil,
    _ pass: ForwardPass
  ) {
    guard let factors = pass.factors else { return }
    let places = tokens ?? Array(0..<pass.tokens)
    compute.multiply(
      outputs.flatMap { role, y in
        guard let position = config.block.position(of: role) else { return [FactoredRow]() }
        return factors.rows(
          y, width: config.shape(of: role.kind).rows, position: position, places: places)
      })
  }
}
