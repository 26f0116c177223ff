#!/usr/bin/env python3
"""peqa's imports and exports against the programs that own the formats.

Set-up:  see README.md (one environment V with all programs; setup.sh makes it)
Use:     V/bin/python check_formats.py --peqa PEQA --foreign DIR --text FILE --data JSON --work DIR --report OUT.md
                                       [--only NAME,NAME] [--parts import,tuned,export] [--families FIXTURES] [--list]

DIR is what make_smollm2.py has made; formats that it lacks are made in the work folder. A case has parts:

  import   their file, imported with --keep-codes: both forwards; exported again without an adapter: every byte equal
  tuned    the same base, tuned for 10 steps, exported in its own format: both forwards; all but scales equal, byte by byte
  export   a base that peqa has quantized itself, exported: both forwards

Both forwards: perplexity, log-probabilities of the text's tokens at positions 2 to 17 (peqa prints no logits; they are the
differences of its losses over windows of n and n + 1 tokens), and 32 greedy tokens. Each against two computations of theirs:
`exact`, the weights as the program dequantizes them, in float32 by transformers; `own`, the program's own products.

Bound of a logit. A program rounds K results a block (K = 12; with int8 activations the 7 products) in N blocks, each with a
relative error of u; errors are independent, so the last hidden vector is off by u sqrt(K N), and logits, linear in it, by
that part of their root mean square L. Four standard deviations are allowed:

    bound = 4 u sqrt(K N) L        u: float32 2^-24 sqrt(columns) (sums in another order), float16 2^-11,
                                      int8 in blocks of 32: 2.5 / (127 sqrt(12)), a largest value of 2.5 times the rms

A log-probability is a logit less a mean of logits: twice the bound. Greedy texts may part where the token of each is at
most `2 bound` better than the other's, both gaps together: a near tie.

Finished parts are kept in WORK/results and skipped, failed ones too; remove a file there to repeat one. One process runs at a time.
"""
import argparse, hashlib, importlib.metadata, json, math, os, platform, shutil, subprocess, sys, time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
WINDOWS, LENGTH, PLACES, NEW = 4, 256, 16, 32
SHORT = (1, 64)      # windows and length for programs whose products are slow on CPUs
PROMPT = "Once upon a time"
LIMIT = {"llama.cpp": 0.01}      # of the perplexity by the program's own products; 0.005 else


