#!/usr/bin/env python3
"""Makes a Hugging Face directory of stories260K, a llama2.c file: make_stories.py SOURCE_DIR OUT_DIR

SOURCE_DIR has the model (.bin: seven int32 and fp32 tensors, llama2.c's export version 0) and its
SentencePiece tokenizer (.model). Only the standard library is used. The inner width of the MLP, 172, is
filled up with zeros to 192, which changes no output: formats want groups of 32 that divide it.
"""
import array
import json
import math
import pathlib
import shutil
import struct
import sys

source, out = map(pathlib.Path, sys.argv[1:3])
data = next(source.glob("*.bin")).read_bytes()
dim, hidden, layers, heads, kv_heads, vocabulary, length = struct.unpack("<7i", data[:28])
shared, vocabulary = vocabulary > 0, abs(vocabulary)
head = dim // heads
numbers = array.array("f", data[28:])
place = 0


def take(*shape):
    """The next tensor, as a flat list of rows' numbers."""
    global place
    count = math.prod(shape)
    place += count
    return numbers[place - count:place]


def halves(rows, count, columns):
    """llama2.c turns neighbours (2i, 2i + 1) of a head, Hugging Face turns (i, i + head / 2)."""
    result = array.array("f")
    for one in range(count):
        for part in range(2):
            for i in range(head // 2):
                row = one * head + 2 * i + part
                result.extend(rows[row * columns:(row + 1) * columns])
    return result


def wider(kind, rows):
    """Zero rows of gate and up, zero columns of down."""
    more = -hidden % 64
    if not kind.startswith("mlp."):
        return rows
    if kind != "mlp.down_proj":
        return rows + array.array("f", [0.0]) * (more * dim)
    result = array.array("f")
    for row in range(dim):
        result.extend(rows[row * hidden:(row + 1) * hidden])
        result.extend([0.0] * more)
    return result


kv = kv_heads * head
kinds = [
    ("input_layernorm", (dim,)), ("self_attn.q_proj", (dim, dim)), ("self_attn.k_proj", (kv, dim)),
    ("self_attn.v_proj", (kv, dim)), ("self_attn.o_proj", (dim, dim)),
    ("post_attention_layernorm", (dim,)), ("mlp.gate_proj", (hidden, dim)),
    ("mlp.down_proj", (dim, hidden)), ("mlp.up_proj", (hidden, dim)),
]
tensors = {"model.embed_tokens.weight": ((vocabulary, dim), take(vocabulary, dim))}
for kind, shape in kinds:
    for layer in range(layers):
        rows = take(*shape)
        if kind.endswith("q_proj"):
            rows = halves(rows, heads, dim)
        elif kind.endswith("k_proj"):
            rows = halves(rows, kv_heads, dim)
        rows = wider(kind, rows)
        full = tuple(n + -hidden % 64 if n == hidden else n for n in shape)
        tensors[f"model.layers.{layer}.{kind}.weight"] = (full, rows)
tensors["model.norm.weight"] = ((dim,), take(dim))
place += length * head  # two tables of angles
if not shared:
    tensors["lm_head.weight"] = ((vocabulary, dim), take(vocabulary, dim))

out.mkdir(parents=True, exist_ok=True)
header, body = {}, b""
for name, (shape, rows) in tensors.items():
    header[name] = {"dtype": "F32", "shape": list(shape),
                    "data_offsets": [len(body), len(body) + 4 * len(rows)]}
    body += rows.tobytes()
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
(out / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + body)
config = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": dim,
    "intermediate_size": hidden + -hidden % 64, "num_hidden_layers": layers, "num_attention_heads": heads,
    "num_key_value_heads": kv_heads, "vocab_size": vocabulary, "max_position_embeddings": length,
    "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": shared, "hidden_act": "silu",
    "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32",
}
(out / "config.json").write_text(json.dumps(config, indent=1))
shutil.copy(next(source.glob("*.model")), out / "tokenizer.model")
template = (
    "{{ bos_token }}{% for message in messages %}{{ message['role'] + ': ' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
)
(out / "tokenizer_config.json").write_text(json.dumps({
    "tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>",
    "unk_token": "<unk>", "add_bos_token": True, "add_eos_token": False, "chat_template": template,
}, indent=1))
