#!/usr/bin/env python3
"""Four hosts with a gigabit bridge between them: the same bits, lost links, the time of an exchange.

    hosts_lab.py [bits] [ring] [faults] [exchange] [doctor] [caches]        default: all

Started by `launch/test --lab`. Hosts are namespaces of one machine (hosts.py).
"""
import json
import os
import re
import shutil
import sys

import lab
from hosts import Hosts

# Frames of Ethernet carry 1448 bytes of 1514 (and 24 more of preamble, gap and checksum do not pass a
# token bucket).
OVERHEAD = 1514 / 1448
GIGABIT = 1e9


def local(count, *arguments):
    return [f"{lab.ROOT}/launch/mpirun-train", "-n", str(count), *arguments]


def kill_when(output, step):
    """Ends the last rank with -9 once the run is at a step."""
    lab.wait_until(lambda: lab.last_step(output) >= step, 30, 0.005)
    found = lab.ranks()
    if found:
        os.kill(found[max(found)], 9)
    return bool(found)


def bits(hosts):
    same_bits(hosts, "bits", max_steps=60)


def ring(hosts):
    """The same with scales enough for the ring between hosts."""
    for width in ("wide", "narrow"):
        same_bits(hosts, f"ring, {width}", model=large_base(), max_steps=40, max_seq_length=48,
                  gradient_sum=width, scale_granularity="group")


def large_base():
    """A base of random codes with so many scales (in groups) that a rank's share of them, of four, is
    above the 64 KiB from which on sums go round the ring, in 32 bits too; and the tiny one's tokenizer.
    """
    base = f"{lab.folder}/large"
    if not os.path.exists(base):
        with open(f"{lab.BASE}/config.json") as file:
            config = json.load(file) | dict(hidden_size=256, intermediate_size=1152, head_dim=64)
        shape = f"{lab.folder}/large.json"
        with open(shape, "w") as file:
            json.dump(config, file)
        code, text, _ = lab.run(
            [lab.PEQA, "bench", "step", "--synthetic", shape, "--group-size", "32", "--keep", base,
             "--batch", "1", "--length", "8", "--repetitions", "1"])
        lab.check("a larger base is made", code == 0, text)
        shutil.copy(f"{lab.BASE}/tokenizer.json", base)
    return base


def same_bits(hosts, what, **settings):
    """{1, 2, 3, 4 ranks} x {1, 2 threads} x {one host, four} x {undisturbed, killed and resumed}."""
    path = lab.run_file(f"{what}.yaml", val_set_size=0, **settings)
    expected, _ = lab.undisturbed(path, what)
    same = total = 0
    for place in ("one host", "hosts"):
        for count in (1, 2, 3, 4):
            for threads in (1, 2):
                for killed in (False, True):
                    name = f"{what}: {count} ranks x {threads} threads, {place}" + (", killed" if killed else "")
                    output = f"{lab.folder}/{what}-{total}"
                    total += 1

                    def command(number):
                        arguments = ["-t", str(threads), "--max-restarts", "0", path,
                                     "--output-dir", output]
                        if place == "one host":
                            return local(number, *arguments)
                        return hosts.train(*arguments, hostfile=hosts.names_of(number))

                    if killed:
                        process = lab.start(command(count), stderr=lab.subprocess.DEVNULL)
                        done = kill_when(output, 15)
                        code = process.wait(40)
                        lab.check(f"{name}: the kill is seen", done and code == 137, code)
                        lab.check(f"{name}: nothing finished", lab.digest(output) is None)
                    # Resumed on another number of ranks.
                    code, text, _ = lab.run(command(count % 4 + 1 if killed else count), 60)
                    found = lab.digest(output)
                    same += found == expected
                    lab.check(name, code == 0 and found == expected, f"{code} {found}\n{text}")
    lab.check(f"{what}: {same} of {total} runs have one digest", same == total == 32)