class Failed(Exception):
    pass


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write_json(path, value):
    with open(path + ".partial", "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
    os.replace(path + ".partial", path)


def remove(path):
    shutil.rmtree(path) if os.path.isdir(path) else os.path.exists(path) and os.remove(path)


def clear(out):
    """An export, and what stands beside a GGUF file."""
    import glob
    for path in [out, *glob.glob(f"{out.removesuffix('.gguf')}.*")]:
        remove(path)


# ---------------------------------------------------------------- cases

def rounded(bits, group, symmetric):
    return lambda w, s, o: w.gptq_rounded(s, o, bits, group, symmetric=symmetric, version=1 if symmetric else 2)


def awq(group):
    return lambda w, s, o: w.awq_rounded(s, o, group)


def mlx(bits, group, choose=None):
    return lambda w, s, o: w.mlx(s, o, bits, group, "float16", choose)


def compressed(bits, group, symmetric=True, form="pack-quantized"):
    kind = dict(strategy="channel") if group == -1 else dict(strategy="group", group_size=group)
    return lambda w, s, o: w.compressed(s, o, form, num_bits=bits, symmetric=symmetric, **kind)


def gguf(kind):
    return lambda w, s, o: w.llama_cpp(f"{os.path.dirname(s)}/f16.gguf", o, kind)


def given(*_):
    raise Failed("not in the foreign folder: make_smollm2.py makes it, with a calibration")


# Formats: (name of peqa's --format, program, names that training may change)
FORMATS = {"gptq": ("gptqmodel", ["scales"]), "awq": ("gptqmodel", ["scales"]), "mlx": ("mlx", ["scales", "biases"]),
           "compressed-tensors": ("compressed-tensors", ["weight_scale"]), "gguf": ("llama.cpp", []),
           "hf": ("transformers", [])}

IMPORTS = {      # name: (format, how it is made where the foreign folder lacks it)
    "gptq_4bit_g128": ("gptq", given), "gptq_4bit_g128_act": ("gptq", given),
    "gptq_4bit_g128_rounded": ("gptq", rounded(4, 128, True)), "gptq_3bit_row": ("gptq", rounded(3, -1, False)),
    "gptq_2bit_g64": ("gptq", rounded(2, 64, False)), "awq_4bit_g64": ("awq", awq(64)), "mlx_4bit_g64": ("mlx", mlx(4, 64)),
    "ct_4bit_g64": ("compressed-tensors", compressed(4, 64)), "gguf_q4_0": ("gguf", gguf("Q4_0")),
    "gguf_q4_1": ("gguf", gguf("Q4_1")), "gguf_q8_0": ("gguf", gguf("Q8_0")), "gguf_q4_k_m": ("gguf", gguf("Q4_K_M")),
    "gptq_8bit_g32": ("gptq", rounded(8, 32, False)), "gptq_4bit_row": ("gptq", rounded(4, -1, True)),
    "gptq_4bit_g32_v2": ("gptq", rounded(4, 32, False)), "gptq_3bit_g64": ("gptq", rounded(3, 64, True)),
    "gptq_2bit_g32": ("gptq", rounded(2, 32, False)),
    "awq_4bit_row": ("awq", awq(-1)), "awq_4bit_g32": ("awq", awq(32)),
    "mlx_2bit_g32": ("mlx", mlx(2, 32)), "mlx_3bit_g64": ("mlx", mlx(3, 64)), "mlx_6bit_g64": ("mlx", mlx(6, 64)),
    "mlx_8bit_g64": ("mlx", mlx(8, 64)), "mlx_4bit_g32": ("mlx", mlx(4, 32)),
    "mlx_mixed": ("mlx", mlx(4, 64, lambda path: dict(bits=8, group_size=32) if "v_proj" in path else None)),
    "ct_4bit_row": ("compressed-tensors", compressed(4, -1)), "ct_8bit_g64": ("compressed-tensors", compressed(8, 64)),
    "ct_4bit_g64_asym": ("compressed-tensors", compressed(4, 64, False)),
    "ct_8bit_int": ("compressed-tensors", compressed(8, -1, True, "int-quantized")),
    "gguf_q5_0": ("gguf", gguf("Q5_0")), "gguf_q5_1": ("gguf", gguf("Q5_1")), "gguf_q5_k_m": ("gguf", gguf("Q5_K_M")),
    "gguf_q6_k": ("gguf", gguf("Q6_K")),
}


def exports():
    """name: (format, bits, group, symmetric, further flags)"""
    table = {}
    for form, kinds in {
            "gptq": ["4 64", "4 64 sym", "4 128", "4 -1", "3 64", "3 -1", "2 64", "8 64"],
            "awq": ["4 64", "4 -1", "3 64"],
            "mlx": ["4 64", "4 64 sym", "4 -1", "4 32", "3 64", "2 64", "8 64"],
            "compressed-tensors": ["4 64", "4 64 sym", "4 -1 sym", "3 64 sym", "8 64 sym"],
            "gguf": ["4 64", "4 64 sym", "4 -1", "3 64", "2 64", "8 64 sym"]}.items():
        for kind in kinds:
            bits, group, *sym = kind.split()
            name = f"to_{form}_{bits}bit_{'row' if group == '-1' else 'g' + group}{'_sym' if sym else ''}"
            table[name] = (form, int(bits), int(group), bool(sym), ["--lossy"] if form == "gguf" else [])
    for dtype in ["fp16", "bf16", "fp32"]:
        table[f"to_hf_{dtype}"] = ("hf", 4, 64, False, ["--dtype", dtype, "--lossy"])
    return table


EXPORTS = exports()


# ---------------------------------------------------------------- their side, in a process of its own

def scores(rows, ids):
    """Log-probability of each next token."""
    rows = rows.astype(np.float64)
    top = rows.max(-1, keepdims=True)
    return (rows - top - np.log(np.exp(rows - top).sum(-1, keepdims=True)))[np.arange(len(ids)), ids]


def forward(program, exact, ask, rows_path):
    import foreign_programs
    logits, steps = (program.exact_logits, program.exact_steps) if exact else (program.logits, program.steps)
    text = program.encode(ask["head"])
    windows, length = ask["exact" if exact else "own"]
    value, _ = foreign_programs.perplexity(logits, text, windows, length)
    first = text[:PLACES + 1]
    rows = logits(first)[:-1]
    answer = dict(perplexity=value, windows=windows, length=length, log_probabilities=scores(rows, first[1:]).tolist(),
                  rms=float(np.sqrt((rows.astype(np.float64)**2).mean())))
    if not ask["prompt"]:
        return answer
    ids, step, kept = program.encode(ask["prompt"]), steps(), []
    start = len(ids)
    for n in range(NEW):
        row = step(list(ids) if n == 0 else ids[-1:])
        kept.append(row)
        if int(row.argmax()) in ask["stop"]:
            break
        ids.append(int(row.argmax()))
    np.save(rows_path, np.array(kept))
    return answer | dict(prompt_tokens=ids[:start], generated=ids[start:], text=program.decode(ids[start:]), rows=rows_path)


def compare_matrices(program, base):
    """The program's weights against those of the base, by the independent reader check_peqa.py."""
    import check_peqa
    state, ours = program.exact_model().state_dict(), check_peqa.read_weights(base)
    off = {k: float((state[k].float() - w).abs().max()) for k, w in ours.items() if k in state}
    matrices = [k for k in off if "_proj" in k]
    return dict(matrices=len(matrices), largest=max(off[k] for k in matrices), others=len(off) - len(matrices),
                largest_other=max((off[k] for k in off if k not in matrices), default=0.0))


def worker(path):
    sys.path.insert(0, HERE)
    import foreign_programs
    import torch
    ask = read_json(path)
    torch.set_num_threads(ask["threads"])
    program = foreign_programs.PROGRAMS[ask["program"]](ask["path"])
    program.config = ask["config"] if ask["program"] == "llama.cpp" else getattr(program, "config", None)
    answer = {}
    for kind in ask["kinds"]:
        try:
            answer[kind] = forward(program, kind == "exact", ask, f"{path}.{kind}.npy")
            if kind == "exact" and ask.get("compare"):
                answer[kind]["matrices"] = compare_matrices(program, ask.get("compare"))
        except (Exception, SystemExit) as error:
            answer[kind] = dict(error=f"{type(error).__name__}: {error}"[:400])
        write_json(f"{path}.answer", answer)


def make(name, source, out):
    sys.path.insert(0, HERE)
    import foreign_writers
    IMPORTS[name][1](foreign_writers, source, out)


# ---------------------------------------------------------------- running things

class Runner:
    def __init__(self, a):
        self.a, self.work = a, os.path.abspath(a.work)
        self.deadline, self.kinds = None, []
        for folder in ["results", "bases", "foreign", "logs"]:
            os.makedirs(f"{self.work}/{folder}", exist_ok=True)
        with open(a.text, encoding="utf-8") as file:
            head = file.read(60_000)
        self.head = f"{self.work}/head.txt"
        with open(self.head, "w", encoding="utf-8") as file:
            file.write(head)

    def left(self):
        seconds = self.deadline - time.time()
        if seconds < 1:
            raise Failed("the case's time is over")
        return seconds

    def run(self, command, log):
        """Its stdout; stderr goes to a log."""
        with open(f"{self.work}/logs/{log}.log", "w") as file:
            try:
                done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=file, text=True,
                                      timeout=self.left())
            except subprocess.TimeoutExpired:
                raise Failed(f"{os.path.basename(str(command[0]))}: the case's time is over")
        if done.returncode:
            with open(file.name, errors="replace") as log_file:
                lines = [line.strip() for line in log_file if line.strip()]
            said = " / ".join(lines[-2:] if done.returncode > 0 else lines[:2])[:500].replace(f"{self.work}/", "")
            names = " ".join(os.path.basename(str(c)) for c in command[:2])
            raise Failed(f"{names} left with {done.returncode}: {said}")
        return done.stdout

    def peqa(self, *command, log):
        return json.loads(self.run([self.a.peqa, *command, "--json", "-q"], log))

    def ours(self, base, adapter, *, windows, length, text=None):
        """Mean loss of a prediction."""
        flags = ["--adapter", adapter] if adapter else []
        return self.peqa("eval", base, *flags, "--perplexity", text or self.head, "--max-length", length, "--windows", windows,
                         "--no-bos", "--dtype", "fp32", "--threads", self.a.threads, log="eval")["loss"]

    def our_side(self, base, adapter, program):
        losses = [0.0] + [n * self.ours(base, adapter, windows=1, length=n + 1) for n in range(1, PLACES + 1)]
        flags = ["--adapter", adapter] if adapter else []
        text = self.peqa("generate", base, *flags, "--prompt", PROMPT, "--max-new-tokens", NEW, "--temperature", 0,
                         "--dtype", "fp32", "--threads", self.a.threads, log="generate")["text"]
        shapes = {(WINDOWS, LENGTH), self.shape(program)}
        return dict(log_probabilities=[a - b for a, b in zip(losses, losses[1:])], text=text,
                    perplexity={str(s): math.exp(self.ours(base, adapter, windows=s[0], length=s[1])) for s in shapes})

    def shape(self, program):
        if self.a.families:
            return 2, 48
        return SHORT if program in ("gptqmodel", "mlx") else (WINDOWS, LENGTH)

    def their_side(self, program, path, config, kinds, prompt=PROMPT, compare=None):
        ask = f"{self.work}/ask"
        for name in os.listdir(self.work):
            if name.startswith("ask"):
                os.remove(f"{self.work}/{name}")
        with open(self.head, encoding="utf-8") as file:
            head = file.read()
        stop = read_json(f"{config}/config.json").get("eos_token_id")
        write_json(ask, dict(program=program, path=path, config=config, kinds=kinds, head=head, prompt=prompt, compare=compare,
                             exact=(WINDOWS, LENGTH), own=self.shape(program), threads=self.a.threads,
                             stop=stop if isinstance(stop, list) else [stop]))
        try:
            self.run([self.a.python, os.path.abspath(__file__), "--worker", ask], f"worker-{program}")
        except Failed as error:
            if not os.path.exists(f"{ask}.answer"):
                raise
            return read_json(f"{ask}.answer") | dict(stopped=str(error))
        return read_json(f"{ask}.answer")

    def train(self, base, out):
        run = f"{self.work}/run.yaml"
        with open(run, "w", encoding="utf-8") as file:
            file.write(f"""model: {base}
datasets: [{{path: {os.path.abspath(self.a.data)}, type: alpaca, split: "train[:200]"}}]
max_seq_length: 256
excess_length_strategy: drop
micro_batch_size: 1
global_batch_size: 1
max_steps: 10
learning_rate: 3e-3
scale_granularity: {self.a.granularity}
dtype: fp32
threads: {self.a.threads}
output_dir: {out}
""")
        return self.peqa("train", run, log="train")


