#!/usr/bin/env python3
"""What others would do, beside peqa's tuning of scales: the same budget in PyTorch with transformers and peft, in float32.

Set-up:  see README.md
Use:     V/bin/python quality_peers.py METHOD MODEL --train wiki.valid.raw --eval wiki.test.raw --learning-rate 3e-4 --seed 0
         V/bin/python quality_peers.py METHOD MODEL --train alpaca.json --train-split :4750 --eval alpaca.json --eval-split 4750:
         ... --quantize gptqmodel|peqa --bits 3 --group-size 64 --calibration TEXT      GPTQ behind the tuning

MODEL is a Hugging Face directory of LLaMA's architecture. METHOD:

  untuned   nothing; with --quantize GPTQ of the model as it is, which may be what another run has saved
  lora-qv   LoRA, rank 4, on q_proj and v_proj
  lora-all  LoRA, rank 16, on all linear layers
  full      all weights
  qlora     LoRA, rank 16, on all linear layers over a base of --bits and --group-size that `peqa quantize --method rtn` rounds

LoRA: alpha is twice the rank, no dropout, B starts at 0. For qlora the rounded weights are computed once and kept in float32:
values are those of QLoRA, time and memory are not. gptqmodel reads the model in bfloat16, as it does by itself; the weights that
it leaves are judged in float32.

Protocol, that of peqa's runs: steps of --batch windows of --length tokens without BOS, in random order, each window once an
epoch; AdamW without decay, linear schedule, gradients clipped to norm 1; the loss is the mean over all supervised tokens of a
step. Alpaca rows get peqa's Alpaca prompt and teach their responses with the end token; rows are packed into sequences of
--length tokens, and as in peqa they do not see each other, here because each is computed alone (padded on the right, which a
causal model does not notice). Evaluation: a text as in check_peqa.py; rows by the mean loss of their supervised tokens. Rows
longer than --length are dropped. With --bf16 the products of the steps, not of the evaluation, are in bfloat16 (autocast;
weights and moments stay float32), for CPUs that multiply it.

Prints one JSON line: perplexity and loss before and after (`before` is that of what is tuned: of the rounded base for qlora),
`tuned_perplexity` before GPTQ, seconds of the steps alone, peak resident memory of the steps alone in MB.
"""
import argparse, ctypes, json, math, os, random, shutil, subprocess, sys, tempfile, time

import torch
from torch.nn.functional import cross_entropy

import check_peqa

LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LORA = {"lora-qv": (4, ["q_proj", "v_proj"]), "lora-all": (16, LINEARS), "qlora": (16, LINEARS)}
METHODS = ["untuned", "full", *LORA]
IGNORED = -100      # label of a token that is not learnt

# ---------------------------------------------------------------- data: lists of (ids, labels)

WITHOUT_INPUT = ("Below is an instruction that describes a task. Write a response that appropriately completes the "
                 "request.\n\n### Instruction:\n{instruction}\n\n### Response:\n")
WITH_INPUT = ("Below is an instruction that describes a task, paired with an input that provides further context. Write "
              "a response that appropriately completes the request.\n\n### Instruction:\n{instruction}\n\n"
              "### Input:\n{input}\n\n### Response:\n")


class Text:
    """The tokenizer of the folder; names of special tokens inside texts are plain text, as in peqa."""

    def __init__(self, folder):
        self.tokenizer = check_peqa.tokenizer(folder)
        self.tokenizer.encode_special_tokens = True
        name = check_peqa.read_json(f"{folder}/tokenizer_config.json")["eos_token"]
        self.end = self.tokenizer.token_to_id(name["content"] if isinstance(name, dict) else name)

    def ids(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids


def is_rows(path):
    return path.endswith((".json", ".jsonl"))


def rows(path, split):
    """Records of a JSON array or of JSON lines; `split` is a Python slice such as 4750: or empty for all."""
    with open(path, encoding="utf-8") as file:
        found = json.load(file) if path.endswith(".json") else [json.loads(line) for line in file if line.strip()]
    bounds = [int(n) if n else None for n in (split or ":").split(":")]
    return found[slice(*bounds)]


def prompt(row):
    return (WITH_INPUT if row.get("input") else WITHOUT_INPUT).format_map(row)


def instructions(text, path, split, length):
    samples = []
    for row in rows(path, split):
        asked, answered = text.ids(prompt(row)), text.ids(row["output"])
        if answered and len(asked) + len(answered) < length:
            ids = asked + answered + [text.end]
            samples.append((ids, [IGNORED] * len(asked) + ids[len(asked):]))
    return samples


def windows(text, path, length, count=None):
    with open(path, encoding="utf-8", newline="") as file:
        ids = text.ids(file.read())
    starts = range(0, len(ids) - length + 1, length)[:count]
    if not starts:
        sys.exit(f"{path} has {len(ids)} tokens, fewer than one window of {length}")
    return [(ids[n:n + length],) * 2 for n in starts]


def packed(samples, length, generator):
    """Lists of samples that fill `length` tokens together: first fit, the longest first, equal ones in random order."""
    generator.shuffle(samples)
    bins = []
    for sample in sorted(samples, key=lambda s: -len(s[0])):
        place = next((b for b in bins if b[0] >= len(sample[0])), None)
        if place is None:
            bins.append(place := [length, []])
        place[0] -= len(sample[0])
        place[1].append(sample)
    return [members for _, members in bins]


def sequences(text, a, generator):
    """What one sequence of a step holds: a list of samples that are computed apart."""
    if is_rows(a.train):
        return packed(instructions(text, a.train, a.train_split, a.length), a.length, generator)
    return [[window] for window in windows(text, a.train, a.length)]


def steps(found, a, generator):
    """Samples of each step; every sequence once an epoch."""
    order = []
    for _ in range(a.steps):
        batch = []
        while len(batch) < a.batch:
            if not order:
                order = generator.sample(range(len(found)), len(found))
            batch.append(order.pop())
        yield [sample for n in batch for sample in found[n]]


def stacked(samples, tokens):
    """Samples of similar length as tensors (ids [B, T], labels [B, T]) of at most `tokens` padded tokens, or of one sample."""
    group = []
    for sample in sorted(samples, key=lambda s: len(s[0])):
        if group and len(sample[0]) * (len(group) + 1) > tokens:
            yield padded(group)
            group = []
        group.append(sample)
    if group:
        yield padded(group)


def padded(samples):
    length = max(len(ids) for ids, _ in samples)
    fill = lambda values, value: torch.tensor([list(v) + [value] * (length - len(v)) for v in values])
    return fill([ids for ids, _ in samples], 0), fill([labels for _, labels in samples], IGNORED)


# ---------------------------------------------------------------- loss

def loss_sum(model, ids, labels, dtype=torch.float32):
    logits = model(input_ids=ids, use_cache=False).logits[:, :-1].to(dtype)
    return cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED, reduction="sum")