def faults(hosts):
    """Links that fail in the middle of all-reduces: the run goes on by itself, on the hosts left."""
    # Most of a step is communication.
    common = dict(val_set_size=0, save_steps=20, comm_timeout=5)
    fail_links(hosts, "links", [("cut", "h3"), ("mute", "h2"), ("cut", "h4")], max_steps=400, **common)
    hosts.limit("25mbit")
    common |= dict(model=large_base(), max_seq_length=48, scale_granularity="group", max_steps=120)
    fail_links(hosts, "ring-wide", [("cut", "h2"), ("mute", "h4")], **common)
    fail_links(hosts, "ring-narrow", [("cut", "h3"), ("mute", "h2")], gradient_sum="narrow", **common)
    hosts.limit("1gbit")


def communication_share(output):
    """Of the last steps."""
    with open(f"{output}/metrics.jsonl") as file:
        records = [json.loads(line) for line in file.readlines()[-20:]]
    return sum(record["comm_time"] for record in records) / sum(record["step_time"] for record in records)


def fail_links(hosts, what, plan, **settings):
    path = lab.run_file(f"{what}.yaml", **settings)
    expected, _ = lab.undisturbed(path, what)
    limit = 5 + 5
    for fault, host in plan:
        output = f"{lab.folder}/{what}-{fault}-{host}"
        log = f"{output}.log"
        with open(log, "w") as file:
            process = lab.start(
                hosts.train("--max-restarts", "3", path, "--output-dir", output), stderr=file, stdout=file)
        lab.wait_until(lambda: lab.last_step(output) >= 45, 60, 0.01)
        step, share, at = lab.last_step(output), communication_share(output), lab.time.monotonic()
        getattr(hosts, fault)(host)

        def said():
            with open(log, errors="replace") as file:
                return file.read()

        noticed = lab.wait_until(lambda: "; restart 1 of 3" in said(), 40)
        seconds = lab.time.monotonic() - at
        try:
            code = process.wait(90)
        except lab.subprocess.TimeoutExpired:
            process.terminate()
            code = 124
        name = f"{what}: {fault} {host}"
        lab.check(f"{name}: most of a step is communication", share > 0.5, f"{share:.2f}")
        lab.check(f"{name}: noticed within comm_timeout + 5 s", noticed and seconds < limit,
                  f"{seconds:.1f} s\n{said()}")
        lab.check(f"{name}: {host} is left out", f"{host} does not answer" in said(), said())
        lab.check(f"{name}: ended by itself with the undisturbed adapter",
                  code == 0 and lab.digest(output) == expected, f"{code}\n{said()}")
        lab.log(f"  {name} at step {step}, {share:.0%} communication: another start after {seconds:.1f} s")
        hosts.mend(host)
        lab.no_strays(name, 10)


def parsed(text):
    """The JSON object in what a program has said."""
    return json.JSONDecoder().raw_decode(text[text.index("{"):])[0]


def exchange(hosts):
    """The sum of 7B's per-row gradient against what a ring must send at a gigabit a second."""
    hosts.limit("1gbit")
    print("\n| gradient_sum | hosts | MB a rank sends | ring bound, ms | median, ms | ratio |")
    print("|---|--:|--:|--:|--:|--:|")
    rows = []
    for count in (2, 4):
        code, text, _ = lab.run(
            hosts.peqa(count, "bench", "exchange", "--repetitions", "9", "--json"), 60)
        if not lab.check(f"exchange over {count} hosts runs", code == 0, text):
            continue
        for row in parsed(text)["rows"]:
            bound = row["bytes_sent"] * OVERHEAD * 8 / GIGABIT
            ratio = row["seconds_median"] / bound
            rows.append((row, count, ratio))
            print(f"| {row['gradient_sum']} | {count} | {row['bytes_sent'] / 1e6:.2f} | "
                  f"{bound * 1e3:.0f} | {row['seconds_median'] * 1e3:.0f} | {ratio:.2f} |", flush=True)
    print()
    for row, count, ratio in rows:
        lab.check(f"exchange, {row['gradient_sum']}, {count} hosts: under 1.5 x the ring bound",
                  ratio < 1.5, f"{ratio:.2f}")
        # The prediction is for hosts with cores of their own.
        share = predicted(count, row["gradient_sum"]) / row["seconds_median"]
        lab.log(f"  plan predicts {share:.2f} of what was measured")
        lab.check(f"exchange, {row['gradient_sum']}, {count} hosts: plan within 15 %",
                  0.85 < share < 1.15, f"{share:.2f}")