# ---------------------------------------------------------------- comparisons

def compare_forwards(runner, base, adapter, program, path, compare=None, dtype=None):
    kinds = runner.kinds
    ours = runner.our_side(base, adapter, program)
    theirs = runner.their_side(program, path, base, kinds, compare=compare)
    config = read_json(f"{base}/config.json")
    found = dict(program=program, ours=ours, stopped=theirs.get("stopped"))
    for kind in kinds:
        side = theirs.get(kind) or dict(error=theirs.get("stopped", "nothing came back"))
        found[kind] = side
        if "error" in side:
            continue
        side["bound"] = bound(kind, program, config, side["rms"], dtype)
        mine = ours["perplexity"][str((side["windows"], side["length"]))]
        side["ours"], side["relative"] = mine, side["perplexity"] / mine - 1
        side["largest"] = float(np.abs(np.subtract(side["log_probabilities"], ours["log_probabilities"])).max())
        limit = 0.005 if kind == "exact" else LIMIT.get(program, 0.005)
        side["faults"] = []
        if not abs(side["relative"]) <= limit:
            side["faults"].append(f"perplexity differs by {side['relative']:.2%}")
        if not side["largest"] <= 2 * side["bound"]:
            side["faults"].append(f"log-probabilities differ by {side['largest']:.2g}")
        if "text" in side:
            side["greedy"] = greedy(runner, base, adapter, ours["text"], side)
            if not side["greedy"]["explained"]:
                side["faults"].append(side["greedy"]["said"])
    return found


