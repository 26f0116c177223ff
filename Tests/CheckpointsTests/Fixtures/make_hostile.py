#!/usr/bin/env python3
"""Makes hostile/: small broken files, each with one fault.

A file is named FAULT-what.EXTENSION, where FAULT is the error its reader must report
(CheckpointError.Fault), `unsupported`, or `valid` for a file that looks odd and is right.
Files that fuzzing finds go into the same folder, named by the same rule.
"""

import json
import pathlib
import struct

HERE = pathlib.Path(__file__).parent / "hostile"


def u32(value):
    return struct.pack("<I", value)


def u64(value):
    return struct.pack("<Q", value)


def put(name, content):
    (HERE / name).write_bytes(content)


# --- safetensors: u64 length, JSON, data ---


def safetensors(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return u64(len(text) if length is None else length) + text + data


def entry(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


F4 = entry("F32", [4], 0, 16)
DATA = struct.pack("<4f", 1, 2, 3, 4)


def make_safetensors():
    def file(fault, content, *arguments, **keywords):
        put(fault + ".safetensors", safetensors(content, *arguments, **keywords))

    put("truncated-empty.safetensors", b"")
    put("truncated-seven-bytes.safetensors", b"\0" * 7)
    file("truncated-header", {"a": F4}, b"", 5000)
    file("headerSize-100mb-and-one", {"a": F4}, DATA, 100_000_001)
    file("headerSize-int64-maximum", {"a": F4}, DATA, 2**63 - 1)
    file("headerSize-uint64-maximum", {"a": F4}, DATA, 2**64 - 1)
    file("syntax-zero-length", b"")
    file("syntax-list", b"[]")
    file("syntax-leading-space", b" {}")
    file("syntax-byte-order-mark", b"\xef\xbb\xbf{}")
    file("syntax-cut-json", b'{"a":')
    file("syntax-invalid-utf8", b'{"\xff":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}', b"\0" * 4)
    file("syntax-deep", b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}")
    file("syntax-entry-is-number", {"a": 1})
    file("syntax-no-dtype", {"a": {"shape": [4], "data_offsets": [0, 16]}}, DATA)
    file("syntax-no-shape", {"a": {"dtype": "F32", "data_offsets": [0, 16]}}, DATA)
    file("syntax-no-offsets", {"a": {"dtype": "F32", "shape": [4]}}, DATA)
    file(
        "syntax-two-shapes",
        b'{"a":{"dtype":"F32","shape":[4],"shape":[2],"data_offsets":[0,16]}}', DATA)
    file("syntax-one-offset", {"a": {"dtype": "F32", "shape": [4], "data_offsets": [0]}}, DATA)
    file("syntax-three-offsets", {"a": {**F4, "data_offsets": [0, 16, 16]}}, DATA)
    file("syntax-negative-offset", {"a": entry("F32", [4], -16, 0)}, DATA)
    file("syntax-reversed-offsets", {"a": entry("F32", [4], 16, 0)}, DATA)
    file("syntax-negative-dimension", {"a": entry("F32", [-4], 0, 16)}, DATA)
    file("syntax-fractional-dimension", {"a": entry("F32", [4.5], 0, 16)}, DATA)
    file("syntax-text-dimension", {"a": entry("F32", ["4"], 0, 16)}, DATA)
    file("syntax-dimension-beyond-int64", {"a": entry("F32", [2**64], 0, 16)}, DATA)
    file("syntax-metadata-number", {"__metadata__": {"a": 1}, "a": F4}, DATA)
    file("syntax-metadata-list", {"__metadata__": [], "a": F4}, DATA)
    file("duplicate-metadata", b'{"__metadata__":{},"__metadata__":{}}')
    file("elementType-unknown", {"a": entry("F33", [4], 0, 16)}, DATA)
    file("elementType-lower-case", {"a": entry("f32", [4], 0, 16)}, DATA)
    file("elementType-number", {"a": entry(32, [4], 0, 16)}, DATA)
    file("elementType-ggml-block", {"a": entry("Q4_0", [32], 0, 18)}, b"\0" * 18)
    file("shape-product-overflow", {"a": entry("F32", [2**32, 2**32], 0, 16)}, DATA)
    file("shape-bytes-overflow", {"a": entry("F64", [2**61], 0, 16)}, DATA)
    file("shape-overflow-times-zero", {"a": entry("F32", [2**62, 4, 0], 0, 0)})
    file("size-too-short", {"a": entry("F32", [4], 0, 12)}, DATA)
    file("size-too-long", {"a": entry("F32", [3], 0, 16)}, DATA)
    file("size-scalar", {"a": entry("F32", [], 0, 16)}, DATA)
    file("outOfFile-end", {"a": entry("F32", [5], 0, 20)}, DATA)
    file("outOfFile-int64-maximum", {"a": entry("F32", [4], 2**63 - 17, 2**63 - 1)}, DATA)
    file("outOfFile-no-data", {"a": F4})
    file("overlap-same", {"a": F4, "b": F4}, DATA)
    file("overlap-partly", {"a": entry("F32", [3], 0, 12), "b": entry("F32", [2], 8, 16)}, DATA)
    file("hole-first", {"a": entry("F32", [3], 4, 16)}, DATA)
    file("hole-between", {"a": entry("F32", [1], 0, 4), "b": entry("F32", [1], 12, 16)}, DATA)
    file("hole-behind", {"a": entry("F32", [3], 0, 12)}, DATA)
    file("hole-no-tensors", {}, DATA)
    file(
        "duplicate-name",
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
        b'"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}', DATA)
    file(
        "duplicate-name-escaped",
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
        b'"\\u0061":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}', DATA)
    file("notFinite-nan", {"a": F4}, DATA[:12] + u32(0x7FC00000))
    file("notFinite-infinity", {"a": F4}, u32(0xFF800000) + DATA[4:])
    file("notFinite-half", {"a": entry("F16", [2], 0, 4)}, b"\0\0\0\x7c")
    file("notFinite-bf16", {"a": entry("BF16", [2], 0, 4)}, b"\0\0\x81\xff")
    file("notFinite-double", {"a": entry("F64", [1], 0, 8)}, u64(0x7FF0000000000000))
    file("notFinite-large-double", {"a": entry("F64", [1], 0, 8)}, struct.pack("<d", 1e300))
    file("valid-nothing", {})
    file("valid-zero-sized", {"a": entry("F32", [0, 7], 0, 0), "b": F4, "c": entry("U8", [0], 16, 16)}, DATA)
    file("valid-unknown-key", {"a": {**F4, "later": 1}}, DATA)
    file(
        "valid-canonically-equivalent-names",
        {"e\u0301": entry("F32", [2], 0, 8), "\u00e9": entry("F32", [2], 8, 16)}, DATA)


# --- GGUF: magic, version, counts, metadata, tensor infos, padding, data ---

UINT8, UINT32, FLOAT32, BOOL, STRING, ARRAY = 0, 4, 6, 7, 8, 9


def string(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return u64(len(raw)) + raw


def pair(key, kind, value):
    return string(key) + u32(kind) + value


def info(name, dimensions, kind, offset):
    sizes = b"".join(u64(size) for size in dimensions)
    return string(name) + u32(len(dimensions)) + sizes + u32(kind) + u64(offset)


def gguf(pairs=(), infos=(), data=b"", version=3, pair_count=None, info_count=None, magic=b"GGUF", alignment=32):
    head = magic + u32(version)
    head += u64(len(infos) if info_count is None else info_count)
    head += u64(len(pairs) if pair_count is None else pair_count)
    head += b"".join(pairs) + b"".join(infos)
    if data:
        head += b"\0" * (-len(head) % alignment)
    return head + data


def make_gguf():
    def file(fault, *arguments, **keywords):
        put(fault + ".gguf", gguf(*arguments, **keywords))

    tensor = [info("a", [4], 0, 0)]
    put("truncated-empty.gguf", b"")
    put("truncated-magic.gguf", b"GGUF")
    file("syntax-magic", magic=b"GGML")
    file("unsupported-version-1", version=1)
    file("unsupported-version-4", version=4)
    file("unsupported-big-endian", version=0x03000000)
    file("truncated-pair-count", pair_count=2**64 - 1)
    file("truncated-info-count", info_count=2**64 - 1)
    file("truncated-key-length", [u64(2**64 - 1) + b"a"])
    file("truncated-key-length-int64", [u64(2**63 - 1) + b"a"])
    file("truncated-string-length", [pair("a", STRING, u64(2**40))])
    file("truncated-value", [pair("a", UINT32, b"\0\0")])
    file("truncated-array", [pair("a", ARRAY, u32(UINT8))])
    file("elementType-value", [pair("a", 13, u32(0))])
    file("elementType-array", [pair("a", ARRAY, u32(99) + u64(0))])
    file("count-array-uint64-maximum", [pair("a", ARRAY, u32(UINT8) + u64(2**64 - 1))])
    file("count-array-of-strings", [pair("a", ARRAY, u32(STRING) + u64(2**60) + b"\0" * 64)])
    file("count-array-size-overflow", [pair("a", ARRAY, u32(12) + u64(2**61 + 1) + b"\0" * 16)])
    file("count-nested", [pair("a", ARRAY, u32(ARRAY) + u64(3) + u32(UINT8) + u64(0))])
    file("nesting-deep", [pair("a", ARRAY, (u32(ARRAY) + u64(1)) * 1000 + u32(UINT8) + u64(0))])
    file("value-bool", [pair("a", BOOL, b"\2")])
    file("value-bool-array", [pair("a", ARRAY, u32(BOOL) + u64(2) + b"\1\2")])
    file("encoding-key", [pair(b"\xc3\x28", UINT32, u32(1))])
    file("encoding-tensor-name", (), [info(b"\xed\xa0\x80", [4], 0, 0)], DATA)
    file("duplicate-key", [pair("a", UINT32, u32(1)), pair("a", UINT32, u32(2))])
    file("duplicate-tensor", (), [info("a", [2], 0, 0), info("a", [2], 0, 32)], DATA * 4)
    for name, value in [("zero", 0), ("odd", 24)]:
        file("alignment-" + name, [pair("general.alignment", UINT32, u32(value))], tensor, DATA)
    file("alignment-type", [pair("general.alignment", UINT8, b"\x20")], tensor, DATA)
    file("alignment-offset", (), [info("a", [4], 0, 4)], DATA * 4)
    file("outOfFile-alignment-2gb", [pair("general.alignment", UINT32, u32(2**31))], tensor, DATA)
    file("outOfFile-end", (), [info("a", [5], 0, 0)], DATA)
    file("outOfFile-offset", (), [info("a", [4], 0, 2**64 - 32)], DATA)
    file("outOfFile-offset-int64", (), [info("a", [4], 0, 2**63 - 32)], DATA)
    file("outOfFile-no-data", (), tensor)
    file("overlap-tensors", (), [info("a", [16], 0, 0), info("b", [8], 0, 32)], DATA * 4)
    file("shape-five-dimensions", (), [info("a", [1] * 5, 0, 0)], DATA)
    file("shape-many-dimensions", (), [string("a") + u32(2**32 - 1)], DATA)
    file("shape-product-overflow", (), [info("a", [2**32, 2**32], 0, 0)], DATA)
    file("shape-beyond-int64", (), [info("a", [2**63], 0, 0)], DATA)
    file("shape-bytes-overflow", (), [info("a", [2**62], 0, 0)], DATA)
    file("shape-no-whole-block", (), [info("a", [16, 2], 2, 0)], b"\0" * 18)
    file("unsupported-iq2_xxs", (), [info("a", [256], 16, 0)], b"\0" * 66)
    file("unsupported-type-number", (), [info("a", [256], 12345, 0)], b"\0" * 84)
    file("notFinite-q4_0-scale", (), [info("a", [32], 2, 0)], b"\x00\x7e" + b"\x11" * 16)
    file("notFinite-q6_k-scale", (), [info("a", [256], 14, 0)], b"\1" * 208 + b"\x00\x7c")
    file("notFinite-f32", (), tensor, DATA[:8] + u32(0x7F800001) + DATA[12:])
    file("valid-empty")
    file("valid-version-2", (), tensor, DATA, version=2)
    file("valid-alignment-1", [pair("general.alignment", UINT32, u32(1))], tensor, DATA, alignment=1)
    file("valid-string-not-utf8", [pair("a", STRING, string(b"\xff\xfe"))])
    file("valid-empty-arrays", [pair("a", ARRAY, u32(ARRAY) + u64(2) + (u32(STRING) + u64(0)) * 2)])
    file("valid-scalar-and-empty", (), [info("a", [], 0, 0), info("b", [0], 0, 32)], DATA * 3)


# --- indexes of sharded models ---


def make_indexes():
    def file(name, value):
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        put(name + ".index.json", text)

    file("index-no-json", b"{")
    file("index-no-map", {"metadata": {}})
    file("index-empty-map", {"weight_map": {}})
    file("index-map-is-list", {"weight_map": ["a"]})
    file("index-shard-is-number", {"weight_map": {"a": 1}})
    file("index-parent-folder", {"weight_map": {"a": "../secret.safetensors"}})
    file("index-dots", {"weight_map": {"a": ".."}})
    file("index-absolute", {"weight_map": {"a": "/etc/passwd"}})
    file("index-nul", {"weight_map": {"a": "shard\0"}})
    file("index-empty-name", {"weight_map": {"a": ""}})
    file("missing-shard", {"weight_map": {"a": "valid-shard.safetensors", "b": "model-00002.safetensors"}})
    file("missingTensor-not-in-shard", {"weight_map": {"a": "valid-shard.safetensors", "b": "valid-shard.safetensors"}})
    file(
        "duplicate-name",
        b'{"weight_map":{"a":"valid-shard.safetensors","a":"valid-shard.safetensors"}}')
    file("valid-index", {"weight_map": {"a": "valid-shard.safetensors"}})
    put("valid-shard.safetensors", safetensors({"a": F4, "unlisted": entry("F32", [0], 16, 16)}, DATA))


HERE.mkdir(exist_ok=True)
make_safetensors()
make_gguf()
make_indexes()
