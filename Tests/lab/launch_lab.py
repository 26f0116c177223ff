#!/usr/bin/env python3
"""Scripts of launch/ on this machine alone: restarts, launchers that hang, the dry run.

Started by `launch/test --lab`; needs no Slurm and no namespaces.
"""
import os
import signal

import lab


def restarts(path, expected):
    """--max-restarts N starts again N times, not once more, and not after a signal."""
    for allowed, code in ((0, 137), (3, 0)):
        output = f"{lab.folder}/restarts-{allowed}"
        process = lab.start(
            [f"{lab.ROOT}/launch/mpirun-train", "-n", "2", "--max-restarts", str(allowed), path,
             "--output-dir", output], stderr=lab.subprocess.DEVNULL)
        lab.wait_until(lambda: lab.last_step(output) >= 12, 30, 0.01)
        os.kill(lab.ranks()[1], signal.SIGKILL)
        lab.check(f"a killed rank, {allowed} restarts: {code}", process.wait(60) == code, process.returncode)
        lab.check(f"{allowed} restarts: the adapter", (lab.digest(output) == expected) == (code == 0))
        lab.no_strays(f"{allowed} restarts")
    output = f"{lab.folder}/stopped"
    process = lab.start(
        [f"{lab.ROOT}/launch/mpirun-train", "-n", "2", "--max-restarts", "3", path,
         "--output-dir", output], stderr=lab.subprocess.DEVNULL)
    lab.wait_until(lambda: lab.last_step(output) >= 12, 30, 0.01)
    process.send_signal(signal.SIGUSR1)
    lab.check("USR1 to the wrapper: saved, 75, no other start", process.wait(30) == 75, process.returncode)
    lab.check("USR1: a checkpoint is there", bool(lab.checkpoints(output)))


def useless_restart(path):
    """What cannot get better is not tried again."""
    code, text, _ = lab.run(
        [f"{lab.ROOT}/launch/mpirun-train", "-n", "2", "--max-restarts", "3", path, "--model",
         f"{lab.folder}/nowhere", "--output-dir", f"{lab.folder}/none"])
    lab.check("a missing base: 66 at once", code == 66 and "restart" not in text, text)


def killed_when_done(path, expected):
    """A rank that is lost after the run has finished costs no other start, which would be refused."""
    program, output = f"{lab.folder}/dies-late", f"{lab.folder}/late"
    with open(program, "w") as file:
        file.write(f"""#!/bin/bash
{lab.PEQA} "$@" || exit
[ "${{OMPI_COMM_WORLD_RANK-}}" != 1 ] || kill -9 $$
""")
    os.chmod(program, 0o755)
    code, text, _ = lab.run(
        [f"{lab.ROOT}/launch/mpirun-train", "-n", "2", "--max-restarts", "3", path, "--output-dir", output],
        env=os.environ | {"PEQA": program})
    lab.check("a rank killed when the run has finished: 0, no other start",
              code == 0 and "the run had finished" in text and "; restart" not in text, f"{code}\n{text}")
    lab.check("killed when done: the adapter", lab.digest(output) == expected)


def hanging_launcher():
    """A launcher that hangs after its ranks have given up is ended, with 75."""
    output = f"{lab.folder}/hanging"
    os.mkdir(output)
    script = f"""
peqa={lab.PEQA}; PEQA_LAUNCHER_GRACE=1
source {lab.ROOT}/launch/steps/supervision.sh
supervise {output} bash -c 'trap "" TERM; sleep 0.5; echo "rank 0 has waited" >>{output}/failures.log
  while :; do sleep 1; done'
exit $code"""
    code, text, seconds = lab.run(["bash", "-c", script], 20)
    lab.check("a hanging launcher is ended, 75", code == 75 and seconds < 8, f"{code} {seconds}\n{text}")


def settings():
    """supervision.sh finds what flags, --set and the run file say."""
    path = lab.run_file("settings.yaml", output_dir=f"{lab.folder}/here", comm_timeout=7)

    def found(key, *more):
        return lab.run(["bash", "-c", f"peqa={lab.PEQA}; source {lab.ROOT}/launch/steps/supervision.sh; "
                        'run_setting "$@"', "-", key, path, *more])[1].strip()
    for key, more, expected in (
            ("output_dir", (), f"{lab.folder}/here"), ("comm_timeout", (), "7"),
            ("output_dir", ("--output-dir", "/a b"), "/a b"), ("output_dir", ("--output-dir=/c",), "/c"),
            ("comm_timeout", ("--set", "comm_timeout=9"), "9")):
        lab.check(f"{key} {more}", found(key, *more) == expected, found(key, *more))
    for limit in (1, 3, 5, 12, 40, 120, 3600):
        text = lab.run(["bash", "-c", f"source {lab.ROOT}/launch/steps/supervision.sh; "
                        f'network_arguments {limit}; echo "${{network[@]}}"'])[1].split()
        value = {name: int(number) for name, number in zip(text, text[1:]) if number.isdigit()}
        total = (value["oob_tcp_keepalive_time"]
                 + value["oob_tcp_keepalive_intvl"] * value["oob_tcp_keepalive_probes"])
        # Below 4 s whole seconds leave no room.
        lab.check(f"keepalive {total} s below comm_timeout {limit} s", total < limit or limit < 4)


def clusters():
    """Every file of clusterconfigs/ is read; the launcher that would start it is a stand-in."""
    bin_folder = f"{lab.folder}/bin"
    os.mkdir(bin_folder)
    with open(f"{bin_folder}/mpirun", "w") as file:
        file.write('#!/bin/bash\nprintf "%s " "$@"\n')
    os.chmod(f"{bin_folder}/mpirun", 0o755)
    ranks = {"laptop": 2, "two-nodes-1gbe": 2, "eight-nodes-10gbe": 16, "two-sockets": 2,
             "sixty-four-nodes": 64}
    names = sorted(os.listdir(f"{lab.ROOT}/clusterconfigs"))
    for name in names:
        if not name.endswith(".yaml"):
            continue
        code, text, _ = lab.run(
            [f"{lab.ROOT}/launch/mpirun-train", "-c", f"{lab.ROOT}/clusterconfigs/{name}", "run.yaml"],
            env=os.environ | {"PATH": f"{bin_folder}:{os.environ['PATH']}"})
        words = text.split()
        lab.check(f"{name}: {ranks.get(name[:-5])} ranks", code == 0 and "-n" in words
                  and int(words[words.index("-n") + 1]) == ranks.get(name[:-5]), text)


def dry_run(path):
    code, text, _ = lab.run([f"{lab.ROOT}/launch/dry-run", path])
    lab.check("dry-run", code == 0 and "continuing from" in text, text)
    lab.check("dry-run leaves nothing behind", not os.path.exists(f"{lab.folder}/out"))


def main():
    lab.need()
    path = lab.run_file(max_steps=100)
    expected, _ = lab.undisturbed(path)
    settings()
    clusters()
    hanging_launcher()
    useless_restart(path)
    restarts(path, expected)
    killed_when_done(path, expected)
    dry_run(path)
    lab.no_strays("launch")
    lab.finish()


main()