def bound(kind, program, config, rms, dtype=None):
    columns = config.get("intermediate_size") or config.get("ffn_dim") or config.get("n_inner") or 1024
    blocks, experts = config.get("num_hidden_layers") or config.get("num_layers") or config["n_layer"], "moe" in config["model_type"] \
        or config["model_type"] == "mixtral"
    results, u = 12, 2**-24 * math.sqrt(columns)
    if kind == "own" and (program == "gptqmodel" or program == "compressed-tensors" and experts):
        u = 2**-11      # transformers decompresses experts to float16
    if program == "transformers":      # weights are rounded too
        u = max(u, dict(fp16=2**-11, bf16=2**-8).get(dtype, 0))
    if kind == "own" and program == "llama.cpp":
        results, u = 7, 2.5 / (127 * math.sqrt(12))
    return 4 * u * math.sqrt(results * blocks) * rms


def greedy(runner, base, adapter, text, side):
    if text == side["text"]:
        return dict(explained=True, same=len(side["generated"]), said=f"{len(side['generated'])} equal")
    from tokenizers import Tokenizer
    folder = base if os.path.exists(f"{base}/tokenizer.json") else f"{runner.a.foreign}/dense"      # not beside GGUF files
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    encode = lambda t: tokenizer.encode(t, add_special_tokens=False).ids
    mine, start = encode(PROMPT + text), len(side["prompt_tokens"])
    yours = side["prompt_tokens"] + side["generated"]
    place = next((n for n, (a, b) in enumerate(zip(mine, yours)) if a != b), min(len(mine), len(yours)))
    if place >= min(len(mine), len(yours)) or place < start:
        return dict(explained=False, said=f"texts differ in length: {text!r}, {side['text']!r}")
    a, b = mine[place], yours[place]
    row = np.load(side["rows"], mmap_mode="r")[place - start]
    gap = float(row[b] - row[a])
    losses = []
    for token in (a, b):
        part = tokenizer.decode(yours[:place] + [token])
        if encode(part)[:place + 1] != yours[:place] + [token]:
            losses = None
            break
        with open(f"{runner.work}/tie.txt", "w", encoding="utf-8") as file:
            file.write(part)
        losses.append(place * runner.ours(base, adapter, windows=1, length=place + 1, text=f"{runner.work}/tie.txt"))
    own = losses and losses[1] - losses[0]
    said = (f"{place - start} equal, then {tokenizer.decode([a])!r} (ours) and {tokenizer.decode([b])!r}; theirs has logits "
            f"{row[a]:.4f} and {row[b]:.4f}, gap {gap:.2g}; our gap " + (f"{own:.2g}" if losses else "cannot be asked for"))
    return dict(explained=gap + (own or 0) <= 2 * side["bound"], same=place - start, said=said, gap=gap, our_gap=own)


