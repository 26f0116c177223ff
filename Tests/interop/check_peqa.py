#!/usr/bin/env python3
"""Perplexity of a peqa base, with or without an adapter, computed by a foreign program.

Set-up:  python3 -m venv V && V/bin/pip install torch transformers safetensors tokenizers gguf numpy
Use:     V/bin/python check_peqa.py BASE TEXT [--adapter DIR] [--windows 20] [--length 1024] [--threads 2]
         V/bin/python check_peqa.py --fixtures ../DecoderModelTests/Fixtures        checks this reader itself

Reads the files by their description (docs/file-formats.md) with the safetensors package, builds the dense weights
s * (q - z) in float32 and hands them to transformers. Shares no code with peqa. Protocol: the text as one run of tokens
without BOS, cut into windows of --length tokens, each alone; mean over its length - 1 predictions; exp of that.
Prints one JSON line; leaves with 1 if a file contradicts itself.
"""
import argparse, hashlib, json, math, os, sys, tempfile, time

import numpy as np
import torch
from safetensors import safe_open


class Wrong(Exception):
    pass


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def tensors(path):
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ---------------------------------------------------------------- base and adapter

def unpack(packed, bits, columns):
    """[O, rowStride] bytes, a little-endian bit stream a row -> integers [O, columns]; padding must be zero."""
    stream = np.unpackbits(packed.numpy(), axis=1, bitorder="little")
    if stream.shape[1] != -(-columns // 64) * 64 * bits:
        raise Wrong(f"a row of {columns} codes has {packed.shape[1]} bytes")
    codes = stream.reshape(len(packed), -1, bits) @ (1 << np.arange(bits))
    if codes[:, columns:].any():
        raise Wrong("padding codes are not zero")
    return torch.from_numpy(codes[:, :columns])


def dense(codes, scales, zeros, bits, group, columns):
    """[O, I] float32: scale * (code - zero), a scale and a zero point for `group` columns (-1: the row)."""
    group = columns if group == -1 else group
    groups = -(-columns // group)
    if scales.shape[1] != groups or zeros.shape[1] != groups:
        raise Wrong(f"{groups} groups expected, scales {tuple(scales.shape)}, zeros {tuple(zeros.shape)}")
    if not torch.isfinite(scales).all():
        raise Wrong("a scale is not finite")
    if zeros.dtype == torch.uint8 and not ((zeros >= 1) & (zeros <= 2**bits - 1)).all():
        raise Wrong("an integer zero point is outside 1 .. 2^bits - 1")
    spread = lambda a: a.float().repeat_interleave(group, 1)[:, :columns]
    return spread(scales) * (unpack(codes, bits, columns).float() - spread(zeros))


def read_adapter(folder, digest):
    """{name.scales | name.gains: tensor}, after its claim to belong to the base is checked."""
    if folder is None:
        return {}
    config = read_json(f"{folder}/adapter_config.json")
    if config.get("peft_type") != "PEQA":
        raise Wrong(f"adapter_config.json: peft_type is {config.get('peft_type')}")
    if config.get("base_sha256") != digest:
        raise Wrong(f"adapter is for base {config.get('base_sha256')}, this one is {digest}")
    return tensors(f"{folder}/adapter_model.safetensors")


def read_weights(base, adapter=None):
    """Float32 state dictionary of the Hugging Face model."""
    manifest, stored = read_json(f"{base}/peqa_base.json"), tensors(f"{base}/base.safetensors")
    digest = sha256(f"{base}/base.safetensors")
    if manifest["base_sha256"] != digest:
        raise Wrong(f"peqa_base.json names {manifest['base_sha256']}, base.safetensors is {digest}")
    tuned = read_adapter(adapter, digest)
    width = widths(read_json(f"{base}/config.json"))
    weights = {}
    for key in [k for k in stored if k.endswith(".codes")]:
        name = key.removesuffix(".codes")
        form = manifest.get("grids", {}).get(name, manifest)
        bits, group = form["bits"], form["group_size"]
        scales, zeros = stored.pop(f"{name}.scales"), stored.pop(f"{name}.zeros")
        if scales.dtype != torch.float16:
            raise Wrong(f"{name}.scales is {scales.dtype}")
        if f"{name}.scales" in tuned:
            other = tuned.pop(f"{name}.scales")
            if other.shape != scales.shape or other.dtype != torch.float16:
                raise Wrong(f"{name}.scales: {tuple(other.shape)} {other.dtype}, base has {tuple(scales.shape)}")
            scales = other
        scales = scales.float()
        if f"{name}.gains" in tuned:
            gains = tuned.pop(f"{name}.gains").float()[:, None]
            scales = (scales * gains).half().float()  # as the products round them
        columns = width[name.rsplit(".", 1)[1]]
        weights[f"{name}.weight"] = dense(stored.pop(key), scales, zeros, bits, group, columns)
    if tuned:
        raise Wrong(f"adapter tensors without a place in the base: {sorted(tuned)[:3]}")
    return weights | {k: t.float() for k, t in stored.items()}


def widths(config):
    """Columns of each linear layer, from config.json."""
    d, f = config["hidden_size"], config["intermediate_size"]
    head = config.get("head_dim") or d // config["num_attention_heads"]
    return dict(q_proj=d, k_proj=d, v_proj=d, gate_proj=d, up_proj=d, down_proj=f,
                o_proj=config["num_attention_heads"] * head)


def build(base, adapter=None):
    """The transformers model, float32, with exactly the weights of the files."""
    from transformers import AutoConfig, AutoModelForCausalLM
    config = AutoConfig.from_pretrained(base)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    missing, unexpected = model.load_state_dict(read_weights(base, adapter), strict=False)
    if config.tie_word_embeddings:
        model.tie_weights()
        missing = [k for k in missing if k != "lm_head.weight"]
    if missing or unexpected:
        raise Wrong(f"tensors missing: {missing[:3]}, without a place: {unexpected[:3]}")
    return model


# ---------------------------------------------------------------- text

def tokenizer(path):
    """From tokenizer.json, else from the metadata in tokenizer.gguf (whose pre-tokenizer transformers ignores)."""
    from tokenizers import Tokenizer
    if os.path.exists(f"{path}/tokenizer.json"):
        return Tokenizer.from_file(f"{path}/tokenizer.json")
    if not os.path.exists(f"{path}/tokenizer.gguf"):
        raise Wrong(f"{path} has neither tokenizer.json nor tokenizer.gguf; pass --tokenizer DIR")
    import gguf
    from transformers import AutoTokenizer
    read = AutoTokenizer.from_pretrained(path, gguf_file="tokenizer.gguf").backend_tokenizer
    kind = gguf.GGUFReader(f"{path}/tokenizer.gguf").get_field("tokenizer.ggml.pre")
    if kind is not None and kind.contents() == "smollm":
        from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence
        read.pre_tokenizer = Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])
    return read


