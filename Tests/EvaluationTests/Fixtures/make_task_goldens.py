#!/usr/bin/env python3
"""Makes tasks/: records of our own in the layouts that peqa reads, and what lm-eval 0.4.13 makes of them.

Use:  V/bin/python make_task_goldens.py      (V as Tests/interop/check_tasks.py says)

tasks/data holds the records. tasks/prompts.json: for each task and number of examples, of every item: the contexts, the
requests as [index of the context, continuation], the target, made by lm-eval's own definitions from the same records in the columns of the Hub. tasks/random.json: samples
of Python's random.Random.
"""
import json, random, string, sys, tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "interop"))
from lm_eval.api.task import ConfigurableTask
from lm_eval_tasks import definition, splits, write

OUT = HERE / "tasks"
DATA = OUT / "data"
THINGS = ["kettle", "ladder", "bicycle", "lantern", "garden hose", "paint brush", "wool coat", "café table", "violin", "map"]
VERBS = ["clean", "carry", "repair", "store", "lend", "sell", "hide", "draw", "weigh", "lift"]
PLACES = ["in the shed", "behind the door", "at the market", "near the river", "under “old” boxes", "on a shelf"]


def sentence(i, salt=0):
    return f"{VERBS[(i * 3 + salt) % 10]} the {THINGS[(i * 7 + salt) % 10]} {PLACES[(i + salt) % 6]}"


def labels(letters="ABCD"):
    return list(letters)


def piqa(count, salt):
    rows = [
        {
            "goal": f"How do I {sentence(i, salt)}?", "sol1": f"First {sentence(i + 1, salt)}.",
            "sol2": f"Never {sentence(i + 2, salt)} " if i % 3 == 0 else f"Use water to {sentence(i + 2, salt)}.",
            "label": (i * 5 + salt) % 2,
        } for i in range(count)]
    return rows, [{k: r[k] for k in ("goal", "sol1", "sol2")} for r in rows], [r["label"] for r in rows]


def question(i, salt, digits=False):
    letters = ["1", "2", "3", "4"] if digits and i % 2 else labels()
    count = 3 if i % 4 == 2 else 4
    return {
        "id": f"q{salt}-{i}", "question": f"Which tool helps to {sentence(i, salt)}?",
        "choices": {
            "text": [f"a {THINGS[(i + j * 3 + salt) % 10]}" for j in range(count)], "label": letters[:count]},
        "answerKey": letters[(i + salt) % count],
    }


def nested(row):
    """The original form of ARC and OpenBookQA."""
    choices = [{"text": t, "label": l} for t, l in zip(row["choices"]["text"], row["choices"]["label"])]
    return {"id": row["id"], "question": {"stem": row.get("question", row.get("question_stem")), "choices": choices},
            "answerKey": row["answerKey"]}


def open_question(i, salt):
    row = question(i, salt)
    row["question_stem"] = row.pop("question").rstrip("?")
    row["answerKey"] = (" " if i % 3 == 0 else "") + row["answerKey"]
    return row


def hellaswag(i, salt):
    marks = ["[header] How to {} [title] Plan. [step] Begin early.", "A person is going to {}. [substeps] It takes  time.",
             "  The camera shows someone who will {}."]
    return {
        "ind": i, "activity_label": "Home and Garden" if i % 3 == 0 else "Sailing",
        "ctx_a": marks[i % 3].format(sentence(i, salt)), "ctx_b": ["", "then He Jumps", "éva WAITS"][i % 3],
        "ctx": "unused", "endings": [
            f" [step] {sentence(i + j, salt)} [title] Rest." if j == i % 4 else f"{sentence(i + j, salt)}  [and] more."
            for j in range(4)], "source_id": "own", "split": "val", "split_type": "own",
        "label": str((i * 3 + salt) % 4),
    }


