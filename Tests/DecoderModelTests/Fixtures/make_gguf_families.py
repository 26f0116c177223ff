#!/usr/bin/env python3
"""Make tiny GGUF files of the families that llama.cpp runs, and their golden numbers.

Set-up:  as for make_golden.py, and V/bin/pip install xllamacpp
Use:     V/bin/python make_gguf_families.py          (rewrites gguf/FAMILY_f32.*)
         V/bin/python make_gguf_families.py NAME...  (these families only)

Three oracles: `transformers` in float64 and float32 (the golden logits), `FamilyReference` in float64, and llama.cpp itself,
which has to give the same log-probabilities from the file. Tensors and metadata are what llama.cpp's conversion from the
published names writes; names come from gguf's own table. All numbers are F32. What lies where: README.md.
"""
import json, os, re, subprocess, sys, tempfile

import gguf
import numpy as np
import torch
import transformers
from safetensors.numpy import save_file

from make_families import (AFTER, BEFORE, EVERY, GEMMA, QKV, Family, common, gemma, module_state, neox, new_model, precision,
                           published, random_weights, stablelm)
from make_golden import HERE, VERSIONS, make_sequences
from reference_families import FamilyReference
from tiny_models import VOCABULARY, add_tokens, permuted, tokenizer_json, write_json

SMALL = 16      # rows of an MLP and of an expert


def small(make, **more):
    return make(intermediate_size=SMALL, **more)


def heads(q, kv, **more):
    return small(common, num_attention_heads=q, num_key_value_heads=kv, **more)


PLAIN = dict(gated=False, layer_norm=True, biased=EVERY, mlp=SMALL)
GEMMAS = GEMMA | dict(head=16, mlp=SMALL)
FAMILIES = {      # seed (of those with experts: no choice near a tie), architecture, model
    "gptneox": (141, "gptneox", Family(small(neox, rotary_pct=0.25, use_parallel_residual=True), **PLAIN)),
    "gptneox_seq": (142, "gptneox", Family(
        small(neox, num_hidden_layers=1, rotary_pct=0.5, use_parallel_residual=False), **PLAIN)),
    "stablelm": (143, "stablelm", Family(
        small(stablelm, num_key_value_heads=1, use_parallel_residual=False, use_qkv_bias=True),
        shared=1, layer_norm=True, biased=QKV, mlp=SMALL)),
    "olmo2": (144, "olmo2", Family(
        heads(4, 2, model_type="olmo2", rope_theta=500000.0, pad_token_id=0),
        heads=4, head=8, norms=AFTER, head_norms=(32, 16), mlp=SMALL)),
    "starcoder2": (145, "starcoder2", Family(
        heads(4, 2, model_type="starcoder2", hidden_act="gelu_pytorch_tanh", sliding_window=None, rope_theta=10000.0,
              tie_word_embeddings=True), heads=4, head=8, tied=True, **PLAIN)),
    "phi3": (146, "phi3", Family(
        heads(4, 2, model_type="phi3", rope_theta=10000.0, original_max_position_embeddings=64, sliding_window=64,
              pad_token_id=0), heads=4, head=8, mlp=SMALL)),
    "gemma": (147, "gemma", Family(
        small(gemma, model_type="gemma", activation="hidden_act", head_dim=16, num_key_value_heads=1, rope_theta=10000.0),
        shared=1, **GEMMAS)),
    "gemma2": (148, "gemma2", Family(
        small(gemma, model_type="gemma2", head_dim=16, query_pre_attn_scalar=16, sliding_window=4, attn_logit_softcapping=4.0,
              final_logit_softcapping=6.0, rope_theta=10000.0), norms=BEFORE + AFTER, steep=1.5, **GEMMAS)),
    "smollm3": (149, "smollm3", Family(      # the fourth layer is not rotated
        heads(4, 1, model_type="smollm3", num_hidden_layers=4, rope_theta=2000000.0,
              no_rope_layers=[1, 1, 1, 0], no_rope_layer_interval=4, use_sliding_window=False, tie_word_embeddings=True,
              pad_token_id=0), heads=4, shared=1, head=8, mlp=SMALL, tied=True)),
    "qwen3moe": (290, "qwen3moe", Family(
        heads(4, 1, model_type="qwen3_moe", head_dim=16, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=SMALL,
              norm_topk_prob=True, decoder_sparse_step=1, rope_theta=1000000.0) | dict(intermediate_size=40),
        heads=4, shared=1, mlp=SMALL, experts=4, head_norms=(16, 16))),
    "mixtral": (248, "llama", Family(
        heads(4, 2, model_type="mixtral", num_local_experts=4, num_experts_per_tok=2,
              sliding_window=None, rope_theta=1000000.0), heads=4, head=8, mlp=SMALL, experts=4)),
    "qwen2": (152, "qwen2", Family(
        heads(4, 2, model_type="qwen2", use_sliding_window=False, rope_theta=1000000.0, tie_word_embeddings=True),
        heads=4, head=8, biased=QKV, mlp=SMALL, tied=True)),
    "qwen3": (153, "qwen3", Family(
        heads(4, 1, model_type="qwen3", head_dim=16, rope_theta=1000000.0, tie_word_embeddings=True),
        heads=4, shared=1, head_norms=(16, 16), mlp=SMALL, tied=True)),
    # Every sixth layer sees all positions; the other bases are 10000. Both are llama.cpp's own, not in the file.
    "gemma3": (154, "gemma3", Family(
        small(gemma, model_type="gemma3_text", num_hidden_layers=6, num_attention_heads=2, num_key_value_heads=1, head_dim=8,
              query_pre_attn_scalar=8, sliding_window=4,
              layer_types=["sliding_attention"] * 5 + ["full_attention"], rope_theta=1000000.0, rope_local_base_freq=10000.0),
        norms=BEFORE + AFTER, head_norms=(8, 8), **GEMMA | dict(heads=2, shared=1, head=8, mlp=SMALL))),
}

