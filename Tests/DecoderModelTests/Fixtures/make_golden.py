#!/usr/bin/env python3
"""Make the tiny models and golden numbers in this folder, by programs foreign to peqa.

Set-up:  python3 -m venv V && V/bin/pip install torch transformers safetensors tokenizers gguf numpy
Use:     V/bin/python make_golden.py          (rewrites every subfolder; same versions give the same bytes)
         V/bin/python make_golden.py NAME...  (these bases only)

Two oracles that share no code stand behind the numbers: the `transformers` model in float32 (logits) and `Reference`,
a decoder in float64 written from the papers (gradients, training); both in reference_decoder.py. The script stops
unless they agree; the differences seen are kept in golden.json as `float32_difference`. What lies where: README.md.
"""
import importlib.metadata, json, math, os, shutil, sys

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from reference_decoder import Reference, foreign_logits, foreign_model
from tiny_models import (BASES, DENSE, LLAMA, ONE_LAYER, PHI3, VOCABULARY, fused, random_weights, unfused, write_base, write_dense,
                         write_gguf, write_json)

HERE = os.path.dirname(os.path.abspath(__file__))
SEGMENTS = {"single": [23], "packed": [9, 1, 14]}
VERSIONS = dict(python=sys.version.split()[0], **{
    name: importlib.metadata.version(name) for name in ["torch", "transformers", "numpy", "gguf", "safetensors"]})

# ---------------------------------------------------------------- logits and gradients

def split(segments, values):
    ends = np.cumsum(segments)
    return [values[e - n:e] for e, n in zip(ends, segments)]


def make_sequences(seed):
    """`single`: every position has a target, the last too. `packed`: three segments, about a third without target."""
    rng, out = np.random.default_rng(1000 + seed), {}
    for kind, segments in SEGMENTS.items():
        ids = rng.integers(0, VOCABULARY, sum(segments)).tolist()
        targets = []
        for part in split(segments, ids):
            targets += part[1:] + [int(rng.integers(0, VOCABULARY))]
        if kind == "packed":
            targets = [-1 if rng.random() < 0.35 else t for t in targets]
            targets[8], targets[9] = -1, 17     # a segment's end without, the segment of one token with a target
        out[kind] = dict(ids=ids, targets=targets, segments=segments)
    return out


def loss_sum(logits_of, sequence):
    """Sum of token cross-entropies and the logits [T, V]; each segment is a sequence of its own."""
    logits = torch.cat([logits_of(part) for part in split(sequence["segments"], sequence["ids"])])
    targets = torch.tensor(sequence["targets"])
    loss = torch.nn.functional.cross_entropy(logits, targets, ignore_index=-1, reduction="sum")
    return loss, logits


def dequantized(linears, scales, gains, dtype):
    """{name.weight: g * s * (q - z)}, differentiable in scales [O, G] and gains [O]."""
    out = {}
    for name, (integers, _, width) in linears.items():
        spread = scales[name].repeat_interleave(width, 1)[:, :integers.shape[1]]
        out[name + ".weight"] = gains[name][:, None] * spread * torch.from_numpy(integers).to(dtype)
    return out


def differentiate(linears, rest, sequence, dtype, logits_of):
    """(loss sum, logits, {name.scales, name.gains: gradient}) as float64 arrays."""
    leaf = lambda a: torch.tensor(a, dtype=dtype).requires_grad_(True)
    scales = {n: leaf(s) for n, (_, s, _) in linears.items()}
    gains = {n: leaf(np.ones(s.shape[0])) for n, (_, s, _) in linears.items()}
    w = {k: torch.tensor(v, dtype=dtype) for k, v in rest.items()} | dequantized(linears, scales, gains, dtype)
    loss, logits = loss_sum(lambda ids: logits_of(w, ids), sequence)
    loss.backward()
    gradients = {f"{n}.scales": t.grad for n, t in scales.items()} | {f"{n}.gains": t.grad for n, t in gains.items()}
    return loss.item(), logits.detach().double().numpy(), {k: g.double().numpy() for k, g in gradients.items()}


def relative(a, b):
    """Norm of the difference by norm of the reference."""
    return float(np.linalg.norm(np.asarray(a) - np.asarray(b)) / np.linalg.norm(b))


