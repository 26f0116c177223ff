import DecoderModel
import JSONText
import Kernels
import Testing

/// Members of published files `config.json`, with those that mean nothing here, against presets and
/// against what is known of the models.
@Suite struct PublishedConfigTests {
  private static func read(_ text: String) throws -> DecoderConfig {
    try DecoderConfig(huggingFace: JSONValue(parsing: text), path: "")
  }

  static let withPreset: [(String, String)] = [
    (
      "gpt-j-6b",
      """
      {"activation_function": "gelu_new", "architectures": ["GPTJForCausalLM"], "attn_pdrop": 0.0,
       "bos_token_id": 50256, "embd_pdrop": 0.0, "eos_token_id": 50256, "initializer_range": 0.02,
       "gradient_checkpointing": false, "layer_norm_epsilon": 1e-05, "model_type": "gptj",
       "n_embd": 4096, "n_head": 16, "n_inner": null, "n_layer": 28, "n_positions": 2048,
       "resid_pdrop": 0.0, "rotary": true, "rotary_dim": 64, "scale_attn_weights": true,
       "summary_activation": null, "tie_word_embeddings": false, "use_cache": true,
       "vocab_size": 50400}
      """
    ),
    (
      "gpt-neo-2.7b",
      """
      {"activation_function": "gelu_new", "architectures": ["GPTNeoForCausalLM"],
       "attention_dropout": 0, "attention_layers": [
         "global", "local", "global", "local", "global", "local", "global", "local",
         "global", "local", "global", "local", "global", "local", "global", "local",
         "global", "local", "global", "local", "global", "local", "global", "local",
         "global", "local", "global", "local", "global", "local", "global", "local"],
       "attention_types": [[["global", "local"], 16]], "bos_token_id": 50256, "embed_dropout": 0,
       "eos_token_id": 50256, "hidden_size": 2560, "intermediate_size": null,
       "layer_norm_epsilon": 1e-05, "max_position_embeddings": 2048, "model_type": "gpt_neo",
       "num_heads": 20, "num_layers": 32, "resid_dropout": 0, "use_cache": true,
       "vocab_size": 50257, "window_size": 256}
      """
    ),
    // Without the list that follows from the pairs.
    (
      "gpt-neo-2.7b",
      """
      {"activation_function": "gelu_new", "attention_types": [[["global", "local"], 16]],
       "hidden_size": 2560, "layer_norm_epsilon": 1e-05, "max_position_embeddings": 2048,
       "model_type": "gpt_neo", "num_heads": 20, "num_layers": 32, "vocab_size": 50257,
       "window_size": 256}
      """
    ),
    (
      "opt-125m",
      """
      {"_remove_final_layer_norm": false, "activation_dropout": 0.0, "activation_function": "relu",
       "architectures": ["OPTForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 2,
       "do_layer_norm_before": true, "dropout": 0.1, "eos_token_id": 2, "ffn_dim": 3072,
       "hidden_size": 768, "init_std": 0.02, "layerdrop": 0.0, "max_position_embeddings": 2048,
       "model_type": "opt", "num_attention_heads": 12, "num_hidden_layers": 12, "pad_token_id": 1,
       "prefix": "</s>", "torch_dtype": "float16", "vocab_size": 50272, "word_embed_proj_dim": 768}
      """
    ),
    (
      "opt-350m",
      """
      {"activation_dropout": 0.0, "activation_function": "relu", "bos_token_id": 2,
       "do_layer_norm_before": false, "dropout": 0.1, "ffn_dim": 4096, "hidden_size": 1024,
       "layerdrop": 0.0, "max_position_embeddings": 2048, "model_type": "opt",
       "num_attention_heads": 16, "num_hidden_layers": 24, "torch_dtype": "float16",
       "vocab_size": 50272, "word_embed_proj_dim": 512}
      """
    ),
    (
      "opt-66b",
      """
      {"_remove_final_layer_norm": false, "activation_function": "relu", "dropout": 0.1,
       "do_layer_norm_before": true, "enable_bias": true, "ffn_dim": 36864, "hidden_size": 9216,
       "layer_norm_elementwise_affine": true, "max_position_embeddings": 2048, "model_type": "opt",
       "num_attention_heads": 72, "num_hidden_layers": 64, "vocab_size": 50272,
       "word_embed_proj_dim": 9216}
      """
    ),
    (
      "gemma-2-9b",
      """
      {"architectures": ["Gemma2ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
       "attn_logit_softcapping": 50.0, "bos_token_id": 2, "cache_implementation": "hybrid",
       "eos_token_id": 1, "final_logit_softcapping": 30.0, "head_dim": 256,
       "hidden_act": "gelu_pytorch_tanh", "hidden_activation": "gelu_pytorch_tanh",
       "hidden_size": 3584, "intermediate_size": 14336, "max_position_embeddings": 8192,
       "model_type": "gemma2", "num_attention_heads": 16, "num_hidden_layers": 42,
       "num_key_value_heads": 8, "pad_token_id": 0, "query_pre_attn_scalar": 256,
       "rms_norm_eps": 1e-06, "rope_theta": 10000.0, "sliding_window": 4096,
       "sliding_window_size": 4096, "torch_dtype": "float32", "vocab_size": 256000}
      """
    ),
    (
      "phi-3-mini",
      """
      {"architectures": ["Phi3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
       "bos_token_id": 1, "embd_pdrop": 0.0, "eos_token_id": 32000, "hidden_act": "silu",
       "hidden_size": 3072, "intermediate_size": 8192, "max_position_embeddings": 4096,
       "model_type": "phi3", "num_attention_heads": 32, "num_hidden_layers": 32,
       "num_key_value_heads": 32, "original_max_position_embeddings": 4096, "resid_pdrop": 0.0,
       "rms_norm_eps": 1e-05, "rope_scaling": null, "rope_theta": 10000.0, "sliding_window": 2047,
       "tie_word_embeddings": false, "torch_dtype": "bfloat16", "vocab_size": 32064}
      """
    ),
    (
      "mixtral-8x7b",
      """
      {"architectures": ["MixtralForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1,
       "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 14336,
       "max_position_embeddings": 32768, "model_type": "mixtral", "num_attention_heads": 32,
       "num_experts_per_tok": 2, "num_hidden_layers": 32, "num_key_value_heads": 8,
       "num_local_experts": 8, "output_router_logits": false, "rms_norm_eps": 1e-05,
       "rope_theta": 1000000.0, "router_aux_loss_coef": 0.02, "sliding_window": null,
       "tie_word_embeddings": false, "torch_dtype": "bfloat16", "vocab_size": 32000}
      """
    ),
    (
      "mistral-7b",
      """
      {"architectures": ["MistralForCausalLM"], "bos_token_id": 1, "eos_token_id": 2,
       "hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 14336,
       "max_position_embeddings": 32768, "model_type": "mistral", "num_attention_heads": 32,
       "num_hidden_layers": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
       "rope_theta": 10000.0, "sliding_window": 4096, "tie_word_embeddings": false,
       "torch_dtype": "bfloat16", "vocab_size": 32000}
      """
    ),
    (
      "qwen3-8b",
      """
      {"architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
       "bos_token_id": 151643, "eos_token_id": 151645, "head_dim": 128, "hidden_act": "silu",
       "hidden_size": 4096, "intermediate_size": 12288, "max_position_embeddings": 40960,
       "max_window_layers": 36, "model_type": "qwen3", "num_attention_heads": 32,
       "num_hidden_layers": 36, "num_key_value_heads": 8, "rms_norm_eps": 1e-06,
       "rope_scaling": null, "rope_theta": 1000000, "sliding_window": null,
       "tie_word_embeddings": false, "use_sliding_window": false, "vocab_size": 151936}
      """
    ),
    (
      "qwen3-0.6b",
      """
      {"attention_bias": false, "bos_token_id": 151643, "head_dim": 128, "hidden_act": "silu",
       "hidden_size": 1024, "intermediate_size": 3072, "max_position_embeddings": 40960,
       "max_window_layers": 28, "model_type": "qwen3", "num_attention_heads": 16,
       "num_hidden_layers": 28, "num_key_value_heads": 8, "rms_norm_eps": 1e-06,
       "rope_scaling": null, "rope_theta": 1000000, "sliding_window": null,
       "tie_word_embeddings": true, "use_sliding_window": false, "vocab_size": 151936}
      """
    ),
    (
      "llama-7b",
      """
      {"architectures": ["LlamaForCausalLM"], "bos_token_id": 1, "eos_token_id": 2,
       "hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 11008,
       "max_position_embeddings": 2048, "max_sequence_length": 2048, "model_type": "llama",
       "num_attention_heads": 32, "num_hidden_layers": 32, "pad_token_id": 0,
       "rms_norm_eps": 1e-06, "tie_word_embeddings": false, "torch_dtype": "float16",
       "vocab_size": 32000}
      """
    ),
    (
      "smollm2-135m",
      """
      {"architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
       "bos_token_id": 0, "eos_token_id": 0, "hidden_act": "silu", "hidden_size": 576,
       "intermediate_size": 1536, "is_llama_config": true, "max_position_embeddings": 8192,
       "model_type": "llama", "num_attention_heads": 9, "num_hidden_layers": 30,
       "num_key_value_heads": 3, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
       "rope_interleaved": false, "rope_scaling": null, "rope_theta": 100000,
       "tie_word_embeddings": true, "torch_dtype": "bfloat16", "vocab_size": 49152}
      """
    ),
  ]

