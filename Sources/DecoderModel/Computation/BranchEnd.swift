internal import Kernels

// How a branch joins the residual stream, and back.

/// The end of a branch: the layer that gives its output, and the norm of it, where there is one.
struct BranchEnd {
  let kind: LinearKind
  let norm: NormKind
  /// Where the output is kept, if it is.
  let kept: BlockBuffer.Name

  static let attention = BranchEnd(
    kind: .attentionOutput, norm: .attentionOutput, kept: .attentionBranch)
  static let mlp = BranchEnd(kind: .down, norm: .mlpOutput, kept: .mlpBranch)
}

extension Decoder {
  /// Where the last layer of a branch writes its output [T, D], without bias.
  func output(of end: BranchEnd, _ a: Activations) -> UnsafeMutablePointer<Float> {
    config.block.branchOutputsAreDifferences ? a[.scratch] : a[end.kept]
  }

  /// The bias of a branch's last layer; in a mixture of experts there is none.
  private func bias(_ end: BranchEnd, _ layer: DecoderWeights.Layer) -> FloatBuffer? {
    config.block.biases.contains(end.kind) ? layer[end.kind].bias : nil
  }

  /// out = x + the branch, in the order of norms and sums that the block has.
  func join(
    _ end: BranchEnd, _ layer: DecoderWeights.Layer, to x: UnsafePointer<Float>, tokens: Int,
    _ a: Activations, into out: UnsafeMutablePointer<Float>
  ) {
    let (y, count, bias) = (output(of: end, a), tokens * config.hiddenSize, bias(end, layer))
    switch config.block.placement {
    case .before:
      compute.sum(x, y, count: count, into: out)
      add(bias, to: out, tokens: tokens)
    case .output, .both:
      normalize(y, layer.norm(end.norm), tokens, into: a[.scratch], a[.branchStatistics])
      compute.sum(x, a[.scratch], count: count, into: out)
    case .after:
      sum(x, end, layer, tokens: tokens, a)
      normalize(a[.scratch], layer.norm(end.norm), tokens, into: out, a[.branchStatistics])
    }
  }

  /// a.scratch = x + output + bias.
  private func sum(
    _ x: UnsafePointer<Float>, _ end: BranchEnd, _ layer: DecoderWeights.Layer, tokens: Int,
    _ a: Activations
  ) {
    compute.sum(
      x, output(of: end, a), count: tokens * config.hiddenSize, into: a[.scratch])
    add(bias(end, layer), to: a[.scratch], tokens: tokens)
  }

  private func add(_ bias: FloatBuffer?, to x: UnsafeMutablePointer<Float>, tokens: Int) {
    guard let bias else { return }
    compute.addBias(bias.pointer, width: bias.count, to: x, tokens: tokens, into: x)
  }

  func normalize(
    _ x: UnsafePointer<Float>, _ norm: Norm?, _ tokens: Int,
    into y: UnsafeMutablePointer<Float>?, _ statistics: UnsafeMutablePointer<Float>
  ) {
    guard let norm else { preconditionFailure("a norm that the block does not have") }
    compute.normalize(x, norm, tokens: tokens, into: y, statistics: statistics)
  }

  /// The gradient of a branch's output, from that behind `join` in g.residual, which becomes that
  /// of x as far as it does not go through the branch.
  func separate(
    _ end: BranchEnd, from x: UnsafePointer<Float>, _ pass: BlockPass
  ) -> UnsafeMutablePointer<Float> {
    let (a, g, layer, tokens) = (pass.a, pass.g, weights.layers[pass.layer], pass.tokens)
    let count = tokens * config.hiddenSize
    guard config.block.placement != .before, let norm = layer.norm(end.norm) else {
      return g[.residual]
    }
    var input = UnsafePointer(output(of: end, a))
    if config.block.placement == .after {
      sum(x, end, layer, tokens: tokens, a)
      input = UnsafePointer(a[.scratch])
    }
    normalize(input, norm, tokens, into: nil, a[.branchStatistics])
    g[.branch].update(repeating: 0, count: count)
    compute.normalizeBackward(
      input, norm, statistics: a[.branchStatistics], dy: g[.residual], tokens: tokens,
      addingTo: g[.branch])
    guard config.block.placement == .after else { return g[.branch] }
    g[.residual].update(from: g[.branch], count: count)
    return g[.residual]
  }

  /// The output of a branch's last layer for gradients of scales per row, as `y - minus`: kept, or
  /// the difference of the streams behind and before it without the bias.
  func outputDifference(
    _ end: BranchEnd, before x: UnsafePointer<Float>, after stream: UnsafePointer<Float>,
    _ pass: BlockPass
  ) -> (y: UnsafePointer<Float>, minus: UnsafePointer<Float>?) {
    let a = pass.a
    guard config.block.branchOutputsAreDifferences else { return (UnsafePointer(a[end.kept]), nil) }
    guard let bias = bias(end, weights.layers[pass.layer]) else { return (stream, x) }
    compute.addBias(bias.pointer, width: bias.count, to: x, tokens: pass.tokens, into: a[.scratch])
    return (stream, UnsafePointer(a[.scratch]))
  }
}
