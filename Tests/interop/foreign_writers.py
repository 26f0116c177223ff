"""Quantized files in foreign formats, written by the foreign programs themselves or by the plain packers here.

    gptq(source, out, tokens, **settings)         gptqmodel's own GPTQ over lists of token ids
    awq(source, out, tokens, **settings)          gptqmodel's own AWQ
    gptq_rounded(source, out, bits, group, ...)   round to nearest and a plain packer, for models too large for the above
    awq_rounded(source, out, group)               likewise
    mlx(source, out, bits, group, dtype, choose)  mlx_lm.convert
    compressed(source, out, form, **weights)      compressed-tensors' own compressor, scales from its calculate_qparams
    llama_cpp(source, out, kind, pure)            llama.cpp's quantizer, GGUF to GGUF

`source` and `out` are Hugging Face directories except for the last. Each program is imported where it is used.
"""
import ctypes, glob, json, os, shutil, sys

import numpy as np

SETTINGS = ["tokenizer.json", "tokenizer_config.json", "generation_config.json", "special_tokens_map.json",
            "chat_template.jinja"]


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, ensure_ascii=False)
        file.write("\n")


def tensors(folder):
    """All tensors of a Hugging Face directory, as torch tensors."""
    from safetensors.torch import load_file
    found = {}
    for path in sorted(glob.glob(f"{folder}/model*.safetensors")):
        found |= load_file(path)
    return found


def copy_settings(source, out):
    for name in SETTINGS:
        if os.path.exists(f"{source}/{name}") and not os.path.exists(f"{out}/{name}"):
            shutil.copy(f"{source}/{name}", f"{out}/{name}")


def is_block_matrix(name):
    return ".layers." in name and name.endswith("_proj.weight")


# ---------------------------------------------------------------- gptqmodel

def prepare_gptqmodel():
    """It refuses machines with two cores unless told; compiling its dequantization takes longer than running it."""
    os.environ.setdefault("GPTQMODEL_CPU_WORKERS", "2")
    os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")


def by_gptqmodel(source, out, tokens, backend, settings):
    prepare_gptqmodel()
    from gptqmodel import BACKEND, GPTQModel, QuantizeConfig
    model = GPTQModel.load(source, QuantizeConfig(**settings), device="cpu")
    model.quantize([dict(input_ids=list(ids), attention_mask=[1] * len(ids)) for ids in tokens], batch_size=1,
                   backend=BACKEND[backend])
    model.save(out)
    for name in ["config.json", "quantize_config.json"]:      # the program writes a path of the machine it ran on
        path = f"{out}/{name}"
        if os.path.exists(path):
            value = read_json(path)
            for meta in [value.get("meta", {}), value.get("quantization_config", {}).get("meta", {})]:
                if "offload_to_disk_path" in meta:
                    meta["offload_to_disk_path"] = "offload"
            write_json(path, value)
    for extra in glob.glob(f"{out}/*.csv"):
        os.remove(extra)
    copy_settings(source, out)


def gptq(source, out, tokens, **settings):
    by_gptqmodel(source, out, tokens, "GPTQ_TORCH", settings)


def awq(source, out, tokens, **settings):
    by_gptqmodel(source, out, tokens, "AWQ_TORCH", dict(settings, method="awq", format="gemm"))


# ---------------------------------------------------------------- plain packers