  @Test(arguments: withPreset)
  func publishedConfigurationsAreThePresets(name: String, text: String) throws {
    let preset = try #require(DecoderConfig.preset(named: name))
    #expect(try Self.read(text) == preset)
  }

  @Test func readsPythia() throws {
    let pythia = try Self.read(
      """
      {"architectures": ["GPTNeoXForCausalLM"], "bos_token_id": 0, "eos_token_id": 0,
       "hidden_act": "gelu", "hidden_size": 2048, "intermediate_size": 8192,
       "layer_norm_eps": 1e-05, "max_position_embeddings": 2048, "model_type": "gpt_neox",
       "num_attention_heads": 16, "num_hidden_layers": 24, "rotary_emb_base": 10000,
       "rotary_pct": 0.25, "tie_word_embeddings": false, "torch_dtype": "float16",
       "use_parallel_residual": true, "vocab_size": 50304}
      """)
    #expect(pythia.parameterCount == 1_414_647_808)
    #expect(pythia.headSize == 128 && pythia.rotatedSize == 32 && pythia.rope.theta == 10_000)
    #expect(pythia.block.residual == .parallel && !pythia.block.sharesNorm)
    #expect(pythia.block.activation == .gelu && pythia.block.biases.count == 6)
  }

  /// Its activation is the approximation by a hyperbolic tangent.
  @Test func readsNeoX() throws {
    let neox = try Self.read(
      """
      {"attention_probs_dropout_prob": 0, "hidden_act": "gelu_fast", "hidden_dropout_prob": 0,
       "hidden_size": 6144, "intermediate_size": 24576, "layer_norm_eps": 1e-05,
       "max_position_embeddings": 2048, "model_type": "gpt_neox", "num_attention_heads": 64,
       "num_hidden_layers": 44, "rotary_emb_base": 10000, "rotary_pct": 0.25,
       "tie_word_embeddings": false, "use_cache": true, "vocab_size": 50432}
      """)
    #expect(neox.parameterCount == 20_554_567_680)
    #expect(neox.headSize == 96 && neox.rotatedSize == 24 && !neox.tiedEmbeddings)
    #expect(neox.block.activation == .geluTanh && neox.block.residual == .parallel)
  }

