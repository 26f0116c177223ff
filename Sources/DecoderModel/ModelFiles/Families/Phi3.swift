extension Family {
  /// Phi-3: LLaMA with fused tensors and, in its short versions, a sliding window. The long ones
  /// scale their rotation by `longrope`, which is refused.
  static let phi3 = Family(
    modelType: "phi3", architecture: "Phi3ForCausalLM",
    fusedLinears: [
      FusedLinears(name: "self_attn.qkv_proj", kinds: [.query, .key, .value]),
      FusedLinears(name: "mlp.gate_up_proj", kinds: [.gate, .up]),
    ], defaultLength: 4096, defaultNormEpsilon: 1e-5,
    window: { slidingWindow(&$0, $2, absent: nil) }, ownMembers: windowMember,
    verified: "logits against transformers; gradients are those of mistral")
}
