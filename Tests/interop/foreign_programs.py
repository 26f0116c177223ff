#!/usr/bin/env python3
"""Models in foreign formats, run and dequantized by the programs that own the formats.

Set-up:  see README.md (one environment with all programs)
Use:     V/bin/python foreign_programs.py PROGRAM PATH --text FILE --windows 20 --length 1024     perplexity
         V/bin/python foreign_programs.py PROGRAM PATH --logits 5,7,11 [--out logits.npy]         logits of token ids
         V/bin/python foreign_programs.py PROGRAM PATH --generate 20 --prompt "Once upon"         greedy tokens
         V/bin/python foreign_programs.py PROGRAM PATH --weights OUT.safetensors                  dequantized matrices, F32

PROGRAM: gptqmodel (GPTQ and AWQ, kernels of torch in float16), compressed-tensors (with transformers), mlx, llama.cpp,
transformers (full precision).
`--exact` computes with the program's dequantized weights in float32 by transformers instead of the program's own products;
it needs scales widened to float32 before the program multiplies, so that no weight is rounded. For GGUF files of LLaMA's
architecture the weights are those of the `gguf` package, and `--config` names a directory with the model's config.json.

Protocol of the perplexity: the text as one run of tokens without BOS, cut into windows, each alone; mean over its
length - 1 predictions; exp of that. Prints one JSON line last.

Every class has `logits(ids)` -> float32 [T, V], `steps()` -> a function that takes the next ids and gives the logits after
them [V], and `matrices()` -> {name: (exact, computed, type)}: float32 [O, I] with the
scales widened to float32 first, the same as the program computes it from the file's own types, and that type.
"""
import argparse, ctypes, glob, json, math, os, sys, time

import numpy as np

os.environ.setdefault("GPTQMODEL_CPU_WORKERS", "2")      # gptqmodel refuses two cores otherwise
os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")        # compiling its dequantization takes longer than running it


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def file_tensors(folder):
    from safetensors.torch import load_file
    found = {}
    for path in sorted(glob.glob(f"{folder}/model*.safetensors")):
        found |= load_file(path)
    return found


# ---------------------------------------------------------------- transformers with given weights

def dense_model(folder, weights):
    """A float32 transformers model of the folder's config.json with these numpy weights by published name."""
    import torch
    import transformers
    config = read_json(f"{folder}/config.json")
    for key in ["quantization_config", "quantization"]:
        config.pop(key, None)
    config = transformers.AutoConfig.for_model(**config)
    config.dtype = torch.float32
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    state = {k: torch.from_numpy(np.ascontiguousarray(w, np.float32)) for k, w in weights.items()}
    if config.tie_word_embeddings:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    missing = model.state_dict().keys() ^ state.keys()
    if missing:
        sys.exit(f"{folder}: tensors that only one side has: {sorted(missing)[:5]}")
    model.load_state_dict(state)
    return model


def dense_logits(model, ids):
    import torch
    with torch.inference_mode():
        return model(torch.tensor([ids]), use_cache=False).logits[0].float().numpy()


def dense_steps(model):
    import torch
    past = None

    def step(ids):
        nonlocal past
        with torch.inference_mode():
            out = model(torch.tensor([ids]), past_key_values=past, use_cache=True)
        past = out.past_key_values
        return out.logits[0, -1].float().numpy()

    return step


class Program:
    """What the folder's other tensors are, and the exact model made of all of them."""

    def __init__(self, path):
        self.path = path
        self._exact = None

    def others(self, matrices):
        """Tensors of the file that belong to no quantized matrix, float32."""
        owners = {k.removesuffix(".weight") for k in matrices}
        return {k: t.float().numpy() for k, t in file_tensors(self.path).items()
                if k.rsplit(".", 1)[0] not in owners or k.endswith(".bias")}

    def exact_weights(self):
        matrices = self.matrices()
        return self.others(matrices) | {k: exact for k, (exact, _, _) in matrices.items()}

    def exact_model(self):
        if self._exact is None:
            self._exact = dense_model(self.path, self.exact_weights())
        return self._exact

    def exact_logits(self, ids):
        return dense_logits(self.exact_model(), ids)

    def exact_steps(self):
        return dense_steps(self.exact_model())

    def tokenizer(self):
        from tokenizers import Tokenizer
        return Tokenizer.from_file(f"{self.path}/tokenizer.json")

    def encode(self, text):
        return self.tokenizer().encode(text, add_special_tokens=False).ids

    def decode(self, ids):
        return self.tokenizer().decode(ids)


