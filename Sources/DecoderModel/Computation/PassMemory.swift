package import Kernels

/// What decides how much memory one pass over a stack of sequences needs.
package struct PassShape: Sendable, Equatable {
  /// What the pass is for.
  package enum Purpose: Sendable, Equatable {
    /// Logits or losses only.
    case forward
    /// Gradients of scales; `recomputing` computes products a second time instead of keeping them.
    case training(ScaleGranularity, recomputing: Bool)
  }

  /// Tokens of all sequences together.
  package var tokens: Int
  /// Sequences that are stacked; they are taken to be equally long.
  package var sequences: Int
  package var precision: Precision
  /// Columns that share a scale of the base; -1 for a whole row.
  package var groupSize: Int
  /// Threads that compute attention, each in a workspace of its own.
  package var threads: Int
  package var purpose: Purpose

  package init(
    tokens: Int, sequences: Int = 1, precision: Precision, groupSize: Int, threads: Int = 1,
    purpose: Purpose
  ) {
    (self.tokens, self.sequences, self.precision) = (tokens, sequences, precision)
    (self.groupSize, self.threads, self.purpose) = (groupSize, threads, purpose)
  }

  var rowScales: Bool { groupSize == -1 }

  /// What is trained; a base with one scale per row has no groups to train.
  var granularity: ScaleGranularity? {
    guard case .training(let granularity, _) = purpose else { return nil }
    return rowScales ? .row : granularity
  }

  var keeping: Activations.Keeping {
    guard case .training(_, let recomputing) = purpose else { return .nothing }
    return recomputing ? .residuals : .products
  }

  /// Positions whose logits are computed at a time. OpenBLAS's dense products of fp32 take
  /// sequences one by one (`Compute.denseRowsStandAlone`).
  var headPositions: Int {
    min(precision == .bf16 ? tokens : tokensPerSequence, HeadWorkspace.chunk)
  }

  var tokensPerSequence: Int { (tokens + sequences - 1) / max(1, sequences) }
}

