#!/usr/bin/env python3
"""Holds `peqa eval --tasks` against lm-evaluation-harness (0.4.13), item by item.

Set-up:  python3 -m venv V && V/bin/pip install torch transformers lm-eval==0.4.13
Use:     V/bin/python check_tasks.py prepare MC WORK
         V/bin/python check_tasks.py reference MODEL WORK OUT.json [--tasks A,B] [--num-fewshot N] [--limit N]
         peqa eval MODEL --dtype fp32 --tasks A,B --num-fewshot N --limit N --data-dir WORK/data --output OUT
         V/bin/python check_tasks.py compare OUT.json OUT [--results R.json]

MC holds piqa, arc, hellaswag, openbookqa and mmlu in their original formats. `prepare` makes of each split that is there
one to evaluate (its first items) and one to draw examples from (the rest), for peqa in the original formats (WORK/data) and
for lm-eval in the columns of the Hub (WORK/hub). `reference` runs lm-eval's own definitions on MODEL, a Hugging Face
directory, in float32. `compare` wants the same prompts, log-likelihoods within --tolerance (of those beyond -100 per 100), the
same greedy marks and the same score of every item, but where two choices are closer than the tolerance. R.json is what peqa
gives with --json: accuracies and their errors are compared too. Leaves with 1 where something differs.

The tolerance is for lm-eval: float32 log_softmax of torch is off by nearly 1e-5 a token, always to one side. On continuations
of many tokens peqa is ten times as near to float64.
"""
import argparse, json, sys
from pathlib import Path

from lm_eval_tasks import definition, rows, splits, write

EVALUATED = {"piqa": 200, "arc_easy": 200, "arc_challenge": 120, "hellaswag": 200, "openbookqa": 200}


def prepare(source, work):
    source, work = Path(source), Path(work)
    originals = {
        "arc_easy": ("arc/ARC-Easy-Validation.jsonl", "arc/ARC-Easy-Train.jsonl"),
        "arc_challenge": ("arc/ARC-Challenge-Validation.jsonl", "arc/ARC-Challenge-Train.jsonl"),
        "openbookqa": ("openbookqa/openbookqa_val.jsonl", "openbookqa/openbookqa_train.jsonl"),
        "hellaswag": ("hellaswag/hellaswag_val.jsonl", "hellaswag/hellaswag_train.jsonl"),
    }
    for task, (evaluated, train) in originals.items():
        found = sorted(source.glob(evaluated.replace(".jsonl", "*.jsonl")))[0]
        items, count = rows(found), EVALUATED[task]
        for name, part, file in (("eval", items[:count], evaluated), ("train", items[count:], train)):
            write(work / "data" / file, part)
            write(work / "hub" / f"{task}.{name}.jsonl", part)
    items = rows(source / "piqa/valid.jsonl")
    labels = (source / "piqa/valid-labels.lst").read_text().split()
    for name, file, part in (("eval", "valid", slice(0, 200)), ("train", "train", slice(200, None))):
        write(work / f"data/piqa/{file}.jsonl", items[part])
        (work / f"data/piqa/{file}-labels.lst").write_text("\n".join(labels[part]) + "\n")
        write(
            work / f"hub/piqa.{name}.jsonl",
            [dict(item, label=int(label)) for item, label in zip(items[part], labels[part])])
    for name, file in (("eval", "mmlu_validation"), ("train", "mmlu_dev")):
        items = rows(source / f"mmlu/{file}.jsonl")
        write(work / f"data/mmlu/{file}.jsonl", items)
        for subject in {item["subject"] for item in items}:
            part = [item for item in items if item["subject"] == subject]
            write(work / f"hub/mmlu_{subject}.{name}.jsonl", part)


def reference(options):
    import torch
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    torch.set_num_threads(options.threads)
    tasks = []
    for name in options.tasks.split(","):
        names = [name]
        if name == "mmlu":
            names = sorted(
                path.name.split(".")[0] for path in Path(options.work, "hub").glob("mmlu_*.eval.jsonl"))
        for task in names:
            fewshot, evaluated = splits(task)
            files = {evaluated: f"{options.work}/hub/{task}.eval.jsonl"}
            if fewshot:
                files[fewshot] = f"{options.work}/hub/{task}.train.jsonl"
            tasks.append(definition(task, files))
    model = HFLM(pretrained=options.model, device="cpu", dtype="float32", batch_size=8)
    found = simple_evaluate(
        model=model, tasks=tasks, num_fewshot=options.num_fewshot, limit=options.limit,
        bootstrap_iters=1000)
    out = {}
    for task, samples in found["samples"].items():
        metrics = {
            key.split(",")[0]: value for key, value in found["results"][task].items()
            if isinstance(value, float)}
        out[task] = {
            "metrics": metrics,
            "samples": [
                {
                    "doc_id": sample["doc_id"],
                    "target": sample["target"],
                    "arguments": [list(pair) for pair in sample["arguments"]],
                    "resps": [[float(a), bool(b)] for a, b in sample["filtered_resps"]],
                    **{key: sample[key] for key in ("acc", "acc_norm") if key in sample},
                } for sample in samples],
        }
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump(out, file)
    for task, part in out.items():
        print(task, len(part["samples"]), part["metrics"])