def winogrande(i, salt):
    a, b = THINGS[(i + salt) % 10], THINGS[(i + salt + 4) % 10]
    return {"sentence": f"I put the {a} and the {b} away, because the _ was   heavy and old_fashioned {PLACES[i % 6]}. ",
            "option1": a, "option2": b, "answer": str((i + salt) % 2 + 1)}


def boolq(i, salt):
    return {"question": f"did they {sentence(i, salt)}",
            "passage": f"On that day they went out to {sentence(i, salt)}.\nLater, they did not {sentence(i + 1, salt)}.",
            "label": (i * 3 + salt) % 2}


def mmlu(i, salt, subject):
    return {"subject": subject, "question": f" What does it take to {sentence(i, salt)}?\nChoose. ",
            "choices": [f"{THINGS[(i + j + salt) % 10]}" for j in range(4)], "answer": (i + salt) % 4}


def lambada(i, salt):
    return {"text": f"He said: “{sentence(i, salt)}, and then {sentence(i + 1, salt)}.” So they began with the "
            + THINGS[(i * 7 + salt) % 10].split()[0]}


def both(task, folder, files, evaluated, train, convert=lambda row: row):
    """Files for peqa by `convert`, and the rows for lm-eval."""
    for name, rows in zip(files, (evaluated, train)):
        if name:
            write(DATA / folder / name, [convert(row) for row in rows])
    return task, evaluated, train


def sets():
    evaluated, rows, marks = piqa(6, 0)
    train, more, moremarks = piqa(30, 3)
    for name, part, lines in (("valid", rows, marks), ("train", more, moremarks)):
        write(DATA / f"piqa/{name}.jsonl", part)
        (DATA / f"piqa/{name}-labels.lst").write_text("".join(f"{line}\n" for line in lines))
    yield "piqa", evaluated, train
    yield both("arc_easy", "arc", ("ARC-Easy-Test.jsonl", "ARC-Easy-Train.jsonl"),
               [question(i, 0, True) for i in range(6)], [question(i, 1, True) for i in range(24)], nested)
    yield both("arc_challenge", "arc_challenge", ("test-00000.jsonl", "train-00000.jsonl"),
               [question(i, 2) for i in range(4)], [question(i, 5) for i in range(12)])
    yield both("openbookqa", "openbookqa", ("openbookqa_val.jsonl", "train.jsonl"),
               [open_question(i, 3) for i in range(5)], [open_question(i, 6) for i in range(25)], nested)
    yield both("hellaswag", "hellaswag", ("hellaswag_val.jsonl", "hellaswag_train.jsonl"),
               [hellaswag(i, 0) for i in range(7)], [hellaswag(i, 2) for i in range(26)])
    yield both("winogrande", "winogrande", ("dev.jsonl", "train_xl.jsonl"),
               [winogrande(i, 0) for i in range(5)], [winogrande(i, 3) for i in range(23)])

    def original(row):
        return {"question": row["question"], "title": "T", "answer": bool(row["label"]), "passage": row["passage"]}

    yield both("boolq", "boolq", ("dev.jsonl", "train.jsonl"), [boolq(i, 0) for i in range(5)],
               [boolq(i, 2) for i in range(22)], original)
    rows = [lambada(i, 0) for i in range(9)]
    write(DATA / "lambada/lambada_test.jsonl", rows)
    yield "lambada_openai", rows, None
    tested, shown = [], []
    for subject, salt in (("high_school_biology", 0), ("anatomy", 4)):
        evaluated = [mmlu(i, salt, subject) for i in range(3)]
        train = [mmlu(i, salt + 2, subject) for i in range(5)]
        tested += evaluated
        shown += train
        yield f"mmlu_{subject}", evaluated, train
    write(DATA / "mmlu/mmlu_test.jsonl", tested[::2] + tested[1::2])
    write(DATA / "mmlu/mmlu_dev.jsonl", shown)


