#!/usr/bin/env python3
"""Make the tiny models of the families that are not like LLaMA, and their golden numbers.

Set-up:  as for make_golden.py
Use:     V/bin/python make_families.py          (rewrites the subfolders of every family)
         V/bin/python make_families.py NAME...  (these families only)

The oracle is the `transformers` model: in float64 throughout (loss, gradients; also where the model
itself asks for float32) and as it is in float32 (logits). The script stops unless `FamilyReference`,
which shares no code with it, gives the same in float64. A family has two folders: FAMILY_4bit_g32,
a base in peqa's own names, and dense_FAMILY, the same function as `save_pretrained` writes it; the
script stops unless names and values there are the published layout's. What lies where: README.md.
"""
import glob, math, os, re, shutil, sys, tempfile
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
import transformers
from safetensors.torch import load_file
from torch.overrides import TorchFunctionMode

from make_golden import HERE, golden, make_sequences, loss_sum, dequantized, write_dense_golden
from reference_families import FamilyReference
from tiny_models import NARROW, VOCABULARY, write_base, write_settings

# ---------------------------------------------------------------- the families

BEFORE = ("input_layernorm", "post_attention_layernorm")
AFTER = ("attention_output_norm", "mlp_output_norm")
QKV = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
PLAIN = ("mlp.up_proj", "mlp.down_proj")
WIDTH, MLP, EXPERT = 32, 40, 24


@dataclass
class Family:
    config: dict                    # what transformers' config class is called with
    heads: int = 2
    shared: int = 2                 # heads of k and v
    head: int = 16
    mlp: int = MLP
    gated: bool = True
    experts: int = 0
    norms: tuple = BEFORE           # of a layer
    layer_norm: bool = False        # with a mean and a bias
    head_norms: tuple = ()          # widths of q_norm and k_norm
    biased: tuple = ()
    embedding: int = WIDTH
    embedding_spread: float = 0.4
    final_norm: bool = True
    tied: bool = False
    steep: float = 1.2              # spread of q and k rows times the root of their width


def common(**more):
    return dict(vocab_size=VOCABULARY, hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2,
                intermediate_size=MLP, max_position_embeddings=64, bos_token_id=0, eos_token_id=0) | more


def opt(**more):
    config = common(model_type="opt", ffn_dim=MLP, num_attention_heads=4, activation_function="relu", pad_token_id=1)
    del config["intermediate_size"]
    return config | more


def gemma(model_type, activation="hidden_activation", **more):
    return common(model_type=model_type, num_attention_heads=4, num_key_value_heads=2, head_dim=24, pad_token_id=0,
                  **{activation: "gelu_pytorch_tanh"}) | more


def neox(**more):
    return common(model_type="gpt_neox", hidden_act="gelu", rotary_emb_base=10000, tie_word_embeddings=False) | more


def stablelm(**more):
    return common(model_type="stablelm", hidden_act="silu", partial_rotary_factor=0.25, rope_theta=10000.0,
                  qk_layernorm=False) | more