def arguments(sample):
    """As a list of [context, continuation]."""
    found = sample["arguments"]
    if isinstance(found, dict):  # the form of lm-eval's own samples files
        found = [[found[key]["arg_0"], found[key]["arg_1"]] for key in sorted(found, key=lambda key: int(key.rsplit("_", 1)[1]))]
    return [list(pair) for pair in found]


def is_close_call(sample, tolerance):
    """Whether two choices are so near that rounding decides, normalized or not."""
    lengths = [len(continuation) - 1 for _, continuation in arguments(sample)]
    for divide in (False, True):
        scores = sorted(
            (ll / max(1, length) if divide else ll for (ll, _), length in zip(sample["resps"], lengths)),
            reverse=True)
        if len(scores) > 1 and scores[0] - scores[1] < 2 * allowed(scores[0], tolerance):
            return True
    return False


def allowed(value, tolerance):
    return tolerance * max(1, abs(value) / 100)


def compare_metrics(reference, results):
    """Accuracies and standard errors of tasks and subjects, and those pooled over subjects."""
    from lm_eval.api.metrics import aggregate_subtask_metrics, pooled_sample_stderr

    faults, found = [], {}
    for task, part in results["tasks"].items():
        found[task] = part
        found.update(part.get("subtasks", {}))
    wanted = {task: part["metrics"] for task, part in reference.items()}
    subjects = [task for task in reference if task.startswith("mmlu_")]
    if "mmlu" in found and subjects:
        sizes = [len(reference[task]["samples"]) for task in subjects]
        wanted["mmlu"] = {
            "acc": aggregate_subtask_metrics([wanted[task]["acc"] for task in subjects], sizes),
            "acc_stderr": pooled_sample_stderr([wanted[task]["acc_stderr"] for task in subjects], sizes)}
    for task, metrics in wanted.items():
        for metric in ("acc", "acc_stderr", "acc_norm", "acc_norm_stderr"):
            if metric not in metrics:
                continue
            own = found.get(task, {}).get(metric)
            if own is None or abs(own - metrics[metric]) > 1e-9:
                faults.append(f"{task}: {metric} {own} instead of {metrics[metric]}")
    print(f"accuracies of {len(wanted)} tasks compared")
    return faults


def compare(options):
    with open(options.reference, encoding="utf-8") as file:
        reference = json.load(file)
    faults, compared, greatest, close = [], 0, 0.0, 0
    for task, part in reference.items():
        path = Path(options.samples, f"samples_{task}.jsonl")
        if not path.exists():
            faults.append(f"{task}: no {path}")
            continue
        ours = {sample["doc_id"]: sample for sample in rows(path)}
        if len(ours) != len(part["samples"]):
            faults.append(f"{task}: {len(ours)} items, lm-eval has {len(part['samples'])}")
        for theirs in part["samples"]:
            where, mine = f"{task} {theirs['doc_id']}", ours.get(theirs["doc_id"])
            if mine is None:
                faults.append(f"{where}: missing")
                continue
            compared += 1
            if arguments(mine) != arguments(theirs):
                faults.append(f"{where}: other texts\n  {arguments(mine)[0]!r}\n  {arguments(theirs)[0]!r}")
                continue
            for (one, greedy), (other, same) in zip(mine["filtered_resps"], theirs["resps"]):
                greatest = max(greatest, abs(one - other))
                if abs(one - other) > allowed(other, options.tolerance):
                    faults.append(f"{where}: log-likelihood {one} instead of {other}")
                if greedy != same:
                    faults.append(f"{where}: greedy {greedy} instead of {same}")
            for metric in ("acc", "acc_norm"):
                if metric in theirs and mine[metric] != theirs[metric]:
                    if is_close_call(theirs, options.tolerance):
                        close += 1
                    else:
                        faults.append(f"{where}: {metric} {mine[metric]} instead of {theirs[metric]}")
    if options.results and not close:
        with open(options.results, encoding="utf-8") as file:
            faults += compare_metrics(reference, json.load(file))
    for fault in faults[:40]:
        print(fault)
    print(
        f"{compared} items of {len(reference)} tasks, greatest difference of a log-likelihood {greatest:.2e}, "
        f"{close} scores decided by rounding, {len(faults)} faults")
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser()
    parts = parser.add_subparsers(dest="part", required=True)
    part = parts.add_parser("prepare")
    part.add_argument("source")
    part.add_argument("work")
    part = parts.add_parser("reference")
    part.add_argument("model")
    part.add_argument("work")
    part.add_argument("out")
    part.add_argument("--tasks", default="piqa,arc_easy,arc_challenge,hellaswag,openbookqa")
    part.add_argument("--num-fewshot", type=int, default=0)
    part.add_argument("--limit", type=int, default=100)
    part.add_argument("--threads", type=int, default=1)
    part = parts.add_parser("compare")
    part.add_argument("reference")
    part.add_argument("samples")
    part.add_argument("--tolerance", type=float, default=1e-3)
    part.add_argument("--results")
    options = parser.parse_args()
    if options.part == "prepare":
        prepare(options.source, options.work)
    elif options.part == "reference":
        reference(options)
    else:
        sys.exit(compare(options))


if __name__ == "__main__":
    main()
