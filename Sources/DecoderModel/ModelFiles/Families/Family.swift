internal import JSONText

/// A family of models: what its files call things, the defaults of absent keys, and the choices of
/// its blocks. All that a family needs beside the parts of `Computation` stands in its entry.
package struct Family: Sendable {
  /// `model_type` of `config.json`, and the class of transformers that runs it.
  package let modelType: String
  let architecture: String
  /// `general.architecture` of GGUF files. Several families may share one.
  /// Nil where such files are not read.
  package var ggufArchitecture: String?
  /// Linear layers that `config.json` models keep as rows of one tensor.
  var fusedLinears: [FusedLinears] = []
  /// llama.cpp's conversion interleaves the halves of every head of q and k (`RowOrder`).
  var interleavesRotatedRows = false

  // Defaults of transformers where `config.json` says nothing; nil: as many as there are heads, and
  // the width by the number of heads.
  var defaultLength = 2048
  var defaultKeyValueHeads: Int?
  var defaultHeadSize: Int?
  var defaultNormEpsilon = 1e-6
  var defaultTheta = 10_000.0
  var tiesByDefault = false

  // Choices of the block.
  /// q, k and v carry biases.
  var attentionBias = false
  /// Every head of q and k is normalised before it is rotated.
  var queryKeyNorm = false
  /// The sliding window that a configuration of so many layers and tokens asks for.
  var window: @Sendable (inout ConfigFields, _ layers: Int, _ length: Int) -> Int? = { _, _, _ in
    nil
  }
  /// Layers whose queries and keys are not rotated, of so many, in their order.
  var unrotatedLayers: @Sendable (inout ConfigFields, _ layers: Int) -> [Int] = { _, _ in [] }
  /// Members of `config.json` that only this family has.
  var ownMembers: @Sendable (DecoderConfig) -> [(String, JSONValue)] = { _ in [] }
  /// What its tests compare it with.
  package let verified: String

  /// In the order in which messages name them.
  package static let all = [llama, mistral, qwen2, qwen3, phi3, smollm3]

  /// Several linear layers of a block whose rows stand below each other in one tensor.
  struct FusedLinears: Sendable {
    /// Without suffix, e.g. `self_attn.qkv_proj`.
    var name: String
    var kinds: [LinearKind]
  }

  static func named(_ modelType: String) -> Family? { all.first { $0.modelType == modelType } }

  /// The family of a GGUF file; the first where several share the name.
  static func inGGUF(_ architecture: String) -> Family? {
    all.first { $0.ggufArchitecture == architecture }
  }

  /// Why an architecture is refused: with the family whose name is nearest, if one is near.
  static func refusal(of name: String, among names: [String]) -> String {
    let near = names.first { name.hasPrefix($0) || $0.hasPrefix(name) }
    let hint = near.map { " The nearest is \($0), which has another block." } ?? ""
    return "architecture \"\(name)\" is not supported. Supported are "
      + names.joined(separator: ", ") + "." + hint
  }
}