# ---------------------------------------------------------------- gptqmodel: GPTQ and AWQ

class GPTQModel(Program):
    """Kernels GPTQ_TORCH and AWQ_TORCH, the reference ones; the fused one ignores zero points on CPUs."""

    def __init__(self, path):
        super().__init__(path)
        import torch
        from gptqmodel import BACKEND, GPTQModel as Loader
        method = read_json(f"{path}/config.json")["quantization_config"]["quant_method"]
        self.awq = method == "awq"
        self.model = Loader.load(path, device="cpu", backend=BACKEND.AWQ_TORCH if self.awq else BACKEND.GPTQ_TORCH,
                                 dtype=torch.float16)

    def logits(self, ids):
        return dense_logits(self.model.model, ids)

    def steps(self):
        return dense_steps(self.model.model)

    def dequantized(self, module):
        if not self.awq:
            return module.dequantize_weight()
        from gptqmodel.quantization.awq.utils.packing_utils import dequantize_gemm
        return dequantize_gemm(qweight=module.qweight, qzeros=module.qzeros, scales=module.scales, bits=module.bits,
                               group_size=module.group_size)

    def matrices(self):
        import torch
        from gptqmodel.nn_modules.qlinear import BaseQuantLinear
        found = {}
        with torch.inference_mode():
            for name, module in self.model.model.named_modules():
                if not isinstance(module, BaseQuantLinear):
                    continue
                computed = self.dequantized(module)
                kept = module.scales
                module.scales = kept.float()
                exact = self.dequantized(module)
                module.scales = kept
                assert exact.dtype == torch.float32, exact.dtype
                found[name + ".weight"] = (exact.T.contiguous().numpy(), computed.T.float().contiguous().numpy(),
                                           str(computed.dtype).removeprefix("torch."))
        return found


# ---------------------------------------------------------------- compressed-tensors

class CompressedTensors(Program):
    """transformers runs the directory; the package's own decompressor gives the weights."""

    def __init__(self, path):
        super().__init__(path)
        self.config = read_json(f"{path}/config.json")["quantization_config"]
        self.model = None

    def load(self):
        if self.model is None:
            import torch
            import transformers
            self.model = transformers.AutoModelForCausalLM.from_pretrained(self.path, dtype=torch.float32,
                                                                           attn_implementation="eager").eval()
        return self.model

    def logits(self, ids):
        return dense_logits(self.load(), ids)

    def steps(self):
        return dense_steps(self.load())

    def matrices(self):
        import torch
        from compressed_tensors.compressors.base import BaseCompressor
        from compressed_tensors.quantization import QuantizationScheme
        groups = list(self.config["config_groups"].values())
        assert len(groups) == 1, "one group of settings expected"
        scheme = QuantizationScheme.model_validate(groups[0])
        tool = BaseCompressor.get_value_from_registry(groups[0].get("format") or self.config["format"])
        stored, found = file_tensors(self.path), {}
        for key in stored:
            if not key.endswith(".weight_scale"):
                continue
            owner = key.removesuffix("weight_scale")
            state = {k.removeprefix(owner): t for k, t in stored.items() if k.startswith(owner) and not k.endswith(".bias")}
            computed = tool.decompress(dict(state), scheme)["weight"]
            exact = tool.decompress(dict(state, weight_scale=state["weight_scale"].float()), scheme)["weight"]
            assert exact.dtype == torch.float32, exact.dtype
            found[owner + "weight"] = (exact.numpy(), computed.float().numpy(), str(computed.dtype).removeprefix("torch."))
        return found


class Transformers(CompressedTensors):
    """A directory in full precision."""

    def __init__(self, path):
        Program.__init__(self, path)
        self.model = None

    def matrices(self):
        return {}


# ---------------------------------------------------------------- mlx-lm

