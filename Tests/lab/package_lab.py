#!/usr/bin/env python3
"""Both packages of launch/package, on a system where Swift and the checkout cannot be seen.

Started by `launch/test --lab package`. Hiding is done by a mount namespace: empty file systems lie
over the Swift toolchain and over the checkout, and the Debian package is installed for real, by dpkg,
into layers over /usr and /var/lib/dpkg that are gone with the namespace.
"""
import glob
import os
import shutil
import subprocess
import time

import lab

SWIFT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(shutil.which("swift"))), "..", ".."))
PACKAGES = f"{lab.folder}/packages"
LIMIT_SECONDS = 600

# Arguments: a folder for the layers, then what to hide, "--", and the command.
ENTER = """
set -e
layers=$1; shift
mount -t tmpfs none "$layers"
for place in /usr /var/lib/dpkg; do
  mkdir -p "$layers/new$place" "$layers/work$place"
  mount -t overlay overlay -o "lowerdir=$place,upperdir=$layers/new$place,workdir=$layers/work$place" $place
done
while [ "$1" != -- ]; do mount -t tmpfs none "$1"; shift; done
shift
cd /
exec "$@"
"""


def hidden(*command, hide=(), limit=60):
    """Runs a command where neither Swift nor the checkout is; code, text, seconds."""
    layers = f"{lab.folder}/layers"
    os.makedirs(layers, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("PEQA", "PEQA_ROOT")}
    return lab.run(["unshare", "--mount", "bash", "-c", ENTER, "-", layers, SWIFT, lab.ROOT, *hide, "--",
                    *command], limit, env=environment)


def build():
    """Both packages by one command; in minutes."""
    begun = time.monotonic()
    commit = subprocess.run(["git", "-C", lab.ROOT, "rev-parse", "--short=12", "HEAD"],
                            stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    code, text, _ = lab.run([f"{lab.ROOT}/launch/package", "--output", PACKAGES], 1500)
    seconds = time.monotonic() - begun
    if not lab.check("launch/package makes both", code == 0, text[-2000:]):
        lab.finish()
    lab.check(f"both within {LIMIT_SECONDS} s: {seconds:.0f} s", seconds < LIMIT_SECONDS)
    return glob.glob(f"{PACKAGES}/*.tar.gz")[0], glob.glob(f"{PACKAGES}/*.deb")[0], commit or "unknown"


def own_run_file():
    """The tiny run over a copy of its base, which is in the checkout that will be hidden."""
    shutil.copytree(lab.BASE, f"{lab.folder}/base")
    return lab.run_file(model=f"{lab.folder}/base", max_steps=4, save_steps=2)


def hides():
    """The hiding hides: a program that needs Swift's libraries does not start."""
    ordinary = f"{lab.folder}/ordinary"
    shutil.copy(os.path.realpath(lab.PEQA), ordinary)
    code, text, _ = hidden(ordinary, "--version")
    lab.check("a plain build does not start there", code == 127 and "libswift" in text, f"{code} {text}")
    code, text, _ = hidden("test", "-e", f"{lab.ROOT}/Package.swift")
    lab.check("the checkout is not there", code == 1, f"{code} {text}")


def archive(path, commit, run, expected):
    place = f"{lab.folder}/a node"
    os.makedirs(place)
    subprocess.run(["tar", "xzf", path, "-C", place], check=True)
    root = glob.glob(f"{place}/peqa-*")[0]
    lab.check("the archive has its folders", set(os.listdir(root)) >= {
        "bin", "launch", "clusterconfigs", "docs", "share", "README.md", "NOTICE"}, os.listdir(root))
    code, text, _ = hidden(f"{root}/bin/peqa", "--version")
    lab.check("--version names the commit", code == 0 and f"(commit {commit}" in text, text)
    trains("archive", f"{root}/launch", run, expected)
    code, text, _ = hidden(f"{root}/launch/dry-run", run, limit=120)
    lab.check("archive: the dry run", code == 0 and "continuing from" in text, text)
    missing_library(root)
    share(root)


def trains(what, launch, run, expected, before=()):
    """Two ranks by the package's own script make the adapter of a plain build, byte for byte."""
    output = f"{lab.folder}/{what}"
    script = " && ".join([*before, f'"{launch}/mpirun-train" -n 2 "{run}" --output-dir "{output}"'])
    code, text, _ = hidden("bash", "-c", script, limit=120)
    lab.check(f"{what}: two ranks train", code == 0, f"{code} {text}")
    lab.check(f"{what}: the same adapter", lab.digest(output) == expected, lab.digest(output))


def missing_library(root):
    """A library that is not there is named, with its package, by any command and by each rank."""
    library = "/etc/alternatives/libopenblas.so.0-x86_64-linux-gnu"
    place = os.path.dirname(os.path.realpath(library))
    code, text, _ = hidden(f"{root}/bin/peqa", "doctor", hide=[place])
    lab.check("a missing library is named", code == 69 and "libopenblas.so.0" in text
              and "apt-get install libopenblas0" in text, f"{code} {text}")


def share(root):
    """The man page has no fault, and the shells take the completions."""
    page = f"{root}/share/man/man1/peqa.1"
    code, text, _ = lab.run(["mandoc", "-T", "lint", "-W", "warning", page])
    lab.check("man page: mandoc", code == 0, text)
    code, text, _ = lab.run(
        ["bash", "-c", 'man --warnings -E UTF-8 -Tutf8 -Z -l "$1" >/dev/null', "-", page])
    lab.check("man page: man", code == 0 and not text, text[:2000])
    lab.check("man page: the commands", "peqa quantize" in open(page).read())
    code, text, _ = lab.run(["bash", "-n", f"{root}/share/bash-completion/completions/peqa"])
    lab.check("completion: bash", code == 0, text)
    for shell, name in (("zsh", "zsh/site-functions/_peqa"), ("fish", "fish/vendor_completions.d/peqa.fish")):
        if shutil.which(shell):
            code, text, _ = lab.run([shell, "-n", f"{root}/share/{name}"])
            lab.check(f"completion: {shell}", code == 0, text)
        else:
            lab.log(f"skipped: completion for {shell}, which is not installed")


def debian(path, run, expected):
    code, text, _ = lab.run(["lintian", "--fail-on", "error", "--allow-root", path], 300)
    lab.check("lintian: no errors", code == 0, text)
    install = [f"dpkg -i '{path}'", "command -v peqa", "man -w peqa"]
    trains("debian", "/usr/lib/peqa/launch", run, expected, before=install)


def main():
    lab.need("lintian", "mandoc", "man-db")
    run = own_run_file()
    expected, _ = lab.undisturbed(run)
    hides()
    archive_path, debian_path, commit = build()
    archive(archive_path, commit, run, expected)
    debian(debian_path, run, expected)
    lab.no_strays("package")
    lab.finish()


main()
