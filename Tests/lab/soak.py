#!/usr/bin/env python3
"""Random faults, automatic restarts, and the adapter of the undisturbed run at the end.

    launch/soak [--faults N] [--minutes M] [--seed S] [--table FILE]

Runs of a tiny model on 2 to 4 ranks of 1 or 2 threads, started with `launch/mpirun-train
--max-restarts`, meet faults one after another until they end; then the next run begins. Some spend
most of their time in evaluation; in some, one rank has a wall clock and a monotonic clock that are
hours off. Each final adapter is compared byte for byte. Ends with 1 where anything was lost, hung
longer than comm_timeout + 5 s, or was left behind. Needs root for a small disk of its own.
"""
import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import time

if os.environ.get("PEQA_LAB_PRIVATE") != "1":
    # Mounts of its own, which end with it.
    os.environ["PEQA_LAB_PRIVATE"] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable] + sys.argv)

import fault_kinds
import lab

LIMIT = 3.0
SAVE_STEPS = 5


class Table:
    """What became of each kind of fault."""

    def __init__(self):
        self.rows = {}

    def add(self, kind, recovered, lost, seconds):
        row = self.rows.setdefault(kind, dict(count=0, recovered=0, lost=[], seconds=[]))
        row["count"] += 1
        row["recovered"] += recovered
        row["lost"] += [] if lost is None else [lost]
        row["seconds"] += [] if seconds is None else [seconds]

    @property
    def count(self):
        return sum(row["count"] for row in self.rows.values())

    def text(self):
        def spread(values, form):
            return f"{form % statistics.median(values)} / {form % max(values)}" if values else "-"
        lines = ["| fault | count | recovered | steps lost, median / most | s to notice, median / most |",
                 "|---|--:|--:|--:|--:|"]
        for kind, row in sorted(self.rows.items()):
            lines.append(f"| {kind} | {row['count']} | {row['recovered']} | "
                         f"{spread(row['lost'], '%d')} | {spread(row['seconds'], '%.1f')} |")
        lines.append(f"| **all** | **{self.count}** | "
                     f"**{sum(row['recovered'] for row in self.rows.values())}** | | |")
        return "\n".join(lines)