def predicted(count, width):
    """What `peqa plan` says that an exchange between such hosts takes, in seconds."""
    cluster, path = f"{lab.folder}/cluster-{count}.yaml", f"{lab.folder}/plan.yaml"
    with open(cluster, "w") as file:
        file.write(f"hosts: [{', '.join(f'h{number + 1}' for number in range(count))}]\nnetwork_gbit: 1\n"
                   "cores: 2\ncore_gflops: 100\nmemory_gb: 64\n")
    with open(path, "w") as file:
        file.write("model: llama-7b\ndatasets: [{path: text.txt, type: text}]\noutput_dir: out\n"
                   f"global_batch_size: 64\ngradient_sum: {width}\n")
    code, text, _ = lab.run([lab.PEQA, "plan", path, "--cluster", cluster, "--json", "-q"])
    if not lab.check(f"plan for {count} hosts, {width}", code == 0, text):
        return 0
    return parsed(text)["plan"]["exchange_seconds"]


def doctor(hosts):
    """`peqa doctor` on all hosts: its ring test must find the gigabit."""
    hosts.limit("1gbit")
    code, text, _ = lab.run(hosts.peqa(4, "doctor", "--json"), 60)
    # The ranks' facts are a list somewhere in it.
    rates = [float(rate) * 8 / 1e9 for rate in re.findall(r'"bytes_per_second": ([0-9.e+]+)', text)]
    lab.log("doctor's ring test, Gbit/s: " + ", ".join(f"{rate:.2f}" for rate in rates))
    lab.check("doctor: every link has 0.8 to 1 Gbit/s",
              code == 0 and len(rates) == 4 and all(0.8 <= rate <= 1 for rate in rates), f"{code}\n{text}")


def caches(hosts):
    """Hosts that share a folder: one of them makes the token cache, and it keeps its inode."""
    text = f"{lab.folder}/long.txt"
    with open(text, "w") as file:
        file.writelines(f"Line {i}: the square of {i} is {i * i}, in hex {i:x}.\n" for i in range(60000))
    folder = f"{lab.folder}/shared-cache"
    path = lab.run_file("caches.yaml", datasets=f"[{{path: {text}, type: text}}]", max_steps=2,
                        dataset_cache=folder, val_set_size=0, output_dir=f"{lab.folder}/caches-out")
    process = lab.start(hosts.train(path), stderr=lab.subprocess.DEVNULL)
    writers, inodes = set(), set()
    while process.poll() is None:
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            if name.endswith(".tmp"):
                writers.add(name.split(".tokens.")[1].rsplit("-", 2)[0])
            elif name.endswith(".tokens"):
                inodes.add(os.stat(f"{folder}/{name}").st_ino)
    lab.check("caches: the run ends", process.returncode == 0, process.returncode)
    lab.check("caches: one host has written", writers == {"h1"}, writers)
    lab.check("caches: one file, never replaced", len(inodes) == 1, inodes)
    left = [name for name in os.listdir(folder) if not name.endswith(".tokens")]
    lab.check("caches: no probe or temporary is left", not left, left)


def main():
    lab.need("iproute2", "util-linux")
    parts = sys.argv[1:] or ["bits", "ring", "faults", "exchange", "doctor", "caches"]
    with Hosts(4) as hosts:
        for part in parts:
            {"bits": bits, "ring": ring, "faults": faults, "exchange": exchange, "doctor": doctor,
             "caches": caches}[part](hosts)
    lab.no_strays("hosts")
    lab.finish()


main()
