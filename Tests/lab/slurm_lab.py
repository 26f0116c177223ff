#!/usr/bin/env python3
"""The project's Slurm scripts on a real Slurm: submit, cancel, requeue, array, sweep, the time limit.

Started by `launch/test --lab`; takes about 3 minutes, most of it the time limit of a minute that is
the shortest that Slurm has.
"""
import json
import os

import lab
from slurm_cluster import PACKAGES, Slurm

SBATCH = ["sbatch", "--parsable", "-N", "2", "--ntasks-per-node=1", "-t", "10"]
SCRIPT = f"{lab.ROOT}/launch/train.sbatch"


def output_of(name):
    return f"{lab.folder}/{name}"


def job_log(job):
    try:
        with open(f"{lab.folder}/peqa-{job}.out", errors="replace") as file:
            return file.read()
    except OSError:
        return "(no log)"


def completed(slurm, job, name, expected, restarts, limit=60):
    """A job ends well, with the adapter of the undisturbed run, after so many restarts."""
    state = slurm.wait_for_end(job, limit)
    times = int(slurm.field(job, "Restarts") or 0)
    text = job_log(job)
    lab.check(f"{name}: COMPLETED", state == "COMPLETED", f"{state}\n{text}")
    lab.check(f"{name}: restarts {restarts}", times in restarts, f"{times}\n{text}")
    lab.check(f"{name}: the undisturbed adapter", lab.digest(output_of(name)) == expected, text)


def begun(name, step=12):
    return lab.wait_until(lambda: lab.last_step(output_of(name)) >= step, 40)


def disturbed(slurm, name, path, expected, disturb, launcher, restarts=(1,)):
    job = slurm.submit(
        *SBATCH, SCRIPT, path, "--output-dir", output_of(name), LAUNCHER=launcher)
    lab.check(f"{name}: starts", begun(name), job_log(job))
    disturb(job)
    completed(slurm, job, name, expected, restarts)
    lab.no_strays(name)


def kill_a_rank(_job, parent):
    """Ends rank 1, wherever its launcher has put it, with -9."""
    pid = lab.ranks().get(1)
    above = lab.ancestors(pid) if pid else []
    lab.check(f"rank 1 is there, below {parent}", parent in above, f"{pid}: {above}")
    if pid:
        os.kill(pid, 9)


def array(slurm, path):
    """Three learning rates as three tasks of one job; each is what it is alone."""
    rates = ["1e-3", "3e-3", "5e-3"]
    runs = f"{lab.folder}/runs.txt"
    with open(runs, "w") as file:
        for rate in rates:
            file.write(f"{path} --learning-rate {rate} --output-dir '{output_of('rate-' + rate)}'\n")
    job = slurm.submit(f"{lab.ROOT}/launch/array", runs, "-n", "1", "-t", "10")
    lab.wait_until(lambda: not slurm.call("squeue", "-h", "-j", job).strip(), 60, 0.3)
    found = [lab.digest(output_of("rate-" + rate)) for rate in rates]
    lab.check("array: three different adapters", None not in found and len(set(found)) == 3, found)
    alone = lab.undisturbed(
        lab.run_file("rate.yaml", max_steps=150, learning_rate=rates[0]), "rate-alone")[0]
    lab.check("array: a task's adapter is that of the run alone", found[0] == alone)


def cancelled(slurm, path, expected):
    """scancel loses nothing but the steps since the last checkpoint."""
    job = slurm.submit(*SBATCH, SCRIPT, path, "--output-dir", output_of("cancel"), LAUNCHER="srun")
    begun("cancel")
    slurm.call("scancel", job)
    lab.check("cancel: CANCELLED", slurm.wait_for_end(job, 20) == "CANCELLED", job_log(job))
    lab.no_strays("cancel", 8)
    lab.check("cancel: no adapter", lab.digest(output_of("cancel")) is None)
    job = slurm.submit(*SBATCH, SCRIPT, path, "--output-dir", output_of("cancel"), LAUNCHER="mpirun")
    completed(slurm, job, "cancel", expected, (0,))
    lab.check("cancel: the next job went on", "continuing from " in job_log(job), job_log(job))


