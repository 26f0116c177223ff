"""The faults of the soak. Each takes a `Life` (soak.py) of running ranks and does its harm; False where
there was no more harm to do.
"""
import os
import random
import shutil
import signal
import time

import lab


def kill(life, rank=None):
    pids = list(life.pids.values()) if rank is None else [life.pids[rank]]
    pid = random.choice(pids)
    life.end(pid)


def kill_in_checkpoint(life):
    """As soon as the folder of a checkpoint in the making is seen: in the midst of writing, or of the
    syncs and renames after it."""
    rank, end = random.choice([0, max(life.pids)]), time.monotonic() + 5
    while not any(name.startswith(".checkpoint-") for name in os.listdir(life.output)):
        if time.monotonic() > end:
            return False
    kill(life, rank)
    return True


def kill_all(life):
    """What a crash of the whole node is to the run: mpirun and every rank at once."""
    for pid in life.launchers() + list(life.pids.values()):
        life.end(pid)


def kill_launcher(life):
    for pid in life.launchers():
        life.end(pid)


def stop(life):
    life.send(random.choice(list(life.pids.values())), signal.SIGSTOP)


def slow(life):
    """A rank at half speed for a while: held up, not lost."""
    pid = random.choice(list(life.pids.values()))
    end = time.monotonic() + random.uniform(0.5, 1.5)
    while time.monotonic() < end:
        life.send(pid, signal.SIGSTOP)
        time.sleep(0.03)
        life.send(pid, signal.SIGCONT)
        time.sleep(0.03)


def pause(life):
    """Stopped for less than comm_timeout."""
    pid = random.choice(list(life.pids.values()))
    life.send(pid, signal.SIGSTOP)
    time.sleep(life.limit * random.uniform(0.2, 0.6))
    life.send(pid, signal.SIGCONT)


def disk_full(life):
    """No room at all until a checkpoint has failed."""
    ballast = f"{life.disk}/ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    before = life.said().count("could not be saved")
    life.noticed = lab.wait_until(
        lambda: life.said().count("could not be saved") > before or life.restarted(), 8, 0.01)
    life.notice_time = time.monotonic()
    os.remove(ballast)


def _file_of_newest(life):
    steps = lab.checkpoints(life.output)
    at = f"{life.output}/checkpoint-{steps[-1]}"
    life.damaged.add(os.stat(at).st_ino)
    return f"{at}/{random.choice(sorted(os.listdir(at)))}"


def tear(life):
    """The newest of several checkpoints loses the end of one of its files while a rank dies."""
    if not life.has_checkpoints(2):
        return False
    kill(life)
    path = _file_of_newest(life)
    os.truncate(path, random.randrange(os.path.getsize(path)))
    return True


def flip(path):
    with open(path, "r+b") as file:
        place = random.randrange(os.path.getsize(path))
        file.seek(place)
        byte = file.read(1)[0] ^ (1 << random.randrange(8))
        file.seek(place)
        file.write(bytes([byte]))


def flip_in_checkpoint(life):
    if not life.has_checkpoints(2):
        return False
    kill(life)
    flip(_file_of_newest(life))
    return True


def flip_in_base(life):
    """Another file under the same name, so that the ranks that still run keep the whole one."""
    path = f"{life.base}/base.safetensors"
    shutil.copy(path, f"{path}.new")
    flip(f"{path}.new")
    kill(life)
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