/// The memory that one pass of a decoder writes, buffer by buffer, before anything is allocated.
///
/// Buffers that a pass allocates and never writes take no memory of the machine, because the kernel
/// gives pages at the first write. So they are not listed. `PassMemoryTests` compares every entry
/// with the allocations of a real pass.
package struct PassMemory: Sendable, Equatable {
  /// Bytes by buffer. The names are those of the properties that hold them.
  package private(set) var buffers: [String: Int] = [:]

  package var bytes: Int { buffers.values.reduce(0, +) }

  package init(_ config: DecoderConfig, _ shape: PassShape) {
    addActivations(config, shape)
    if shape.granularity != nil { addGradients(config, shape) }
    addHead(config, shape)
    addOperands(config, shape)
    add(
      "attentionWork",
      shape.threads
        * config.attentionShape.workCount(
          keys: shape.tokensPerSequence, precision: shape.precision))
  }

  /// Adds `count` numbers of fp32.
  private mutating func add(_ name: String, _ count: Int) {
    guard count > 0 else { return }
    buffers[name, default: 0] += count * MemoryLayout<Float>.stride
  }

  private mutating func addActivations(_ config: DecoderConfig, _ shape: PassShape) {
    let (tokens, width) = (shape.tokens, config.hiddenSize)
    let layers = shape.keeping == .nothing ? 1 : config.layerCount
    add("residuals", tokens * width * (layers + 1))
    add("postAttentions", tokens * width * layers)
    let products =
      2 * config.queryWidth + 2 * config.keyWidth + config.headCount + 2 * config.intermediateSize
    add("products", tokens * products * (shape.keeping == .products ? layers : 1))
    add("cosine", tokens * (config.headSize / 2))
    add("sine", tokens * (config.headSize / 2))
    add("inverseRMS1", tokens)
    add("inverseRMS2", tokens)
    if config.queryKeyNorm {
      add("inverseRMSQueries", tokens * config.headCount)
      add("inverseRMSKeys", tokens * config.keyValueHeadCount)
    }
    // Inputs of products stay in fp32 for products in fp32, and for the gradients of groups.
    if shape.precision == .fp32 || shape.granularity == .group {
      add("norm1", tokens * width)
      add("norm2", tokens * width)
      add("activated", tokens * config.intermediateSize)
    }
    add("queries", tokens * config.queryWidth)
    add("keys", tokens * config.keyWidth)
    if config.attentionBias { add("biasedValues", tokens * config.keyWidth) }
    add("scratch", tokens * width)
  }

  private mutating func addGradients(_ config: DecoderConfig, _ shape: PassShape) {
    let tokens = shape.tokens
    for name in ["gradient.residual", "gradient.norm"] { add(name, tokens * config.hiddenSize) }
    for name in ["gradient.attentionOutput", "gradient.q"] { add(name, tokens * config.queryWidth) }
    for name in ["gradient.k", "gradient.v"] { add(name, tokens * config.keyWidth) }
    add("gradient.heads", config.headGradientCount(tokens: tokens))
    add("gradient.gate", tokens * config.intermediateSize)
    // bf16 writes the gradient of `up` as an operand, where both layers train one number per row.
    if shape.precision == .fp32 || shape.granularity == .group || config.intermediateSize % 2 == 1 {
      add("gradient.up", tokens * config.intermediateSize)
    }
    let rows = LinearKind.allCases.map(config.shape(of:)).map(\.rows).max() ?? 0
    let scales =
      shape.granularity == .group
      ? LinearKind.allCases.map { kind in
        let (rows, columns) = config.shape(of: kind)
        return rows * ((columns + shape.groupSize - 1) / shape.groupSize)
      }.max() ?? 0 : 0
    add("scaleGradients", max(2 * shape.sequences * rows, scales))
  }

  private mutating func addHead(_ config: DecoderConfig, _ shape: PassShape) {
    let positions = shape.headPositions
    add("head.logits", positions * config.vocabularySize)
    add("head.inputs", positions * config.hiddenSize)
    if shape.precision == .fp32 || shape.granularity != nil {
      add("head.norms", positions * config.hiddenSize)
    }
    add("head.inverseRMS", positions)
    add("head.losses", positions * 2)
    if shape.granularity != nil { add("head.gradient", positions * config.hiddenSize) }
  }

  /// Copies of operands, as `Compute` keeps them: the largest of each slot.
  private mutating func addOperands(_ config: DecoderConfig, _ shape: PassShape) {
    let shapes = LinearKind.allCases.map(config.shape(of:))
    let rows = shapes.map(\.rows).max() ?? 0
    let inner = config.intermediateSize
    let trainsRows = shape.granularity == .row
    switch shape.precision {
    case .bf16:
      let columns = shapes.map(\.columns).max() ?? 0
      let widest = shape.granularity == nil ? columns : max(rows, columns)
      let head =
        shape.granularity == nil
        ? 0 : shape.headPositions * Self.even(config.vocabularySize)
      addBytes("operand.rows", max(shape.tokens * Self.even(widest), head) * 2)
      if trainsRows { addBytes("operand.secondRows", shape.tokens * Self.even(inner) * 2) }
    case .fp32:
      // Gradients are multiplied by the scales of their rows in a copy.
      if shape.granularity != nil && shape.rowScales {
        add("operand.rows", shape.tokens * rows)
        if trainsRows { add("operand.secondRows", shape.tokens * inner) }
      }
    }
    if shape.granularity != nil && shape.rowScales {
      add("operand.factors", rows)
      if shape.precision == .bf16 && trainsRows { add("operand.secondFactors", inner) }
    }
    if shape.granularity == .group { addGroupOperands(shapes, shape) }
  }

  /// Both operands of the products that give the gradients of groups.
  private mutating func addGroupOperands(
    _ shapes: [(rows: Int, columns: Int)], _ shape: PassShape
  ) {
    let (rows, columns) = (shapes.map(\.rows).max() ?? 0, shapes.map(\.columns).max() ?? 0)
    let (tokens, number) = (shape.tokensPerSequence, shape.precision == .bf16 ? 2 : 4)
    addBytes("operand.panels", Compute.panelColumns(columns) * Self.even(tokens) * number)
    let padded = shape.precision == .bf16 ? Self.even(tokens) : tokens
    addBytes("operand.transposed", rows * padded * number)
  }

  private mutating func addBytes(_ name: String, _ bytes: Int) {
    guard bytes > 0 else { return }
    buffers[name, default: 0] += bytes
  }

  private static func even(_ count: Int) -> Int { count + count % 2 }
}
