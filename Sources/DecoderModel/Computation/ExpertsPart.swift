internal import Kernels

/// Which experts the tokens of a pass take. Rows of the experts' buffers stand by expert, and by
/// token within one, so that nothing depends on threads or on what is stacked.
struct Routing {
  /// Experts of a token, in their order, and their weights: [T, perToken].
  private(set) var weights: [Float] = []
  /// The row of each of them in the experts' buffers, [T, perToken].
  private(set) var rows: [Int] = []
  /// The token of each row.
  private(set) var tokens: [Int] = []
  /// The rows of each expert.
  private(set) var ranges: [Range<Int>] = []
  private(set) var chosen: [Int] = []

  /// `probabilities` [T, experts] of the router. Of equal ones the first counts more.
  init(_ probabilities: UnsafePointer<Float>, tokens count: Int, _ experts: BlockSpec.Experts) {
    var tokensOf = [[Int]](repeating: [], count: experts.count)
    for t in 0..<count {
      let p = probabilities + t * experts.count
      var best: [Int] = []
      for _ in 0..<experts.perToken {
        var top = -1
        for e in 0..<experts.count where !best.contains(e) && (top < 0 || p[e] > p[top]) { top = e }
        best.append(top)
      }
      best.sort()
      let sum = experts.normalizesWeights ? best.reduce(0) { $0 + p[$1] } : 1
      for e in best {
        chosen.append(e)
        weights.append(p[e] / sum)
        tokensOf[e].append(t)
      }
    }
    for list in tokensOf {
      ranges.append(tokens.count..<tokens.count + list.count)
      tokens += list
    }
    var next = ranges.map(\.lowerBound)
    rows = chosen.map { e in
      defer { next[e] += 1 }
      return next[e]
    }
  }

  /// The rows of an expert, cut by the sequences to which their tokens belong.
  func rows(of expert: Int, sequences: [Range<Int>]) -> MLPRows {
    let range = ranges[expert]
    let own = tokens[range]
    var start = 0
    let parts = sequences.map { sequence in
      let end = start + own[(range.lowerBound + start)...].prefix { $0 < sequence.upperBound }.count
      defer { start = end }
      return start..<end
    }
    return MLPRows(
      expert: expert, first: range.lowerBound, count: range.count, sequenceRanges: parts)
  }
}

// A mixture of experts: a router gives every token a few MLPs and their weights.
extension Decoder {
  /// The weighted sum of the experts' outputs for `x` [T, D], where `output(of: .mlp)` says.
  func mixture(_ layer: DecoderWeights.Layer, _ x: UnsafePointer<Float>, _ pass: ForwardPass) {
    let (a, width) = (pass.a, config.hiddenSize)
    let routing = runExperts(layer, x, pass)
    let (y, outputs) = (output(of: .mlp, a), a[.expertOutputs])
    combine(routing, tokens: pass.tokens) { t, slots in
      let out = y + t * width
      out.update(repeating: 0, count: width)
      for slot in slots {
        let (row, weight) = (outputs + routing.rows[slot] * width, routing.weights[slot])
        for i in 0..<width { out[i] += weight * row[i] }
      }
    }
  }

  /// Calls `body` for each token with its slots in `routing.rows`.
  private func combine(
    _ routing: Routing, tokens: Int, _ body: (_ token: Int, _ slots: Range<Int>) -> Void
  ) {
    let each = config.block.rowsPerToken
    compute.pool.parallelRanges(tokens, unit: 8) { range, _ in
      for t in range { body(t, t * each..<(t + 1) * each) }
    }
  }

  /// Experts' inputs gathered and their outputs made.
  private func runExperts(
    _ layer: DecoderWeights.Layer, _ x: UnsafePointer<Float>, _ pass: ForwardPass
  ) -> Routing {
    let (a, width) = (pass.a, config.hiddenSize)
    let routing = gather(layer, x, tokens: pass.tokens, a)
    for expert in routing.ranges.indices where !routing.ranges[expert].isEmpty {
      let rows = routing.rows(of: expert, sequences: [])
      let first = layer[rows.role(config.block.activated)].matrix
      let input = operand(
        a[.expertInputs] + rows.first * width, tokens: rows.count, pass, for: first)
      finish(layer, rows, input, pass, into: a[.expertOutputs] + rows.first * width)
    }
    return routing
  }