# Bytes of the numbers d and m (dmin) in a block: (block bytes, [ranges])
BLOCK_SCALES = {"Q4_0": (18, [(0, 2)]), "Q4_1": (20, [(0, 4)]), "Q5_0": (22, [(0, 2)]), "Q5_1": (24, [(0, 4)]),
                "Q8_0": (34, [(0, 2)]), "Q2_K": (84, [(80, 84)]), "Q3_K": (110, [(108, 110)]), "Q4_K": (144, [(0, 4)]),
                "Q5_K": (176, [(0, 4)]), "Q6_K": (210, [(208, 210)])}


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def parts(path):
    """{name: (digest of what must not change, digest of scales or None)} of a file or directory, and its settings."""
    found, settings = {}, {}
    if os.path.isfile(path):
        import gguf
        reader = gguf.GGUFReader(path)
        for place, t in enumerate(reader.tensors):
            kind, data = t.tensor_type.name, np.ascontiguousarray(t.data)
            about = f"{place} {kind} {list(t.shape)}".encode()
            if kind in BLOCK_SCALES and t.name.startswith("blk."):
                size, ranges = BLOCK_SCALES[kind]
                blocks = data.view(np.uint8).reshape(-1, size).copy()
                scales = b"".join(blocks[:, a:b].tobytes() for a, b in ranges)
                for a, b in ranges:
                    blocks[:, a:b] = 0
                found[t.name] = (digest(about + blocks.tobytes()), digest(scales))
            else:
                found[t.name] = (digest(about + data.tobytes()), None)
        settings = {k: digest(b"".join(p.tobytes() for p in f.parts[3:])) for k, f in reader.fields.items()}
        return found, settings
    changing = FORMATS[form_of(path)][1]
    import glob
    for file in sorted(glob.glob(f"{path}/*.safetensors")):
        with open(file, "rb") as f:
            size = int.from_bytes(f.read(8), "little")
            header = json.loads(f.read(size))
            for name, about in header.items():
                if name == "__metadata__":
                    settings[os.path.basename(file) + " metadata"] = json.dumps(about)
                    continue
                low, high = about["data_offsets"]
                f.seek(8 + size + low)
                place = json.dumps([os.path.basename(file), about], sort_keys=True).encode()
                value = digest(place + f.read(high - low))
                is_scale = name.rsplit(".", 1)[1] in changing and ".layers." in name
                found[name] = (digest(place), value) if is_scale else (value, None)
    for name in ["config.json", "quantize_config.json"]:
        if os.path.exists(f"{path}/{name}"):
            settings |= {f"{name} {k}": json.dumps(v, sort_keys=True) for k, v in read_json(f"{path}/{name}").items()}
    return found, settings


def form_of(folder):
    config = read_json(f"{folder}/config.json")
    if "quantization" in config:
        return "mlx"
    return config.get("quantization_config", {}).get("quant_method", "hf")


def compare_bytes(theirs, ours, tuned):
    (a, about_a), (b, about_b) = parts(theirs), parts(ours)
    lost = sorted(a.keys() ^ b.keys())
    changed = sorted(k for k in a.keys() & b.keys() if a[k][0] != b[k][0])
    scales = [k for k in a.keys() & b.keys() if a[k][1]]
    moved = sum(a[k][1] != b[k][1] for k in scales)
    faults = [f"only one has {lost[:3]}"] if lost else []
    faults += [f"{len(changed)} changed, such as {changed[:3]}"] if changed else []
    if tuned and moved == 0:
        faults.append("no scales changed")
    if not tuned and moved:
        faults.append(f"{moved} tensors of scales changed without an adapter")
    settings = sorted(k for k in about_a.keys() | about_b.keys() if about_a.get(k) != about_b.get(k))
    same = len(a) - len(changed) - (moved if tuned else 0)
    return dict(faults=faults, tensors=len(a), same=same, moved=moved, scales=len(scales), settings=settings,
                said=f"{len(a) - len(changed)} of {len(a)} tensors unchanged but for {moved} of {len(scales)} with scales"
                if tuned else f"{len(a) - len(changed) - moved} of {len(a)} tensors equal",
                bytes=None if tuned or os.path.isdir(theirs) else digest(open(theirs, "rb").read()) ==
                digest(open(ours, "rb").read()))


# ---------------------------------------------------------------- parts of a case

def foreign_file(runner, name):
    ending = ".gguf" if IMPORTS[name][0] == "gguf" else ""
    for folder in [runner.a.foreign, f"{runner.work}/foreign"]:
        if os.path.exists(f"{folder}/{name}{ending}"):
            return f"{folder}/{name}{ending}"
    if IMPORTS[name][1] is given:
        given()
    partial = f"{runner.work}/foreign/.partial"
    remove(partial)
    runner.run([runner.a.python, os.path.abspath(__file__), "--make", name, f"{runner.a.foreign}/dense", partial], f"make-{name}")
    os.replace(partial, f"{runner.work}/foreign/{name}{ending}")
    return f"{runner.work}/foreign/{name}{ending}"


def imported(runner, name):
    base = f"{runner.work}/bases/{name}"
    if not os.path.exists(base):
        runner.peqa("quantize", foreign_file(runner, name), "--keep-codes", "-o", base, log=f"{name}-quantize")
    return base


def import_part(runner, name):
    form, _ = IMPORTS[name]
    path, base = foreign_file(runner, name), imported(runner, name)
    found = {}
    out = f"{runner.work}/out" + (".gguf" if form == "gguf" else "")
    clear(out)
    try:
        told = runner.peqa("export", base, "--format", form, "-o", out, log=f"{name}-export")
        found["bytes"] = compare_bytes(path, out, tuned=False)
        found["exact_export"] = told.get("exact")
    except Failed as error:
        found["bytes"] = dict(faults=[f"export: {error}"], said="no export")
    clear(out)
    return found | compare_forwards(runner, base, None, FORMATS[form][0], path)


def tuned_part(runner, name):
    form, _ = IMPORTS[name]
    path, base = foreign_file(runner, name), imported(runner, name)
    adapter, out = f"{runner.work}/adapter", f"{runner.work}/out" + (".gguf" if form == "gguf" else "")
    remove(adapter)
    clear(out)
    runner.train(base, adapter)
    told = runner.peqa("export", base, "--adapter", adapter, "--format", form, "-o", out, log=f"{name}-export")
    found = dict(granularity=runner.a.granularity, bytes=compare_bytes(path, out, tuned=True), exact_export=told.get("exact"))
    found |= compare_forwards(runner, base, adapter, FORMATS[form][0], out)
    clear(out)
    return found