# ---------------------------------------------------------------- what llama.cpp's conversion does

PAIRS = {"self_attn.qkv_proj": QKV, "mlp.gate_up_proj": ("mlp.gate_proj", "mlp.up_proj")}


def checkpoint(family, w):
    """Tensors by published name; Phi-3 keeps q, k and v in one, gate and up in another."""
    w = published(family, w)
    if family.config["model_type"] == "phi3":
        for n in range(family.config["num_hidden_layers"]):
            for whole, parts in PAIRS.items():
                pieces = [w.pop(f"model.layers.{n}.{part}.weight") for part in parts]
                w[f"model.layers.{n}.{whole}.weight"] = torch.cat(pieces)
    return w


def converted(family, architecture, tensors):
    """Published tensors, changed as the conversion changes them, still by published name."""
    out, c, stacks = {}, family.config, {}
    for name, w in tensors.items():
        w = w.numpy()
        if "query_key_value" in name:      # [heads, 3, head size] to all of q, all of k, all of v
            w = w.reshape(family.heads, 3, family.head, *w.shape[1:]).swapaxes(0, 1).reshape(w.shape)
        if architecture in ("llama", "smollm3") and name.endswith(("q_proj.weight", "k_proj.weight")):
            w = permuted(w, family.heads if "q_proj" in name else family.shared)
        if architecture.startswith("gemma") and name.endswith("norm.weight"):
            w = w + 1
        if match := re.fullmatch(r"model\.(layers\.\d+\.)(.*)\.experts\.(\d+)\.(.*)", name):
            layer, mlp, expert, rest = match.groups()
            mixtral = c["model_type"] == "mixtral"
            whole = layer + f"feed_forward.experts.{rest}" if mixtral else f"model.{layer}{mlp}.experts.{rest}"
            stacks.setdefault(whole, []).append((int(expert), w))
        else:
            out[name] = w
    return out | {name: np.stack([w for _, w in sorted(each, key=lambda pair: pair[0])]) for name, each in stacks.items()}


