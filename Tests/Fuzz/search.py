"""Runs libFuzzer over targets of peqa-fuzz and says how it goes; started by launch/fuzz.

search.py BUILD_FOLDER MINUTES INPUT_FILE_OR_EMPTY [TARGET...]
"""
import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

LIMITS = ["-rss_limit_mb=2048", "-malloc_limit_mb=2048", "-timeout=10"]
STATUS = re.compile(r"#(\d+)\t.*?cov: (\d+)")
REPORT_SECONDS = 10


class Search:
    """One target: its folders, the process, and what it has told so far."""

    def __init__(self, build, program, name, largest, scratch):
        self.program, self.name, self.largest = program, name, largest
        self.corpus = f"{build}/corpus/{name}"
        self.finds = f"{build}/finds/{name}"
        self.environment = os.environ | {"TMPDIR": scratch, "SWIFT_BACKTRACE": "enable=no"}
        self.executions = self.coverage = 0
        self.tail = []

    def prepare(self):
        for folder in (self.corpus, self.finds):
            os.makedirs(folder, exist_ok=True)
        subprocess.run([self.program, f"--target={self.name}", f"--seeds={self.corpus}"],
                       env=self.environment, check=True)

    def run_one(self, path):
        return subprocess.run([self.program, f"--target={self.name}", *LIMITS, path],
                              env=self.environment).returncode

    def run(self, seconds):
        """Searches for so long; gives the paths of what was found."""
        before = set(os.listdir(self.finds))
        command = [self.program, f"--target={self.name}", *LIMITS, f"-max_len={self.largest}",
                   f"-max_total_time={seconds}", f"-artifact_prefix={self.finds}/",
                   "-print_final_stats=1", self.corpus]
        if os.path.getsize(f"{self.corpus}.dict"):
            command.append(f"-dict={self.corpus}.dict")
        begun = time.monotonic()
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True, errors="replace")
        try:
            self.follow(process, begun, seconds)
            self.code = process.wait()
        finally:
            process.kill()
        self.seconds = time.monotonic() - begun
        found = sorted(f"{self.finds}/{name}" for name in set(os.listdir(self.finds)) - before)
        return [path for path in found if "slow-unit" not in path]

    def follow(self, process, begun, seconds):
        reported = begun
        for line in process.stderr:
            self.tail = self.tail[-40:] + [line]
            if match := STATUS.search(line):
                self.executions, self.coverage = int(match[1]), int(match[2])
            elif match := re.match(r"stat::number_of_executed_units: (\d+)", line):
                self.executions = max(self.executions, int(match[1]))
            if time.monotonic() - reported >= REPORT_SECONDS:
                reported = time.monotonic()
                self.say(f"{max(0, seconds - (reported - begun)):.0f} s left")

    def say(self, text):
        print(f"{self.name}: {self.executions} executions, {self.coverage} edges; {text}", flush=True)


def targets_of(program):
    text = subprocess.run([program, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {name: int(largest) for name, largest in (line.split() for line in text.splitlines())}


def record(build, search, finds):
    """One line for each search, with the day and the machine's processor."""
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if "model name" in line), "")
    with open(f"{build}/searches.csv", "a", newline="") as file:
        csv.writer(file).writerow([
            time.strftime("%F %T"), search.name, search.executions, f"{search.seconds:.0f}",
            search.coverage, finds, model])


def main():
    build, minutes, single, *wanted = sys.argv[1:]
    program = f"{build}/release/peqa-fuzz"
    known = targets_of(program)
    if wanted == ["--list"]:
        print("\n".join(known))
        return 0
    if unknown := [name for name in wanted if name not in known]:
        print(f"fuzz: no target {unknown[0]}; there are: {', '.join(known)}, kernels", file=sys.stderr)
        return 64
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    scratch = tempfile.mkdtemp(prefix="peqa-fuzz-", dir=memory)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    failed = []
    try:
        for name in wanted or known:
            search = Search(build, program, name, known[name], scratch)
            if single:
                return search.run_one(single)
            search.prepare()
            finds = search.run(60 * int(minutes))
            search.say(f"done in {search.seconds:.0f} s, {len(finds)} finds")
            record(build, search, len(finds))
            if finds or search.code:
                print("".join(search.tail), file=sys.stderr)
                failed += finds or [f"{name}: the search ended with {search.code}"]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    for find in failed:
        print(f"FOUND {find}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
