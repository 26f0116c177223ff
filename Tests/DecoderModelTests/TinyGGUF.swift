internal import Checkpoints

/// A GGUF model of F32 tensors whose row r (in Hugging Face order) holds the number r everywhere.
struct TinyGGUF {
  var architecture: String
  var theta: Float = 10_000
  var ropeFactors: [Float]?
  /// Members of `ARCHITECTURE.rope.scaling`.
  var ropeScaling: [(String, GGUFValue)] = []
  /// Tensors of 8 numbers that no model of the architecture has.
  var extra: [String] = []
  let width = 64
  let inner = 96
  let heads = 4
  let shared = 2
  let vocabulary = 40

  init(architecture: String) { self.architecture = architecture }

  func write(_ path: String) throws {
    var tensors: [(name: String, shape: [Int], values: [Float])] = [
      matrix("token_embd.weight", vocabulary, width)
    ]
    for layer in 0..<2 {
      let prefix = "blk.\(layer)."
      tensors += [
        permuted(prefix + "attn_q.weight", heads: heads),
        permuted(prefix + "attn_k.weight", heads: shared),
        matrix(prefix + "attn_v.weight", shared * 16, width),
        matrix(prefix + "attn_output.weight", width, width),
        matrix(prefix + "ffn_gate.weight", inner, width),
        matrix(prefix + "ffn_up.weight", inner, width),
        matrix(prefix + "ffn_down.weight", width, inner),
        vector(prefix + "attn_norm.weight", width), vector(prefix + "ffn_norm.weight", width),
      ]
      if architecture == "qwen3" {
        tensors += [
          vector(prefix + "attn_q_norm.weight", 16), vector(prefix + "attn_k_norm.weight", 16),
        ]
      }
      if architecture == "qwen2" {
        tensors += [
          vector(prefix + "attn_q.bias", width), vector(prefix + "attn_k.bias", shared * 16),
          vector(prefix + "attn_v.bias", shared * 16),
        ]
      }
    }
    tensors.append(vector("output_norm.weight", width))
    if let ropeFactors { tensors.append(("rope_freqs.weight", [ropeFactors.count], ropeFactors)) }
    tensors += extra.map { vector($0, 8) }
    let writer = try GGUFWriter(
      path: path, metadata: metadata,
      tensors: tensors.map { TensorDeclaration(name: $0.name, type: .f32, shape: $0.shape) },
      overwrite: true)
    for tensor in tensors { try writer.append(tensor.values, to: tensor.name) }
    try writer.finish()
  }

  private var metadata: [GGUFEntry] {
    [
      GGUFEntry(key: "general.architecture", value: .text(architecture)),
      GGUFEntry(key: "\(architecture).block_count", value: .uint32(2)),
      GGUFEntry(key: "\(architecture).context_length", value: .uint32(64)),
      GGUFEntry(key: "\(architecture).embedding_length", value: .uint32(UInt32(width))),
      GGUFEntry(key: "\(architecture).feed_forward_length", value: .uint32(UInt32(inner))),
      GGUFEntry(key: "\(architecture).attention.head_count", value: .uint32(UInt32(heads))),
      GGUFEntry(key: "\(architecture).attention.head_count_kv", value: .uint32(UInt32(shared))),
      GGUFEntry(
        key: "\(architecture).attention.layer_norm_rms_epsilon", value: .float32(1e-5)),
      GGUFEntry(key: "\(architecture).rope.freq_base", value: .float32(theta)),
    ] + ropeScaling.map { GGUFEntry(key: "\(architecture).rope.scaling.\($0)", value: $1) }
  }

  private func matrix(_ name: String, _ rows: Int, _ columns: Int) -> (String, [Int], [Float]) {
    (name, [rows, columns], (0..<rows * columns).map { Float($0 / columns) })
  }

  private func vector(_ name: String, _ count: Int) -> (String, [Int], [Float]) {
    (name, [count], (0..<count).map { Float($0) })
  }

  /// `weights.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(weights.shape)`
  private func permuted(_ name: String, heads: Int) -> (String, [Int], [Float]) {
    guard architecture == "llama" else { return matrix(name, heads * 16, width) }
    var values: [Float] = []
    for head in 0..<heads {
      for pair in 0..<8 {
        for half in 0..<2 {
          values += [Float](repeating: Float(head * 16 + half * 8 + pair), count: width)
        }
      }
    }
    return (name, [heads * 16, width], values)
  }
}
