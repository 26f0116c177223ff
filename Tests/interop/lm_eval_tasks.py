"""Task definitions of lm-evaluation-harness (0.4.13) over local files.

`definition(task, files)` is the package's own YAML with the data replaced: `files` maps the
splits that the definition names to JSONL files in the columns of the Hub's data set. Used by
check_tasks.py and by Tests/EvaluationTests/Fixtures/make_task_goldens.py.
"""

import json
import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")

import lm_eval
from lm_eval.tasks._yaml_loader import load_yaml

FOLDER = Path(lm_eval.__file__).parent / "tasks"
YAML = {
    "piqa": "piqa/piqa.yaml",
    "arc_easy": "arc/arc_easy.yaml",
    "arc_challenge": "arc/arc_challenge.yaml",
    "hellaswag": "hellaswag/hellaswag.yaml",
    "openbookqa": "openbookqa/openbookqa.yaml",
    "winogrande": "winogrande/default.yaml",
    "boolq": "super_glue/boolq/default.yaml",
    "lambada_openai": "lambada/lambada_openai.yaml",
}


def yaml_of(task):
    if task.startswith("mmlu_"):
        return FOLDER / "mmlu/default" / f"{task}.yaml"
    return FOLDER / YAML[task]


def definition(task, files):
    """The definition as a dictionary; every split that it names must be in `files`."""
    config = load_yaml(yaml_of(task), resolve_func=True)
    for key in ("tag", "task_alias", "include"):
        config.pop(key, None)
    config["dataset_path"] = "json"
    config["dataset_name"] = None
    config["dataset_kwargs"] = {"data_files": {name: str(path) for name, path in files.items()}}
    return config


def splits(task):
    """(training, evaluated) splits as the definition names them."""
    config = load_yaml(yaml_of(task), resolve_func=True)
    fewshot = config.get("fewshot_split") or config.get("training_split")
    return fewshot, config.get("test_split") or config.get("validation_split")


def rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def write(path, rows):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