def export_part(runner, name):
    form, bits, group, symmetric, flags = EXPORTS[name]
    base = f"{runner.work}/bases/own_{bits}_{group}_{symmetric}"
    if not os.path.exists(base):
        more = (["--sym"] if symmetric else []) + (["--allow-poor-quality"] if bits == 2 else [])
        runner.peqa("quantize", f"{runner.a.foreign}/dense", "-o", base, "--bits", bits, "--group-size", group, *more,
                    log=f"{name}-quantize")
    out = f"{runner.work}/out" + (".gguf" if form == "gguf" else "")
    clear(out)
    program, found = FORMATS[form][0], {}
    told = runner.peqa("export", base, "--format", form, "-o", out, *flags, log=f"{name}-export")
    found["exact_export"], found["notes"] = told.get("exact"), told.get("notes")
    found["forms"] = sorted({t["form"] for t in told.get("tensors", []) if "_proj" in t["name"]})
    found |= compare_forwards(runner, base, None, program, out, compare=base, dtype=flags[1] if form == "hf" else None)
    weights = found.get("exact", {}).get("matrices")
    found["bytes"] = dict(faults=[], said="-")
    if weights:
        found["bytes"]["said"] = f"largest difference of a weight in {weights['matrices']} matrices: {weights['largest']:.2g}"
        if told.get("exact") and weights["largest"] > 0:
            found["bytes"]["faults"].append("called exact, but weights differ")
    clear(out)
    return found


# ---------------------------------------------------------------- families

# Same functions of the length or the same architecture as another one
SKIPPED = ["dense_bf16", "dense_f16", "dense_f32_sharded", "dense_llama_dynamic"]


def make_family(fixture, out):
    """A model of the fixture's configuration, but so wide that groups of 32 divide all its matrices; random weights."""
    import torch
    import transformers
    config = read_json(f"{fixture}/config.json")
    for key, width in [("hidden_size", 64), ("n_embd", 64), ("intermediate_size", 128), ("ffn_dim", 128), ("n_inner", 128),
                       ("moe_intermediate_size", 64)]:
        if config.get(key):
            config[key] = width
    if config.get("word_embed_proj_dim"):
        config["word_embed_proj_dim"] *= 2 if config["word_embed_proj_dim"] == 32 else 1
    if config.get("head_dim"):
        config["head_dim"] = 32
    if config["model_type"] not in ("gemma2", "gemma3_text") and config.get("sliding_window"):
        config["sliding_window"] = 64      # longer than the text: mlx-lm has no windows in these
    config |= dict(dtype="float32", initializer_range=0.1)
    config.pop("torch_dtype", None)
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.for_model(**config), dtype=torch.float32)
    with torch.no_grad():
        for p in model.parameters():
            if p.ndim == 1:
                p += 0.2 * torch.randn(p.shape)
    model.save_pretrained(out)
    shutil.copy(f"{fixture}/tokenizer.json", out)


def family_part(runner, folder, form):
    """A tiny model of an architecture: our export, loaded and run by the program."""
    name = os.path.basename(folder)
    # llama.cpp asks a vocabulary for more tokens where the model's name says phi3
    tiny = name.replace("dense_", "tiny_").replace("phi", "ph")
    base, dense = f"{runner.work}/bases/{tiny}", f"{runner.work}/foreign/{tiny}"
    if not os.path.exists(dense):
        partial = f"{runner.work}/foreign/.partial"
        remove(partial)
        runner.run([runner.a.python, os.path.abspath(__file__), "--make-family", folder, partial], f"make-{name}")
        os.replace(partial, dense)
    if not os.path.exists(base):
        runner.peqa("quantize", dense, "-o", base, "--bits", 4, "--group-size", 32, "--sym", log=f"{name}-quantize")
    out = f"{runner.work}/out" + (".gguf" if form == "gguf" else "")
    clear(out)
    flags = ["--dtype", "fp32"] if form == "hf" else ["--lossy"] if form == "gguf" else []
    told = runner.peqa("export", base, "--format", form, "-o", out, *flags, log=f"{name}-export")
    program = FORMATS[form][0]
    theirs = runner.their_side(program, out, base, ("own",), prompt=None)["own"]
    if "error" in theirs:
        raise Failed(f"{program}: {theirs['error']}")
    losses = [0.0] + [n * runner.ours(base, None, windows=1, length=n + 1) for n in range(1, PLACES + 1)]
    mine = math.exp(runner.ours(base, None, windows=theirs["windows"], length=theirs["length"]))
    theirs["bound"] = bound("own", program, read_json(f"{base}/config.json"), theirs["rms"])
    theirs |= dict(ours=mine, relative=theirs["perplexity"] / mine - 1, faults=[], largest=float(np.abs(
        np.subtract(theirs["log_probabilities"], np.subtract(losses[:-1], losses[1:]))).max()))
    if not abs(theirs["relative"]) <= LIMIT.get(program, 0.005):
        theirs["faults"].append(f"perplexity differs by {theirs['relative']:.2%}")
    if not theirs["largest"] <= 2 * theirs["bound"]:
        theirs["faults"].append(f"log-probabilities differ by {theirs['largest']:.2g}")
    clear(out)
    return dict(program=program, own=theirs, exact_export=told.get("exact"))


