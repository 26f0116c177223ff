"""Hosts made of namespaces: each a network and a host name of its own, joined by one bridge.

A host is a process that only holds its namespaces; the bridge sits in a namespace of its own, so
nothing can leave the machine. With the holders all of it is gone. Addresses: 198.18.0.0/24, the test
range of RFC 2544. All hosts see one file system.
"""
import os
import subprocess

import lab

NETWORK = "198.18.0.0/24"


class Hosts:
    """h1, h2, ...; a context manager."""

    def __init__(self, count):
        self.names = [f"h{number}" for number in range(1, count + 1)]
        self.holders = {}
        self.agent = f"{lab.folder}/agent"
        self.hostfile = f"{lab.folder}/hostfile"

    def _hold(self, name, *namespaces):
        holder = lab.start(
            ["unshare", *namespaces, "--", "sleep", "infinity"], stdin=subprocess.DEVNULL)
        self.holders[name] = holder
        own = os.readlink("/proc/self/ns/net")
        lab.wait_until(lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != own, 5, 0.01)

    def inside(self, name, *command):
        """A command that runs on a host."""
        return ["nsenter", f"--target={self.holders[name].pid}", "--net", "--uts", "--", *command]

    def _set(self, name, *command):
        subprocess.run(self.inside(name, *command), check=True)

    def __enter__(self):
        self._hold("switch", "--net")
        self._set("switch", "ip", "link", "add", "bridge0", "type", "bridge")
        self._set("switch", "ip", "link", "set", "bridge0", "up")
        for number, name in enumerate(self.names, 1):
            self._hold(name, "--net", "--uts")
            self._set(name, "hostname", name)
            self._set(name, "ip", "link", "set", "lo", "up")
            self._set("switch", "ip", "link", "add", name, "type", "veth", "peer", "name", "eth0",
                      "netns", str(self.holders[name].pid))
            self._set("switch", "ip", "link", "set", name, "master", "bridge0", "up")
            self._set(name, "ip", "address", "add", f"198.18.0.{number}/24", "dev", "eth0")
            self._set(name, "ip", "link", "set", "eth0", "up")
        self._write_agent()
        with open(self.hostfile, "w") as file:
            file.writelines(f"{name} slots=1\n" for name in self.names)
        os.environ.update(
            OMPI_MCA_plm="rsh", OMPI_MCA_plm_rsh_agent=self.agent, OMPI_MCA_pml="ob1",
            OMPI_MCA_btl="tcp,self", OMPI_MCA_btl_tcp_if_include=NETWORK,
            OMPI_MCA_oob_tcp_if_include=NETWORK)
        return self

    def _write_agent(self):
        """What ssh is elsewhere: AGENT HOST COMMAND. As ssh does, it first needs a way to the host
        (no port is open there: a refusal is the answer of a host that is up), and brings no variables.
        """
        cases = "\n".join(
            f"  {name}) address=198.18.0.{number} holder={self.holders[name].pid} ;;"
            for number, name in enumerate(self.names, 1))
        with open(self.agent, "w") as file:
            file.write(f"""#!/bin/bash
case $1 in
{cases}
  *) exit 255 ;;
esac
shift
case $(timeout 3 bash -c ": </dev/tcp/$address/9" 2>&1) in *refused*) ;; *) exit 255 ;; esac
exec nsenter --target=$holder --net --uts -- env -i PATH="$PATH" HOME="$HOME" PEQA_LAB={lab.TOKEN} sh -c "$*"
""")
        os.chmod(self.agent, 0o755)

    def __exit__(self, *_):
        for holder in self.holders.values():
            holder.kill()
            holder.wait()

    def limit(self, rate):
        """Both directions of every host's link."""
        for name in self.names:
            for place, device in ((name, "eth0"), ("switch", name)):
                self._set(place, "tc", "qdisc", "replace", "dev", device, "root", "tbf",
                          "rate", rate, "burst", "128kb", "latency", "20ms")

    def cut(self, name):
        """The cable is pulled at the switch."""
        self._set("switch", "ip", "link", "set", name, "down")

    def mute(self, name):
        """The silent failure: the link stays up and frames vanish."""
        self._set("switch", "ip", "link", "set", name, "nomaster")

    def mend(self, name):
        self._set("switch", "ip", "link", "set", name, "master", "bridge0", "up")

    def names_of(self, count):
        """A host file of the first hosts."""
        path = f"{self.hostfile}-{count}"
        with open(path, "w") as file:
            file.writelines(f"{name} slots=1\n" for name in self.names[:count])
        return path

    def peqa(self, count, *arguments):
        """A command of peqa on the first hosts, a rank each."""
        names = ",".join(f"{name}:1" for name in self.names[:count])
        return self.inside(
            self.names[0], f"{lab.ROOT}/launch/steps/mpirun", "--host", names, "-n", str(count),
            "--mca", "btl_tcp_links", "2", "-x", "PEQA_NUM_THREADS=1", lab.PEQA, *arguments)

    def train(self, *arguments, hostfile=None):
        """launch/mpirun-train on h1, over the hosts of a host file."""
        return self.inside(
            self.names[0], f"{lab.ROOT}/launch/mpirun-train", "-H", hostfile or self.hostfile,
            *arguments)
