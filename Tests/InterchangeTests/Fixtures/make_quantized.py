#!/usr/bin/env python3
"""Make tiny models in foreign quantized formats, by the foreign programs, and their golden numbers.

Set-up:  see Tests/interop/README.md (one environment with all programs)
Use:     V/bin/python make_quantized.py           (rewrites all folders beside this file)
         V/bin/python make_quantized.py NAME...   (these only; `gguf` is all GGUF files)

Random weights from fixed seeds; each model in a process of its own. The expected matrices are the program's own
dequantization of the file that lies beside them; the logits are transformers' in float32 from these matrices. What lies
where: README.md.
"""
import hashlib, json, os, random, shutil, subprocess, sys, tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [f"{HERE}/../../interop", f"{HERE}/../../DecoderModelTests/Fixtures"]

TEXT = "A tiny test 42"      # 12 tokens
FULL, FIRST = 4096, 64       # the first layer's k matrix is kept whole up to so many numbers; of all the first numbers
# Of a program's own logits, by their spread: gptqmodel multiplies in float16, llama.cpp rounds activations to int8.
TOLERANCE = {"gptqmodel": 0.02, "mlx": 1e-4, "compressed-tensors": 1e-4, "llama.cpp": 0.15}

# ---------------------------------------------------------------- models

def llama(**more):
    return dict(model_type="llama", architectures=["LlamaForCausalLM"], vocab_size=96, hidden_size=64, intermediate_size=160,
                num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2, head_dim=16, hidden_act="silu",
                rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=128, tie_word_embeddings=False,
                attention_bias=False, mlp_bias=False, bos_token_id=0, eos_token_id=0, pad_token_id=0) | more


def qwen2(**more):
    config = llama(model_type="qwen2", architectures=["Qwen2ForCausalLM"], rope_theta=1000000.0, tie_word_embeddings=True,
                   use_sliding_window=False, sliding_window=None, max_window_layers=1) | more
    for key in ["head_dim", "attention_bias", "mlp_bias"]:
        del config[key]
    return config


TWO = dict(num_hidden_layers=2)
BLOCKS = llama(intermediate_size=96)
SUPER = llama(hidden_size=256, intermediate_size=256, num_attention_heads=8, num_key_value_heads=1,
              head_dim=32, tie_word_embeddings=True)
DOWN6 = {"model.layers.0.mlp.down_proj": 6, "model.layers.1.self_attn.v_proj": 8, "lm_head": 8, "model.embed_tokens": 8}


def mixed(path):
    return dict(bits=DOWN6[path], group_size=32, mode="affine") if path in DOWN6 else None


def program(kind, *arguments, **settings):
    """Call `kind` of foreign_writers; calibrated ones get token ids."""
    def write(source, out):
        import foreign_writers
        tokens = [calibration()] if kind in ("gptq", "awq") else []
        getattr(foreign_writers, kind)(source, out, *tokens, *arguments, **settings)
    return write


def gptq(**settings):
    return program("gptq", **dict(bits=4, group_size=32, desc_act=False, sym=True) | settings), "gptqmodel"


def mlx(*arguments):
    return program("mlx", *arguments), "mlx"


def compressed(form, dtype, **weights):
    return program("compressed", form, dtype=dtype, **weights), "compressed-tensors"