# What the programs are known not to do, with the versions of README.md
KNOWN = {
    "family_dense_gemma.mlx": "mlx-lm takes the exact GELU for gemma, its published definition the tanh form",
    "family_dense_gemma2.mlx": "mlx-lm has no sliding windows in gemma2, and the text is longer than this model's",
    "family_dense_gemma3_text.mlx": "mlx-lm asks for six layers, this model has two",
    "family_dense_phi3.gptq": "gptqmodel looks for gate_proj and up_proj, published phi3 files have gate_up_proj",
    "family_dense_phi3_window.gptq": "as phi3",
    "family_dense_mixtral.gptq": "gptqmodel looks for mlp.experts.0.gate_proj, published files have "
                                 "block_sparse_moe.experts.0.w1",
    "family_dense_gpt_neox.gptq": "gptqmodel does not load embed_out, which transformers 5 calls lm_head",
    "family_dense_neox_seq.gptq": "as gpt_neox",
}
NOT_OFFERED = ["not supported", "GGUF cannot say", "llama.cpp has no architecture"]
FAMILY_FORMATS = ["gptq", "mlx", "compressed-tensors", "gguf", "hf"]


# ---------------------------------------------------------------- report

def environment(a):
    names = ["torch", "transformers", "gptqmodel", "mlx", "mlx-lm", "compressed-tensors", "llama-cpp-python", "gguf",
             "safetensors", "tokenizers"]
    versions = []
    for name in names:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} absent")
    cpu = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as file:
            cpu = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), cpu)
    told = subprocess.run([a.peqa, "--version"], capture_output=True, text=True).stdout.strip()
    return cpu, versions, told.replace("\n", "; ")


def faults(result):
    if "failed" in result:
        return [] if any(said in result["failed"] for said in NOT_OFFERED) else [result["failed"]]
    return [f"{kind}: {fault}" for kind in ["bytes", "exact", "own"] for fault in (result.get(kind) or {}).get("faults", [])]


def cells(side):
    if not side:
        return ["-", "-", "-"]
    if "error" in side:
        return [f"not run: {side['error']}".replace("|", "/").replace("\n", " ")[:160], "-", "-"]
    text = side.get("greedy", {})
    return [f"{side['perplexity']:.4f} / {side['ours']:.4f} ({side['relative']:+.1e})",
            f"{side['largest']:.1e} / {2 * side['bound']:.1e}", str(text.get("same", "-")) if text else "-"]