GEMMA = dict(heads=4, head=24, embedding_spread=0.25, tied=True)
EVERY = QKV + ("self_attn.o_proj",) + PLAIN
FAMILIES = {
    "gptj": Family(
        dict(model_type="gptj", vocab_size=VOCABULARY, n_positions=64, n_embd=WIDTH, n_layer=2, n_head=2, rotary_dim=8,
             n_inner=MLP, activation_function="gelu_new", bos_token_id=0, eos_token_id=0),
        gated=False, layer_norm=True, norms=BEFORE[:1], biased=PLAIN),
    "opt": Family(opt(), heads=4, shared=4, head=8, gated=False, layer_norm=True, biased=EVERY, tied=True),
    "gemma2": Family(
        gemma("gemma2", query_pre_attn_scalar=20, sliding_window=4, attn_logit_softcapping=4.0,
              final_logit_softcapping=6.0, rope_theta=10000.0), norms=BEFORE + AFTER, steep=1.5, **GEMMA),
    "gpt_neox": Family(neox(rotary_pct=0.25, use_parallel_residual=True), gated=False, layer_norm=True, biased=EVERY),
    "olmo2": Family(
        common(model_type="olmo2", num_attention_heads=4, num_key_value_heads=2, rope_theta=500000.0, pad_token_id=0),
        heads=4, head=8, norms=AFTER, head_norms=(32, 16)),
    "gpt_neo": Family(      # its scores are not divided by the root of the head size
        dict(model_type="gpt_neo", vocab_size=VOCABULARY, hidden_size=WIDTH, num_layers=2, num_heads=4,
             intermediate_size=MLP, max_position_embeddings=64, attention_types=[[["global", "local"], 1]],
             window_size=4, activation_function="gelu_new", bos_token_id=0, eos_token_id=0),
        heads=4, shared=4, head=8, gated=False, layer_norm=True, biased=("self_attn.o_proj",) + PLAIN, tied=True,
        steep=0.8),
    "opt350": Family(
        opt(do_layer_norm_before=False, word_embed_proj_dim=24), heads=4, shared=4, head=8, gated=False,
        layer_norm=True, norms=AFTER, biased=EVERY, embedding=24, final_norm=False, tied=True),
    "gemma": Family(gemma("gemma", "hidden_act", rope_theta=10000.0), **GEMMA),
    "gemma3_text": Family(
        gemma("gemma3_text", num_hidden_layers=3, query_pre_attn_scalar=20, sliding_window=4,
              layer_types=["sliding_attention"] * 2 + ["full_attention"], rope_theta=1000000.0,
              rope_local_base_freq=10000.0), norms=BEFORE + AFTER, head_norms=(24, 24), **GEMMA),
    "neox_seq": Family(neox(rotary_pct=0.5, use_parallel_residual=False), gated=False, layer_norm=True, biased=EVERY),
    "mixtral": Family(
        common(model_type="mixtral", intermediate_size=EXPERT, num_attention_heads=4, num_key_value_heads=2,
               num_local_experts=4, num_experts_per_tok=2, sliding_window=None, rope_theta=1000000.0),
        heads=4, head=8, mlp=EXPERT, experts=4),
    "qwen3_moe": Family(
        common(model_type="qwen3_moe", num_attention_heads=4, num_key_value_heads=2, head_dim=16, num_experts=4,
               num_experts_per_tok=2, moe_intermediate_size=EXPERT, norm_topk_prob=True, decoder_sparse_step=1,
               rope_theta=1000000.0), heads=4, mlp=EXPERT, experts=4, head_norms=(16, 16)),
    "stablelm": Family(
        stablelm(num_key_value_heads=2, use_parallel_residual=False, use_qkv_bias=True), layer_norm=True, biased=QKV),
    "stablelm_par": Family(
        stablelm(num_key_value_heads=1, use_parallel_residual=True, use_qkv_bias=False), shared=1, layer_norm=True,
        norms=BEFORE[:1]),
    # 12: the segments of 9 and 1 tokens keep their frequencies, those of 14 and 23 tokens do not.
    "llama_dynamic": Family(
        common(model_type="llama", num_attention_heads=4, num_key_value_heads=2, head_dim=16,
               max_position_embeddings=12, rope_parameters=dict(rope_type="dynamic", factor=2.0, rope_theta=10000.0)),
        heads=4),
}
# Bases of these are those of make_golden.py; here they are made for their published names only.
FAMILIES |= {
    "mistral": Family(
        common(model_type="mistral", num_attention_heads=4, num_key_value_heads=2, sliding_window=4, rope_theta=10000.0),
        heads=4, head=8),
    "qwen2": Family(
        common(model_type="qwen2", num_attention_heads=4, num_key_value_heads=2, rope_theta=1000000.0,
               use_sliding_window=True, sliding_window=4, max_window_layers=1), heads=4, head=8, biased=QKV),
    "qwen3": Family(
        common(model_type="qwen3", num_attention_heads=4, num_key_value_heads=2, head_dim=16, rope_theta=1000000.0),
        heads=4, head_norms=(16, 16)),
}
FAMILIES |= {
    "starcoder2": Family(
        common(model_type="starcoder2", num_attention_heads=4, num_key_value_heads=2, hidden_act="gelu_pytorch_tanh",
               sliding_window=4, rope_theta=10000.0, tie_word_embeddings=True),
        heads=4, head=8, gated=False, layer_norm=True, biased=EVERY, tied=True),
}
FAMILIES |= {
    "llama": Family(
        common(model_type="llama", num_attention_heads=4, num_key_value_heads=2, rope_theta=10000.0), heads=4, head=8),
    "phi3_window": Family(
        common(model_type="phi3", num_attention_heads=4, num_key_value_heads=2, sliding_window=4, rope_theta=10000.0,
               pad_token_id=0), heads=4, head=8),
}
DENSE = ["mistral", "qwen2", "qwen3", "llama", "phi3_window"]
ROWS = ["opt", "gptj", "gemma2", "mixtral"]      # these also with one scale a row
SEEDS = {"mixtral": 1640, "qwen3_moe": 254}      # with no choice of experts near a tie