def super_ni():
    """Tasks in both layouts; prompts as Tk-Instruct's collator encodes them, without the last space."""
    def closed(text):
        return text if text[-1] in string.punctuation else text + "."

    golden = {}
    for number, path in ((1, "task1_own_{}/test.json"), (2, "task2_own_{}.json")):
        name = f"task{number}_own_{'list' if number == 1 else 'flat'}"
        path = path.format(name.rsplit("_", 1)[1])
        task = {
            "Definition": [f" Say what to do, part {number}! "] if number == 1 else "Answer with one word ",
            "Positive Examples": [
                {"input": f" {sentence(i, number)}{'?' if i == 1 else ''} ", "output": f"{sentence(i + 1, number)} ",
                 "explanation": "none"} for i in range(3)],
            "Negative Examples": [],
            "Instances": [
                {"id": f"{name}-{i}", "input": f"{sentence(i, number + 3)}{'.' if i else ''}\n",
                 "output": [THINGS[i], "other"] if i else THINGS[i]} for i in range(3)],
        }
        write(DATA / "super_ni" / path, [task])
        definition = task["Definition"][0] if number == 1 else task["Definition"]
        for shots in (0, 2):
            items = []
            for instance in task["Instances"]:
                text = closed("Definition: " + definition.strip()) + "\n\n"
                for i, example in enumerate(task["Positive Examples"][:shots]):
                    text += f" Positive Example {i + 1} -\n" + closed("Input: " + example["input"].strip()) + "\n"
                    text += closed(" Output: " + example["output"].strip()) + "\n\n"
                text += "Now complete the following example -\n" + closed("Input: " + instance["input"].strip()) + "\nOutput:"
                items.append({"target": instance["output"], "contexts": [text], "requests": [[0, ""]]})
            golden[f"super_ni_{name} {shots}"] = items
    return golden


def prompts(task, evaluated, train, shots, folder):
    if task.startswith("mmlu_"):  # peqa reads them from one file, in this order
        order = evaluated[::2] + evaluated[1::2]
        evaluated = order if task.endswith("biology") else evaluated[1::2] + evaluated[::2]
    fewshot, tested = splits(task)
    write(folder / "eval.jsonl", evaluated)
    files = {tested: folder / "eval.jsonl"}
    if fewshot:
        write(folder / "train.jsonl", train)
        files[fewshot] = folder / "train.jsonl"
    made = ConfigurableTask(config=definition(task, files))
    made.set_config("num_fewshot", shots)
    made.set_fewshot_seed(1234)
    made.build_all_requests()
    items = []
    for instance in made.instances:
        if len(items) <= instance.doc_id:
            items.append({"target": made.doc_to_target(instance.doc), "contexts": [], "requests": []})
            if made.multiple_input:
                items[-1]["right"] = made.doc_to_text(instance.doc)
        context, continuation = instance.arguments
        if context not in items[-1]["contexts"]:
            items[-1]["contexts"].append(context)
        items[-1]["requests"].append([items[-1]["contexts"].index(context), continuation])
    return items


def main():
    golden = super_ni()
    for task, evaluated, train in sets():
        for shots in (0, 3) + ((7,) if task == "piqa" else ()):
            with tempfile.TemporaryDirectory() as folder:
                golden[f"{task} {shots}"] = prompts(task, evaluated, train, shots, Path(folder))
    (OUT / "prompts.json").write_text(json.dumps(golden, ensure_ascii=False, indent=0) + "\n")
    words = random.Random(1234)
    samples = []
    for k, n in [(0, 5), (1, 1), (3, 21), (3, 22), (5, 21), (5, 37), (6, 37), (6, 85), (6, 86), (22, 85), (22, 300), (25, 5153)]:
        drawn = random.Random(1234)
        samples.append({"k": k, "n": n, "samples": [drawn.sample(range(n), k) for _ in range(4)]})
    (OUT / "random.json").write_text(
        json.dumps({"words": [words.getrandbits(32) for _ in range(1300)][::13], "samples": samples}) + "\n")


main()
