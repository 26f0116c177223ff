extension Family {
  /// Phi-3: LLaMA with fused tensors and, in its short versions, a sliding window. The long ones
  /// scale their rotation by `longrope`, which is refused.
  static let phi3 = Family(
    modelType: "phi3", architecture: "Phi3ForCausalLM", ggufArchitecture: "phi3",
    keys: ConfigKeys(rotatedShare: "partial_rotary_factor"),
    defaults: ConfigDefaults(length: 4096, epsilon: 1e-5),
    tensors: TensorNames(fused: [
      TensorNames.FusedLinears(name: "self_attn.qkv_proj", kinds: [.query, .key, .value]),
      TensorNames.FusedLinears(name: "mlp.gate_up_proj", kinds: [.gate, .up]),
    ]),
    ggufTensors: .gguf(fused: [
      TensorNames.FusedLinears(name: "attn_qkv", kinds: [.query, .key, .value]),
      TensorNames.FusedLinears(name: "ffn_up", kinds: [.gate, .up]),
    ]), read: { slidingWindow(&$0, &$1, absent: nil) },
    readGGUF: { fields, config, _ in slidingWindowGGUF(&fields, &config) }, members: windowMember,
    verified: "logits against transformers, gradients as mistral; GGUF against llama.cpp")
}
