#!/usr/bin/env python3
"""Runs the rows of quality_rows.py for hours, goes on where it was stopped, and prints the table for docs/results/quality.md.

Set-up:  see README.md
Use:     V/bin/python quality_table.py --peqa PEQA --model MODEL --valid wiki.valid.raw --test wiki.test.raw --alpaca JSON
             --work W [--only PATTERN] [--threads 2] [--ranks 1] [--tasks arc_easy,piqa --task-data DIR --limit 200]
         ... --list       the cells, and which are finished
         ... --render     the table of what is finished, in Markdown

MODEL is a Hugging Face directory (LLaMA's architecture). A cell is one run: a base, an evaluation of it, a rate that is tried,
a seed. What is finished stands in W/cells.jsonl, a JSON line each; a second start skips it, and a run of peqa that was cut short
goes on from its checkpoint. W is for one protocol (model, data, steps, tasks, ...); more seeds, rows and rates may be added.
Cells that fail are reported, the other rows go on, and the exit code is 1. PATTERN is a regular expression, looked for in
`DATA/NAME`.

A learning rate is chosen with the first seed: tuned on all of the tuning data but its end, judged on that end (the last tenth of
wiki.valid.raw; rows 4500 to 4749 of Alpaca). If the best is the smallest or the greatest one, one beyond it is tried, at most
twice. Then every seed is run with it on all of the tuning data and measured on the test data (20 windows of wiki.test.raw; the
last 250 rows), which no choice has seen. Codes are calibrated on the text tuned on without its end, for Alpaca too: a base is
for all tasks.

Memory is that of the tuning process (peqa: its highest resident size, the mapped base included; of the largest rank), time that
of the steps. Commands in the output name places by variables: $PEQA $PYTHON $HERE $MODEL $VALID $TEST $ALPACA $TASKS $WORK.
"""
import argparse, dataclasses, fcntl, glob, hashlib, importlib.metadata, json, os, re, shlex, shutil, signal, string, struct
import subprocess, sys, time

import quality_render
from quality_rows import ROWS, Protocol

HERE = os.path.dirname(os.path.abspath(__file__))


class Failed(Exception):
    pass


def say(line):
    print(line, file=sys.stderr, flush=True)


def slug(text):
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", text)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


# ---------------------------------------------------------------- programs

def parsed(text):
    """The JSON that a program has printed: all of stdout, or its last line."""
    for candidate in (text, text.strip().rpartition("\n")[2]):
        try:
            return json.loads(candidate)
        except ValueError:
            pass
    raise Failed("no JSON on stdout")