class MLX(Program):
    """All floating-point tensors, scales and biases included, are widened to float32 before it computes."""

    def __init__(self, path):
        super().__init__(path)
        import mlx.core as mx
        mx.set_default_device(mx.cpu)
        from mlx_lm.utils import load_model
        from pathlib import Path
        self.mx = mx
        config = read_json(f"{path}/config.json")
        base = config.get("rope_theta") or (config.get("rope_parameters") or {}).get("rope_theta")
        # mlx-lm reads rope_theta at the top level only
        self.model, _ = load_model(Path(path), model_config=dict(rope_theta=base) if base else {})
        self.quantized = {}
        from mlx.utils import tree_map
        for name, module in self.model.named_modules():
            if type(module).__name__.startswith("Quantized"):
                kind = str(module.scales.dtype).removeprefix("mlx.core.")
                computed = self.dequantized(module).astype(mx.float32)
                self.quantized[name] = (np.array(computed), kind, module)
        wide = lambda t: t.astype(mx.float32) if mx.issubdtype(t.dtype, mx.floating) else t
        self.model.update(tree_map(wide, self.model.parameters()))

    def dequantized(self, module):
        return self.mx.dequantize(module.weight, module.scales, module.biases, module.group_size, module.bits)

    def logits(self, ids):
        out = self.model(self.mx.array([ids]))[0].astype(self.mx.float32)
        return np.array(out)

    def steps(self):
        from mlx_lm.models.cache import make_prompt_cache
        cache = make_prompt_cache(self.model)
        return lambda ids: np.array(self.model(self.mx.array([ids]), cache=cache)[0, -1].astype(self.mx.float32))

    def matrices(self):
        return {name + ".weight": (np.array(self.dequantized(module)), computed, kind)
                for name, (computed, kind, module) in self.quantized.items()}

    def others(self, matrices):
        owners = {k.removesuffix(".weight") for k in matrices}
        out = {}
        for k, t in self.mx.load(f"{self.path}/model.safetensors").items():
            owner, _, last = k.rpartition(".")
            if owner not in owners or last == "bias":
                out[k] = np.array(t.astype(self.mx.float32))
        return out


# ---------------------------------------------------------------- llama.cpp

class LlamaCpp(Program):
    """Through llama-cpp-python, which carries libllama and libggml; its dequantization is that of ggml's type table."""

    def __init__(self, path, context=1024):
        super().__init__(path)
        import llama_cpp
        self.api = llama_cpp
        self.context_size = context
        self.config = None      # directory of config.json, for exact_model
        self.llama = None

    def load(self):
        if self.llama is None:
            size = self.context_size
            self.llama = self.api.Llama(self.path, n_ctx=size, n_batch=size, n_ubatch=size, n_threads=1, n_threads_batch=1,
                                        logits_all=True, flash_attn=False, verbose=False,
                                        type_k=0, type_v=0)      # the cache in F32
        return self.llama

    def logits(self, ids):
        llama = self.load()
        llama.reset()
        self.clear_cache(llama)
        llama.eval(ids)
        return np.array(llama.scores[:len(ids)], np.float32)

    def steps(self):
        llama = self.load()
        llama.reset()
        self.clear_cache(llama)

        def step(ids):
            llama.eval(ids)
            return np.array(llama.scores[llama.n_tokens - 1], np.float32)

        return step

    def clear_cache(self, llama):
        api = self.api
        if hasattr(api, "llama_get_memory"):
            api.llama_memory_clear(api.llama_get_memory(llama._ctx.ctx), True)

    def encode(self, text):
        return self.load().tokenize(text.encode(), add_bos=False, special=False)

    def decode(self, ids):
        return self.load().detokenize(ids).decode(errors="replace")

    def ggml(self):
        folder = os.path.join(os.path.dirname(self.api.__file__), "lib")
        for name in ["libggml-base.so", "libggml-base.dylib", "libggml.so", "libggml.dylib"]:
            if os.path.exists(f"{folder}/{name}"):
                return ctypes.CDLL(f"{folder}/{name}")
        sys.exit(f"no ggml library in {folder}")

    def tables(self):
        """{tensor name: (float32 array, type name)} of all tensors, rows in the order of the file."""
        import gguf
        library = self.ggml()

        class Traits(ctypes.Structure):
            _fields_ = [("type_name", ctypes.c_char_p), ("blck_size", ctypes.c_int64), ("interleave", ctypes.c_int64),
                        ("type_size", ctypes.c_size_t), ("is_quantized", ctypes.c_bool), ("to_float", ctypes.c_void_p),
                        ("from_float_ref", ctypes.c_void_p)]

        library.ggml_get_type_traits.restype = ctypes.POINTER(Traits)
        library.ggml_get_type_traits.argtypes = [ctypes.c_int]
        convert = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
        found = {}
        for tensor in gguf.GGUFReader(self.path).tensors:
            shape = [int(n) for n in reversed(tensor.shape)]
            kind = tensor.tensor_type.name
            data = np.ascontiguousarray(tensor.data)
            if kind == "F32":
                out = data.reshape(shape).astype(np.float32)
            else:
                out = np.empty(shape, np.float32)
                traits = library.ggml_get_type_traits(int(tensor.tensor_type)).contents
                convert(traits.to_float)(data.ctypes.data, out.ctypes.data, out.size)
            found[tensor.name] = (out, kind)
        return found

    def matrices(self):
        return {name: (w, w, "float32") for name, (w, kind) in self.tables().items() if kind not in ("F32", "F16", "BF16")}

    def exact_weights(self):
        """By the gguf package, under published names."""
        import gguf
        config = read_json(f"{self.config}/config.json")
        found = {}
        for tensor in gguf.GGUFReader(self.path).tensors:
            w = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            name, heads = published(tensor.name, config)
            w = w.reshape([int(n) for n in reversed(tensor.shape)])
            found[name] = np.ascontiguousarray(restored(w, heads) if heads else w, np.float32)
        return found

    def exact_model(self):
        if not self.config:
            sys.exit("--exact of a GGUF file needs --config")
        if self._exact is None:
            self._exact = dense_model(self.config, self.exact_weights())
        return self._exact


