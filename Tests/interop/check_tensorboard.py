"""Compares the event files of runs with their metrics.jsonl, by TensorBoard's own reader.

    pip install tensorboard 'setuptools<80'
    python check_tensorboard.py OUTPUT_DIR ...
    python check_tensorboard.py --train .build/release/peqa RUN.yaml OUTPUT_DIR

OUTPUT_DIR is that of a run with `report_to: [jsonl, tensorboard]`. With --train the run is made
first: it is killed on the way and started again, so that steps are taken twice. Every number of
every line must be read back, and nothing else.
"""
import json
import os
import signal
import struct
import subprocess
import sys
import time

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

GROUPS = {
    "train": "epoch loss grad_norm learning_rate scale_drift_rms kl task_loss hidden_loss "
             "num_input_tokens_seen supervised_tokens_seen",
    "system": "tokens_per_second step_time comm_time comm_bytes rank_time_min rank_time_max "
              "rss_private_gb rss_shared_gb save_time bytes_read train_runtime",
}
TAGS = {name: f"{group}/{name}" for group, names in GROUPS.items() for name in names.split()}
TAGS |= {"eval_loss": "eval/loss", "perplexity": "eval/perplexity", "eval_runtime": "eval/runtime"}


def single(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def wanted(folder):
    numbers = {}
    with open(os.path.join(folder, "metrics.jsonl")) as lines:
        for line in lines:
            record = json.loads(line)
            for name, value in record.items():
                if name != "step" and value is not None:
                    tag = TAGS.get(name) or f"tasks/{name}"      # TASK/METRIC, task_runtime
                    numbers.setdefault(tag, []).append((record["step"], single(value)))
    return numbers


def found(folder):
    accumulator = EventAccumulator(
        os.path.join(folder, "tensorboard"), size_guidance={"scalars": 0})
    accumulator.Reload()
    tags = accumulator.Tags()["scalars"]
    return {tag: [(e.step, e.value) for e in accumulator.Scalars(tag)] for tag in tags}


def check(folder):
    ours, theirs = wanted(folder), found(folder)
    assert ours, f"{folder}: metrics.jsonl has no numbers"
    faults = [tag for tag in sorted(ours.keys() | theirs.keys())
              if ours.get(tag) != theirs.get(tag)]
    for tag in faults:
        print(f"{folder}: {tag}: {str(ours.get(tag))[:200]} in metrics.jsonl, "
              f"{str(theirs.get(tag))[:200]} in tensorboard")
    count = sum(map(len, ours.values()))
    files = len(os.listdir(os.path.join(folder, "tensorboard")))
    if not faults:
        print(f"{folder}: {count} scalars of {len(ours)} tags in {files} files read back")
    return not faults


def steps(folder):
    try:
        with open(os.path.join(folder, "metrics.jsonl")) as lines:
            return sum('"loss"' in line for line in lines)
    except FileNotFoundError:
        return 0


def train(program, run, folder):
    command = [program, "train", run, "--output-dir", folder, "--report-to",
               "[jsonl, tensorboard]", "--save-steps", "3", "--logging-steps", "1"]
    process = subprocess.Popen(command)
    # Beyond a checkpoint, so that the next attempt takes steps anew.
    while process.poll() is None and steps(folder) < 5:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run(command, check=True)


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--train"]:
        program, run, folder = arguments[1:]
        train(program, run, folder)
        arguments = [folder]
    results = [check(folder) for folder in arguments]
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
