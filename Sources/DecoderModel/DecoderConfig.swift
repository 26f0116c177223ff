internal import Foundation

/// The shape and the choices of a decoder of the LLaMA family, normalised from a Hugging Face
/// `config.json` or GGUF metadata. The decoder reads these values and knows no family by name.
package struct DecoderConfig: Sendable, Equatable {
  /// Family name as Hugging Face spells it: `llama`, `mistral`, `qwen2`, `qwen3`.
  package var modelType: String
  package var vocabularySize: Int
  /// Width of the residual stream (D).
  package var hiddenSize: Int
  /// Width inside the MLP (F).
  package var intermediateSize: Int
  package var layerCount: Int
  package var headCount: Int
  package var keyValueHeadCount: Int
  /// Width of one head; `headCount * headSize` need not equal `hiddenSize`.
  package var headSize: Int
  package var normEpsilon: Float
  package var rope: RopeConfig
  /// Longest sequence the model was trained for.
  package var maximumLength: Int
  /// The output matrix is the embedding matrix.
  package var tiedEmbeddings: Bool
  /// q, k and v projections carry biases (Qwen2).
  package var attentionBias: Bool
  /// A token attends to at most this many tokens, itself included (Mistral); nil for all.
  package var slidingWindow: Int?
  /// Each head of q and k is normalised over its own width before it is rotated (Qwen3).
  package var queryKeyNorm: Bool
  /// Layers whose queries and keys are not rotated, in their order (SmolLM3).
  package var unrotatedLayers: [Int]

  package init(
    modelType: String = "llama", vocabularySize: Int, hiddenSize: Int, intermediateSize: Int,
    layerCount: Int, headCount: Int, keyValueHeadCount: Int, headSize: Int,
    normEpsilon: Float = 1e-5, rope: RopeConfig = RopeConfig(), maximumLength: Int = 2048,
    tiedEmbeddings: Bool = false, attentionBias: Bool = false, slidingWindow: Int? = nil,
    queryKeyNorm: Bool = false, unrotatedLayers: [Int] = []
  ) {
    self.modelType = modelType
    self.vocabularySize = vocabularySize
    self.hiddenSize = hiddenSize
    self.intermediateSize = intermediateSize
    self.layerCount = layerCount
    self.headCount = headCount
    self.keyValueHeadCount = keyValueHeadCount
    self.headSize = headSize
    self.normEpsilon = normEpsilon
    self.rope = rope
    self.maximumLength = maximumLength
    self.tiedEmbeddings = tiedEmbeddings
    self.attentionBias = attentionBias
    self.slidingWindow = slidingWindow
    self.queryKeyNorm = queryKeyNorm
    self.unrotatedLayers = unrotatedLayers
  }
}

/// Rotary position embedding: pair i of a head turns by `position * frequency(i)`.
package struct RopeConfig: Sendable, Equatable {
  package var theta: Double
  package var scaling: Scaling

  /// How frequencies are stretched for long contexts.
  package enum Scaling: Sendable, Equatable {
    case none
    /// Positions divided by `factor`.
    case linear(factor: Double)
    /// LLaMA 3.1: low frequencies divided by `factor`, high ones kept, smooth in between.
    case llama3(
      factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalLength: Int)
    case yarn(YaRN)
  }

  /// YaRN (Peng et al., arXiv 2309.00071): pairs that turn often over the original length are kept,
  /// those that turn seldom are divided by `factor`, with a ramp over the pairs between.
  package struct YaRN: Sendable, Equatable {
    package var factor: Double
    /// Cosines and sines are multiplied by it, so that scores are by its square.
    package var attentionFactor: Double
    /// Turns over the original length at which the ramp begins and ends.
    package var betaFast: Double
    package var betaSlow: Double
    package var originalLength: Int
    /// Whether the ramp begins and ends at whole pairs.
    package var truncates: Bool

    package init(
      factor: Double, attentionFactor: Double, betaFast: Double = 32, betaSlow: Double = 1,
      originalLength: Int, truncates: Bool = true
    ) {
      (self.factor, self.attentionFactor) = (factor, attentionFactor)
      (self.betaFast, self.betaSlow) = (betaFast, betaSlow)
      (self.originalLength, self.truncates) = (originalLength, truncates)
    }

    /// What the paper recommends: 0.1 ln(factor) + 1.
    package static func attentionFactor(_ factor: Double, scale: Double = 1) -> Double {
      factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1
    }

    /// The part of the plain frequency of a pair that is kept, from 0 to 1.
    func kept(pair: Int, theta: Double, headSize: Int) -> Double {
      func pairTurning(_ turns: Double) -> Double {
        Double(headSize) * log(Double(originalLength) / (turns * 2 * .pi)) / (2 * log(theta))
      }
      var (low, high) = (pairTurning(betaFast), pairTurning(betaSlow))
      if truncates { (low, high) = (low.rounded(.down), high.rounded(.up)) }
      (low, high) = (max(low, 0), min(high, Double(headSize - 1)))
      if low == high { high += 0.001 }
      return 1 - min(max((Double(pair) - low) / (high - low), 0), 1)
    }
  }

  package init(theta: Double = 10_000, scaling: Scaling = .none) {
    self.theta = theta
    self.scaling = scaling
  }
}

/// One linear layer of a block, in the order in which forward meets them.
package enum LinearKind: String, CaseIterable, Sendable {
  case query = "self_attn.q_proj"
  case key = "self_attn.k_proj"
  case value = "self_attn.v_proj"
  case attentionOutput = "self_attn.o_proj"
  case gate = "mlp.gate_proj"
  case up = "mlp.up_proj"
  case down = "mlp.down_proj"

  /// Name without suffix, e.g. `model.layers.3.mlp.up_proj`.
  package func name(layer: Int) -> String { "model.layers.\(layer).\(rawValue)" }
}

extension DecoderConfig {
  /// Numbers of all queries of a token.
  package var queryWidth: Int { headCount * headSize }
  /// Numbers of all keys of a token, and of all values.
  package var keyWidth: Int { keyValueHeadCount * headSize }

  /// (rows O, columns I) of a linear layer.
  package func shape(of kind: LinearKind) -> (rows: Int, columns: Int) {
    switch kind {
    case .query: (queryWidth, hiddenSize)
    case .key, .value: (keyWidth, hiddenSize)
    case .attentionOutput: (hiddenSize, queryWidth)
    case .gate, .up: (intermediateSize, hiddenSize)
    case .down: (hiddenSize, intermediateSize)
    }
  }
}
