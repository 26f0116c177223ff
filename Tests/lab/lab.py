"""What the lab's tests share: a tiny training run, processes that end with the test, checks.

Everything a test starts carries PEQA_LAB=<token> in its environment. So strays are found, and ended,
by process number, and nothing that others have started is ever touched.
"""
import atexit
import ctypes
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
PEQA = os.environ.get("PEQA", os.path.join(ROOT, ".build/release/peqa"))
BASE = os.path.join(ROOT, "Tests/DecoderModelTests/Fixtures/llama_4bit_row")
TOKEN = f"{os.getpid()}-{int(time.time())}"
BEGUN = time.monotonic()

os.environ.update(
    PEQA_LAB=TOKEN, PEQA=PEQA, PEQA_ROOT=ROOT, PEQA_RESTART_DELAY="0", PEQA_NUM_THREADS="1",
    OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
    # More ranks than cores: one that waits must let the others compute.
    OMPI_MCA_mpi_yield_when_idle="1")
_libc = ctypes.CDLL(None)
_failed = []
# File systems that the test has mounted.
mounts = []


def log(text):
    print(f"[{time.monotonic() - BEGUN:6.1f}] {text}", flush=True)


def check(what, holds, detail=""):
    """Notes a check; the test goes on, and `finish` fails where one failed."""
    log(f"{'ok  ' if holds else 'FAIL'} {what}" + (f": {detail}" if detail and not holds else ""))
    if not holds:
        _failed.append(what)
    return holds


def need(*packages):
    """Installs Debian packages that are missing, or ends with 77 and a message."""
    subprocess.run([f"{ROOT}/launch/steps/install", *packages], check=True)
    if os.geteuid() != 0:
        sys.exit("lab: namespaces and private daemons need root")
    if not os.access(PEQA, os.X_OK):
        sys.exit(f"lab: {PEQA} is not there. Run: swift build -c release --product peqa")


def _die_with_parent():
    _libc.prctl(1, signal.SIGKILL)


def start(command, **options):
    """Starts a process that ends with this one."""
    return subprocess.Popen(command, preexec_fn=_die_with_parent, **options)


def run(command, limit=60, **options):
    """Runs to the end; returns code, text of both streams, seconds. 124: it took longer than `limit`."""
    begun = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as out:
        process = start(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = 124
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        out.seek(0)
        return code, out.read(), time.monotonic() - begun


def wait_until(true, limit, pause=0.05):
    end = time.monotonic() + limit
    while not (value := true()) and time.monotonic() < end:
        time.sleep(pause)
    return value


def processes(mark=f"PEQA_LAB={TOKEN}", program=None):
    """Live processes with `mark` in their environment, this one left out."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if mark.encode() not in file.read().split(b"\0"):
                    continue
            with open(f"/proc/{name}/stat") as file:
                if file.read().rsplit(")", 1)[1].split()[0] in "ZX":
                    continue
            if program is None or os.path.basename(os.readlink(f"/proc/{name}/exe")) == program:
                found.append(int(name))
        except OSError:
            pass
    return found


def ranks():
    """Processes of training ranks, by rank."""
    found = {}
    for pid in processes(program=os.path.basename(os.path.realpath(PEQA))):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                variables = dict(entry.partition(b"=")[::2] for entry in file.read().split(b"\0"))
            # mpirun sets both, srun the second.
            rank = variables.get(b"OMPI_COMM_WORLD_RANK", variables.get(b"PMIX_RANK"))
            if rank is not None:
                found[int(rank)] = pid
        except OSError:
            pass
    return found


def ancestors(pid):
    """Names of the processes above one, the nearest first."""
    names = []
    try:
        while pid > 1:
            with open(f"/proc/{pid}/stat") as file:
                pid = int(file.read().rsplit(")", 1)[1].split()[1])
            with open(f"/proc/{pid}/comm") as file:
                names.append(file.read().strip())
    except OSError:
        pass
    return names


def no_strays(what, limit=3.0):
    """Whether no rank is left; those that are, are ended."""
    wait_until(lambda: not ranks(), limit)
    left = list(ranks().values())
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return check(f"{what}: no stray process", not left, f"{left}")


def _clean_up():
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for pid in processes():
            try:
                os.kill(pid, sign)
            except OSError:
                pass
        if wait_until(lambda: not processes(), 2):
            break
    for place in mounts:
        subprocess.run(["umount", "--lazy", place], check=False)
    if _failed:
        log(f"kept {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _leave(number, _frame):
    sys.exit(128 + number)


def finish():
    log(f"{len(_failed)} checks failed" + "".join(f"\n  {name}" for name in _failed))
    sys.exit(1 if _failed else 0)


# In memory, as runs sync their files many times.
folder = tempfile.mkdtemp(prefix="peqa-lab-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
os.chmod(folder, 0o755)
# What an mpirun that is killed leaves behind goes with the folder.
os.mkdir(f"{folder}/tmp")
os.environ.update(TMPDIR=f"{folder}/tmp", OMPI_MCA_btl_vader_backing_directory=f"{folder}/tmp")
atexit.register(_clean_up)
for _number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(_number, _leave)


def run_file(name="run.yaml", **settings):
    """Writes the tiny run, with `settings` over its own, and returns its path."""
    text = os.path.join(folder, "text.txt")
    if not os.path.exists(text):
        with open(text, "w") as file:
            file.writelines(f"Line {i}: the square of {i} is {i * i}, in hex {i:x}.\n" for i in range(900))
    keys = dict(
        model=BASE, datasets=f"[{{path: {text}, type: text}}]", val_set_size=20, max_seq_length=96,
        global_batch_size=6, max_steps=120, learning_rate="5e-3", save_steps=10, comm_timeout=5,
        dataset_cache=f"{folder}/cache", output_dir=f"{folder}/out")
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.writelines(f"{key}: {value}\n" for key, value in (keys | settings).items())
    return path


def digest(output):
    """Of the adapter of a finished run; None where there is none."""
    try:
        with open(os.path.join(output, "adapter_model.safetensors"), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return None


def undisturbed(path, name="reference"):
    """The adapter of a run of one process, which nothing happens to."""
    output = os.path.join(folder, name)
    code, text, seconds = run([PEQA, "train", path, "--output-dir", output], 200)
    if code:
        sys.exit(f"lab: the undisturbed run failed with {code}:\n{text}")
    log(f"undisturbed run: {seconds:.1f} s, {digest(output)}")
    return digest(output), seconds


def last_step(output):
    """The last step that metrics.jsonl has."""
    try:
        with open(os.path.join(output, "metrics.jsonl"), "rb") as file:
            file.seek(max(0, os.path.getsize(file.name) - 4096))
            lines = [line for line in file.read().split(b"\n") if line.startswith(b'{"step":')]
        return int(lines[-1][8:].split(b",")[0]) if lines else 0
    except OSError:
        return 0


def checkpoints(output):
    """Steps of the whole checkpoints of a run."""
    try:
        names = os.listdir(output)
    except OSError:
        return []
    return sorted(int(name[11:]) for name in names if name.startswith("checkpoint-") and name[11:].isdigit())
