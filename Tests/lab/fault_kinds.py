"""The faults of the soak. Each takes a `Attempt` (soak.py) of running ranks and does its harm; False where
there was no more harm to do.
"""
import os
import random
import shutil
import signal
import time

import lab


def kill(attempt, rank=None):
    pids = list(attempt.pids.values()) if rank is None else [attempt.pids[rank]]
    pid = random.choice(pids)
    attempt.end(pid)


def kill_in_checkpoint(attempt):
    """As soon as the folder of a checkpoint in the making is seen: in the midst of writing, or of the
    syncs and renames after it."""
    rank, end = random.choice([0, max(attempt.pids)]), time.monotonic() + 5
    while not any(name.startswith(".checkpoint-") for name in os.listdir(attempt.output)):
        if time.monotonic() > end:
            return False
    kill(attempt, rank)
    return True


def kill_all(attempt):
    """What a crash of the whole node is to the run: mpirun and every rank at once."""
    for pid in attempt.launchers() + list(attempt.pids.values()):
        attempt.end(pid)


def kill_launcher(attempt):
    for pid in attempt.launchers():
        attempt.end(pid)


def stop(attempt):
    attempt.send(random.choice(list(attempt.pids.values())), signal.SIGSTOP)


def slow(attempt):
    """A rank at half speed for a while: held up, not lost."""
    pid = random.choice(list(attempt.pids.values()))
    end = time.monotonic() + random.uniform(0.5, 1.5)
    while time.monotonic() < end:
        attempt.send(pid, signal.SIGSTOP)
        time.sleep(0.03)
        attempt.send(pid, signal.SIGCONT)
        time.sleep(0.03)


def pause(attempt):
    """Stopped for less than comm_timeout."""
    pid = random.choice(list(attempt.pids.values()))
    attempt.send(pid, signal.SIGSTOP)
    time.sleep(attempt.limit * random.uniform(0.2, 0.6))
    attempt.send(pid, signal.SIGCONT)


def disk_full(attempt):
    """No room at all until a checkpoint has failed."""
    ballast = f"{attempt.disk}/ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    before = attempt.said().count("could not be saved")
    attempt.noticed = lab.wait_until(
        lambda: attempt.said().count("could not be saved") > before or attempt.restarted(), 8, 0.01)
    attempt.notice_time = time.monotonic()
    os.remove(ballast)


def _file_of_newest(attempt):
    steps = lab.checkpoints(attempt.output)
    at = f"{attempt.output}/checkpoint-{steps[-1]}"
    attempt.damaged.add(os.stat(at).st_ino)
    return f"{at}/{random.choice(sorted(os.listdir(at)))}"


def tear(attempt):
    """The newest of several checkpoints loses the end of one of its files while a rank dies."""
    if not attempt.has_checkpoints(2):
        return False
    kill(attempt)
    path = _file_of_newest(attempt)
    os.truncate(path, random.randrange(os.path.getsize(path)))
    return True


def flip(path):
    with open(path, "r+b") as file:
        place = random.randrange(os.path.getsize(path))
        file.seek(place)
        byte = file.read(1)[0] ^ (1 << random.randrange(8))
        file.seek(place)
        file.write(bytes([byte]))


def flip_in_checkpoint(attempt):
    if not attempt.has_checkpoints(2):
        return False
    kill(attempt)
    flip(_file_of_newest(attempt))
    return True


def flip_in_base(attempt):
    """Another file under the same name, so that the ranks that still run keep the whole one."""
    path = f"{attempt.base}/base.safetensors"
    shutil.copy(path, f"{path}.new")
    flip(f"{path}.new")
    kill(attempt)
    os.replace(f"{path}.new", path)


# Name, function, whether the run must start again, weight.
KINDS = [
    ("kill -9 of a rank, at any moment", kill, True, 6),
    ("kill -9 of a rank, in a checkpoint", kill_in_checkpoint, True, 4),
    ("kill -9 of mpirun", kill_launcher, True, 1),
    ("kill -9 of mpirun and all ranks", kill_all, True, 2),
    ("SIGSTOP of a rank", stop, True, 2),
    ("rank stopped for less than comm_timeout", pause, False, 2),
    ("rank at half speed", slow, False, 2),
    ("disk full", disk_full, False, 2),
    ("torn checkpoint", tear, True, 3),
    ("flipped bit in a checkpoint", flip_in_checkpoint, True, 3),
    ("flipped bit in the base", flip_in_base, True, 2),
]