def random_weights(family, seed):
    """Float32 tensors by canonical name. Matrices of the vocabulary are F16 numbers and vectors
    multiples of 1/1024, so that neither a base nor Gemma's 1 + w rounds them."""
    rng, c, w = np.random.default_rng(seed), family.config, {}
    normal = lambda shape, spread: (rng.standard_normal(shape) * spread).astype(np.float32)
    vector = lambda n, center=0.0: (center + np.rint(normal(n, 0.3) * 1024) / 1024).astype(np.float32)

    def norm(name, width):
        w[name + ".weight"] = vector(width, 1.0)
        if family.layer_norm:
            w[name + ".bias"] = vector(width)

    def linear(name, rows, columns, spread=1.2):
        w[name + ".weight"] = normal((rows, columns), spread / math.sqrt(columns))
        if name.split(".", 3)[-1] in family.biased:
            w[name + ".bias"] = vector(rows)

    w["model.embed_tokens.weight"] = normal((VOCABULARY, family.embedding), family.embedding_spread)
    if c["model_type"] in ("opt", "gpt_neo"):
        w["model.embed_positions.weight"] = normal((64, WIDTH), family.embedding_spread)
    if family.embedding != WIDTH:
        w["model.project_in.weight"] = normal((WIDTH, family.embedding), 1 / math.sqrt(family.embedding))
        w["model.project_out.weight"] = normal((family.embedding, WIDTH), 1 / math.sqrt(WIDTH))
    for n in range(c.get("num_hidden_layers", 2)):
        layer = f"model.layers.{n}."
        q, kv = family.heads * family.head, family.shared * family.head
        for name, rows, columns, spread in [("q_proj", q, WIDTH, family.steep), ("k_proj", kv, WIDTH, family.steep),
                                            ("v_proj", kv, WIDTH, 1.2), ("o_proj", WIDTH, q, 1.2)]:
            linear(f"{layer}self_attn.{name}", rows, columns, spread)
        if family.experts:
            w[layer + "mlp.router.weight"] = normal((family.experts, WIDTH), 1 / math.sqrt(WIDTH))
        for mlp in [f"{layer}mlp.experts.{e}." for e in range(family.experts)] or [layer + "mlp."]:
            for name in ["gate_proj"] * family.gated + ["up_proj"]:
                linear(mlp + name, family.mlp, WIDTH)
            linear(mlp + "down_proj", WIDTH, family.mlp)
        for name in family.norms:
            norm(layer + name, WIDTH)
        for name, width in zip("qk", family.head_norms):
            norm(f"{layer}self_attn.{name}_norm", width)
    if family.final_norm:
        norm("model.norm", WIDTH)
    if not family.tied:
        w["lm_head.weight"] = normal((VOCABULARY, WIDTH), 0.4)
    if c["model_type"] == "gptj":
        w["lm_head.bias"] = vector(VOCABULARY)
    return {k: v.astype(np.float16).astype(np.float32) if k in NARROW else v for k, v in w.items()}


# ---------------------------------------------------------------- published names