def golden(folder, exact, single, linears, rest, seed, grouped):
    """`exact` and `single` give logits of (weights by canonical name, ids) in float64 and in float32."""
    sequences, arrays, summary = make_sequences(seed), {}, {}
    for kind, sequence in sequences.items():
        loss, logits, gradients = differentiate(linears, rest, sequence, torch.float64, exact)
        loss32, logits32, gradients32 = differentiate(linears, rest, sequence, torch.float32, single)
        seen = dict(loss=abs(loss32 - loss) / loss, logits_absolute=float(abs(logits32 - logits).max()),
                    gradients=max(relative(gradients32[k], g) for k, g in gradients.items()),
                    gradient_largest=max(float(abs(gradients32[k] - g).max() / abs(g).max())
                                         for k, g in gradients.items()))
        assert seen["loss"] < 1e-6 and seen["logits_absolute"] < 2e-5 and seen["gradients"] < 2e-5, (folder, kind, seen)
        summary[kind] = dict(sequence, loss_sum=loss, supervised=sum(t >= 0 for t in sequence["targets"]),
                             float32_difference=seen)
        arrays[f"{kind}.logits"] = logits32.astype(np.float32)
        for key, g in gradients.items():
            if grouped or key.endswith(".scales"):
                arrays[f"{kind}.{key}"] = g.astype(np.float32)
    save_file(arrays, f"{folder}/golden.safetensors")
    write_json(f"{folder}/golden.json", dict(versions=VERSIONS, sequences=summary))
    print(os.path.basename(folder), {k: v["float32_difference"] for k, v in summary.items()})


# ---------------------------------------------------------------- dense models and GGUF

def reference_dense_golden(stem, config, weights, seed, loaded):
    wide = {k: w.double() for k, w in unfused(config, weights).items()}
    write_dense_golden(stem, lambda ids: Reference(config).logits(wide, ids),
                       lambda ids: foreign_logits(foreign_model(config), weights, ids).detach(), seed, loaded)


TEXT = 'the cat sat on the mat; 7 of 49 tests say "no".'


def perplexity_of(stem, loaded):
    """Mean loss in nats of a text's tokens but the first, as transformers has read model and tokens."""
    ids = Tokenizer.from_file(stem + "tokenizer.json").encode(TEXT).ids
    with torch.no_grad():
        logits = loaded(torch.tensor([ids])).logits[0, :-1].double()
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:])).item()
    return dict(text=TEXT, tokens=len(ids) - 1, loss=loss, perplexity=math.exp(loss))


def write_dense_golden(stem, exact_logits, single_logits, seed, loaded):
    """Logits of ids in float64 and in float32; `loaded` is the model as transformers itself read the files."""
    sequence = make_sequences(seed)["single"]
    exact, logits = exact_logits(sequence["ids"]), single_logits(sequence["ids"])
    seen = float((logits - exact).abs().max())
    with torch.no_grad():
        read = float((loaded.eval()(torch.tensor([sequence["ids"]])).logits[0] - logits).abs().max())
    assert seen < 2e-5 and read < 2e-5, (stem, seen, read)
    loss = torch.nn.functional.cross_entropy(exact, torch.tensor(sequence["targets"]), reduction="sum").item()
    save_file({"single.logits": logits.numpy()}, stem + "golden.safetensors")
    text = dict(text=perplexity_of(stem, loaded)) if stem.endswith("/") else {}
    write_json(stem + "golden.json", dict(versions=VERSIONS, **text, sequences=dict(single=dict(
        sequence, loss_sum=loss, supervised=len(sequence["ids"]), float32_difference=dict(logits_absolute=seen)))))
    print(os.path.relpath(stem, HERE), "float32", seen, "as read by transformers", read)


def dense_and_gguf(chosen):
    load = transformers.AutoModelForCausalLM.from_pretrained
    for name, config, dtype, shards, seed in [("dense_bf16", DENSE, torch.bfloat16, 1, 21),
                                              ("dense_f32_sharded", DENSE, torch.float32, 3, 22),
                                              ("dense_f16", DENSE, torch.float16, 1, 23),
                                              ("dense_phi3", PHI3, torch.bfloat16, 2, 25)]:
        if chosen and name not in chosen:
            continue
        folder = f"{HERE}/{name}"
        weights = write_dense(folder, config, fused(config, random_weights(config, seed)), dtype, shards)
        if dtype == torch.float16:      # as transformers 5 writes it: rope_parameters instead of rope_theta
            modern = foreign_model(config).config
            modern.architectures, modern.dtype = config["architectures"], "float16"
            modern.save_pretrained(folder)
        reference_dense_golden(folder + "/", config, weights, seed, load(folder, dtype=torch.float32))
    if chosen:
        return
    os.makedirs(f"{HERE}/gguf")
    for kind in ["F16", "Q8_0", "Q4_0", "Q4_1"]:
        stem = f"{HERE}/gguf/llama_{kind.lower()}"
        weights = write_gguf(stem + ".gguf", ONE_LAYER, random_weights(ONE_LAYER, 24), kind)
        model = load(f"{HERE}/gguf", gguf_file=os.path.basename(stem) + ".gguf", dtype=torch.float32)
        reference_dense_golden(stem + ".", ONE_LAYER, weights, 24, model)


# ---------------------------------------------------------------- training run

STEPS, BATCH, LENGTH, RATE, WARMUP = 10, 4, 24, 5e-3, 2


def schedules():
    """Learning rate of each step. `from_zero`: step k = 0..9 uses k/2, then (10-k)/8 (transformers' linear schedule).
    `from_one`: the same formula at k + 1, so the first step moves and the tenth does not."""
    at = lambda k: RATE * (k / WARMUP if k < WARMUP else (STEPS - k) / (STEPS - WARMUP))
    return dict(from_zero=[at(k) for k in range(STEPS)], from_one=[at(k + 1) for k in range(STEPS)])