def supervised(samples):
    return sum(label != IGNORED for _, labels in samples for label in labels[1:])


def evaluate(model, samples):
    """Mean loss of all supervised tokens."""
    model.eval()
    total = 0.0
    for n, (ids, labels) in enumerate(samples):
        with torch.inference_mode():
            total += loss_sum(model, torch.tensor([ids]), torch.tensor([labels]), torch.float64).item()
        if n % 20 == 0:
            say(f"evaluation {n + 1}/{len(samples)}")
    return total / supervised(samples)


# ---------------------------------------------------------------- tuning

def dense(folder):
    from transformers import AutoModelForCausalLM
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def rounded(a, work):
    """The float32 model of the weights that peqa's rounding leaves."""
    base = f"{work}/base"
    peqa(a, ["quantize", a.model, "--output", base, "--bits", str(a.bits), "--group-size", str(a.group_size),
             "--method", "rtn"] + ["--allow-poor-quality"] * (a.bits == 2))
    return check_peqa.build(base)


def prepared(model, method):
    """The model with what the method trains, and nothing else, requiring gradients."""
    if method == "full":
        return model.requires_grad_(True)
    from peft import LoraConfig, get_peft_model
    rank, targets = LORA[method]
    return get_peft_model(model, LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=targets,
                                            task_type="CAUSAL_LM"))


def tune(model, found, a, generator):
    """The model tuned in place; seconds and peak memory in MB of the steps."""
    from transformers import get_linear_schedule_with_warmup
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=a.learning_rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    schedule = get_linear_schedule_with_warmup(optimizer, a.warmup, a.steps)
    model.train()
    forget_peak()
    start = time.time()
    for n, samples in enumerate(steps(found, a, generator)):
        tokens, total = supervised(samples), 0.0
        for ids, labels in stacked(samples, a.micro_batch * a.length):
            with torch.autocast("cpu", torch.bfloat16, enabled=a.bf16):
                loss = loss_sum(model, ids, labels) / tokens
            loss.backward()
            total += loss.item()
        if not math.isfinite(total):
            sys.exit(f"step {n + 1}: the loss is {total}; try a smaller learning rate")
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        say(f"step {n + 1}/{a.steps}: loss {total:.4f}, {time.time() - start:.0f} s")
    return dict(seconds=round(time.time() - start, 1), peak_mb=peak_mb(), trained=sum(p.numel() for p in trained))


def forget_peak():
    """Gives free memory back and sets the highest resident size to the present one, where Linux allows it."""
    ctypes.CDLL(None).malloc_trim(0)
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def peak_mb():
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


# ---------------------------------------------------------------- GPTQ behind it

def save(model, source, out):
    """A Hugging Face directory in float32, with the tokenizer of the source."""
    model.save_pretrained(out)
    for name in ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"]:
        if os.path.exists(f"{source}/{name}"):
            shutil.copy(f"{source}/{name}", out)


