package import Kernels

/// What decides how much memory one pass over a stack of sequences needs.
package struct PassShape: Sendable, Equatable {
  /// What the pass is for.
  package enum Purpose: Sendable, Equatable {
    /// Logits or losses only.
    case forward
    /// Gradients of scales, of all layers: what trains some of them needs no more. `recomputing`
    /// computes products a second time instead of keeping them.
    case training(ScaleTraining, recomputing: Bool)
  }

  /// Tokens of all sequences together.
  package var tokens: Int
  /// Sequences that are stacked; they are taken to be equally long.
  package var sequences: Int
  package var arithmetic: Arithmetic
  /// Columns that share a scale of the base; -1 for a whole row.
  package var groupSize: Int
  /// Threads that compute attention, each in a workspace of its own.
  package var threads: Int
  package var purpose: Purpose

  package init(
    tokens: Int, sequences: Int = 1, arithmetic: Arithmetic, groupSize: Int, threads: Int = 1,
    purpose: Purpose
  ) {
    (self.tokens, self.sequences, self.arithmetic) = (tokens, sequences, arithmetic)
    (self.groupSize, self.threads, self.purpose) = (groupSize, threads, purpose)
  }

  package var precision: Precision { arithmetic.precision }
  var multipliesIntegers: Bool { arithmetic.multipliesIntegers }

  var rowScales: Bool { groupSize == -1 }

  var training: ScaleTraining? {
    guard case .training(let training, _) = purpose else { return nil }
    return training
  }

  /// What is trained; a base with one scale per row has no groups to train.
  var granularity: ScaleGranularity? { training.map { rowScales ? .row : $0.granularity } }

  /// Whether gradients are made of inputs in fp32.
  var needsInputs: Bool {
    granularity.map { $0 != .row } ?? false || training?.zeroPoints ?? false
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
        * config.attentionShape(layer: 0).workCount(
          keys: shape.tokensPerSequence, precision: shape.precision))
  }

  /// What passes of another purpose take beside this one in the same decoder: activations of their
  /// own, and of the workspaces, which they share, what these are larger for them.
  package func added(by others: [PassMemory]) -> Int {
    let largest = others.reduce(into: [:]) { $0.merge($1.buffers, uniquingKeysWith: max) }
    return largest.reduce(0) { sum, buffer in
      let isShared =
        buffer.key == "attentionWork"
        || ["head.", "operand."].contains(where: buffer.key.hasPrefix)
      return sum + max(0, buffer.value - (isShared ? buffers[buffer.key] ?? 0 : 0))
    }
  }

  /// Adds `count` numbers of fp32.
  mutating func add(_ name: String, _ count: Int) {
    guard count > 0 else { return }
    buffers[name, default: 0] += count * MemoryLayout<Float>.stride
  }

  private mutating func addActivations(_ config: DecoderConfig, _ shape: PassShape) {
    for buffer in config.blockBuffers where Self.isWritten(buffer.name, config, shape) {
      let copies = buffer.copies(shape.keeping, layers: config.layerCount)
      add("\(buffer.name)", shape.tokens * buffer.width * copies)
    }
  }

  /// Whether a pass writes a buffer. Inputs of products stay in fp32 for products in fp32, for the
  /// gradients of groups, and where experts gather them.
  private static func isWritten(
    _ name: BlockBuffer.Name, _ config: DecoderConfig, _ shape: PassShape
  ) -> Bool {
    let isFloat =
      shape.precision == .fp32 || shape.needsInputs || shape.multipliesIntegers
    switch name {
    case .norm1: return isFloat
    case .norm2: return isFloat || config.block.experts != nil
    case .activated: return isFloat || config.intermediateSize % 2 == 1
    default: return true
    }
  }

  private mutating func addGradients(_ config: DecoderConfig, _ shape: PassShape) {
    // bf16 writes the gradient of `up` as an operand, where both layers train one number per row.
    let rounds =
      shape.precision == .bf16 && !shape.multipliesIntegers && config.intermediateSize % 2 == 0
      && Layer.gatesTrainRows(config, shape)
    for buffer in config.gradientBuffers where !(buffer.name == .up && rounds) {
      add("gradient.\(buffer.name)", shape.tokens * buffer.width)
    }
    let layers = config.block.kinds.map { Layer($0, config, shape) }
    let rows = layers.map(\.rows).max() ?? 0
    let scales = layers.map { $0.trainsRows ? 0 : $0.rows * $0.groups + $0.factors }.max() ?? 0
    add("scaleGradients", max(2 * shape.sequences * rows, scales))
  }

  private mutating func addHead(_ config: DecoderConfig, _ shape: PassShape) {
    let positions = shape.headPositions
    add("head.logits", positions * config.vocabularySize)
    add("head.inputs", positions * config.hiddenSize)
    if shape.precision == .fp32 && config.ends.finalNorm || shape.granularity != nil {
      add("head.norms", positions * config.hiddenSize)
    }
    if config.ends.finalNorm { add("head.statistics", positions * config.block.norm.statistics) }
    if let width = config.ends.embeddingWidth { add("head.projected", positions * width) }
    add("head.losses", positions * 2)
    if shape.granularity != nil && config.ends.finalNorm {
      add("head.gradient", positions * config.hiddenSize)
    }
  }

  /// One kind of linear layer, as far as copies of operands depend on it.
  struct Layer {
    let rows, columns, groups: Int
    /// One number a row is trained: asked for, or all there is.
    let trainsRows: Bool
    /// Numbers in place of those of the groups, which come first.
    let factors: Int

    init(_ kind: LinearKind, _ config: DecoderConfig, _ shape: PassShape) {
      (rows, columns) = config.shape(of: kind)
      groups = shape.rowScales ? 1 : (columns + shape.groupSize - 1) / shape.groupSize
      trainsRows = shape.granularity == .row || shape.granularity != nil && groups == 1
      factors =
        shape.granularity == .rowAndColumn
        ? ScaleFactors(rows: rows, columns: groups, rank: shape.training?.rank ?? 0).count : 0
    }

    /// Whether the backward pass goes through gate, up and activation at once.
    static func gatesTrainRows(_ config: DecoderConfig, _ shape: PassShape) -> Bool {
      config.block.isGated && Layer(.gate, config, shape).trainsRows
        && !(shape.training?.zeroPoints ?? false)
    }
  }

  /// Copies of operands, as `Compute` keeps them: the largest of each slot. Of a mixture as if one
  /// expert got all tokens.
  private mutating func addOperands(_ config: DecoderConfig, _ shape: PassShape) {
    let layers = config.block.kinds.map { Layer($0, config, shape) }
    let trains = shape.granularity != nil
    let (inner, tokens) = (config.intermediateSize, shape.tokens)
    let gates = Layer(config.block.activated, config, shape)
    let hasTwo = trains && Layer.gatesTrainRows(config, shape)
    // Gradients are multiplied by the scales of their rows where a row has one.
    let scaled = trains ? layers.filter { $0.groups == 1 }.map(\.rows).max() ?? 0 : 0
    guard !shape.multipliesIntegers else {
      addIntegerOperands(config, shape, layers, hasTwo: hasTwo)
      return
    }
    switch shape.precision {
    case .bf16:
      let columns = layers.map(\.columns).max() ?? 0
      let widest = trains ? max(layers.map(\.rows).max() ?? 0, columns) : columns
      let head = trains ? shape.headPositions * Self.even(config.vocabularySize) : 0
      addBytes("operand.rows", max(tokens * Self.even(widest), head) * 2)
      if hasTwo { addBytes("operand.secondRows", tokens * Self.even(inner) * 2) }
      if hasTwo && gates.groups == 1 { add("operand.secondFactors", inner) }
    case .fp32:
      add("operand.rows", tokens * scaled)
      if hasTwo && gates.groups == 1 { add("operand.secondRows", tokens * inner) }
    }
    add("operand.factors", scaled)
    if trains { addGroupOperands(layers.filter { !$0.trainsRows }, shape) }
    addZeroPointSums(layers, shape)
  }

  mutating func addZeroPointSums(_ layers: [Layer], _ shape: PassShape) {
    guard shape.training?.zeroPoints ?? false else { return }
    add("operand.groupSums", shape.tokensPerSequence * (layers.map(\.groups).max() ?? 0))
  }

  /// Both operands of the products that give the gradients of groups.
  private mutating func addGroupOperands(_ layers: [Layer], _ shape: PassShape) {
    let (rows, columns) = (layers.map(\.rows).max() ?? 0, layers.map(\.columns).max() ?? 0)
    let (tokens, number) = (shape.tokensPerSequence, shape.precision == .bf16 ? 2 : 4)
    addBytes("operand.panels", Compute.panelColumns(columns) * Self.even(tokens) * number)
    let padded = shape.precision == .bf16 ? Self.even(tokens) : tokens
    addBytes("operand.transposed", rows * padded * number)
  }

  mutating func addBytes(_ name: String, _ bytes: Int) {
    guard bytes > 0 else { return }
    buffers[name, default: 0] += bytes
  }

  static func even(_ count: Int) -> Int { count + count % 2 }
}

extension Decoder {
  /// The activations and gradients that passes have allocated, by the names of `PassMemory`.
  package var bufferMemory: [(name: String, memory: FloatBuffer)] {
    (inference?.allocations ?? []) + (training?.activations.allocations ?? [])
      + (training?.gradients.allocations ?? [])
  }
}
