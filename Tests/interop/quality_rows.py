"""What the quality table measures: the rows, and how a run goes. quality_table.py runs them.

A row has at least three learning rates, which are tried with the first seed and judged on text kept aside; the best one is run
with all seeds. `data` says which data sets a row is run on.
"""
from dataclasses import dataclass, field

BOTH = ("wiki", "alpaca")
WIKI = ("wiki",)


@dataclass(frozen=True)
class Protocol:
    """Shared by all rows. The figures of docs/results/2026-11-23-main-job.md; lengths in tokens."""
    steps: int = 100
    warmup: int = 10
    batch: int = 4
    length: int = 512
    windows: int = 20
    eval_length: int = 1024
    calibration_sequences: int = 64
    alpaca_test: int = 250          # last rows
    alpaca_validation: int = 250    # rows before those, for the choice of a rate
    validation_share: float = 0.1   # of the text tuned on, at its end, likewise
    seeds: tuple = (0, 1, 2)


@dataclass(frozen=True)
class Row:
    """`group` is -1 for one scale a row; `rates` is empty where nothing is tuned."""
    name: str
    program: str                    # peqa, or peers (quality_peers.py)
    method: str                     # peqa: none (full precision), rtn, gptq, blockwise; peers: its METHOD
    bits: int | None = None
    group: int | None = None
    granularity: str | None = None  # peqa: row, group, row+column
    objective: str = "task"         # peqa: task, distill (from the model itself)
    rates: tuple = ()
    settings: dict = field(default_factory=dict)      # peqa: further keys of a run file
    quantize: str | None = None     # peers: GPTQ by peqa or gptqmodel of what the row `of` has tuned
    of: str | None = None
    data: tuple = BOTH


SCALES = (2e-3, 5e-3, 1e-2)         # relative form
ADAPTERS = (3e-4, 1e-3, 3e-3)
WEIGHTS = (1e-5, 3e-5, 1e-4)
DISTILL = {"distill_weight": 0.5}


def peqa(method, bits, group, granularity, data=BOTH, objective="task", **settings):
    width = "rows" if group == -1 else f"g{group}"
    name = f"peqa {method} {bits} bits {width}, {granularity}" + ("" if objective == "task" else f", {objective}")
    return Row(name, "peqa", method, bits, group, granularity, objective, SCALES, settings, data=data)


def gptq(program, bits, group, data=BOTH):
    width = "rows" if group == -1 else f"g{group}"
    return Row(f"LoRA all, then GPTQ by {program} {bits} bits {width}", "peers", "untuned", bits, group, quantize=program,
               of="LoRA all", data=data)


ROWS = [
    Row("full precision", "peqa", "none"),
    Row("full fine-tuning", "peers", "full", rates=WEIGHTS),
    Row("LoRA q,v", "peers", "lora-qv", rates=ADAPTERS),
    Row("LoRA all", "peers", "lora-all", rates=ADAPTERS),
    gptq("peqa", 4, -1),
    gptq("peqa", 4, 64),
    gptq("peqa", 3, -1),
    gptq("peqa", 3, 64),
    gptq("gptqmodel", 4, 64, WIKI),
    gptq("gptqmodel", 3, 64, WIKI),
    Row("QLoRA-like 4 bits g64", "peers", "qlora", 4, 64, rates=ADAPTERS),
    peqa("rtn", 4, -1, "row"),
    peqa("rtn", 4, 64, "row", WIKI),
    peqa("rtn", 3, 64, "row", WIKI),
    peqa("rtn", 3, 64, "group", WIKI),
    peqa("gptq", 4, -1, "row"),
    peqa("gptq", 4, 64, "row"),
    peqa("gptq", 4, 64, "group", WIKI),
    peqa("gptq", 3, -1, "row"),
    peqa("gptq", 3, 64, "row"),
    peqa("gptq", 3, 64, "row+column", WIKI),
    peqa("gptq", 3, 64, "group"),
    peqa("gptq", 3, 64, "row", WIKI, "distill", **DISTILL),
    peqa("gptq", 2, 64, "group", WIKI),
    peqa("blockwise", 3, 64, "row", WIKI),
    peqa("blockwise", 2, 64, "group", WIKI),
]