def quantized(merged, work, a, text):
    """The float32 model of the weights that GPTQ leaves of the directory `merged`."""
    if a.quantize == "peqa":
        peqa(a, ["quantize", merged, "--output", f"{work}/gptq", "--bits", str(a.bits), "--group-size", str(a.group_size),
                 "--method", "gptq", "--calibration", a.calibration, "--calibration-sequences",
                 str(a.calibration_sequences), "--calibration-length", str(a.length)])
        return check_peqa.build(f"{work}/gptq")
    import foreign_programs, foreign_writers
    with open(a.calibration, encoding="utf-8", newline="") as file:
        ids = text.ids(file.read())
    step = (len(ids) - a.length) // a.calibration_sequences
    tokens = [ids[n * step:n * step + a.length] for n in range(a.calibration_sequences)]
    foreign_writers.gptq(merged, f"{work}/gptq", tokens, bits=a.bits, group_size=a.group_size, desc_act=True, sym=False)
    return foreign_programs.GPTQModel(f"{work}/gptq").exact_model()


def peqa(a, arguments):
    result = subprocess.run([a.peqa, *arguments, "--threads", str(a.threads), "-q"], stdout=sys.stderr)
    if result.returncode:
        sys.exit(f"{a.peqa} {arguments[0]} ended with {result.returncode}")


# ---------------------------------------------------------------- a run

def run(a, work):
    generator, text = random.Random(a.seed), Text(a.model)
    torch.manual_seed(a.seed)
    held_out = (instructions(text, a.eval, a.eval_split, a.length) if is_rows(a.eval)
                else windows(text, a.eval, a.eval_length, a.windows))
    model = rounded(a, work) if a.method == "qlora" else dense(a.model)
    report = dict(method=a.method, settings=settings(a), eval_tokens=supervised(held_out))
    if not a.skip_before:
        note(report, "before", evaluate(model, held_out))
    if a.method != "untuned":
        model = prepared(model, a.method)
        report |= tune(model, sequences(text, a, generator), a, generator)
        model = model.merge_and_unload() if a.method in LORA else model
    if a.quantize:
        if a.method != "untuned":
            note(report, "tuned", evaluate(model, held_out))
        save(model, a.model, f"{work}/merged")
        start = time.time()
        model = quantized(f"{work}/merged", work, a, text)
        report["quantize_seconds"] = round(time.time() - start, 1)
    same = a.method == "untuned" and not a.quantize and not a.skip_before
    note(report, "after", report["loss_before"] if same else evaluate(model, held_out))
    if a.out:
        save(model, a.model, a.out)
    return report


def settings(a):
    """Everything but places and what does not change the result."""
    return {k: v for k, v in vars(a).items()
            if k not in ("method", "model", "out", "peqa", "skip_before") and v is not None} | {
        k: os.path.basename(getattr(a, k)) for k in ("train", "eval", "calibration") if getattr(a, k)}


def note(report, when, loss):
    names = ("tuned_loss", "tuned_perplexity") if when == "tuned" else (f"loss_{when}", f"perplexity_{when}")
    report |= dict(zip(names, (loss, math.exp(loss))))
    say(f"{when}: loss {loss:.4f}, perplexity {math.exp(loss):.4f}")


def say(line):
    print(line, file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("model")
    parser.add_argument("--train", help="a text, or .json or .jsonl of Alpaca rows")
    parser.add_argument("--train-split", help="rows, as a Python slice")
    parser.add_argument("--eval", required=True, help="like --train")
    parser.add_argument("--eval-split")
    parser.add_argument("--seed", type=int, default=0, help="order of the data and start of LoRA")
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--warmup", type=int, default=10)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--micro-batch", type=int, default=1, help="sequences computed at once; does not change the result")
    parser.add_argument("--bf16", action="store_true", help="products of the steps in bfloat16")
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--windows", type=int, default=20)
    parser.add_argument("--eval-length", type=int, default=1024)
    parser.add_argument("--quantize", choices=["gptqmodel", "peqa"], help="GPTQ behind the tuning, by this program")
    parser.add_argument("--bits", type=int, default=4)
    parser.add_argument("--group-size", type=int, default=64, help="-1: one scale per row")
    parser.add_argument("--calibration", help="text for GPTQ (default: --train if that is a text)")
    parser.add_argument("--calibration-sequences", type=int, default=64)
    parser.add_argument("--peqa", default=os.environ.get("PEQA", "peqa"), help="the program (default: $PEQA, else from $PATH)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--skip-before", action="store_true", help="no evaluation before the tuning")
    parser.add_argument("--out", help="directory to save the model in, merged, in float32")
    a = parser.parse_args()
    if a.method != "untuned" and not (a.train and a.learning_rate):
        parser.error("--train and --learning-rate are needed to tune")
    if a.quantize and a.method == "qlora":
        parser.error("--bits and --group-size are those of the base of qlora; it is not quantized again")
    if a.quantize and not a.calibration:
        if not a.train or is_rows(a.train):
            parser.error("--calibration TEXT is needed for --quantize")
        a.calibration = a.train
    return a


def main():
    a = arguments()
    torch.set_num_threads(a.threads)
    stdout = os.dup(1)
    os.dup2(2, 1)      # gptqmodel, which peft imports too where it is there, talks on stdout
    with tempfile.TemporaryDirectory() as work:
        report = run(a, work)
    os.write(stdout, (json.dumps(report) + "\n").encode())


if __name__ == "__main__":
    main()