# Canonical: published, where they differ; {} stands for what precedes the number of a layer.
NAMES = {
    "starcoder2": {"mlp.up_proj": "mlp.c_fc", "mlp.down_proj": "mlp.c_proj"},
    "gptj": {"{}": "transformer.h", "model.embed_tokens": "transformer.wte", "model.norm": "transformer.ln_f",
             "self_attn.o_proj": "attn.out_proj", "self_attn": "attn", "mlp.up_proj": "mlp.fc_in",
             "mlp.down_proj": "mlp.fc_out", "input_layernorm": "ln_1"},
    "gpt_neo": {"{}": "transformer.h", "model.embed_tokens": "transformer.wte", "model.norm": "transformer.ln_f",
                "model.embed_positions": "transformer.wpe", "self_attn.o_proj": "attn.attention.out_proj",
                "self_attn": "attn.attention", "mlp.up_proj": "mlp.c_fc", "mlp.down_proj": "mlp.c_proj",
                "input_layernorm": "ln_1", "post_attention_layernorm": "ln_2"},
    "opt": {"{}": "model.decoder.layers", "self_attn.o_proj": "self_attn.out_proj", "mlp.up_proj": "fc1",
            "mlp.down_proj": "fc2", "input_layernorm": "self_attn_layer_norm",
            "attention_output_norm": "self_attn_layer_norm", "post_attention_layernorm": "final_layer_norm",
            "mlp_output_norm": "final_layer_norm", "model.norm": "model.decoder.final_layer_norm",
            "model.": "model.decoder."},
    "gpt_neox": {"{}": "gpt_neox.layers", "model.embed_tokens": "gpt_neox.embed_in",
                 "model.norm": "gpt_neox.final_layer_norm", "self_attn.o_proj": "attention.dense",
                 "self_attn": "attention", "mlp.up_proj": "mlp.dense_h_to_4h", "mlp.down_proj": "mlp.dense_4h_to_h",
                 "lm_head": "embed_out"},
    "gemma2": {"post_attention_layernorm": "pre_feedforward_layernorm",
               "attention_output_norm": "post_attention_layernorm", "mlp_output_norm": "post_feedforward_layernorm"},
    "olmo2": {"attention_output_norm": "post_attention_layernorm", "mlp_output_norm": "post_feedforward_layernorm"},
    "mixtral": {"mlp.router": "block_sparse_moe.gate", "gate_proj": "w1", "up_proj": "w3", "down_proj": "w2",
                "mlp": "block_sparse_moe"},
    "qwen3_moe": {"mlp.router": "mlp.gate"},
}
NAMES["gemma3_text"] = NAMES["gemma2"]


def renamed(names, key):
    """The first name of the table that occurs is replaced; Mixtral's experts take a second one."""
    match = re.fullmatch(r"model\.layers\.(\d+)\.(.*)", key)
    rest = match[2] if match else key
    for canonical, foreign in names.items():
        if canonical in rest and (match or canonical.startswith(("model.", "lm_head"))):
            rest = rest.replace(canonical, foreign, 1)
            if "experts" not in rest:
                break
    return f"{names.get('{}', 'model.layers')}.{match[1]}.{rest}" if match else rest


def interleaved(w, heads, rotated):
    """GPT-J turns neighbours: rows j and rotated/2 + j of a head in rotate-half order are its rows
    2j and 2j + 1."""
    w = w.unflatten(0, (heads, -1))
    pairs = w[:, :rotated].unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)
    return torch.cat([pairs, w[:, rotated:]], 1).flatten(0, 1)


def published(family, w):
    """The tensors of a published checkpoint from those by canonical name; differentiable."""
    c, w = family.config, dict(w)
    kind, layers = c["model_type"], range(c.get("num_hidden_layers", 2))
    if kind == "gptj":
        for n in layers:
            for key in [f"model.layers.{n}.self_attn.{p}_proj.weight" for p in "qk"]:
                w[key] = interleaved(w[key], family.heads, c["rotary_dim"])
    if kind.startswith("gemma"):
        w = {k: v - 1 if k.endswith("norm.weight") else v for k, v in w.items()}
    if kind == "opt":       # two rows that no token uses
        table = w["model.embed_positions.weight"]
        w["model.embed_positions.weight"] = torch.cat([torch.full_like(table[:2], 9.0), table])
    fused = {}
    if kind == "phi3":
        for n in layers:
            for name, pieces in [("self_attn.qkv_proj", QKV), ("mlp.gate_up_proj", ("mlp.gate_proj", "mlp.up_proj"))]:
                parts = [w.pop(f"model.layers.{n}.{p}.weight") for p in pieces]
                fused[f"model.layers.{n}.{name}.weight"] = torch.cat(parts)
    if kind == "gpt_neox":
        for n in layers:
            for suffix in ["weight", "bias"]:
                pieces = [w.pop(f"model.layers.{n}.{p}.{suffix}") for p in QKV]
                pieces = [piece.unflatten(0, (family.heads, family.head)) for piece in pieces]
                fused[f"gpt_neox.layers.{n}.attention.query_key_value.{suffix}"] = torch.stack(pieces, 1).flatten(0, 2)
    return fused | {renamed(NAMES.get(kind, {}), k): v for k, v in w.items()}