  /// Its first files said "gelu" and meant the other form.
  @Test func readsGemma() throws {
    let gemma = try Self.read(
      """
      {"architectures": ["GemmaForCausalLM"], "attention_bias": false, "bos_token_id": 2,
       "eos_token_id": 1, "head_dim": 256, "hidden_act": "gelu", "hidden_activation": null,
       "hidden_size": 3072, "intermediate_size": 24576, "max_position_embeddings": 8192,
       "model_type": "gemma", "num_attention_heads": 16, "num_hidden_layers": 28,
       "num_key_value_heads": 16, "rms_norm_eps": 1e-06, "rope_scaling": null,
       "rope_theta": 10000.0, "torch_dtype": "bfloat16", "vocab_size": 256000}
      """)
    #expect(gemma.parameterCount == 8_537_680_896)
    #expect(gemma.queryWidth == 4096 && gemma.tiedEmbeddings && gemma.rotatedSize == 256)
    #expect(gemma.block.activation == .geluTanh && gemma.slidingWindow == nil)
    #expect(gemma.ends.embeddingScale == Float(3072).squareRoot())
  }

  @Test func readsGemma3() throws {
    let gemma3 = try Self.read(
      """
      {"architectures": ["Gemma3ForCausalLM"], "attention_bias": false,
       "attn_logit_softcapping": null, "bos_token_id": 2, "cache_implementation": "hybrid",
       "eos_token_id": [1, 106], "final_logit_softcapping": null, "head_dim": 256,
       "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 1152, "intermediate_size": 6912,
       "max_position_embeddings": 32768, "model_type": "gemma3_text", "num_attention_heads": 4,
       "num_hidden_layers": 26, "num_key_value_heads": 1, "query_pre_attn_scalar": 256,
       "rms_norm_eps": 1e-06, "rope_local_base_freq": 10000, "rope_scaling": null,
       "rope_theta": 1000000, "sliding_window": 512, "sliding_window_pattern": 6,
       "torch_dtype": "bfloat16", "vocab_size": 262144}
      """)
    #expect(gemma3.parameterCount == 999_885_952)
    #expect(gemma3.slidingWindow == 512 && gemma3.globalLayers == [5, 11, 17, 23])
    #expect(gemma3.rope(layer: 5) == RopeConfig(theta: 1_000_000))
    #expect(gemma3.rope(layer: 4) == RopeConfig(theta: 10_000))
    #expect(gemma3.block.scoreCap == nil && gemma3.block.scoreScale == nil)
    #expect(gemma3.ends.logitCap == nil && gemma3.tiedEmbeddings)
  }