def words(codes, bits):
    """[N, K] codes -> [N, ceil(K * bits / 32)] int32, a little-endian bit stream a row."""
    rows, columns = codes.shape
    stream = ((codes[:, :, None].astype(np.uint8) >> np.arange(bits, dtype=np.uint8)) & 1).reshape(rows, -1)
    padded = np.zeros((rows, -(-columns * bits // 32) * 32), np.uint8)
    padded[:, :stream.shape[1]] = stream
    return np.packbits(padded, axis=1, bitorder="little").view("<i4")


def rounded(w, bits, group, symmetric):
    """Round to nearest: codes [O, I], scales F16 [O, G], zero points [O, G] of 1 or more."""
    top, width = 2**bits - 1, w.shape[1] if group == -1 else group
    starts = range(0, w.shape[1], width)
    codes = np.zeros(w.shape, np.uint8)
    scales, zeros = np.zeros((len(w), len(starts)), np.float16), np.zeros((len(w), len(starts)), np.uint8)
    for n, start in enumerate(starts):
        part = w[:, start:start + width]
        if symmetric:
            s = (2 * abs(part).max(1) / top).astype(np.float16)
            z = np.full(len(w), 2**(bits - 1))
        else:
            low, high = np.minimum(part.min(1), 0), np.maximum(part.max(1), 0)
            s = ((high - low) / top).astype(np.float16)
            z = np.clip(np.rint(-low / np.maximum(s.astype(np.float32), 1e-8)), 1, top)
        s = np.maximum(s, np.float16(6e-5))
        codes[:, start:start + width] = np.clip(np.rint(part / s.astype(np.float32)[:, None]) + z[:, None], 0, top)
        scales[:, n], zeros[:, n] = s, z
    return codes, scales, zeros


def by_packer(source, out, quantize, settings, beside):
    import torch
    from safetensors.torch import save_file
    os.makedirs(out)
    stored = {}
    for name, w in tensors(source).items():
        if is_block_matrix(name):
            packed = quantize(w.float().numpy())
            stored |= {name.removesuffix("weight") + k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in packed.items()}
        else:
            stored[name] = w.half()
    config = read_json(f"{source}/config.json")
    if config.get("tie_word_embeddings"):
        stored.pop("lm_head.weight", None)
    config.pop("dtype", None)
    write_json(f"{out}/config.json", dict(config, torch_dtype="float16", quantization_config=settings))
    if beside:
        write_json(f"{out}/quantize_config.json", settings)
    save_file(stored, f"{out}/model.safetensors", metadata=dict(format="pt"))
    copy_settings(source, out)


def gptq_rounded(source, out, bits, group, symmetric=True, version=1):
    if version == 1 and not symmetric:
        sys.exit("gptqmodel refuses version 1 of the format with zero points that vary")

    def quantize(w):
        codes, scales, zeros = rounded(w, bits, group, symmetric)
        width = w.shape[1] if group == -1 else group
        return dict(qweight=words(codes, bits).T,
                    qzeros=words(zeros.T - (1 if version == 1 else 0), bits), scales=scales.T,
                    g_idx=(np.arange(w.shape[1]) // width).astype(np.int32))

    form = "gptq" if version == 1 else "gptq_v2"
    settings = dict(bits=bits, group_size=group, desc_act=False, sym=symmetric, lm_head=False, method="gptq",
                    quant_method="gptq", format=form, checkpoint_format=form, pack_dtype="int32",
                    meta=dict(quantizer=["gptqmodel:7.7.0"]))
    by_packer(source, out, quantize, settings, beside=True)


AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


def awq_rounded(source, out, group):
    def nibbles(codes):      # [N, O] -> [N, O / 8]
        return words(codes.reshape(len(codes), -1, 8)[:, :, AWQ_ORDER].reshape(codes.shape), 4)

    def quantize(w):
        codes, scales, zeros = rounded(w, 4, group, False)
        return dict(qweight=nibbles(codes.T), qzeros=nibbles(zeros.T), scales=scales.T)

    settings = dict(quant_method="awq", version="gemm", bits=4, group_size=group, zero_point=True,
                    modules_to_not_convert=None)
    by_packer(source, out, quantize, settings, beside=False)


# ---------------------------------------------------------------- mlx-lm

def mlx(source, out, bits, group, dtype, choose=None):
    """`choose(path)` returns None for the defaults, False, or {"bits": ..., "group_size": ...} of a module."""
    import mlx.core as mx
    from mlx_lm import convert
    mx.set_default_device(mx.cpu)
    predicate = None
    if choose:
        def predicate(path, module):
            answer = choose(path)
            return True if answer is None else answer
    convert(source, mlx_path=out, quantize=True, q_bits=bits, q_group_size=group, dtype=dtype, quant_predicate=predicate)
    if os.path.exists(f"{out}/README.md"):
        os.remove(f"{out}/README.md")
    copy_settings(source, out)


# ---------------------------------------------------------------- compressed-tensors

def compressed(source, out, form, ignore=("lm_head",), dtype="float16", **weights):
    """`weights`: num_bits, symmetric, strategy, group_size as in the configuration of the format."""
    import torch
    import transformers
    from compressed_tensors.compressors import ModelCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationConfig, QuantizationScheme
    from compressed_tensors.quantization import apply_quantization_config
    from compressed_tensors.quantization.utils import calculate_qparams
    model = transformers.AutoModelForCausalLM.from_pretrained(source, dtype=getattr(torch, dtype))
    args = QuantizationArgs(type="int", **weights)
    scheme = QuantizationScheme(targets=["Linear"], weights=args)
    apply_quantization_config(model, QuantizationConfig(config_groups=dict(group_0=scheme), ignore=list(ignore)))
    with torch.no_grad():
        for module in model.modules():
            if getattr(module, "quantization_scheme", None) is None:
                continue
            w = module.weight
            parts = w.reshape(len(w), -1, args.group_size or w.shape[1])
            scale, zero = calculate_qparams(parts.amin(-1), parts.amax(-1), args)
            module.weight_scale.copy_(scale)
            if hasattr(module, "weight_zero_point"):
                module.weight_zero_point.copy_(zero)
    compressor = ModelCompressor.from_pretrained_model(model, form)
    compressor.compress_model(model)
    model.save_pretrained(out)
    compressor.update_config(out)
    copy_settings(source, out)


# ---------------------------------------------------------------- llama.cpp

def llama_cpp(source, out, kind, pure=False):
    """`kind` is a name of llama.cpp's file types, such as Q4_0, Q4_K_M (its mixture) or F16."""
    import llama_cpp as program
    prefix = "LLAMA_FTYPE_MOSTLY_"
    names = {n.removeprefix(prefix): v for n, v in vars(program).items() if n.startswith(prefix)}
    if kind in ("Q3_K", "Q4_K", "Q5_K"):
        kind += "_S"      # the same type of block for all where `pure`
    params = program.llama_model_quantize_default_params()
    params.ftype, params.nthread, params.pure, params.allow_requantize = names[kind], 1, pure, True
    params.quantize_output_tensor = True
    failed = program.llama_model_quantize(source.encode(), out.encode(), ctypes.byref(params))
    if failed:
        sys.exit(f"{out}: llama.cpp's quantizer failed")