def module_state(family, w):
    """The state of transformers 5's module from published tensors: experts stacked, every head
    called lm_head."""
    w, kind = dict(w), family.config["model_type"]
    if kind == "gpt_neox":
        w["lm_head.weight"] = w.pop("embed_out.weight")
    if family.experts:
        gate, up, down = ("w1", "w3", "w2") if kind == "mixtral" else ("gate_proj", "up_proj", "down_proj")
        mlp = "block_sparse_moe" if kind == "mixtral" else "mlp"
        w = {k.replace(mlp + ".gate", "mlp.gate"): v for k, v in w.items()}
        for n in range(family.config["num_hidden_layers"]):
            old, new = f"model.layers.{n}.{mlp}.experts.", f"model.layers.{n}.mlp.experts."
            piece = lambda e, name: w.pop(f"{old}{e}.{name}.weight")
            each = range(family.experts)
            w[new + "gate_up_proj"] = torch.stack([torch.cat([piece(e, gate), piece(e, up)]) for e in each])
            w[new + "down_proj"] = torch.stack([piece(e, down) for e in each])
    if family.tied:
        w["lm_head.weight"] = w[next(k for k in w if k.endswith(("embed_tokens.weight", "wte.weight")))]
    return w


# ---------------------------------------------------------------- the oracle

