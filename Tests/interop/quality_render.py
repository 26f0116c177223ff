"""The Markdown of quality_table.py, from its finished cells."""
import math, shlex

HEAD = ["method", "trained numbers", "rate", "before", "after", "min to max", "seeds", "tuning", "memory"]
TITLES = {"wiki": "WikiText-2: perplexity of `wiki.test.raw`", "alpaca": "Alpaca: loss on rows kept aside"}


def document(rows, records, protocol, seeds):
    parts = [heading(records, protocol), bases(records)]
    for data in dict.fromkeys(d for d, _ in rows):
        mine = [row for d, row in rows if d == data]
        parts += [f"## {TITLES[data]}", table(data, mine, records, seeds),
                  "### Learning rates", rates(data, mine, records), "### Commands", commands(data, mine, records, seeds)]
    return "\n\n".join(part for part in parts if part)


def heading(records, p):
    machines = dict.fromkeys(", ".join(f"{k} {v}" for k, v in r["machine"].items())
                             + f"; ranks x threads: {r['ranks']} x {r['threads']}" for r in records.values())
    return "\n".join([
        f"{p['steps']} steps of {p['batch']} x {p['length']} tokens, {p['warmup']} of them warm-up; peqa computes in {p['dtype']},",
        f"the others in fp32. Texts are measured on their first {p['windows']} windows of {p['eval_length']} tokens, no BOS.",
        "Figures are means ± standard deviations over seeds. Tuning is the time of the steps, memory the highest resident size",
        "in them.", "",
        *(f"Machine: {machine}." for machine in machines)])


def bases(records):
    """Of peqa; a base serves all data sets."""
    body = []
    for key, r in sorted(records.items()):
        if r["kind"] == "base":
            name = key.removeprefix("base/")
            started = [records.get(f"{data}/{name}/before") for data in TITLES]
            body.append([name, f"{r['base_bytes'] / 1e6:.1f} MB", f"{r['cost']['wall']:.0f} s", f"{r['cost']['peak_mb']} MB",
                         *(number(measure(d, b), d) if b else "" for d, b in zip(TITLES, started)), r["base_sha256"][:8]])
    head = ["base", "size", "time", "memory", "perplexity, text", "loss, Alpaca", "base_sha256"]
    return "## Bases\n\n" + lined(head, body) if body else ""


def measure(data, record, when=""):
    """Perplexity of texts, loss of rows."""
    return record.get(("perplexity" if data == "wiki" else "loss") + when)


def number(value, data="wiki"):
    return "" if value is None else f"{value:.2f}" if data == "wiki" else f"{value:.4f}"


def lined(head, body):
    line = lambda cells: "| " + " | ".join(cells) + " |"
    return "\n".join([line(head), "|" + "---|" * len(head), *map(line, body)])


# ---------------------------------------------------------------- the table

def finals(data, row, records, seeds):
    found = [records.get(f"{data}/{row.name}/seed {seed}") for seed in seeds]
    return [r for r in found if r]


def before(data, row, records, runs):
    """What the row starts from: its base, its own figure, the model tuned before GPTQ, or full precision."""
    if row.program == "peqa" and row.bits:
        width = "rows" if row.group == -1 else f"g{row.group}"
        record = records.get(f"{data}/{row.method} {row.bits} {width}/before")
        return measure(data, record) if record else None
    return next((measure(data, r, "_before") for r in runs if measure(data, r, "_before")), None)


def mean(values):
    return sum(values) / len(values)


def deviation(values):
    return math.sqrt(sum((v - mean(values)) ** 2 for v in values) / (len(values) - 1))


def spread(values, data):
    """Mean with the standard deviation of a run, where there are several."""
    return number(mean(values), data) + (f" ± {number(deviation(values), data)}" if len(values) > 1 else "")


def span(values, data):
    return f"{number(min(values), data)} to {number(max(values), data)}" if len(values) > 1 else ""


def tasks_of(rows, data, records, seeds):
    return sorted({task for row in rows for r in finals(data, row, records, seeds) for task in r.get("tasks", {})})


def accuracy(runs, task):
    """acc_norm where the task has it, else its first figure, mean over seeds."""
    found = [r["tasks"][task] for r in runs if task in r.get("tasks", {})]
    if not found:
        return ""
    metric = "acc_norm" if "acc_norm" in found[0] else next(iter(found[0]))
    return f"{metric} {mean([f[metric] for f in found]):.3f}"


def table(data, rows, records, seeds):
    tasks, body = tasks_of(rows, data, records, seeds), []
    for row in rows:
        runs = finals(data, row, records, seeds)
        if not runs:
            continue
        after, first = [measure(data, r) for r in runs], runs[0]
        behind = " (GPTQ)" if "quantize_seconds" in first else ""
        seconds = [r.get("seconds", r.get("quantize_seconds")) for r in runs if "seconds" in r or behind]
        body.append([
            row.name, f"{first['trained']:,}" if "trained" in first else "", f"{first['rate']:g}" if first.get("rate") else "",
            number(before(data, row, records, runs), data), spread(after, data), span(after, data),
            str(len(runs)) if row.rates or row.of else "",
            f"{mean(seconds):.0f} s{behind}" if seconds else "",
            f"{max(r['peak_mb'] for r in runs)} MB" if "peak_mb" in first else "",
            *(accuracy(runs, task) for task in tasks)])
    return lined(HEAD + tasks, body)


# ---------------------------------------------------------------- below it

def rates(data, rows, records):
    body = []
    for row in rows:
        start = f"{data}/{row.name}/rate "
        tried = sorted((r["rate"], measure(data, r)) for key, r in records.items() if key.startswith(start))
        if tried:
            best = min(tried, key=lambda pair: pair[1])
            edge = "at the edge" if best in (tried[0], tried[-1]) else ""
            shown = [f"{rate:g}: {number(value, data)}" for rate, value in tried]
            shown[tried.index(best)] = f"**{shown[tried.index(best)]}**"
            body.append([row.name, ", ".join(shown), edge])
    return lined(["method", "on the part kept aside, first seed", ""], body) if body else ""


def commands(data, rows, records, seeds):
    """Of the first seed; the others differ in `--seed` and the folder."""
    lines = []
    for row in rows:
        runs = finals(data, row, records, seeds)
        if not runs:
            continue
        each = ", ".join(f"seed {r['seed']}: {number(measure(data, r), data)}" for r in runs if "seed" in r)
        lines.append(f"{row.name}" + (f" ({each})" if each else "") + "\n")
        made = records.get(f"base/{row.method} {row.bits} {'rows' if row.group == -1 else f'g{row.group}'}")
        for argv in (made["commands"] if made and row.program == "peqa" else []) + runs[0]["commands"]:
            lines.append("    " + shell(argv))
        lines.append("")
    return "\n".join(lines).rstrip()


def shell(argv):
    """Quoted for a shell, but for the variables."""
    return " ".join(part if part.startswith("$") and " " not in part
                    else '"' + part.replace('"', '\\"') + '"' if "$" in part else shlex.quote(part) for part in argv)