def perplexity(a):
    with open(a.text, encoding="utf-8", newline="") as file:
        ids = tokenizer(a.tokenizer or a.base).encode(file.read(), add_special_tokens=False).ids
    model, windows = build(a.base, a.adapter), min(a.windows, len(ids) // a.length)
    if windows == 0:
        raise Wrong(f"{a.text} has {len(ids)} tokens, fewer than one window of {a.length}")
    sums, start = [], time.time()
    for n in range(windows):
        window = torch.tensor([ids[n * a.length:(n + 1) * a.length]])
        with torch.inference_mode():
            logits = model(window, use_cache=False).logits[0, :-1].double()
        sums.append(torch.nn.functional.cross_entropy(logits, window[0, 1:], reduction="sum").item())
        print(f"window {n + 1}/{windows}", file=sys.stderr, flush=True)
    mean = sum(sums) / (windows * (a.length - 1))
    print(json.dumps(dict(perplexity=math.exp(mean), mean_loss=mean, windows=windows, length=a.length,
                          text_tokens=len(ids), window_loss_sums=sums, seconds=round(time.time() - start, 1))))


# ---------------------------------------------------------------- the reader itself

def check_fixtures(folder):
    """The golden bases through this reader give the golden logits; also with their own scales as an adapter."""
    names = sorted(n for n in os.listdir(folder) if os.path.exists(f"{folder}/{n}/peqa_base.json"))
    if not names:
        raise Wrong(f"no base in {folder}")
    for name in names:
        base = f"{folder}/{name}"
        golden, ids = tensors(f"{base}/golden.safetensors"), read_json(f"{base}/golden.json")["sequences"]["single"]["ids"]
        with tempfile.TemporaryDirectory() as adapter, torch.inference_mode():
            write_half_adapter(base, adapter)
            plain, halved = (build(base, x)(torch.tensor([ids])).logits[0] for x in (None, adapter))
        seen, moved = ((x - golden["single.logits"]).abs().max().item() for x in (plain, halved))
        print(f"{name}: {seen:.1e}; with halved scales {moved:.1e}")
        if seen > 2e-5 or moved < 0.1:
            raise Wrong(f"{name}: logits differ by {seen}; an adapter that halves q_proj moves them by {moved}")


def write_half_adapter(base, folder):
    """An adapter that halves the scales of the query projections: exact in F16, and must change the logits."""
    from safetensors.torch import save_file
    scales = {k: t / 2 for k, t in tensors(f"{base}/base.safetensors").items() if k.endswith("q_proj.scales")}
    save_file(scales, f"{folder}/adapter_model.safetensors")
    with open(f"{folder}/adapter_config.json", "w", encoding="utf-8") as file:
        json.dump(dict(peft_type="PEQA", base_sha256=sha256(f"{base}/base.safetensors")), file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", nargs="?")
    parser.add_argument("text", nargs="?")
    parser.add_argument("--adapter")
    parser.add_argument("--tokenizer", help="directory with tokenizer.json (default: BASE)")
    parser.add_argument("--windows", type=int, default=20)
    parser.add_argument("--length", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--fixtures")
    a = parser.parse_args()
    if not a.fixtures and not (a.base and a.text):
        parser.error("BASE and TEXT, or --fixtures DIR")
    torch.set_num_threads(a.threads)
    try:
        check_fixtures(a.fixtures) if a.fixtures else perplexity(a)
    except Wrong as error:
        sys.exit(f"check_peqa: {error}")


if __name__ == "__main__":
    main()
