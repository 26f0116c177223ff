"""Tiny random models and the files that hold them: the packed base, Hugging Face directories, GGUF.

The packed format is written from its description in Sources/Quantization/PackedLayout.swift, not by peqa.
"""
import hashlib, json, math, os

import gguf
import numpy as np
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

VOCABULARY = 96
LINEARS = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
           "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]

# ---------------------------------------------------------------- config.json and random weights

LLAMA = dict(model_type="llama", architectures=["LlamaForCausalLM"], vocab_size=VOCABULARY, hidden_size=64,
             intermediate_size=160, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
             hidden_act="silu", rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=512,
             tie_word_embeddings=False, attention_bias=False, mlp_bias=False, bos_token_id=0, eos_token_id=0)
# Traps on purpose: no head_dim, and a sliding window that is switched off.
QWEN2 = dict(model_type="qwen2", architectures=["Qwen2ForCausalLM"], vocab_size=VOCABULARY, hidden_size=48,
             intermediate_size=80, num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=1,
             hidden_act="silu", rms_norm_eps=1e-6, rope_theta=1000000.0, max_position_embeddings=512,
             tie_word_embeddings=True, use_sliding_window=False, sliding_window=4, max_window_layers=2,
             bos_token_id=0, eos_token_id=0)
MISTRAL = dict(model_type="mistral", architectures=["MistralForCausalLM"], vocab_size=VOCABULARY, hidden_size=64,
               intermediate_size=160, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=32,
               hidden_act="silu", rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=512,
               sliding_window=8, tie_word_embeddings=False, bos_token_id=0, eos_token_id=0)
# Traps on purpose: a head_dim that is not hidden_size / heads, and a window that is switched off.
QWEN3 = dict(model_type="qwen3", architectures=["Qwen3ForCausalLM"], vocab_size=VOCABULARY, hidden_size=48,
             intermediate_size=80, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=32,
             hidden_act="silu", rms_norm_eps=1e-6, rope_theta=1000000.0, max_position_embeddings=512,
             tie_word_embeddings=True, attention_bias=False, use_sliding_window=False, sliding_window=None,
             max_window_layers=2, bos_token_id=0, eos_token_id=0)
SCALED = dict(LLAMA, rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                       original_max_position_embeddings=64))
PHI3 = dict(model_type="phi3", architectures=["Phi3ForCausalLM"], vocab_size=VOCABULARY, hidden_size=32,
            intermediate_size=80, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            hidden_act="silu", rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=512,
            original_max_position_embeddings=512, sliding_window=8, rope_scaling=None, attention_bias=False,
            tie_word_embeddings=False, bos_token_id=0, eos_token_id=0, pad_token_id=0)
# 8 pairs over a base of 10000: kept, blended and divided frequencies all occur.
YARN = dict(LLAMA, rope_scaling=dict(rope_type="yarn", factor=4.0, beta_fast=8.0, beta_slow=0.5,
                                     original_max_position_embeddings=128))
# The first layer is rotated, the second is not; tied by default.
SMOLLM3 = dict(model_type="smollm3", architectures=["SmolLM3ForCausalLM"], vocab_size=VOCABULARY, hidden_size=64,
               intermediate_size=80, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, hidden_act="silu",
               rms_norm_eps=1e-6, rope_theta=2000000.0, max_position_embeddings=512, no_rope_layers=[1, 0],
               no_rope_layer_interval=4, attention_bias=False, mlp_bias=False, use_sliding_window=False,
               tie_word_embeddings=True, bos_token_id=0, eos_token_id=0, pad_token_id=0)
ONE_LAYER = dict(LLAMA, num_hidden_layers=1)
DENSE = dict(LLAMA, hidden_size=32, intermediate_size=80, head_dim=8)