F16, BF16, WIDER = "float16", "bfloat16", llama(intermediate_size=192)
GROUPS, CHANNEL = dict(strategy="group", group_size=32), dict(strategy="channel")
HEAD4 = {"lm_head": dict(bits=4, group_size=32, sym=True, desc_act=False)}
ASYMMETRIC = dict(sym=False, format="gptq_v2")
# name: seed, stored type, config, who writes it, who reads it
MODELS = {
    "gptq_4bit_g32": (1, F16, llama(**TWO), *gptq()),
    "gptq_4bit_g32_act": (2, F16, llama(**TWO), *gptq(desc_act=True)),
    "gptq_3bit_row": (3, BF16, llama(), *gptq(bits=3, group_size=-1, act_group_aware=False, **ASYMMETRIC)),
    "gptq_3bit_g32": (4, F16, llama(), *gptq(bits=3)),
    "gptq_2bit_g64": (5, BF16, llama(tie_word_embeddings=True), *gptq(bits=2, group_size=64)),
    "gptq_8bit_g64": (6, F16, llama(), *gptq(bits=8, group_size=64)),
    "gptq_4bit_g32_asym": (7, F16, llama(), *gptq(**ASYMMETRIC)),
    "gptq_4bit_head": (8, F16, llama(), *gptq(lm_head=True, dynamic=HEAD4)),
    "gptq_4bit_head8": (9, F16, llama(), *gptq(lm_head=True)),
    "gptq_qwen2": (10, BF16, qwen2(), *gptq()),
    "awq_4bit_g32": (11, F16, llama(intermediate_size=192, num_key_value_heads=4, **TWO),
                     program("awq", bits=4, group_size=32, sym=False), "gptqmodel"),
    "mlx_4bit_g32": (20, BF16, llama(**TWO), *mlx(4, 32, BF16)),
    "mlx_2bit_g32": (21, F16, llama(tie_word_embeddings=True), *mlx(2, 32, F16)),
    "mlx_3bit_g64": (22, F16, WIDER, *mlx(3, 64, F16)),
    "mlx_6bit_g64": (23, F16, WIDER, *mlx(6, 64, F16)),
    "mlx_8bit_g64": (24, BF16, WIDER, *mlx(8, 64, "float32")),
    "mlx_mixed": (25, BF16, llama(**TWO), *mlx(4, 32, BF16, mixed)),
    "mlx_4bit_g64_partly": (26, BF16, llama(), *mlx(4, 64, BF16)),
    "ct_4bit_g32": (30, BF16, llama(**TWO), *compressed("pack-quantized", BF16, num_bits=4, symmetric=True, **GROUPS)),
    "ct_8bit_channel": (31, F16, llama(tie_word_embeddings=True),
                        *compressed("pack-quantized", F16, num_bits=8, symmetric=True, **CHANNEL)),
    "ct_4bit_asym": (32, F16, llama(), *compressed("pack-quantized", F16, num_bits=4, symmetric=False, **GROUPS)),
    "ct_int8": (33, BF16, llama(), *compressed("int-quantized", BF16, num_bits=8, symmetric=True, **CHANNEL)),
}
GGUF = {kind: (40, BLOCKS, True) for kind in ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "IQ4_NL"]}
GGUF |= {kind: (41, SUPER, True) for kind in ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]}
GGUF["Q4_K_M"] = (41, SUPER, False)
for name, (seed, config, pure) in GGUF.items():
    MODELS[f"gguf/{name.lower()}.gguf"] = (seed, "float16", config, program("llama_cpp", name, pure), "llama.cpp")


def calibration(sequences=16, length=64):
    rng = random.Random(7)
    return [[rng.randrange(1, 96) for _ in range(length)] for _ in range(sequences)]


def write_source(folder, seed, dtype, config):
    """The model before it is quantized; a Hugging Face directory, or an F16 GGUF file."""
    import tiny_models
    import torch
    weights = tiny_models.random_weights(config, seed)
    if config is SUPER:      # tied and wide: without this its logits would be large
        weights["model.embed_tokens.weight"] *= 0.25
    if folder.endswith(".gguf"):
        tiny_models.write_gguf(folder, config, weights, "F16")
        return
    tiny_models.write_dense(folder, config, weights, getattr(torch, dtype))
    tiny_models.write_json(f"{folder}/tokenizer_config.json", dict(
        tokenizer_class="PreTrainedTokenizerFast", bos_token="<|endoftext|>", eos_token="<|endoftext|>",
        pad_token="<|endoftext|>", model_max_length=128))


# ---------------------------------------------------------------- golden numbers

def versions(*names):
    from importlib.metadata import version
    return {name: version(name) for name in names}


PACKAGES = {"gptqmodel": ["gptqmodel"], "mlx": ["mlx", "mlx-lm"], "compressed-tensors": ["compressed-tensors"],
            "llama.cpp": ["llama-cpp-python", "gguf"]}


def digest(w):
    return hashlib.sha256(np.ascontiguousarray(w, "<f4").tobytes()).hexdigest()


def gguf_logits(model, config, ids):
    """transformers in float32 from the tensors of a GGUF file; also all of them by published name."""
    import foreign_programs
    import tiny_models
    names = {}
    for key in tiny_models.random_weights(config, 0):
        names[tiny_models.gguf_name(key)] = key
    weights = {}
    for name, (w, _) in model.tables().items():
        key = names[name]
        heads = {"q_proj": "num_attention_heads", "k_proj": "num_key_value_heads"}.get(key.split(".")[-2])
        weights[key] = tiny_models.restored(w, config[heads]) if heads else w
    with tempfile.TemporaryDirectory() as folder:
        tiny_models.write_json(f"{folder}/config.json", config)
        return foreign_programs.dense_logits(foreign_programs.dense_model(folder, weights), ids)


