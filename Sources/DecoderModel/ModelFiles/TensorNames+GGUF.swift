extension TensorNames {
  /// What llama.cpp calls the tensors.
  /// Source: gguf-py/gguf/tensor_mapping.py and constants.py.
  static func gguf(interleaves: Bool = false, fused: [FusedLinears] = []) -> TensorNames {
    TensorNames(
      prefix: "", layers: "blk.",
      within: [
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down", "mlp.router": "ffn_gate_inp",
        "mlp.experts.*.gate_proj": "ffn_gate_exps", "mlp.experts.*.up_proj": "ffn_up_exps",
        "mlp.experts.*.down_proj": "ffn_down_exps", "input_layernorm": "attn_norm",
        "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
        "attention_output_norm": "post_attention_norm", "post_attention_layernorm": "ffn_norm",
        "mlp_output_norm": "post_ffw_norm",
      ],
      ends: [
        "embed_tokens": "token_embd", "embed_positions": "position_embd", "norm": "output_norm",
      ],
      output: "output", fused: fused, interleaves: interleaves, stacksExperts: true)
  }

  static let ggufEmbedding = "token_embd.weight"
  static let ggufOutput = "output.weight"
  static let ggufRopeFactors = "rope_freqs.weight"
}