def add_sizes(out, family, config, architecture):
    """The metadata that the conversion of this architecture writes, from transformers' configuration."""
    c = config
    out.add_block_count(c.num_hidden_layers)
    out.add_context_length(c.max_position_embeddings)
    out.add_embedding_length(c.hidden_size)
    out.add_feed_forward_length(c.intermediate_size)
    out.add_head_count(c.num_attention_heads)
    if architecture != "gptneox":
        out.add_head_count_kv(c.num_key_value_heads)
    if family.layer_norm:
        out.add_layer_norm_eps(c.norm_epsilon if architecture == "starcoder2" else c.layer_norm_eps)
    else:
        out.add_layer_norm_rms_eps(c.rms_norm_eps)
    if architecture in ("gptneox", "stablelm"):
        part = family.config["rotary_pct" if architecture == "gptneox" else "partial_rotary_factor"]
        out.add_rope_dimension_count(int(family.head * part))
        out.add_parallel_residual(c.use_parallel_residual)
    elif architecture not in ("gemma", "gemma2"):      # of these, and of the two above, the base is 10000
        out.add_rope_freq_base(family.config["rope_theta"])
    if architecture in ("llama", "smollm3", "phi3"):
        out.add_rope_dimension_count(family.head)
    if architecture in ("llama", "smollm3"):
        out.add_vocab_size(VOCABULARY)
    if family.config.get("head_dim"):
        out.add_key_length(family.head)
        out.add_value_length(family.head)
    if architecture == "phi3":
        out.add_rope_scaling_orig_ctx_len(c.original_max_position_embeddings)
    if architecture in ("phi3", "gemma2", "gemma3"):
        out.add_sliding_window(c.sliding_window)
    if architecture == "gemma2":
        out.add_attn_logit_softcapping(c.attn_logit_softcapping)
        out.add_final_logit_softcapping(c.final_logit_softcapping)
    if family.experts:
        out.add_expert_count(family.experts)
        out.add_expert_used_count(c.num_experts_per_tok)
    if architecture == "qwen3moe":
        out.add_expert_feed_forward_length(c.moe_intermediate_size)


def write_file(path, name, family, architecture, w):
    config = transformers.AutoConfig.for_model(**family.config)
    out = gguf.GGUFWriter(path, architecture)
    out.add_type("model")
    out.add_name(f"peqa tiny {name}".replace("phi3", "phi 3"))      # llama.cpp wants a token <unk> if the name has phi3
    add_sizes(out, family, config, architecture)
    out.add_file_type(gguf.LlamaFileType.ALL_F32)
    out.add_quantization_version(gguf.GGML_QUANT_VERSION)
    add_tokens(out, tokenizer_json()[0])
    kind = next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == architecture)
    names = gguf.get_tensor_name_map(kind, config.num_hidden_layers)
    for key, tensor in converted(family, architecture, checkpoint(family, w)).items():
        out.add_tensor(names.get_name(key, try_suffixes=(".weight", ".bias")), np.ascontiguousarray(tensor, np.float32))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


# ---------------------------------------------------------------- the oracles

class Reference(FamilyReference):
    def __init__(self, family):
        super().__init__(family)
        kind = self.c["model_type"]
        self.epsilon = 1e-6 if kind == "smollm3" else self.epsilon
        self.local = {"gemma2": [True, False], "gemma3_text": [True] * 5 + [False]}.get(kind)

    def rotate(self, x, n):
        return super().rotate(x, n) if self.c.get("no_rope_layers", [1] * 9)[n] else x


def logits(family, w, ids, dtype):
    with precision(dtype):
        model = new_model(family, dtype)
        model.requires_grad_(False)
        state = module_state(family, checkpoint(family, w))
        assert state.keys() <= model.state_dict().keys(), sorted(state.keys() - model.state_dict().keys())
        out = torch.func.functional_call(model, state, (torch.tensor([ids]),), dict(use_cache=False)).logits[0]
    assert out.dtype == dtype
    return out