def training_data():
    """Tokens and targets [10, 4, 24]: a noisy rule the model can learn; a different count of targets a sequence."""
    rng = np.random.default_rng(77)
    ids = np.zeros((STEPS, BATCH, LENGTH + 1), np.int64)
    ids[..., 0] = rng.integers(0, VOCABULARY, (STEPS, BATCH))
    for t in range(LENGTH):
        noise = rng.random((STEPS, BATCH)) < 0.1
        other = rng.integers(0, VOCABULARY, (STEPS, BATCH))
        ids[..., t + 1] = np.where(noise, other, (5 * ids[..., t] + 3) % VOCABULARY)
    targets = ids[..., 1:].copy()
    for b in range(BATCH):
        targets[:, b, :3 * b] = -1               # as a prompt would be masked
    return ids[..., :-1], targets


def train(linears, rest, rates, dtype):
    """AdamW on d with s = fp16(s0 * (1 + d)), rounding passed straight through; one dict of arrays and the curves."""
    s0 = {n: torch.tensor(s, dtype=dtype) for n, (_, s, _) in linears.items()}
    d = {n: torch.zeros_like(s, requires_grad=True) for n, s in s0.items()}
    ones = {n: torch.ones(s.shape[0], dtype=dtype) for n, s in s0.items()}
    fixed = {k: torch.tensor(v, dtype=dtype) for k, v in rest.items()}
    reference = Reference(LLAMA, dtype)
    optimizer = torch.optim.AdamW(d.values(), lr=RATE, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)
    ids, targets = training_data()
    curves = dict(loss=[], grad_norm=[])
    for k, rate in enumerate(rates):
        scales = {}
        for n, base in s0.items():
            exact = base * (1 + d[n])
            scales[n] = exact + (exact.detach().half().to(dtype) - exact.detach())
        w = fixed | dequantized(linears, scales, ones, dtype)
        total = sum(loss_sum(lambda i: reference.logits(w, i),
                             dict(ids=ids[k, b].tolist(), targets=targets[k, b].tolist(), segments=[LENGTH]))[0]
                    for b in range(BATCH))
        loss = total / int((targets[k] >= 0).sum())
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(d.values(), 1.0)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        curves["loss"].append(loss.item())
        curves["grad_norm"].append(norm.item())
    return {n: v.detach().double().numpy() for n, v in d.items()}, curves


def training_golden(linears, rest):
    folder = f"{HERE}/training"
    os.makedirs(folder)
    ids, targets = training_data()
    runs, arrays = {}, {}
    for name, rates in schedules().items():
        d, curves = train(linears, rest, rates, torch.float64)
        d32, curves32 = train(linears, rest, rates, torch.float32)
        apart = np.concatenate([(d32[n] - v).ravel() for n, v in d.items()])
        seen = dict(loss=max(abs(a - b) for a, b in zip(curves32["loss"], curves["loss"])),
                    grad_norm=max(abs(a - b) for a, b in zip(curves32["grad_norm"], curves["grad_norm"])),
                    d_largest=float(abs(apart).max()), d_rms=float(np.sqrt((apart**2).mean())))
        runs[name] = dict(learning_rate=rates, **curves, float32_difference=seen)
        arrays |= {f"{name}.{n}.d": v.astype(np.float32) for n, v in d.items()}
        print("training", name, seen, curves["loss"])
    save_file(arrays, f"{folder}/training_golden.safetensors")
    write_json(f"{folder}/training_golden.json", dict(
        versions=VERSIONS, base="llama_4bit_row", scale_param="relative", peak_learning_rate=RATE, warmup_steps=WARMUP,
        max_steps=STEPS, max_grad_norm=1.0, weight_decay=0, adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-8,
        clip="gradient * min(1, 1 / (norm + 1e-6))", ids=ids.tolist(), targets=targets.tolist(), runs=runs))


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    chosen = sys.argv[1:]
    others = [n for n in chosen if n.startswith("dense_")] if chosen else ["dense_bf16", "dense_f32_sharded", "dense_f16", "dense_phi3", "gguf", "training"]
    bases = [b for b in BASES if not chosen or b[0] in chosen]
    for name in [b[0] for b in bases] + others:
        shutil.rmtree(f"{HERE}/{name}", ignore_errors=True)
    for name, config, bits, group, seed in bases:
        folder = f"{HERE}/{name}"
        linears, rest = write_base(folder, name, config, random_weights(config, seed), bits, group)
        reference, model = Reference(config), foreign_model(config)
        golden(folder, reference.logits, lambda w, ids: foreign_logits(model, w, ids), linears, rest, seed,
               grouped=group != -1)
        if name == "llama_4bit_row" and not chosen:
            training_golden(linears, rest)
    dense_and_gguf(chosen)


if __name__ == "__main__":
    main()
