internal import Kernels

/// A buffer that a pass over the blocks writes. The lists below name each once, with its width and
/// its lifetime: activations are allocated from them, and the memory plan adds them up.
struct BlockBuffer {
  enum Name: Int, CaseIterable {
    // Streams.
    case residual, postAttention, attentionBranch, mlpBranch
    // Outputs of products and of attention.
    case q, k, v, attentionOutput, lse, gate, up, expertOutputs
    // Elementwise, made again by a backward pass.
    case cosine, sine, localCosine, localSine
    case inputStatistics, mlpStatistics, branchStatistics, queryStatistics, keyStatistics
    case norm1, norm2, queries, keys, values, biased, activated, scratch, embeddings
    case routerLogits, expertInputs
  }

  enum Lifetime {
    /// Overwritten by the next block.
    case block
    /// Kept for all blocks where the outputs of products are kept.
    case product
    /// Kept for all blocks by every pass that goes backward.
    case kept
    /// As `kept`, and one more: before each block and after the last.
    case stream
  }

  let name: Name
  /// Numbers of fp32 for a token.
  let width: Int
  let lifetime: Lifetime

  /// How many blocks it is kept for.
  func copies(_ keeping: Activations.Keeping, layers: Int) -> Int {
    switch lifetime {
    case .block: 1
    case .product: keeping == .products ? layers : 1
    case .kept: keeping == .nothing ? 1 : layers
    case .stream: (keeping == .nothing ? 1 : layers) + 1
    }
  }
}

extension DecoderConfig {
  /// What forward passes and recomputations write, for any precision and granularity. See
  /// `PassMemory` for those of them that a certain pass leaves alone.
  var blockBuffers: [BlockBuffer] {
    var list: [BlockBuffer] = []
    func add(_ name: BlockBuffer.Name, _ width: Int, _ lifetime: BlockBuffer.Lifetime = .block) {
      if width > 0 { list.append(BlockBuffer(name: name, width: width, lifetime: lifetime)) }
    }
    let (stream, statistics) = (hiddenSize, block.norm.statistics)
    let differences = block.branchOutputsAreDifferences
    let (inner, rows) = (intermediateSize * block.rowsPerToken, block.rowsPerToken)
    add(.residual, stream, .stream)
    add(.postAttention, stream, differences ? .kept : .block)
    if !differences {
      add(.attentionBranch, stream, .kept)
      add(.mlpBranch, stream, .kept)
      add(.branchStatistics, statistics)
    }
    add(.q, queryWidth, .product)
    add(.k, keyWidth, .product)
    add(.v, keyWidth, .product)
    add(.attentionOutput, queryWidth, .product)
    add(.lse, headCount, .product)
    if block.isGated { add(.gate, inner, .product) }
    add(.up, inner, .product)
    add(.cosine, rotatedSize / 2)
    add(.sine, rotatedSize / 2)
    if localRope != nil {
      add(.localCosine, rotatedSize / 2)
      add(.localSine, rotatedSize / 2)
    }
    if block.placement == .before || block.placement == .both {
      add(.inputStatistics, statistics)
      add(.mlpStatistics, statistics)
      add(.norm1, stream)
      add(.norm2, stream)
    }
    if block.queryKeyNorm != nil {
      add(.queryStatistics, queryWidth / width(of: .query))
      add(.keyStatistics, keyWidth / width(of: .key))
    }
    add(.queries, queryWidth)
    add(.keys, keyWidth)
    if block.biases.contains(.value) { add(.values, keyWidth) }
    if block.biases.contains(block.activated) { add(.biased, inner) }
    add(.activated, inner)
    add(.scratch, stream)
    if let width = ends.embeddingWidth { add(.embeddings, width) }
    if let experts = block.experts {
      add(.routerLogits, experts.count)
      add(.expertInputs, stream * rows)
      add(.expertOutputs, stream * rows, .product)
    }
    return list
  }
}

/// A buffer that a backward pass over a block writes.
struct GradientBuffer {
  enum Name: Int, CaseIterable {
    /// Of the residual stream; what is left at the end is the gradient of the embeddings.
    case residual
    /// Of what a branch's first layers read.
    case norm
    /// Of a branch's output behind a norm, or of what a parallel branch adds to the stream.
    case branch
    case attentionOutput, q, k, v, heads, gate, up, router, expertOutputs, expertInputs
  }

  let name: Name
  /// Numbers of fp32 for a token.
  let width: Int
}

extension DecoderConfig {
  var gradientBuffers: [GradientBuffer] {
    var list: [GradientBuffer] = []
    func add(_ name: GradientBuffer.Name, _ width: Int) {
      list.append(GradientBuffer(name: name, width: width))
    }
    let inner = intermediateSize * block.rowsPerToken
    add(.residual, hiddenSize)
    add(.norm, hiddenSize)
    if block.placement != .before || block.residual == .parallel { add(.branch, hiddenSize) }
    add(.attentionOutput, queryWidth)
    add(.q, queryWidth)
    add(.k, keyWidth)
    add(.v, keyWidth)
    add(.heads, attentionShape(layer: 0).headGradientCount(tokens: 1))
    if block.isGated { add(.gate, inner) }
    add(.up, inner)
    if let experts = block.experts {
      add(.router, experts.count)
      add(.expertOutputs, hiddenSize * block.rowsPerToken)
      add(.expertInputs, hiddenSize * block.rowsPerToken)
    }
    return list
  }
}
