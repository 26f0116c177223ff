#!/usr/bin/env python3
"""Memory of several ranks on one node beside that of one, and beside the plan.

    python3 Tests/lab/memory_of_ranks.py RUN.yaml [RANKS]

Runs RUN.yaml (a base and some steps; its output_dir is replaced) with one rank and with RANKS (4), one thread
each, and reads /proc/PID/smaps meanwhile. Leaves with 1 where the base takes 1.1 times the memory of one rank's,
or the private memory differs from the plan by more than a tenth. $PEQA names the program.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEQA = os.path.realpath(os.environ.get("PEQA", ROOT / ".build/release/peqa"))
ENVIRONMENT = dict(os.environ, PEQA_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1",
                   OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")


def base_and_private(pid):
    """Bytes of a process: its share (PSS) of the mapped base, and what it alone has of anything."""
    base = private = 0
    name = ""
    for line in open(f"/proc/{pid}/smaps"):
        words = line.split()
        if not words[0].endswith(":"):
            name = words[5] if len(words) > 5 else ""
        elif words[0] == "Pss:" and name.endswith("base.safetensors"):
            base += int(words[1]) * 1024
        elif words[0] in ("Private_Clean:", "Private_Dirty:") and not name.startswith("/"):
            private += int(words[1]) * 1024
    return base, private


def ranks_of(mark):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/exe") != PEQA:
                continue
            if mark.encode() in open(f"/proc/{pid}/cmdline", "rb").read():
                yield pid
        except OSError:
            continue


def measure(run_file, ranks, folder):
    """Greatest sums over all ranks, bytes: (base, private)."""
    out = f"{folder}/out-{ranks}"
    command = [PEQA, "train", run_file, "-q", "--set", f"output_dir={out}"]
    if ranks > 1:
        command = [str(ROOT / "launch/steps/mpirun"), "-np", str(ranks)] + command
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    best = (0, 0)
    while process.poll() is None:
        try:
            each = [base_and_private(pid) for pid in ranks_of(out)]
        except OSError:
            each = []
        if len(each) == ranks:
            best = tuple(max(old, sum(new)) for old, new in zip(best, zip(*each)))
        time.sleep(0.3)
    if process.returncode:
        sys.exit(f"{' '.join(command)} returned {process.returncode}")
    return best


def planned(run_file, ranks):
    text = subprocess.run([PEQA, "plan", run_file, "--ranks", str(ranks), "--core-gflops", "100", "--json", "-q"],
                          env=ENVIRONMENT, check=True, capture_output=True, text=True).stdout
    return json.loads(text)["plan"]["private_bytes_per_rank"] * ranks


def main():
    run_file, several = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 4
    good, one_base = True, 0
    with tempfile.TemporaryDirectory(prefix="peqa-lab-") as folder:
        for ranks in (1, several):
            base, private = measure(run_file, ranks, folder)
            plan = planned(run_file, ranks)
            one_base = one_base or base
            print(f"{ranks} ranks: base {base / 1e6:.1f} MB ({base / one_base:.2f} of one rank's), private "
                  f"{private / 1e6:.1f} MB, planned {plan / 1e6:.1f} MB ({private / plan:.2f})", flush=True)
            good = good and base < 1.1 * one_base and abs(private / plan - 1) < 0.1
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
