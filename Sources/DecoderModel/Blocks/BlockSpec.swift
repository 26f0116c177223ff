package import Kernels

/// The choices of a block, as values: what a family's entry says and the computation, the buffers,
/// the memory plan and the count of operations read. The defaults are LLaMA's.
///
///     a = attention(norm(x))        m = x + a
///     b = MLP(norm(m))              y = m + b
package struct BlockSpec: Sendable, Equatable {
  /// Where norms stand around the two branches.
  package enum NormPlacement: String, Sendable {
    /// Of each branch's input: x + f(norm(x)).
    case before
    /// Of the sum: norm(x + f(x)), as the first transformers had it (OPT-350M).
    case after
    /// Of each branch's output: x + norm(f(x)) (OLMo-2).
    case output
    /// Of input and output: x + norm(f(norm(x))) (Gemma 2).
    case both
  }

  /// What the MLP reads.
  package enum Residual: String, Sendable {
    /// The stream after attention.
    case sequential
    /// The stream before attention, as attention does: y = x + a + MLP(norm(x)) (GPT-J).
    case parallel
  }

  /// What one norm of the projected queries, or keys, spans.
  package enum QueryKeyNorm: String, Sendable {
    /// Each head by itself (Qwen3).
    case head
    /// All heads of a token together (OLMo-2).
    case whole
  }

  /// A mixture of experts: MLPs of which each token takes a few, weighted by a router.
  package struct Experts: Sendable, Equatable {
    package var count: Int
    /// Experts that a token takes.
    package var perToken: Int
    /// The weights of the chosen add up to 1.
    package var normalizesWeights: Bool

    package init(count: Int, perToken: Int, normalizesWeights: Bool = true) {
      (self.count, self.perToken) = (count, perToken)
      self.normalizesWeights = normalizesWeights
    }
  }

  package var norm: Norm.Kind = .rms
  package var placement: NormPlacement = .before
  package var residual: Residual = .sequential
  /// Attention and MLP read the same normalised stream: one norm for both (GPT-J).
  package var sharesNorm = false
  package var queryKeyNorm: QueryKeyNorm?
  /// Linear layers that carry a bias.
  package var biases: Set<LinearKind> = []
  /// Factor of the scores; nil: 1 / sqrt(head size).
  package var scoreScale: Float?
  /// Scores s become cap * tanh(s / cap) (Gemma 2).
  package var scoreCap: Float?
  /// Numbers of a head that turn with its position, from the first on; nil for all, 0 for none.
  package var rotatedSize: Int?
  package var activation: Activation = .silu
  /// down(f(gate(x)) * up(x)); without a gate down(f(up(x))).
  package var isGated = true
  package var experts: Experts?

  package init() {}

  /// The defaults, or those of `other`, changed.
  package init(_ other: BlockSpec = BlockSpec(), _ change: (inout BlockSpec) -> Void) {
    self = other
    change(&self)
  }
}

extension BlockSpec {
  /// Kinds of linear layers, in the order in which forward meets them.
  package var kinds: [LinearKind] { Self.attentionKinds + mlpKinds }

  private static let attentionKinds: [LinearKind] = [.query, .key, .value, .attentionOutput]

  package var mlpKinds: [LinearKind] { isGated ? [.gate, .up, .down] : [.up, .down] }

  /// The layer whose output goes through the activation.
  package var activated: LinearKind { isGated ? .gate : .up }

  /// All linear layers of a block, in the order of `DecoderWeights.Layer.linears`.
  package var linears: [LinearRole] {
    guard let experts else { return kinds.map { LinearRole($0) } }
    return Self.attentionKinds.map { LinearRole($0) }
      + (0..<experts.count).flatMap { expert in mlpKinds.map { LinearRole($0, expert: expert) } }
  }

  package var linearCount: Int { 4 + mlpKinds.count * (experts?.count ?? 1) }

  /// Index of a layer in `linears`; nil where the block has no such layer.
  package func position(of role: LinearRole) -> Int? {
    let within: Int
    switch role.kind {
    case .query: return role.expert == nil ? 0 : nil
    case .key: return role.expert == nil ? 1 : nil
    case .value: return role.expert == nil ? 2 : nil
    case .attentionOutput: return role.expert == nil ? 3 : nil
    case .gate: within = 0
    case .up: within = isGated ? 1 : 0
    case .down: within = isGated ? 2 : 1
    }
    guard isGated || role.kind != .gate, (role.expert == nil) == (experts == nil) else {
      return nil
    }
    return 4 + (role.expert ?? 0) * (isGated ? 3 : 2) + within
  }

  /// Norms of a block that have weights, in the order in which forward meets them.
  package var norms: [NormKind] {
    let (before, behind) = (placement == .before || placement == .both, placement != .before)
    return (before ? [.input] : []) + (queryKeyNorm == nil ? [] : [.query, .key])
      + (behind ? [.attentionOutput] : []) + (before && !sharesNorm ? [.postAttention] : [])
      + (behind ? [.mlpOutput] : [])
  }

  /// The output of a branch, before its bias, is a difference of two streams that are kept, so it
  /// need not be (docs/decisions/0006): so where nothing stands between a branch and the stream.
  package var branchOutputsAreDifferences: Bool { placement == .before }

  /// Layers whose products a backward pass does not do again: those that end a branch, whose
  /// outputs it has in any case. Experts' are done again.
  package var sparedKinds: [LinearKind] {
    experts == nil ? [.attentionOutput, .down] : [.attentionOutput]
  }

  /// Rows of the MLP for each token.
  package var rowsPerToken: Int { experts?.perToken ?? 1 }

  /// Linear layers that read the stream before the block. Nothing trained stands before the first
  /// block, so there they need no gradient of their input.
  package var firstKinds: [LinearKind] {
    [.query, .key, .value] + (residual == .parallel ? mlpKinds.filter { $0 != .down } : [])
  }
}