def sweep(slurm):
    """A sweep killed with its jobs in the queue goes on with them, and does no step twice."""
    path = lab.run_file("sweep.yaml", max_steps=40, output_dir=output_of("sweep"))
    with open(path, "a") as file:
        file.write("sweep:\n  parameters: {learning_rate: [1e-3, 3e-3, 5e-3], seed: [1, 2]}\n"
                   '  rungs: [10]\n  slurm: ["-n", "1", "-t", "10"]\n')
    with open(f"{lab.folder}/sweep.log", "w") as log:
        first = lab.start([lab.PEQA, "sweep", path], stdout=log, stderr=log)
    queued = lab.wait_until(lambda: slurm.call("squeue", "-h").strip(), 30)
    first.kill()
    first.wait()
    lab.check("sweep: has queued a job", queued, open(f"{lab.folder}/sweep.log").read())
    code, text, _ = lab.run([lab.PEQA, "sweep", path], 120)
    lab.check("sweep: ends well", code == 0 and os.path.exists(output_of("sweep/best.yaml")), text)
    steps = []
    for number in range(1, 7):
        with open(output_of(f"sweep/run-{number:04}/metrics.jsonl")) as file:
            steps.append([json.loads(line)["step"] for line in file if '"loss"' in line])
        with open(output_of(f"sweep/run-{number:04}/run.json")) as file:
            record = json.load(file)
        starts = 1 + len(record.get("previous", []))
        lab.check(f"sweep: run {number} was started once a rung", starts == 1 + (len(steps[-1]) > 10),
                  f"{starts} starts, {len(steps[-1])} steps")
    lab.check("sweep: two runs to the end, four to the rung",
              sorted(map(len, steps)) == [10] * 4 + [40] * 2, steps)


def time_limit(slurm):
    """A job that needs more than its time limit: nobody touches it until it has ended."""
    # Steps of this size take the same work on any machine; so many of them that the whole takes
    # half a minute or more of a limit of one, from which Slurm takes up to 47 s.
    size = dict(max_seq_length=512, global_batch_size=24, save_steps=0, val_set_size=0)
    _, seconds = lab.undisturbed(lab.run_file("probe.yaml", **size, max_steps=20), "probe")
    steps = max(40, int(20 * 45 / seconds))
    path = lab.run_file("limit.yaml", **size, max_steps=steps)
    expected, seconds = lab.undisturbed(path, "limit-reference")
    lab.log(f"time limit: {steps} steps, {seconds:.0f} s undisturbed on one rank; limit 1 minute")
    job = slurm.submit(
        "sbatch", "--parsable", "-N", "2", "--ntasks-per-node=1", "-t", "1", "--signal=B:USR1@30",
        SCRIPT, path, "--output-dir", output_of("limit"), LAUNCHER="srun")
    completed(slurm, job, "limit", expected, range(1, 9), 240)
    text = job_log(job)
    for line in text.split("\n"):
        if "train.sbatch" in line or "slurm_script" in line or "continuing" in line:
            lab.log(f"  job {job}: {line}")
    lab.check("limit: saved, then queued again by itself", "queued again" in text, text)
    lab.log(f"  undisturbed {expected}, job {job} {lab.digest(output_of('limit'))}")


def main():
    lab.need(*PACKAGES)
    path = lab.run_file("short.yaml", max_steps=150, max_seq_length=192)
    path_rates = lab.run_file("rates.yaml", max_steps=150)
    expected, _ = lab.undisturbed(path)
    with Slurm(4) as slurm:
        for launcher in ("srun", "mpirun"):
            disturbed(slurm, f"{launcher}-usr1", path, expected,
                      lambda job: slurm.call("scancel", "-b", "-s", "USR1", job), launcher)
            # Slurm's step manager with PMIx, or Open MPI's own daemon.
            parent = "slurmstepd" if launcher == "srun" else "orted"
            disturbed(slurm, f"{launcher}-kill", path, expected,
                      lambda job, parent=parent: kill_a_rank(job, parent), launcher)
        disturbed(slurm, "requeue", path, expected,
                  lambda job: slurm.call("scontrol", "requeue", job), "srun")
        cancelled(slurm, path, expected)
        array(slurm, path_rates)
        sweep(slurm)
        time_limit(slurm)
    lab.no_strays("Slurm")
    lab.finish()


main()