def report(a, runner):
    results = {}
    for file in sorted(os.listdir(f"{runner.work}/results")):
        results[file.removesuffix(".json")] = read_json(f"{runner.work}/results/{file}")
    cpu, versions, told = environment(a)
    bad = {k: faults(r) for k, r in results.items() if faults(r) and k not in KNOWN}
    lines = ["# Formats against the programs that own them", "",
             "Made by `Tests/interop/check_formats.py`; what is compared, and the bounds, stand at its head.", "",
             f"- CPU: {cpu}", f"- Programs: {', '.join(versions)}", f"- peqa: {told}",
             f"- Model: SmolLM2-135M-Instruct; text: the first {WINDOWS} windows of {LENGTH} tokens ({SHORT[0]} of {SHORT[1]} for "
             "the own products of gptqmodel and mlx, which are slow on CPUs)",
             f"- Parts: {len(results)}, with faults: {len(bad)}", "",
             "Columns: perplexity theirs / ours (relative difference); largest difference of a log-probability / bound; greedy "
             f"tokens that are equal, of {NEW} or up to the end token.", "",
             "| case | part | bytes | exact: perplexity | log-p. | greedy | own: perplexity | log-p. | greedy | fault |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for key, r in results.items():
        name, part = key.rsplit(".", 1)
        if name.startswith("family_"):
            continue
        if "failed" in r:
            lines.append(f"| {name} | {part} | - | - | - | - | - | - | - | {r['failed'].replace('|', '/')[:300]} |")
            continue
        part += f" ({r['granularity']})" if "granularity" in r else ""
        row = [name, part, r["bytes"]["said"], *cells(r.get("exact")), *cells(r.get("own")), "; ".join(faults(r)) or "none"]
        lines.append("| " + " | ".join(row) + " |")
    families = {k: r for k, r in results.items() if k.startswith("family_")}
    if families:
        lines += ["", "## Families", "", "Tiny models with random weights, 4 bits, groups of 32, symmetric; the program's own "
                  "products (llama.cpp: int8 activations).", "",
                  "| family | format | program | perplexity theirs / ours | log-p. / bound | fault |", "|---|---|---|---|---|---|"]
        for key, r in families.items():
            name, form = key.removeprefix("family_").rsplit(".", 1)
            if "failed" in r:
                lines.append(f"| {name} | {form} | - | - | - | {KNOWN.get(key) or r['failed'][:300]} |".replace("\n", " "))
            else:
                lines.append("| " + " | ".join([name, form, r["program"], *cells(r["own"])[:2],
                                                KNOWN.get(key) if faults(r) and key in KNOWN else "; ".join(faults(r)) or "none"])
                             + " |")
    parted = [(k, kind, r[kind]["greedy"]) for k, r in results.items() for kind in ["exact", "own"]
              if (r.get(kind) or {}).get("greedy", {}).get("gap") is not None]
    if parted:
        lines += ["", "## Where greedy texts part", ""]
        lines += [f"- {k}, {kind}: {g['said']}; {'a near tie' if g['explained'] else 'NOT EXPLAINED'}" for k, kind, g in parted]
    changed = {k: r["bytes"]["settings"] for k, r in results.items() if (r.get("bytes") or {}).get("settings")}
    if changed:
        lines += ["", "## Settings that an export changed", ""]
        lines += [f"- {k}: {', '.join(v)}" for k, v in changed.items()]
    if bad:
        lines += ["", "## Faults", ""] + [f"- {k}: {'; '.join(v)}".replace("\n", " ") for k, v in bad.items()]
    with open(a.report, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return bad


# ---------------------------------------------------------------- command line

def plan(a):
    """[(key of the result, function, computations that there are)]"""
    both = ("exact", "own")
    only = a.only.split(",") if a.only else None
    wanted = lambda name: only is None or name in only
    unknown = [n for n in only or [] if n not in IMPORTS and n not in EXPORTS and not a.families]
    if unknown:
        sys.exit(f"unknown cases {unknown}; --list shows all")
    kinds, todo = a.parts.split(","), []
    for kind, part in [("import", import_part), ("tuned", tuned_part)]:
        todo += [(f"{n}.{kind}", lambda r, n=n, part=part: part(r, n), both) for n in IMPORTS if wanted(n) and kind in kinds]
    todo += [(f"{n}.export", lambda r, n=n: export_part(r, n), ("own",) if EXPORTS[n][0] == "hf" else both)
             for n in EXPORTS if wanted(n) and "export" in kinds]
    if a.families:
        names = sorted(n for n in os.listdir(a.families) if n.startswith("dense_") and n not in SKIPPED)
        families = [(f"family_{n}.{form}", lambda r, n=n, form=form: family_part(r, f"{a.families}/{n}", form), ("own",))
                    for n in names if only is None or n in only for form in FAMILY_FORMATS]
        todo = families if not a.only_too else todo + families
    return todo


def main():
    if sys.argv[1:2] == ["--worker"]:
        return worker(sys.argv[2])
    if sys.argv[1:2] == ["--make-family"]:
        return make_family(*sys.argv[2:4])
    if sys.argv[1:2] == ["--make"]:
        return make(*sys.argv[2:5])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peqa", help="the program")
    parser.add_argument("--foreign", help="folder that make_smollm2.py has made")
    parser.add_argument("--text", help="text whose perplexity is measured")
    parser.add_argument("--data", help="instructions in Alpaca's form, for the ten steps")
    parser.add_argument("--work", help="folder for results and large files")
    parser.add_argument("--report", help="Markdown file to write")
    parser.add_argument("--python", default=sys.executable, help="python of the environment (default: this one)")
    parser.add_argument("--only", help="names of cases with commas between them")
    parser.add_argument("--parts", default="import,tuned,export")
    parser.add_argument("--computations", default="exact,own", help="of theirs; a later run adds those that are missing")
    parser.add_argument("--families", metavar="FIXTURES", help="instead: tiny models of all families, from this folder")
    parser.add_argument("--only-too", action="store_true", help="with --families: the other cases as well")
    parser.add_argument("--granularity", choices=["row", "group"], default="row", help="of the tuned scales")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--time-limit", type=float, default=900, help="seconds for a part of a case")
    parser.add_argument("--list", action="store_true", help="print the names of all cases")
    a = parser.parse_args()
    if a.list:
        return print("\n".join([*IMPORTS, *EXPORTS]))
    for flag in ["peqa", "foreign", "text", "data", "work", "report"]:
        if getattr(a, flag) is None:
            parser.error(f"--{flag} is needed")
    runner = Runner(a)
    if a.families:
        runner.head = f"{runner.work}/family.txt"
        with open(runner.head, "w", encoding="utf-8") as file:
            file.write("the cat sat on the mat and the dog ran to the big red house by the sea " * 40)
    for key, part, offered in plan(a):
        path = f"{runner.work}/results/{key}.json"
        old = read_json(path) if os.path.exists(path) else {}
        runner.kinds = [k for k in offered if k in a.computations.split(",") and k not in old]
        if not runner.kinds or "failed" in old:
            continue
        runner.deadline = began = time.time()
        runner.deadline += a.time_limit
        try:
            result = old | part(runner)
        except Failed as error:
            result = dict(failed=str(error))
        except Exception as error:      # one case must not end the others
            result = dict(failed=f"{type(error).__name__}: {error}"[:400])
        result["seconds"] = round(time.time() - began, 1)
        write_json(path, result)
        print(f"{key}: {'; '.join(faults(result)) or 'no fault'} ({result['seconds']:.0f} s)", flush=True)
        report(a, runner)
    bad = report(a, runner)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