  @Test func readsOLMo2() throws {
    let olmo2 = try Self.read(
      """
      {"architectures": ["Olmo2ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
       "eos_token_id": 100257, "hidden_act": "silu", "hidden_size": 4096,
       "intermediate_size": 11008, "max_position_embeddings": 4096, "model_type": "olmo2",
       "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32,
       "pad_token_id": 100277, "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 500000,
       "tie_word_embeddings": false, "torch_dtype": "float32", "vocab_size": 100352}
      """)
    #expect(olmo2.parameterCount == 7_298_617_344)
    #expect(olmo2.block.placement == .output && olmo2.width(of: .query) == 4096)
    #expect(olmo2.rope == RopeConfig(theta: 500_000) && olmo2.maximumLength == 4096)
  }

  @Test func readsStableLM2() throws {
    let stablelm = try Self.read(
      """
      {"architectures": ["StableLmForCausalLM"], "bos_token_id": 100257, "eos_token_id": 100257,
       "hidden_act": "silu", "hidden_size": 2048, "intermediate_size": 5632,
       "layer_norm_eps": 1e-05, "max_position_embeddings": 4096, "model_type": "stablelm",
       "num_attention_heads": 32, "num_hidden_layers": 24, "num_key_value_heads": 32,
       "partial_rotary_factor": 0.25, "rope_theta": 10000, "tie_word_embeddings": false,
       "torch_dtype": "float16", "use_qkv_bias": true, "vocab_size": 100352}
      """)
    #expect(stablelm.headSize == 64 && stablelm.rotatedSize == 16 && !stablelm.tiedEmbeddings)
    #expect(stablelm.block.biases == [.query, .key, .value] && stablelm.block.norm == .layer)
    #expect(stablelm.block.residual == .sequential && stablelm.block.isGated)
  }