  /// Routes the tokens, keeps that in `a.routing`, and gathers what their experts read.
  func gather(
    _ layer: DecoderWeights.Layer, _ x: UnsafePointer<Float>, tokens: Int, _ a: Activations
  ) -> Routing {
    guard let experts = config.block.experts, let router = layer.router else {
      preconditionFailure("a block without experts")
    }
    let (width, input) = (config.hiddenSize, mlpInputRows(layer, x, tokens: tokens, a))
    // In fp32 whatever the products are: a choice has no small error.
    compute.probabilities(
      input, rows: router.pointer, count: experts.count, width: width, tokens: tokens,
      into: a[.routerLogits])
    let routing = Routing(a[.routerLogits], tokens: tokens, experts)
    a.routing = routing
    let gathered = a[.expertInputs]
    compute.pool.parallelRanges(routing.tokens.count, unit: 8) { range, _ in
      for row in range {
        (gathered + row * width).update(from: input + routing.tokens[row] * width, count: width)
      }
    }
    return routing
  }

  /// What the mixture's backward pass reads. Unlike those of other branches, the experts' outputs
  /// are no differences of streams, so they are made again too.
  func recomputeMixture(
    _ layer: DecoderWeights.Layer, _ x: UnsafePointer<Float>, _ pass: ForwardPass
  ) {
    let a = pass.a
    let routing =
      a.keeping == .products
      ? gather(layer, x, tokens: pass.tokens, a) : runExperts(layer, x, pass)
    guard pass.keepsInputs else { return }
    activate(
      MLPRows(expert: nil, first: 0, count: routing.tokens.count, sequenceRanges: []), a)
  }

  /// From `dy` [T, D] to the experts' scales and to `dx` [T, D], through the router too.
  func backwardMixture(
    _ layer: DecoderWeights.Layer, _ x: UnsafePointer<Float>, _ pass: BlockPass,
    dy: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>?
  ) {
    let (a, g, width) = (pass.a, pass.g, config.hiddenSize)
    guard let routing = a.routing else { preconditionFailure("recompute comes first") }
    let (outputs, inputs) = (g[.expertOutputs], g[.expertInputs])
    combine(routing, tokens: pass.tokens) { t, slots in
      for slot in slots {
        let (row, weight) = (outputs + routing.rows[slot] * width, routing.weights[slot])
        for i in 0..<width { row[i] = weight * dy[t * width + i] }
      }
    }
    for expert in routing.ranges.indices {
      let rows = routing.rows(of: expert, sequences: pass.stack.sequenceRanges)
      guard rows.count > 0 else {
        for kind in config.block.mlpKinds { handOnZeros(rows.role(kind), pass) }
        continue
      }
      let at = rows.first * width
      backward(
        rows, pass, dy: outputs + at, y: a[.expertOutputs] + at, minus: nil,
        input: a[.expertInputs] + at, into: dx == nil ? nil : inputs + at)
    }
    guard let dx, let router = layer.router else { return }
    combine(routing, tokens: pass.tokens) { t, slots in
      let out = dx + t * width
      out.update(repeating: 0, count: width)
      for slot in slots {
        let row = inputs + routing.rows[slot] * width
        for i in 0..<width { out[i] += row[i] }
      }
      routerGradient(routing, t, slots, dy: dy + t * width, a, g)
      for expert in routing.ranges.indices {
        let slope = g[.router][t * routing.ranges.count + expert]
        guard slope != 0 else { continue }
        let row = router.pointer + expert * width
        for i in 0..<width { out[i] += slope * row[i] }
      }
    }
  }

  /// g.router [T, experts]: the gradient of a token's router logits, through the weights of its
  /// experts.
  private func routerGradient(
    _ routing: Routing, _ t: Int, _ slots: Range<Int>, dy: UnsafePointer<Float>, _ a: Activations,
    _ g: BlockGradients
  ) {
    guard let experts = config.block.experts else { return }
    let (width, p) = (config.hiddenSize, a[.routerLogits] + t * experts.count)
    // d(loss)/d(weight) of each expert chosen.
    let slopes = slots.map {
      compute.dot(dy, a[.expertOutputs] + routing.rows[$0] * width, count: width)
    }
    let sum = experts.normalizesWeights ? slots.reduce(0) { $0 + p[routing.chosen[$1]] } : 1
    let mean =
      experts.normalizesWeights
      ? zip(slots, slopes).reduce(0) { $0 + routing.weights[$1.0] * $1.1 } : 0
    let out = g[.router] + t * experts.count
    out.update(repeating: 0, count: experts.count)
    for (slot, slope) in zip(slots, slopes) { out[routing.chosen[slot]] = (slope - mean) / sum }
    let total = slots.reduce(0) { $0 + p[routing.chosen[$1]] * out[routing.chosen[$1]] }
    for e in 0..<experts.count { out[e] = p[e] * (out[e] - total) }
  }
}