class Attempt:
    """One run, through all its restarts."""

    limit = LIMIT

    def __init__(self, number, path, disk, base, environment):
        self.disk, self.base, self.path, self.environment = disk, base, path, environment
        self.ranks = random.choice([2, 2, 3, 4])
        self.threads = random.choice([1, 1, 2])
        self.output = f"{disk}/run"
        self.log = f"{lab.folder}/soak-{number}.log"
        shutil.rmtree(self.output, ignore_errors=True)
        open(self.log, "w").close()
        self.pids = {}
        # Folders of damaged checkpoints, by number: a new one of that name is another folder.
        self.damaged = set()
        self.starts = 0
        self.start()

    def start(self):
        with open(self.log, "a") as out:
            self.wrapper = lab.start(
                [f"{lab.ROOT}/launch/mpirun-train", "-n", str(self.ranks), "-t", str(self.threads),
                 "--max-restarts", "1000", self.path, "--output-dir", self.output],
                stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=os.environ | self.environment)

    def said(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def restarts(self):
        return self.said().count("; restart ")

    def restarted(self):
        return self.restarts() > self.starts or self.over()

    def restore_base(self):
        shutil.copy(f"{lab.BASE}/base.safetensors", f"{self.base}/base.safetensors")

    def over(self):
        return self.wrapper.poll() is not None

    def launchers(self):
        return lab.processes(program="orterun")

    def send(self, pid, number):
        try:
            os.kill(pid, number)
        except OSError:
            pass

    def end(self, pid):
        self.send(pid, 9)

    def back(self, old):
        """Waits for ranks other than `old` that have said where they go on; False where none come."""
        anew = not lab.checkpoints(self.output)

        def ready():
            if self.over():
                return True
            pids = lab.ranks()
            if len(pids) != self.ranks or set(pids.values()) & set(old.values()):
                return False
            return anew or self.said().count("continuing from ") > self.continued
        return lab.wait_until(ready, 40, 0.02)

    def has_checkpoints(self, count):
        """Waits for so many; False where the run ends first."""
        lab.wait_until(lambda: self.over() or len(lab.checkpoints(self.output)) >= count, 20, 0.02)
        return not self.over()

    def whole_checkpoints(self):
        def is_whole(step):
            try:
                return os.stat(f"{self.output}/checkpoint-{step}").st_ino not in self.damaged
            except OSError:
                return False
        return [step for step in lab.checkpoints(self.output) if is_whole(step)]

    def at_work(self, least):
        """Waits until all ranks are up and the run is past a step; False where it has ended."""
        def ready():
            if self.over():
                return True
            self.pids = lab.ranks()
            return len(self.pids) == self.ranks and lab.last_step(self.output) > least
        lab.wait_until(ready, 60, 0.02)
        return not self.over() and len(self.pids) == self.ranks


def resumed_step(text):
    """Where the newest start that went on from a checkpoint did so; 0 where none has."""
    found = re.findall(r"continuing from \S+ at step (\d+)", text)
    return int(found[-1]) if found else 0


def steps_at_stake(attempt, kind, step):
    """How many steps a fault may cost now, and whether that is more than the cadence because saving
    fails: those since the newest checkpoint that is whole, since the one before where it is damaged."""
    whole = [0, 0] + attempt.whole_checkpoints()
    failed = re.findall(r"warning: checkpoint-(\d+) could not be saved", attempt.said())
    damaged = kind in ("torn checkpoint", "flipped bit in a checkpoint")
    is_failing = any(whole[-1] < int(number) <= step for number in failed)
    return max(0, step - whole[-2 if damaged else -1]), SAVE_STEPS * (2 if damaged else 1), is_failing


def meet(attempt, kind, must_restart, harm, table):
    """One fault, and what became of it."""
    attempt.starts, attempt.noticed, attempt.notice_time = attempt.restarts(), None, None
    attempt.continued = attempt.said().count("continuing from ")
    old, step, begun = dict(attempt.pids), lab.last_step(attempt.output), time.monotonic()
    at_stake, cadence, is_failing = steps_at_stake(attempt, kind, step)
    if harm(attempt) is False or attempt.over() and attempt.restarts() == attempt.starts:
        # The run was over before harm was done.
        return
    if must_restart:
        # A damaged base is refused by the next start, and that is the end of the wrapper.
        seen = attempt.over if harm is fault_kinds.flip_in_base else attempt.restarted
        attempt.noticed = lab.wait_until(seen, LIMIT + 10, 0.02)
        attempt.notice_time = time.monotonic()
    if attempt.over() and attempt.wrapper.returncode == 65:
        # The base is damaged: said so, and only a whole copy helps.
        lab.check("the damaged base is named", "base.safetensors" in attempt.said(), attempt.said()[-2000:])
        attempt.restore_base()
        attempt.start()
    elif harm is fault_kinds.flip_in_base and attempt.over():
        # The run had finished, and did not look at it again.
        attempt.restore_base()
    seconds = attempt.notice_time - begun if attempt.notice_time else None
    if must_restart or attempt.restarted():
        lost = None
        if attempt.back(old):
            # Nothing where the run had finished and did not start again.
            is_done = attempt.over() and attempt.restarts() == attempt.starts
            lost = 0 if is_done else max(0, step - resumed_step(attempt.said()))
        strays = [pid for pid in old.values() if pid in lab.processes()]
        if strays and "mpirun" in kind:
            # Nobody but they themselves can end them then.
            strays = [] if lab.wait_until(
                lambda: not set(old.values()) & set(lab.processes()), LIMIT + 2) else strays
        lab.check(f"{kind}: no stray process", not strays, strays)
    else:
        lost = 0
    recovered = attempt.at_work(lab.last_step(attempt.output)) or attempt.over() and attempt.wrapper.returncode == 0
    ok = lab.check(f"{kind}: recovered", recovered, attempt.said()[-3000:])
    if seconds is not None and not (kind == "disk full"):
        ok &= lab.check(f"{kind}: noticed within comm_timeout + 5 s", seconds <= LIMIT + 5, f"{seconds:.1f}")
    if lost is not None:
        ok &= lab.check(f"{kind}: at most {at_stake} steps lost", lost <= at_stake,
                        f"{lost}\n{attempt.said()[-3000:]}")
        ok &= lab.check(f"{kind}: no more than the cadence", lost <= cadence or is_failing,
                        f"{lost}\n{attempt.said()[-3000:]}")
    table.add(kind, bool(ok), lost, seconds)


def skewed(folder):
    """A program for ranks that gives rank 1 other clocks; None where they cannot be made."""
    library = f"{folder}/skewed_clock.so"
    source = f"{lab.ROOT}/Tests/lab/skewed_clock.c"
    if lab.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, source])[0] != 0:
        lab.log("no C compiler: no clock skew")
        return None
    path = f"{folder}/skewed-peqa"
    with open(path, "w") as file:
        file.write(f"""#!/bin/bash
[ "$OMPI_COMM_WORLD_RANK" = 1 ] || exec {lab.PEQA} "$@"
export LD_PRELOAD={library} PEQA_LAB_SKEW=-7200
exec unshare --time --monotonic 86400 --boottime 86400 {lab.PEQA} "$@"
""")
    os.chmod(path, 0o755)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--table", help="file for the table, in markdown")
    options = parser.parse_args()
    lab.need("util-linux")
    random.seed(options.seed)
    lab.log(f"seed {options.seed}")
    disk, base = f"{lab.folder}/disk", f"{lab.folder}/base"
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "peqa-lab", disk], check=True)
    lab.mounts.append(disk)
    shutil.copytree(lab.BASE, base)
    common = dict(model=base, save_steps=SAVE_STEPS, comm_timeout=LIMIT, eval_steps=50)
    kinds = {
        "step": lab.run_file("steps.yaml", **common | dict(max_steps=500)),
        "evaluation": lab.run_file("evaluations.yaml", **common | dict(
            max_steps=160, eval_steps=1, val_set_size=60)),
    }
    expected = {kind: lab.undisturbed(path, kind)[0] for kind, path in kinds.items()}
    program = skewed(lab.folder)
    deck, weights = fault_kinds.KINDS, [entry[3] for entry in fault_kinds.KINDS]
    # Each kind once, then at random.
    first = random.sample(deck, len(deck))
    table, number, end = Table(), 0, time.monotonic() + options.minutes * 60
    while table.count < options.faults and time.monotonic() < end:
        mode = "evaluation" if number % 4 == 3 else "step"
        skew = program and number % 3 == 1
        attempt = Attempt(number, kinds[mode], disk, base, {"PEQA": program} if skew else {})
        least = 0
        while table.count < options.faults and time.monotonic() < end and attempt.at_work(least):
            time.sleep(random.uniform(0, 0.6))
            if not attempt.at_work(least):
                break
            kind, harm, must_restart, _ = first.pop() if first else random.choices(deck, weights)[0]
            if mode == "evaluation" and harm is fault_kinds.kill:
                kind = "kill -9 of a rank, most likely in an evaluation"
            meet(attempt, kind, must_restart, harm, table)
            least = lab.last_step(attempt.output)
        try:
            attempt.wrapper.wait(180)
        except subprocess.TimeoutExpired:
            lab.check("the run ends", False, attempt.said()[-3000:])
            attempt.wrapper.terminate()
        same = lab.digest(attempt.output) == expected[mode]
        lab.check(f"run {number} ({mode}, {attempt.ranks} ranks): the undisturbed adapter", same,
                  attempt.said()[-4000:])
        if skew:
            table.add("one rank's clocks 2 h and 1 day off, the whole run", same, 0, None)
        lab.no_strays(f"run {number}")
        lab.log(f"{table.count} faults, {number + 1} runs")
        number += 1
    summary = f"{table.count} faults in {number} runs, seed {options.seed}, comm_timeout {LIMIT:g} s, " \
              f"a checkpoint every {SAVE_STEPS} steps"
    text = f"{summary}\n\n{table.text()}\n"
    print(f"\n{text}", flush=True)
    if options.table:
        with open(options.table, "w") as file:
            file.write(text)
    lab.finish()


main()