  /// The activation is that of `hidden_act`, not of the older key beside it.
  @Test func readsStarCoder2() throws {
    let starcoder2 = try Self.read(
      """
      {"activation_function": "gelu", "architectures": ["Starcoder2ForCausalLM"],
       "attention_dropout": 0.1, "attention_softmax_in_fp32": true, "bos_token_id": 0,
       "embedding_dropout": 0.1, "hidden_act": "gelu_pytorch_tanh", "hidden_size": 3072,
       "intermediate_size": 12288, "layer_norm_epsilon": 1e-05, "max_position_embeddings": 16384,
       "mlp_type": "default", "model_type": "starcoder2", "norm_epsilon": 1e-05,
       "norm_type": "layer_norm", "num_attention_heads": 24, "num_hidden_layers": 30,
       "num_key_value_heads": 2, "residual_dropout": 0.1, "rope_theta": 999999.4420358813,
       "scale_attn_weights": true, "sliding_window": 4096, "use_bias": true, "vocab_size": 49152}
      """)
    #expect(starcoder2.parameterCount == 3_030_371_328)
    #expect(starcoder2.block.activation == .geluTanh && starcoder2.block.biases.count == 6)
    #expect(starcoder2.slidingWindow == 4096 && starcoder2.globalLayers.isEmpty)
    #expect(starcoder2.tiedEmbeddings && starcoder2.headSize == 128)
  }

  /// A window that is switched off.
  @Test func readsQwen25() throws {
    let qwen = try Self.read(
      """
      {"architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643,
       "eos_token_id": 151643, "hidden_act": "silu", "hidden_size": 3584,
       "intermediate_size": 18944, "max_position_embeddings": 131072, "max_window_layers": 28,
       "model_type": "qwen2", "num_attention_heads": 28, "num_hidden_layers": 28,
       "num_key_value_heads": 4, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
       "sliding_window": 131072, "tie_word_embeddings": false, "use_mrope": false,
       "use_sliding_window": false, "vocab_size": 152064}
      """)
    #expect(qwen.parameterCount == 7_615_616_512)
    #expect(qwen.slidingWindow == nil && qwen.globalLayers.isEmpty && qwen.headSize == 128)
    #expect(qwen.block.biases == [.query, .key, .value] && qwen.maximumLength == 131_072)
  }

  @Test func readsLlama31() throws {
    let llama = try Self.read(
      """
      {"architectures": ["LlamaForCausalLM"], "attention_bias": false, "bos_token_id": 128000,
       "eos_token_id": 128001, "hidden_act": "silu", "hidden_size": 4096,
       "intermediate_size": 14336, "max_position_embeddings": 131072, "mlp_bias": false,
       "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 32,
       "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
       "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
         "original_max_position_embeddings": 8192, "rope_type": "llama3"},
       "rope_theta": 500000.0, "tie_word_embeddings": false, "vocab_size": 128256}
      """)
    #expect(llama.parameterCount == 8_030_261_248)
    let scaling = RopeConfig.Scaling.llama3(
      factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalLength: 8192)
    #expect(llama.rope == RopeConfig(theta: 500_000, scaling: scaling))
    #expect(llama.block == BlockSpec() && llama.ends == EndsSpec())
  }

  /// The MLP's width is that of an expert, not that of a dense model.
  @Test func readsQwen3MoE() throws {
    let qwen = try Self.read(
      """
      {"architectures": ["Qwen3MoeForCausalLM"], "attention_bias": false, "bos_token_id": 151643,
       "decoder_sparse_step": 1, "eos_token_id": 151645, "head_dim": 128, "hidden_act": "silu",
       "hidden_size": 2048, "intermediate_size": 6144, "max_position_embeddings": 40960,
       "max_window_layers": 48, "mlp_only_layers": [], "model_type": "qwen3_moe",
       "moe_intermediate_size": 768, "norm_topk_prob": true, "num_attention_heads": 32,
       "num_experts": 128, "num_experts_per_tok": 8, "num_hidden_layers": 48,
       "num_key_value_heads": 4, "output_router_logits": false, "rms_norm_eps": 1e-06,
       "rope_scaling": null, "rope_theta": 1000000.0, "router_aux_loss_coef": 0.001,
       "sliding_window": null, "tie_word_embeddings": false, "use_sliding_window": false,
       "vocab_size": 151936}
      """)
    #expect(qwen.parameterCount == 30_532_122_624)
    #expect(qwen.block.experts == BlockSpec.Experts(count: 128, perToken: 8))
    #expect(qwen.block.queryKeyNorm == .head && qwen.queryWidth == 4096)
  }
}