def execute(argv, log):
    """What the command printed, its seconds and its highest resident size in MB."""
    start = time.time()
    with open(log, "a", encoding="utf-8") as errors, open(log + ".stdout", "w+", encoding="utf-8") as out:
        errors.write(f"$ {shlex.join(argv)}\n")
        errors.flush()
        child = subprocess.Popen(argv, stdout=out, stderr=errors)
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.terminate()
            child.send_signal(signal.SIGCONT)      # one that is stopped would not end
            child.wait()
            raise
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise Failed(f"exit code {child.returncode}, see {log}")
        out.seek(0)
        return parsed(out.read()), dict(wall=round(time.time() - start, 1), peak_mb=usage.ru_maxrss // 1024)


def machine(peqa):
    """What the figures depend on besides the protocol."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        cpu = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown")
    version = subprocess.run([peqa, "--version"], capture_output=True, text=True).stdout.partition("\n")[0]
    found = dict(CPU=cpu, peqa=version.removeprefix("peqa "))
    for name in ("torch", "transformers", "peft", "gptqmodel"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


# ---------------------------------------------------------------- data

class Data:
    """What a data set gives to each command, as arguments with variables. `part` is search or final."""

    def __init__(self, name, p, rows):
        self.name, self.p = name, p
        self.split = dict(search=(), final=())
        if name == "alpaca":
            test = rows - p.alpaca_test
            validation = test - p.alpaca_validation
            self.split = dict(search=(f":{validation}", f"{validation}:{test}"), final=(f":{test}", f"{test}:"))

    def files(self, part):
        """Tuned on and measured on."""
        if self.name == "alpaca":
            return "$ALPACA", "$ALPACA"
        return ("$WORK/data/head.raw", "$WORK/data/tail.raw") if part == "search" else ("$VALID", "$TEST")

    def for_train(self, part):
        path = self.files(part)[0]
        entry = (f'{{path: "{path}", type: alpaca, split: "train[{self.split[part][0]}]"}}' if self.name == "alpaca"
                 else f'{{path: "{path}", type: text}}')
        return ["--set", f"datasets=[{entry}]", "--excess-length-strategy", "drop"]

    def for_eval(self, part):
        path, p = self.files(part)[1], self.p
        if self.name == "alpaca":
            return ["--data", path, "--type", "alpaca", "--split", f"train[{self.split[part][1]}]",
                    "--max-length", str(p.length), "--excess-length-strategy", "drop"]
        return ["--perplexity", path, "--max-length", str(p.eval_length), "--windows", str(p.windows), "--no-bos"]

    def for_peers(self, part):
        train, test = self.files(part)
        splits = [f"{flag}={rows}" for flag, rows in zip(("--train-split", "--eval-split"), self.split[part])]
        return ["--train", train, "--eval", test, *splits]


def cut_text(source, work, share):
    """W/data/head.raw and tail.raw: the text in two at a line end; tail is the last `share` of it."""
    with open(source, "rb") as file:
        text = file.read()
    place = text.index(b"\n", int(len(text) * (1 - share))) + 1
    os.makedirs(f"{work}/data", exist_ok=True)
    for name, part in (("head", text[:place]), ("tail", text[place:])):
        with open(f"{work}/data/{name}.raw", "wb") as file:
            file.write(part)


# ---------------------------------------------------------------- cells

class Table:
    def __init__(self, a, protocol):
        self.a, self.p = a, protocol
        self.variables = dict(PEQA=a.peqa, PYTHON=sys.executable, HERE=HERE, MODEL=a.model, VALID=a.valid, TEST=a.test,
                              ALPACA=a.alpaca or "", TASKS=a.task_data or "", WORK=a.work)
        names = ["wiki"] + ["alpaca"] * bool(a.alpaca)
        rows = len(json.load(open(a.alpaca, encoding="utf-8"))) if a.alpaca else 0
        self.data = {name: Data(name, protocol, rows) for name in names}
        self.protocol = json.loads(json.dumps(dataclasses.asdict(protocol) | dict(
            dtype=a.dtype, model=[digest(f) for f in sorted(glob.glob(f"{a.model}/*.safetensors"))],
            tasks=[a.tasks, a.limit])))
        self.digests = {n: digest(f) for n, f in (("valid", a.valid), ("test", a.test), ("alpaca", a.alpaca)) if f}
        del self.protocol["seeds"]      # more of them may be asked for later
        self.records, self.failed, self.machine = {}, [], machine(a.peqa)
        self.rows = [(d, r) for d in names for r in ROWS if d in r.data]
        self.chosen = self.selected()

    def selected(self):
        """Rows that --only names, and those whose models they need."""
        found = [(d, r) for d, r in self.rows if re.search(self.a.only, f"{d}/{r.name}")]
        needed = {(d, r.of) for d, r in found if r.of}
        return [(d, r) for d, r in self.rows if (d, r) in found or (d, r.name) in needed]

    def load(self):
        path = f"{self.a.work}/cells.jsonl"
        if not os.path.exists(path):
            return
        with open(path, encoding="utf-8") as file:
            for line in file:
                try:
                    record = json.loads(line)
                except ValueError:      # cut short
                    continue
                self.refuse_others(record)
                self.records[record["key"]] = record

    def refuse_others(self, record):
        theirs, ours = (dict(p) | {f"file {n}": v for n, v in d.items()}
                        for p, d in ((record["protocol"], record["digests"]), (self.protocol, self.digests)))
        wrong = [k for k in theirs if ours.get(k, theirs[k]) != theirs[k]]
        if wrong:
            sys.exit(f"{self.a.work} has cells of another protocol; take another folder. Theirs and ours: "
                     + ", ".join(f"{k} {theirs[k]} and {ours[k]}" for k in wrong))

    def keys(self, d, row):
        """The cells that the row has at least."""
        base = [f"base/{base_name(row)}", f"{d}/{base_name(row)}/before"] if is_base(row) else []
        if not row.rates:
            return base + [f"{d}/{row.name}/seed {s}" for s in (self.p.seeds if row.of else self.p.seeds[:1])]
        return base + [f"{d}/{row.name}/rate {rate:g}" for rate in row.rates] + [
            f"{d}/{row.name}/seed {s}" for s in self.p.seeds]

    def open_cells(self):
        return [(key, row) for key, row in {k: r for d, r in self.chosen for k in self.keys(d, r)}.items()
                if key not in self.records]

    def cell(self, key, row, kind, work):
        """The record of the cell, from the file or by `work(log)`, which gives its members."""
        if key in self.records:
            return self.records[key]
        say(f"{time.strftime('%H:%M')} {key} ... ({len(self.open_cells())} open, {self.estimate()})")
        log, start = f"{self.a.work}/logs/{slug(key)}", time.time()
        record = dict(key=key, row=row.name, program=row.program, kind=kind, **work(log),
                      cell_seconds=round(time.time() - start, 1), threads=self.a.threads, ranks=self.a.ranks,
                      machine=self.machine, protocol=self.protocol, digests=self.digests)
        self.append(record)
        self.records[key] = record
        say(f"      {record['cell_seconds']:.0f} s" + (f", loss {record['loss']:.4f}, perplexity {record['perplexity']:.3f}"
                                                      if "loss" in record else ""))
        return record

    def append(self, record):
        path, line = f"{self.a.work}/cells.jsonl", json.dumps(record) + "\n"
        with open(path, "a+b") as file:
            if file.tell() and not ends_with_newline(path):
                line = "\n" + line
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    def estimate(self):
        """Time of the open cells, from finished ones of the same row and kind, else of the same program and kind."""
        total, unknown = 0.0, 0
        for key, row in self.open_cells():
            kind = kind_of(key)
            same = [r for r in self.records.values() if r["kind"] == kind and r["program"] == row.program]
            near = [r for r in same if r["row"] == row.name] or same
            if near:
                total += sum(r["cell_seconds"] for r in near) / len(near)
            else:
                unknown += 1
        return f"about {total / 3600:.1f} h" + (f" and {unknown} of unknown length" if unknown else "")

    # ------------------------------------------------------------ commands

    def command(self, argv, log):
        """Runs a command with variables in it; the output and what it cost."""
        return execute([string.Template(part).substitute(self.variables) for part in argv], log)

    def ranks(self):
        if self.a.ranks == 1:
            return []
        return ["mpirun", "-np", str(self.a.ranks), "--bind-to", "none"] + ["--allow-run-as-root"] * (os.getuid() == 0)

    def own(self, *argv, ranks=False):
        return [*(self.ranks() if ranks else []), "$PEQA", *argv, "--threads", str(self.a.threads), "--json"]

    def evaluation(self, model, arguments, adapter=None):
        return self.own("eval", model, *(["--adapter", adapter] if adapter else []), *arguments, "--dtype", self.a.dtype)

    def judged(self, model, arguments, log, adapter=None):
        argv = self.evaluation(model, arguments, adapter)
        out, _ = self.command(argv, log)
        return dict(loss=out["loss"], perplexity=out["perplexity"], commands=[argv])

    def with_tasks(self, record, model, log, adapter=None):
        """The record with accuracies, where tasks were asked for."""
        if self.a.tasks:
            limit = ["--limit", str(self.a.limit)] if self.a.limit else []
            argv = self.evaluation(model, ["--tasks", self.a.tasks, "--data-dir", "$TASKS", *limit], adapter)
            out, _ = self.command(argv, log)
            record = record | dict(tasks=out["tasks"], tasks_mean=out["mean"], commands=record["commands"] + [argv])
        return record

    # ------------------------------------------------------------ peqa

    def base(self, row):
        """The folder of the row's base, with variables; made if it is not there."""
        place = f"$WORK/bases/{slug(base_name(row))}"
        folder, key = place.replace("$WORK", self.a.work), f"base/{base_name(row)}"
        if not os.path.exists(f"{folder}/peqa_base.json"):
            self.records.pop(key, None)

        def work(log):
            argv = self.own("quantize", "$MODEL", "--output", place, "--bits", str(row.bits), "--group-size", str(row.group),
                            "--method", row.method, "--overwrite", *(["--allow-poor-quality"] if row.bits == 2 else []))
            if row.method != "rtn":
                argv += ["--calibration", "$WORK/data/head.raw", "--calibration-sequences", str(self.p.calibration_sequences),
                         "--calibration-length", str(self.p.length)]
            out, cost = self.command(argv, log)
            return dict(commands=[argv], cost=cost, base_sha256=out["base_sha256"], base_bytes=out["base_bytes"])

        self.cell(key, row, "base", work)
        return place

    def tuned_by_peqa(self, d, row, part, rate, seed, log):
        base, p = self.base(row), self.p
        place = f"$WORK/runs/{slug(f'{d}-{row.name}-{part}-{rate:g}-{seed}')}"
        train = self.own("train", "--model", base, *self.data[d].for_train(part), "--output-dir", place, "--max-seq-length",
                         str(p.length), "--global-batch-size", str(p.batch), "--max-steps", str(p.steps), "--warmup-steps",
                         str(p.warmup), "--learning-rate", f"{rate:g}", "--seed", str(seed), "--scale-granularity",
                         row.granularity, "--objective", row.objective, "--dtype", self.a.dtype, "--dataset-cache",
                         "$WORK/cache", ranks=True)
        if row.objective == "distill":
            train += ["--teacher", "$MODEL"]
        for key, value in row.settings.items():
            train += ["--set", f"{key}={value}"]
        folder = place.replace("$WORK", self.a.work)
        if os.path.exists(f"{folder}/train_results.json"):      # finished, but stopped before it was measured
            shutil.rmtree(folder)
        out, cost = self.command(train, log)
        record = self.judged(base, self.data[d].for_eval(part), log, adapter=place)
        record |= dict(commands=[train] + record["commands"], seconds=out["train_runtime"], peak_mb=cost["peak_mb"],
                       trained=trained_numbers(folder), tuned_bytes=os.path.getsize(f"{folder}/adapter_model.safetensors"))
        if part == "final":
            record = self.with_tasks(record, base, log, adapter=place)
        for extra in glob.glob(f"{folder}/checkpoint-*") if part == "final" else [folder]:
            shutil.rmtree(extra)
        return record

    # ------------------------------------------------------------ others

    def by_peers(self, d, row, part, rate, seed, log):
        kept = part == "final" and any(r.of == row.name and e == d for e, r in self.rows)
        place = f"$WORK/models/{slug(f'{d}-{row.name}')}-{seed}"
        source = "$MODEL"
        if row.of:
            source = f"$WORK/models/{slug(f'{d}-{row.of}')}-{seed}"
            if not os.path.exists(source.replace("$WORK", self.a.work) + "/config.json"):
                raise Failed(f"{source} is missing: delete the line {d}/{row.of}/seed {seed} of cells.jsonl and start again")
        p, folder = self.p, place.replace("$WORK", self.a.work)
        argv = ["$PYTHON", "$HERE/quality_peers.py", row.method, source, *self.data[d].for_peers(part), "--seed", str(seed),
                "--length", str(p.length), "--windows", str(p.windows), "--eval-length", str(p.eval_length),
                "--threads", str(self.a.threads), "--peqa", "$PEQA"]
        if row.rates:
            argv += ["--learning-rate", f"{rate:g}", "--steps", str(p.steps), "--warmup", str(p.warmup), "--batch",
                     str(p.batch)]
        if row.bits:
            argv += ["--bits", str(row.bits), "--group-size", str(row.group)]
        if row.quantize:
            argv += ["--quantize", row.quantize, "--calibration", "$WORK/data/head.raw", "--calibration-sequences",
                     str(p.calibration_sequences)]
        if part == "search" or seed != p.seeds[0]:
            argv += ["--skip-before"]
        if part == "final" and (kept or self.a.tasks):
            argv += ["--out", place]
        out, _ = self.command(argv, log)
        record = dict(loss=out["loss_after"], perplexity=out["perplexity_after"], commands=[argv])
        record |= {k: out[k] for k in ("seconds", "peak_mb", "trained", "quantize_seconds", "loss_before",
                                       "perplexity_before") if k in out}
        if part == "final":
            record = self.with_tasks(record, place, log)
            if not kept:
                shutil.rmtree(folder, ignore_errors=True)
        return record

    # ------------------------------------------------------------ rows

    def run_row(self, d, row):
        if is_base(row):
            base = self.base(row)
            self.cell(f"{d}/{base_name(row)}/before", row, "before", lambda log: self.with_tasks(
                self.judged(base, self.data[d].for_eval("final"), log), base, log))
        if row.method == "none":
            self.cell(f"{d}/{row.name}/seed {self.p.seeds[0]}", row, "seed", lambda log: self.with_tasks(
                self.judged("$MODEL", self.data[d].for_eval("final"), log), "$MODEL", log))
            return
        tuned = self.tuned_by_peqa if row.program == "peqa" else self.by_peers
        rate = self.best_rate(d, row, tuned) if row.rates else self.rate_of_source(d, row)
        for seed in self.p.seeds:
            key = f"{d}/{row.name}/seed {seed}"
            if key in self.records and self.records[key].get("rate") != rate:      # another rate is better now
                del self.records[key]
            self.cell(key, row, "seed", lambda log: dict(
                rate=rate, seed=seed, **tuned(d, row, "final", rate, seed, log)))

    def rate_of_source(self, d, row):
        """The rate of the models that the row quantizes."""
        key = f"{d}/{row.of}/seed {self.p.seeds[0]}"
        if key not in self.records:
            raise Failed(f"{key} has no result")
        return self.records[key]["rate"]

    def best_rate(self, d, row, tuned):
        def loss(rate):
            return self.cell(f"{d}/{row.name}/rate {rate:g}", row, "rate", lambda log: dict(
                rate=rate, seed=self.p.seeds[0], **tuned(d, row, "search", rate, self.p.seeds[0], log)))["loss"]

        losses = {rate: loss(rate) for rate in row.rates}
        for _ in range(2):
            best, rates = min(losses, key=losses.get), sorted(losses)
            if best not in (rates[0], rates[-1]):
                break
            new = best**2 / rates[1] if best == rates[0] else best**2 / rates[-2]
            losses[float(f"{new:.2g}")] = loss(float(f"{new:.2g}"))
        return min(losses, key=losses.get)

    def run(self):
        os.makedirs(self.a.work, exist_ok=True)
        lock = open(f"{self.a.work}/.lock", "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit(f"another process works in {self.a.work}")
        for folder in ("logs", "bases", "runs", "models", "cache"):
            os.makedirs(f"{self.a.work}/{folder}", exist_ok=True)
        cut_text(self.a.valid, self.a.work, self.p.validation_share)
        for d, row in self.chosen:
            try:
                self.run_row(d, row)
            except (Failed, OSError, KeyError) as error:
                self.failed.append(f"{d}/{row.name}: {error!r}")
                say(f"FAILED {self.failed[-1]}")
        say(f"{len(self.records)} cells are finished, {len(self.failed)} rows have failed")


def is_base(row):
    return row.program == "peqa" and row.method != "none"


def base_name(row):
    return f"{row.method} {row.bits} {'rows' if row.group == -1 else f'g{row.group}'}"


def kind_of(key):
    return "base" if key.startswith("base/") else key.rsplit("/", 1)[1].split(" ")[0]


def ends_with_newline(path):
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def trained_numbers(folder):
    """From the checkpoint of the last step: numbers that were trained."""
    newest = max(glob.glob(f"{folder}/checkpoint-*"), key=lambda name: int(name.rsplit("-", 1)[1]))
    with open(f"{newest}/optimizer.safetensors", "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    return header["masters"]["shape"][0]


# ---------------------------------------------------------------- command line

def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peqa", default=os.environ.get("PEQA"), help="the program (default: $PEQA)")
    parser.add_argument("--model", required=True)
    parser.add_argument("--valid", required=True, help="text to tune on")
    parser.add_argument("--test", required=True, help="text to measure on")
    parser.add_argument("--alpaca", help="JSON array of rows; without it only the texts are run")
    parser.add_argument("--work", required=True, help="folder for everything that is made")
    parser.add_argument("--only", default="", help="pattern of rows")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--ranks", type=int, default=1, help="ranks of peqa train, each with these threads")
    parser.add_argument("--dtype", default="fp32", choices=["fp32", "bf16"], help="of peqa; the others compute in float32")
    parser.add_argument("--tasks", help="names for peqa eval --tasks, measured on every final model")
    parser.add_argument("--task-data", help="folder of their data")
    parser.add_argument("--limit", type=int, help="items of a task")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--render", action="store_true")
    for field in dataclasses.fields(Protocol):
        if field.name != "seeds":
            parser.add_argument("--" + field.name.replace("_", "-"), type=field.type, default=field.default,
                                help="of the protocol (%(default)s)")
    parser.add_argument("--seeds", default="0,1,2")
    a = parser.parse_args()
    if not a.peqa:
        parser.error("--peqa PROGRAM, or PEQA in the environment")
    if a.tasks and not a.task_data:
        parser.error("--tasks needs --task-data DIR")
    for name in ("peqa", "model", "valid", "test", "alpaca", "work", "task_data"):
        if getattr(a, name):
            setattr(a, name, os.path.abspath(getattr(a, name)))
    return a


def main():
    a = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = [field.name for field in dataclasses.fields(Protocol)]
    values = {name: getattr(a, name) for name in names} | dict(seeds=tuple(int(s) for s in a.seeds.split(",")))
    table = Table(a, Protocol(**values))
    table.load()
    if a.list:
        for d, row in table.chosen:
            for key in table.keys(d, row):
                print("done" if key in table.records else "open", key)
        print(f"open: {len(table.open_cells())} cells, {table.estimate()}")
    elif a.render:
        print(quality_render.document(table.chosen, table.records, table.protocol, values["seeds"]))
    else:
        table.run()
        sys.exit(1 if table.failed else 0)


if __name__ == "__main__":
    main()