class Widened(TorchFunctionMode):
    """What asks for float32 gets float64: norms, softmax, routers and frequencies do."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        wide = lambda value: torch.float64 if value is torch.float32 else value
        if function is torch.Tensor.float:
            function = torch.Tensor.double
        return function(*map(wide, args), **{k: wide(v) for k, v in (kwargs or {}).items()})


@contextmanager
def precision(dtype):
    torch.set_default_dtype(dtype)
    try:
        with Widened() if dtype == torch.float64 else nullcontext():
            yield
    finally:
        torch.set_default_dtype(torch.float32)


def new_model(family, dtype):
    config = transformers.AutoConfig.for_model(**family.config)
    return transformers.AutoModelForCausalLM.from_config(
        config, dtype=dtype, attn_implementation="eager", experts_implementation="eager").eval()


def oracle(family, dtype):
    """logits(weights by canonical name, ids), each time by a new model: one that is used again keeps
    the dynamic frequencies of its longest sequence."""
    def logits(w, ids):
        with precision(dtype):
            model = new_model(family, dtype)
            model.requires_grad_(False)
            for name, buffer in model.named_buffers():
                assert buffer.dtype in (dtype, torch.bool), name
            out = torch.func.functional_call(model, module_state(family, published(family, w)),
                                             (torch.tensor([ids]),), dict(use_cache=False)).logits[0]
        assert out.dtype == dtype
        return out
    return logits


def check(name, family, linears, rest, seed):
    """The second oracle agrees, every tensor moves the loss, no choice of experts is near a tie."""
    leaf = lambda a: torch.tensor(a, dtype=torch.float64).requires_grad_(True)
    scales = {n: leaf(s) for n, (_, s, _) in linears.items()}
    ones = {n: torch.ones(len(s), dtype=torch.float64) for n, (_, s, _) in linears.items()}
    others = {k: leaf(v) for k, v in rest.items()}
    logits_of, gaps = oracle(family, torch.float64), []

    def look(module, _, output):
        if type(module).__name__.endswith("TopKRouter"):
            best = output[0].sort(-1, descending=True)[0]
            gaps.append((best[:, 1] - best[:, 2]).min().item())

    hook = torch.nn.modules.module.register_module_forward_hook(look)
    for kind, sequence in make_sequences(seed).items():
        w = others | dequantized(linears, scales, ones, torch.float64)
        loss, logits = loss_sum(lambda ids: logits_of(w, ids), sequence)
        _, second = loss_sum(lambda ids: FamilyReference(family).logits(w, ids), sequence)
        assert (logits - second).abs().max() < 1e-10, (name, kind, (logits - second).abs().max())
        if kind == "single":
            loss.backward()
            print(f"{name}: largest logit {logits.abs().max():.2f}, spread {logits.std():.2f}, "
                  f"loss a token {loss / len(sequence['ids']):.2f}")
    hook.remove()
    for key, tensor in {**scales, **others}.items():
        # Without rotation the bias adds the same to the scores of all keys.
        unmoved = key.endswith("k_proj.bias") and family.config["model_type"] == "opt"
        assert unmoved or tensor.grad.abs().max() > 1e-3, (name, key, tensor.grad.abs().max())
    # bf16 moves router logits of a few units by some 2^-7 of them, which must not change the choice.
    assert all(gap > 0.07 for gap in gaps), (name, min(gaps))


# ---------------------------------------------------------------- the folders

def save_dense(folder, family, tensors):
    """config.json and model.safetensors of save_pretrained, checked against the published layout."""
    model = new_model(family, torch.float32)
    state = module_state(family, tensors)
    if family.tied:
        assert model.lm_head.weight is model.get_input_embeddings().weight
    model.load_state_dict(state, strict=True)
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary)
        stored = load_file(f"{temporary}/model.safetensors")
        assert stored.keys() == tensors.keys(), sorted(stored.keys() ^ tensors.keys())
        for key, tensor in tensors.items():
            assert stored[key].dtype == torch.float32 and torch.equal(stored[key], tensor), key
        os.makedirs(folder)
        write_settings(folder, {})
        for file in ["config.json", "model.safetensors"]:
            shutil.copyfile(f"{temporary}/{file}", f"{folder}/{file}")


def float32_tensors(family, linears, rest):
    ones = {n: torch.ones(len(s), dtype=torch.float64) for n, (_, s, _) in linears.items()}
    exact = dequantized(linears, {n: torch.from_numpy(s) for n, (_, s, _) in linears.items()}, ones, torch.float64)
    exact |= {k: torch.from_numpy(v) for k, v in rest.items()}
    single = {k: v.float() for k, v in exact.items()}
    assert all(torch.equal(single[k].double(), v) for k, v in exact.items())
    return single


def make(name, family, seed, group):
    folder = f"{HERE}/{name}_4bit_{'row' if group == -1 else f'g{group}'}"
    if name in DENSE:
        folder += "_unused"
    dense = f"{HERE}/dense_{name}"
    shutil.rmtree(folder, ignore_errors=True)
    linears, rest = write_base(folder, name, {}, random_weights(family, seed), 4, group)
    check(os.path.basename(folder), family, linears, rest, seed)
    single, exact = oracle(family, torch.float32), oracle(family, torch.float64)
    golden(folder, exact, single, linears, rest, seed, grouped=group != -1)
    w = float32_tensors(family, linears, rest)
    tensors = {k: v.contiguous() for k, v in published(family, w).items()}
    with tempfile.TemporaryDirectory() as temporary:
        target = dense if group != -1 else temporary + "/dense"
        shutil.rmtree(target, ignore_errors=True)
        save_dense(target, family, tensors)
        shutil.copyfile(f"{target}/config.json", f"{folder}/config.json")
        if group != -1:
            loaded = transformers.AutoModelForCausalLM.from_pretrained(
                target, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager")
            wide = {k: v.double() for k, v in w.items()}
            write_dense_golden(dense + "/", lambda ids: exact(wide, ids), lambda ids: single(w, ids), seed, loaded)
    if name in DENSE:
        shutil.rmtree(folder)
    for made in [folder] * (name not in DENSE) + [dense] * (group != -1):
        for file in glob.glob(made + "/*"):
            os.chmod(file, 0o644)
        print(f"  {os.path.basename(made)}: {sum(map(os.path.getsize, glob.glob(made + '/*'))) / 1024:.0f} KB")


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    chosen = sys.argv[1:] or list(FAMILIES)
    for seed, (name, family) in enumerate(FAMILIES.items(), 41):
        if name in chosen:
            make(name, family, SEEDS.get(name, seed), 32)
            if name in ROWS:
                make(name, family, SEEDS.get(name, seed + 40), -1)


if __name__ == "__main__":
    main()
