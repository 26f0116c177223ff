internal import Checkpoints
internal import Foundation
internal import JSONText
internal import Kernels

/// A family of models: what its files call things, the defaults of absent keys, and the choices of
/// its blocks. All that a family needs beside the parts of `Computation` stands in its entry.
package struct Family: Sendable {
  /// `model_type` of `config.json`, and the class of transformers that runs it.
  package let modelType: String
  let architecture: String
  /// `general.architecture` of GGUF files. Several families may share one.
  /// Nil where such files are not read.
  package var ggufArchitecture: String?
  /// Keys of `config.json`.
  var keys = ConfigKeys()
  /// What transformers takes where `config.json` says nothing.
  var defaults = ConfigDefaults()
  /// Names and layouts of tensors in safetensors files.
  var tensors = TensorNames()
  /// The same of GGUF files.
  var ggufTensors = TensorNames.gguf()
  /// What blocks are, and what stands before and behind them, where a configuration does not change
  /// it.
  var block = BlockSpec()
  var ends = EndsSpec()
  /// What a configuration says beyond sizes. Called with these read, and `block` and `ends` as
  /// above.
  var read: @Sendable (inout ConfigFields, inout DecoderConfig) -> Void = { _, _ in }
  /// The same for the metadata of a GGUF file.
  var readGGUF: @Sendable (inout ConfigFields, inout DecoderConfig, GGUFFile) -> Void = { _, _, _ in
  }
  /// Keys that `read` reads and that other families refuse: `attention_bias`, `layer_types`.
  var ownKeys: Set<String> = []
  /// Members of `config.json` that say what `read` reads.
  var members: @Sendable (DecoderConfig) -> [(String, JSONValue)] = { _ in [] }
  /// What its tests compare it with.
  package let verified: String

  /// In the order in which messages name them.
  package static let all = [
    llama, mistral, mixtral, qwen2, qwen3, qwen3moe, phi3, smollm3, gemma, gemma2, gemma3, olmo2,
    stablelm, starcoder2, gptj, gptneo, gptneox, opt,
  ]

  static func named(_ modelType: String) -> Family? { all.first { $0.modelType == modelType } }

  /// The family of a GGUF file; the first where several share the name, with experts or without.
  static func inGGUF(_ architecture: String, hasExperts: Bool) -> Family? {
    all.first {
      $0.ggufArchitecture == architecture && ($0.block.experts != nil) == hasExperts
    }
  }

  /// Why an architecture is refused: with the family whose name is nearest, if one is near.
  static func refusal(of name: String, among names: [String]) -> String {
    let near = names.map { ($0, $0.commonPrefix(with: name).count) }.max { $0.1 < $1.1 }
    var hint = ""
    if let missing = missing[name] {
      hint = " It needs \(missing)."
    } else if let near, near.1 >= 3 {
      hint = " The nearest is \(near.0), which has another block."
    }
    return "architecture \"\(name)\" is not supported. Supported are "
      + names.joined(separator: ", ") + "." + hint
  }

  /// What models that people ask for would take beyond an entry here.
  private static let missing = [
    "bloom": "ALiBi in the scores", "mpt": "ALiBi in the scores",
    "gpt2": "linear layers whose weights lie transposed (Conv1D)",
    "gpt_oss": "attention sinks and experts in MXFP4", "falcon": "its fused heads taken apart",
    "deepseek_v2": "latent attention", "deepseek_v3": "latent attention",
    "qwen2_moe": "a shared expert", "gemma3": "its text part by itself, which is gemma3_text",
    "cohere": "LayerNorm without a bias, and scaled logits", "mamba": "state spaces",
  ]
}

extension DecoderConfig {
  /// The entry of the model's family: configurations are made from its name, in files and presets
  /// alike.
  var family: Family { Family.named(modelType) ?? .llama }
}

/// Keys of `config.json`; the defaults are LLaMA's. Nil: the family has no such key, and the
/// default holds.
struct ConfigKeys: Sendable {
  var hiddenSize = "hidden_size"
  var intermediateSize = "intermediate_size"
  var layers = "num_hidden_layers"
  var heads = "num_attention_heads"
  var keyValueHeads: String? = "num_key_value_heads"
  var headSize: String? = "head_dim"
  var length = "max_position_embeddings"
  var epsilon: String? = "rms_norm_eps"
  var activation = "hidden_act"
  var theta: String? = "rope_theta"
  /// The part of a head that turns; nil where families turn whole heads, or have a key of their
  /// own.
  var rotatedShare: String?
}

/// What transformers takes where `config.json` says nothing.
struct ConfigDefaults: Sendable {
  var length = 2048
  /// Nil: as many as there are heads.
  var keyValueHeads: Int?
  /// Nil: the width by the number of heads.
  var headSize: Int?
  /// The MLP's width by that of the stream, where that may be absent.
  var expansion: Int?
  var epsilon = 1e-6
  var activation = "silu"
  var theta = 10_000.0
  var rotatedShare = 1.0
  var isTied = false
}

/// What files call the tensors, by their canonical names, and how they lay them out. The defaults
/// are those of LLaMA's safetensors.
struct TensorNames: Sendable {
  /// Stands before all names but the output matrix's; some files leave it out.
  var prefix = "model."
  /// Behind the prefix, before the number of a layer.
  var layers = "layers."
  /// Names within a layer that are not canonical, without suffixes; `*` stands for the number of an
  /// expert.
  var within: [String: String] = [:]
  /// Names behind the prefix that are not canonical, without suffixes.
  var ends: [String: String] = [:]
  /// The output matrix.
  var output = "lm_head"
  /// Linear layers whose rows share one tensor.
  var fused: [FusedLinears] = []
  /// Pairs of rows of q and k that turn together lie side by side (GPT-J; llama.cpp's conversion of
  /// LLaMA).
  var interleaves = false
  /// One tensor has the matrices of all experts, one below the other (GGUF).
  var stacksExperts = false
  /// What norms add to their weights (Gemma).
  var normOffset: Float = 0
  /// Rows of the table of positions that belong to none (OPT).
  var positionOffset = 0

  /// Several linear layers of a block whose rows share a tensor.
  struct FusedLinears: Sendable {
    /// Without suffix, e.g. `self_attn.qkv_proj`.
    var name: String
    var kinds: [LinearKind]
    /// The heads of the layers take turns; else one layer stands below the other.
    var byHead = false
  }
}