def golden(name, family, w, sequence):
    """Logits in float32, and what golden.json tells of them. Every tensor has to move the loss."""
    ids, targets, gaps = sequence["ids"], torch.tensor(sequence["targets"]), []

    def look(module, _, output):
        if type(module).__name__.endswith("TopKRouter"):
            best = output[0].sort(-1, descending=True)[0]
            gaps.append((best[:, 1] - best[:, 2]).min().item())

    wide = {k: v.double().requires_grad_(True) for k, v in w.items()}
    hook = torch.nn.modules.module.register_module_forward_hook(look)
    exact = logits(family, wide, ids, torch.float64)
    hook.remove()
    assert all(gap > 0.05 for gap in gaps), (name, min(gaps))
    second = Reference(family).logits(wide, ids)
    assert (exact - second).abs().max() < 1e-10, (name, (exact - second).abs().max())
    loss = torch.nn.functional.cross_entropy(exact, targets, reduction="sum")
    loss.backward()
    assert all(v.grad.abs().max() > 1e-3 for v in wide.values()), name
    single = logits(family, w, ids, torch.float32).detach()
    seen = (single - exact).abs().max().item()
    assert seen < 2e-5, (name, seen)
    return single.numpy(), dict(sequence, loss_sum=loss.item(), supervised=len(ids), float32_difference=dict(logits_absolute=seen))


def llama_cpp(path, ids, single):
    """The largest difference of llama.cpp's log-probabilities, each position by a prompt of its own."""
    run = subprocess.run([sys.executable, f"{HERE}/llama_cpp_probabilities.py", path], input=json.dumps(ids), text=True,
                         capture_output=True, timeout=120)
    if run.returncode:
        sys.exit(f"{path}: llama.cpp: {run.stdout[-3000:]}\n{run.stderr[-6000:]}")
    answer = json.loads(run.stdout.strip().splitlines()[-1])
    ours = torch.from_numpy(single).double().log_softmax(-1).numpy()
    apart = abs(np.array(answer["rows"]) - ours)
    return dict(version=answer["version"], build=answer["build"], positions=len(ids),
                log_probabilities_absolute=float(apart.max()), log_probabilities_rms=float(np.sqrt((apart**2).mean())))


def make(name, seed, architecture, family):
    w = {k: torch.from_numpy(v) for k, v in random_weights(family, seed).items()}
    sequence = make_sequences(seed)["single"]
    single, summary = golden(name, family, w, sequence)
    stem = f"{HERE}/gguf/{name}_f32"
    with tempfile.TemporaryDirectory() as folder:
        write_file(f"{folder}/gguf", name, family, architecture, w)
        difference = llama_cpp(f"{folder}/gguf", sequence["ids"], single)
        print(f"{name}: {os.path.getsize(folder + '/gguf') / 1024:.0f} KB, spread of logits {single.std():.2f}, float32 "
              f"{summary['float32_difference']['logits_absolute']:.1e}, llama.cpp {difference['log_probabilities_absolute']:.1e} "
              f"(rms {difference['log_probabilities_rms']:.1e})", flush=True)
        assert difference["log_probabilities_absolute"] < 0.02, difference
        save_file({"single.logits": single}, f"{folder}/golden.safetensors")
        write_json(f"{folder}/golden.json", dict(versions=VERSIONS, llama_cpp_difference=difference,
                                                 sequences=dict(single=summary)))
        for kind in ["golden.safetensors", "golden.json", "gguf"]:      # whole files only, the model last
            with open(f"{folder}/{kind}", "rb") as source, open(f"{HERE}/gguf/.partial", "wb") as target:
                target.write(source.read())
            os.replace(f"{HERE}/gguf/.partial", f"{stem}.{kind}")


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    transformers.utils.logging.set_verbosity_error()
    for name in sys.argv[1:] or FAMILIES:
        make(name, *FAMILIES[name])


if __name__ == "__main__":
    main()