BASES = [("llama_4bit_row", LLAMA, 4, -1, 1), ("llama_3bit_g32", LLAMA, 3, 32, 2), ("llama_2bit_g64", LLAMA, 2, 64, 3),
         ("llama_8bit_g128", LLAMA, 8, 128, 4), ("qwen2_4bit_g32", QWEN2, 4, 32, 5),
         ("mistral_4bit_row", MISTRAL, 4, -1, 6), ("llama3rope_4bit_row", SCALED, 4, -1, 7),
         ("llama_4bit_g32_real_zeros", DENSE, 4, 32, 8), ("qwen3_4bit_row", QWEN3, 4, -1, 9),
         ("qwen3_4bit_g32", QWEN3, 4, 32, 10),
         ("yarn_4bit_row", YARN, 4, -1, 11), ("smollm3_4bit_row", SMOLLM3, 4, -1, 12)]


def head_dim(c):
    return c.get("head_dim", c["hidden_size"] // c["num_attention_heads"])


def random_weights(c, seed):
    """Float32 tensors by canonical name, large enough that logits and gradients differ between tokens."""
    rng = np.random.default_rng(seed)
    normal = lambda shape, std: (rng.standard_normal(shape) * std).astype(np.float32)
    d, f, h = c["hidden_size"], c["intermediate_size"], head_dim(c)
    q, kv = c["num_attention_heads"] * h, c["num_key_value_heads"] * h
    w = {"model.embed_tokens.weight": normal((VOCABULARY, d), 0.5)}
    for n in range(c["num_hidden_layers"]):
        layer = f"model.layers.{n}."
        for name, shape in zip(LINEARS, [(q, d), (kv, d), (kv, d), (d, q), (f, d), (f, d), (d, f)]):
            w[f"{layer}{name}.weight"] = normal(shape, 1.2 / math.sqrt(shape[1]))
            if c["model_type"] == "qwen2" and name[-6:] in ("q_proj", "k_proj", "v_proj"):
                w[f"{layer}{name}.bias"] = normal(shape[:1], 0.3)
        if c["model_type"] == "qwen3":      # far from 1 each, so that a norm left out or swapped shows
            w[layer + "self_attn.q_norm.weight"] = 1 + normal(h, 0.4)
            w[layer + "self_attn.k_norm.weight"] = 1 + normal(h, 0.4)
        w[layer + "input_layernorm.weight"] = 1 + normal(d, 0.1)
        w[layer + "post_attention_layernorm.weight"] = 1 + normal(d, 0.1)
    w["model.norm.weight"] = 1 + normal(d, 0.1)
    if not c["tie_word_embeddings"]:
        w["lm_head.weight"] = normal((VOCABULARY, d), 0.3)
    return w


FUSED = {"self_attn.qkv_proj": LINEARS[:3], "mlp.gate_up_proj": LINEARS[4:6]}


def fused(config, weights):
    """Phi-3 keeps q, k and v in one tensor, gate and up in another."""
    if config["model_type"] != "phi3":
        return weights
    single = [f"model.layers.{n}.{p}.weight" for n in range(config["num_hidden_layers"]) for ps in FUSED.values() for p in ps]
    together = {f"model.layers.{n}.{name}.weight": np.concatenate([weights[f"model.layers.{n}.{p}.weight"] for p in parts])
                for n in range(config["num_hidden_layers"]) for name, parts in FUSED.items()}
    return {k: w for k, w in weights.items() if k not in single} | together


def unfused(config, weights):
    if config["model_type"] != "phi3":
        return weights
    h, out = head_dim(config), dict(weights)
    q, kv = config["num_attention_heads"] * h, config["num_key_value_heads"] * h
    sizes = {"self_attn.qkv_proj": [q, kv, kv], "mlp.gate_up_proj": [config["intermediate_size"]] * 2}
    for n in range(config["num_hidden_layers"]):
        for name, parts in FUSED.items():
            pieces = out.pop(f"model.layers.{n}.{name}.weight").split(sizes[name])
            out |= {f"model.layers.{n}.{p}.weight": w for p, w in zip(parts, pieces)}
    return out


# ---------------------------------------------------------------- the packed base

def quantize(w, bits, group, real_zeros):
    """Codes [O, I], fp16 scales and zero points [O, G], by minimum and maximum of each group.

    Zero points are integers (U8), or real (F16) as they come from Q4_1 blocks: -minimum / scale.
    """
    top, starts = 2**bits - 1, range(0, w.shape[1], group)
    codes = np.zeros(w.shape, np.uint8)
    scales = np.zeros((w.shape[0], len(starts)), np.float16)
    zeros = np.zeros(scales.shape, np.float16 if real_zeros else np.uint8)
    for n, start in enumerate(starts):
        part = w[:, start:start + group]
        low, high = part.min(1), part.max(1)
        if not real_zeros:
            low, high = np.minimum(low, 0), np.maximum(high, 0)
        s = ((high - low) / top).astype(np.float16)
        z = -low / s.astype(np.float32)
        z = z.astype(np.float16).astype(np.float32) if real_zeros else np.clip(np.rint(z), 1, top)
        q = np.clip(np.rint(part / s.astype(np.float32)[:, None]) + z[:, None], 0, top)
        scales[:, n], zeros[:, n], codes[:, start:start + group] = s, z, q
    return codes, scales, zeros


def pack(codes, bits):
    """Little-endian bit stream a row, rows padded with zero bits to a multiple of 64 codes."""
    rows, columns = codes.shape
    padded = np.zeros((rows, -(-columns // 64) * 64), np.uint8)
    padded[:, :columns] = codes
    stream = (padded[:, :, None] >> np.arange(bits, dtype=np.uint8)) & 1
    return np.packbits(stream.reshape(rows, -1), axis=1, bitorder="little")


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, ensure_ascii=False)
        file.write("\n")


def tokenizer_json():
    """A byte-level BPE over printable ASCII that fills the 96 ids; text outside of it has no tokens."""
    vocabulary = ["<|endoftext|>"] + [chr(c) for c in range(33, 126)] + ["Ġ", "Ġt"]
    assert len(vocabulary) == VOCABULARY
    level = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=True)
    end = dict(id=0, content="<|endoftext|>", single_word=False, lstrip=False, rstrip=False, normalized=False,
               special=True)
    return vocabulary, dict(
        version="1.0", truncation=None, padding=None, added_tokens=[end], normalizer=None, pre_tokenizer=level,
        post_processor=None, decoder=level,
        model=dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None,
                   fuse_unk=False, byte_fallback=False, ignore_merges=False,
                   vocab={t: n for n, t in enumerate(vocabulary)}, merges=[["Ġ", "t"]]))


def write_settings(folder, config):
    write_json(f"{folder}/config.json", config)
    with open(f"{folder}/tokenizer.json", "w", encoding="utf-8") as file:
        json.dump(tokenizer_json()[1], file, ensure_ascii=False, separators=(",", ":"))


NARROW = ["model.embed_tokens.weight", "lm_head.weight"]      # F16 in a base; norms, biases and the rest stay F32


def write_base(folder, name, config, weights, bits, group):
    """Write the base directory; return {linear: (q - z [O, I], s0 [O, G], columns a group)}, other weights."""
    stored, linears, rest = {}, {}, {}
    for key, w in weights.items():
        linear = key.removesuffix(".weight")
        if ".layers." in key and linear.endswith("_proj") and key.endswith(".weight"):
            width, real = w.shape[1] if group == -1 else group, "real_zeros" in name
            if real:      # every seventh row lies on one side of zero: zero points below 0 and above 15
                w = w + np.where(np.arange(len(w)) % 7 == 0, 0.8, 0)[:, None] * (-1) ** np.arange(len(w))[:, None]
            codes, scales, zeros = quantize(w.astype(np.float32), bits, width, real)
            stored |= {f"{linear}.codes": pack(codes, bits), f"{linear}.scales": scales, f"{linear}.zeros": zeros}
            spread = np.repeat(zeros.astype(np.float64), width, axis=1)[:, :w.shape[1]]
            linears[linear] = (codes - spread, scales.astype(np.float64), width)
        else:
            stored[key] = w.astype(np.float16) if key in NARROW else w
            rest[key] = stored[key].astype(np.float64)
    os.makedirs(folder)
    save_file(stored, f"{folder}/base.safetensors")
    digest = hashlib.sha256(open(f"{folder}/base.safetensors", "rb").read()).hexdigest()
    write_json(f"{folder}/peqa_base.json", dict(
        format="peqa-base", version=1, base_sha256=digest, bits=bits, group_size=group, sym=False, method="rtn",
        source=dict(name=name)))
    write_settings(folder, config)
    return linears, rest


# ---------------------------------------------------------------- dense directories and GGUF

def write_dense(folder, config, weights, dtype, shards=1):
    """A Hugging Face directory with the stored weights rounded to `dtype`; returns them as float32."""
    os.makedirs(folder)
    stored = {k: torch.from_numpy(w).to(dtype) for k, w in weights.items()}
    write_settings(folder, dict(config, torch_dtype=str(dtype).removeprefix("torch.")))
    if shards == 1:
        save_torch(stored, f"{folder}/model.safetensors", metadata=dict(format="pt"))
    else:
        names, where = sorted(stored), {}
        for n in range(shards):
            file = f"model-{n + 1:05}-of-{shards:05}.safetensors"
            part = {k: stored[k] for k in names[n::shards]}
            save_torch(part, f"{folder}/{file}", metadata=dict(format="pt"))
            where.update({k: file for k in part})
        total = sum(t.numel() * t.element_size() for t in stored.values())
        write_json(f"{folder}/model.safetensors.index.json",
                   dict(metadata=dict(total_size=total), weight_map=dict(sorted(where.items()))))
    return {k: t.float() for k, t in stored.items()}


def permuted(w, heads):
    """Rows of q and k as llama.cpp stores them: the two halves of a head interleaved."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape)


def restored(w, heads):
    return w.reshape(heads, w.shape[0] // heads // 2, 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape)


GGUF_NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
              "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
              "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}


def gguf_name(key):
    top = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
           "lm_head.weight": "output.weight"}
    if key in top:
        return top[key]
    _, _, n, rest = key.split(".", 3)
    return f"blk.{n}.{GGUF_NAMES[rest.removesuffix('.weight')]}.weight"


def add_tokens(out, vocabulary):
    """The tokenizer of all these models, as GGUF keeps it."""
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("default")
    out.add_token_list(vocabulary)
    out.add_token_types([gguf.TokenType.CONTROL] + [gguf.TokenType.NORMAL] * (VOCABULARY - 1))
    out.add_token_merges(["Ġ t"])
    out.add_bos_token_id(0)
    out.add_eos_token_id(0)
    out.add_add_bos_token(False)


def write_gguf(path, config, weights, kind):
    """Block matrices in `kind`, embeddings and output F16, norms F32; returns the weights a reader should see."""
    vocabulary, _ = tokenizer_json()
    out = gguf.GGUFWriter(path, "llama")
    out.add_name("peqa tiny llama")
    out.add_context_length(config["max_position_embeddings"])
    out.add_embedding_length(config["hidden_size"])
    out.add_block_count(config["num_hidden_layers"])
    out.add_feed_forward_length(config["intermediate_size"])
    out.add_head_count(config["num_attention_heads"])
    out.add_head_count_kv(config["num_key_value_heads"])
    out.add_layer_norm_rms_eps(config["rms_norm_eps"])
    out.add_rope_freq_base(config["rope_theta"])
    out.add_rope_dimension_count(config["head_dim"])
    out.add_vocab_size(VOCABULARY)
    add_tokens(out, vocabulary)
    types, seen = gguf.GGMLQuantizationType, {}
    for key, w in weights.items():
        heads = {"q_proj": "num_attention_heads", "k_proj": "num_key_value_heads"}.get(key.split(".")[-2])
        stored = permuted(w, config[heads]) if heads else w
        name = "F32" if w.ndim == 1 else kind if ".layers." in key else "F16"
        data = gguf.quants.quantize(stored, types[name])
        out.add_tensor(gguf_name(key), data, raw_dtype=types[name])
        read = gguf.quants.dequantize(data, types[name]).reshape(w.shape)
        seen[key] = torch.from_numpy(np.ascontiguousarray(restored(read, config[heads]) if heads else read)).float()
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return seen