def golden(path, config, owner):
    """expected.json and expected.safetensors of one model, as (json, tensors)."""
    import foreign_programs
    import tokenizers
    import tiny_models
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(tiny_models.tokenizer_json()[1]))
    ids = tokenizer.encode(TEXT).ids
    assert len(ids) == 12, ids
    model = foreign_programs.PROGRAMS[owner](path)
    tensors, matrices = {}, {}
    for name, (exact, computed, kind) in sorted(model.matrices().items()):
        matrices[name] = dict(shape=list(exact.shape), sha256=digest(exact), program_type=kind,
                              program_sha256=digest(computed))
        if owner == "llama.cpp":
            matrices[name]["block_type"] = model.tables()[name][1]
        tensors[f"{name}.first"] = exact.reshape(-1)[:FIRST].copy()
        if exact.size <= FULL and name.endswith(("layers.0.self_attn.k_proj.weight", "blk.0.attn_k.weight")):
            tensors[name] = exact
    assert matrices, path
    logits = gguf_logits(model, config, ids) if owner == "llama.cpp" else model.exact_logits(ids)
    tensors["logits"] = logits
    try:
        own = model.logits(ids)
        assert own.shape == logits.shape and np.isfinite(own).all(), own.shape
        difference = float(abs(own - logits).max())
    except Exception as error:
        if owner != "compressed-tensors" or "weight_zero_point" not in " ".join(foreign_programs.file_tensors(path)):
            raise
        difference = None      # transformers cannot load compressed-tensors' files with zero points
        print(f"{path}: the program did not run it: {str(error)[:120]!r}")
    print(f"{path}: {len(matrices)} matrices, spread of logits {logits.std():.2f}, the program's own {difference}")
    assert difference is None or difference < TOLERANCE[owner] * logits.std(), (path, difference)
    return dict(program=versions(*PACKAGES[owner], "torch", "transformers"), text=TEXT, ids=ids,
                program_logits_difference=difference, matrices=matrices), tensors


# ---------------------------------------------------------------- one model, all models

def write_summary(path, summary):
    """JSON with a line for every entry and every matrix."""
    lines = [f" {json.dumps(k)}: {json.dumps(v)}" for k, v in summary.items() if k != "matrices"]
    rows = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in summary["matrices"].items()]
    lines.append(' "matrices": {\n' + ",\n".join(rows) + "\n }")
    with open(path, "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


def make(name):
    import torch
    import transformers
    from safetensors.numpy import save_file
    import foreign_writers
    torch.set_num_threads(1)
    torch.manual_seed(0)
    transformers.utils.logging.set_verbosity_error()
    seed, dtype, config, write, owner = MODELS[name]
    single = name.endswith(".gguf")
    with tempfile.TemporaryDirectory() as folder:
        source, out = f"{folder}/source" + ".gguf" * single, f"{folder}/out" + ".gguf" * single
        write_source(source, seed, dtype, config)
        write(source, out)
        summary, tensors = golden(out, config, owner)
        stem = f"{HERE}/{name.removesuffix('.gguf')}." if single else f"{out}/"
        if single:
            os.makedirs(os.path.dirname(stem), exist_ok=True)
            shutil.copy(out, f"{HERE}/{name}")
        write_summary(f"{stem}expected.json", summary)
        save_file({k: np.ascontiguousarray(t, np.float32) for k, t in tensors.items()}, f"{stem}expected.safetensors")
        if not single:
            shutil.rmtree(f"{HERE}/{name}", ignore_errors=True)
            shutil.copytree(out, f"{HERE}/{name}")
        for path in [f"{stem}expected.safetensors"] if single else []:
            os.chmod(path, 0o644)
        for file in [] if single else os.listdir(f"{HERE}/{name}"):
            os.chmod(f"{HERE}/{name}/{file}", 0o644)


def main():
    if sys.argv[1:2] == ["--one"]:
        return make(sys.argv[2])
    names = [n for n in MODELS if not sys.argv[1:] or n in sys.argv[1:] or n.split("/")[0] in sys.argv[1:]]
    failed = []
    for name in names:
        run = subprocess.run([sys.executable, os.path.abspath(__file__), "--one", name], text=True, capture_output=True)
        lines = [l for l in run.stdout.splitlines() if "spread of logits" in l or "did not run" in l]
        print("\n".join(f"{name}: {l.split(': ', 1)[1]}" for l in lines), flush=True)
        if run.returncode:
            failed.append(name)
            print(f"{name}: FAILED\n{run.stderr[-2500:]}", flush=True)
    if failed:
        sys.exit(f"failed: {' '.join(failed)}")


if __name__ == "__main__":
    main()