LLAMA_NAMES = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
               "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
               "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
LLAMA_TOP = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
             "output.weight": "lm_head.weight"}


def published(name, config):
    """Name of a tensor in LLaMA's directories, and the heads of those whose rows llama.cpp has in another order."""
    if name in LLAMA_TOP:
        return LLAMA_TOP[name], None
    _, layer, kind, last = name.split(".")
    heads = dict(attn_q="num_attention_heads", attn_k="num_key_value_heads").get(kind)
    return f"model.layers.{layer}.{LLAMA_NAMES[kind]}.{last}", heads and config[heads]


def restored(w, heads):
    """Rows of q and k from llama.cpp's order to the published one."""
    return w.reshape(heads, w.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(w.shape)


PROGRAMS = {"gptqmodel": GPTQModel, "compressed-tensors": CompressedTensors, "mlx": MLX, "llama.cpp": LlamaCpp,
            "transformers": Transformers}


# ---------------------------------------------------------------- command line

def perplexity(logits, ids, windows, length):
    total, count = 0.0, 0
    for n in range(windows):
        part = ids[n * length:(n + 1) * length]
        if len(part) < length:
            break
        scores = logits(part).astype(np.float64)[:-1]
        top = scores.max(-1, keepdims=True)
        log_sum = np.log(np.exp(scores - top).sum(-1)) + top[:, 0]
        total += (log_sum - scores[np.arange(length - 1), part[1:]]).sum()
        count += length - 1
    if not count:
        sys.exit("the text is shorter than a window")
    return math.exp(total / count), count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", choices=sorted(PROGRAMS))
    parser.add_argument("path")
    parser.add_argument("--text")
    parser.add_argument("--windows", type=int, default=20)
    parser.add_argument("--length", type=int, default=1024)
    parser.add_argument("--logits", metavar="IDS", help="token ids with commas between them")
    parser.add_argument("--out", help="where the logits go, .npy")
    parser.add_argument("--generate", type=int, metavar="N")
    parser.add_argument("--prompt", default="Once upon a time")
    parser.add_argument("--weights", metavar="FILE", help="write the dequantized matrices there")
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--config", metavar="DIR", help="directory of config.json, for GGUF files and --exact")
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()
    import torch
    torch.set_num_threads(a.threads)
    program = PROGRAMS[a.program](a.path)
    if a.config:
        program.config = a.config
    logits = program.exact_logits if a.exact else program.logits
    answer, began = dict(program=a.program, path=a.path, exact=a.exact), time.time()
    if a.text:
        with open(a.text, encoding="utf-8") as file:
            ids = program.encode(file.read())
        value, count = perplexity(logits, ids, a.windows, a.length)
        answer |= dict(perplexity=value, predictions=count, text_tokens=len(ids), length=a.length)
    if a.logits:
        ids = [int(n) for n in a.logits.split(",")]
        rows = logits(ids)
        if a.out:
            np.save(a.out, rows)
        answer |= dict(ids=ids, shape=list(rows.shape), best=rows.argmax(-1).tolist(), last_first_8=rows[-1, :8].tolist())
    if a.generate:
        ids = program.encode(a.prompt)
        start = len(ids)
        step = program.exact_steps() if a.exact else program.steps()
        for n in range(a.generate):
            ids.append(int(step(ids[-1:] if n else list(ids)).argmax()))
        answer |= dict(prompt_tokens=ids[:start], generated=ids[start:], text=program.decode(ids[start:]))
    if a.weights:
        from safetensors.numpy import save_file
        save_file({k: np.ascontiguousarray(w) for k, (w, _, _) in program.matrices().items()}, a.weights)
    answer["seconds"] = round(time.time() - began, 1)
    print("\n" + json.dumps(answer))


if __name__ == "__main__":
    main()
