#!/usr/bin/env python3
"""Makes reference*.gguf and reference.safetensors with the formats' own Python libraries.

Needs: pip install gguf safetensors numpy (made with gguf 0.19.0, safetensors 0.8.0).

reference.gguf holds, for every GGML type that is read here, a tensor NAME of random blocks and the
tensor NAME.golden (F32): what gguf-py's dequantization makes of the same bytes.
"""

import pathlib

import gguf
import numpy as np
from gguf.constants import GGML_QUANT_SIZES
from gguf.constants import GGMLQuantizationType as Type
from gguf.quants import dequantize
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
random = np.random.default_rng(20260101)
# Of the types that came later: the others keep their numbers.
later = np.random.default_rng(20260102)

# Where a block keeps half-precision numbers (byte offsets).
HALVES = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0],
    Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
}
LATER_HALVES = {
    Type.Q2_K: [80, 82], Type.Q3_K: [108], Type.IQ4_NL: [0], Type.IQ4_XS: [0],
}


def random_blocks(kind, halves, random, rows=2, blocks=3):
    """Random bytes; the halves are finite, of either sign, a few of them subnormal or zero."""
    size = GGML_QUANT_SIZES[kind][1]
    raw = random.integers(0, 256, (rows * blocks, size), dtype=np.uint8)
    for offset in halves:
        values = (random.standard_normal(rows * blocks) * 0.02).astype(np.float16)
        values[0] = np.float16(3e-7)
        values[1] = np.float16(-0.0)
        raw[:, offset : offset + 2] = values.view(np.uint8).reshape(-1, 2)
    return raw.reshape(rows, blocks * size)


def add_blocks(writer, kinds, random):
    for kind, halves in kinds.items():
        raw = random_blocks(kind, halves, random)
        writer.add_tensor(kind.name, raw, raw_dtype=kind)
        writer.add_tensor(kind.name + ".golden", dequantize(raw, kind).astype(np.float32))


def reference_gguf():
    writer = gguf.GGUFWriter(HERE / "reference.gguf", "llama")
    writer.add_custom_alignment(64)
    add_blocks(writer, HALVES, random)
    half = random.standard_normal((3, 5)).astype(np.float16)
    half[0, 0] = np.float16(6e-8)
    writer.add_tensor("F16", half)
    writer.add_tensor("F16.golden", half.astype(np.float32))
    brain = (random.standard_normal((2, 7)).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    writer.add_tensor("BF16", brain.view(np.uint8), raw_dtype=Type.BF16)
    writer.add_tensor("BF16.golden", (brain.astype(np.uint32) << 16).view(np.float32))
    writer.add_tensor("F64", np.array([1.5, -2.25, 1e-3], dtype=np.float64))
    writer.add_tensor("F64.golden", np.array([1.5, -2.25, 1e-3], dtype=np.float64).astype(np.float32))
    add_blocks(writer, LATER_HALVES, later)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def reference_metadata():
    writer = gguf.GGUFWriter(HERE / "reference-metadata.gguf", "llama")
    writer.add_uint8("a.uint8", 200)
    writer.add_int8("a.int8", -100)
    writer.add_uint16("a.uint16", 60000)
    writer.add_int16("a.int16", -30000)
    writer.add_uint32("a.uint32", 4000000000)
    writer.add_int32("a.int32", -2000000000)
    writer.add_float32("a.float32", 0.1)
    writer.add_uint64("a.uint64", 2**63 + 5)
    writer.add_int64("a.int64", -(2**62))
    writer.add_float64("a.float64", 0.1)
    writer.add_bool("a.bool", True)
    writer.add_string("a.string", "Grüße 🌍\n")
    writer.add_array("b.int32", [1, -2, 3])
    writer.add_array("b.float32", [0.5, -1.25])
    writer.add_array("b.bool", [True, False, True])
    writer.add_array("b.string", ["", "e\u0301", "\u00e9", "ab"])
    writer.add_array("b.nested", [[1, 2], [3]])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def reference_safetensors():
    tensors = {
        "weight": np.arange(6, dtype=np.float32).reshape(2, 3) / 4,
        "half": np.array([0.5, -2.0, 6e-8], dtype=np.float16),
        "codes": np.array([[1, 2, 255]], dtype=np.uint8),
        "ids": np.array([-(2**40), 7], dtype=np.int64),
        "flag": np.array([True, False]),
        "scalar": np.array(3.5, dtype=np.float64),
        "empty": np.zeros((0, 4), dtype=np.float32),
        "e\u0301": np.array([1], dtype=np.int32),
        "\u00e9": np.array([2], dtype=np.int32),
    }
    save_file(tensors, HERE / "reference.safetensors", metadata={"format": "pt", "note": "Grüße"})


reference_gguf()
reference_metadata()
reference_safetensors()
