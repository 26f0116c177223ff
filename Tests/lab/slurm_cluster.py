"""A private Slurm cluster on this machine: munge, a controller and several slurmd, on loopback only.

Everything lies in the lab's folder; nothing of /etc/slurm or /etc/munge is used. The daemons stay in
the foreground as children of the test, so they end with it.
"""
import os
import signal
import socket
import subprocess

import lab

PACKAGES = ["munge", "slurmctld", "slurmd", "slurm-client", "slurm-wlm-basic-plugins", "libpmix2"]


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Slurm:
    """`nodes` nodes of one CPU each. A context manager: up inside, all of it ended after."""

    def __init__(self, nodes):
        self.nodes, self.folder, self.daemons = nodes, f"{lab.folder}/slurm", []

    def _configure(self):
        host = socket.gethostname().split(".")[0]
        ports = _free_ports(self.nodes + 1)
        at = self.folder
        for name in ["state", "log", "munge", "socket"] + [
                f"{kind}-n{node}" for kind in ("spool", "tmp") for node in range(1, self.nodes + 1)]:
            os.makedirs(f"{at}/{name}", mode=0o755)
        os.chmod(f"{at}/munge", 0o700)
        with open(f"{at}/munge/key", "wb") as file:
            file.write(os.urandom(128))
        os.chmod(f"{at}/munge/key", 0o400)
        lines = [
            "ClusterName=lab", f"SlurmctldHost={host}(127.0.0.1)", f"SlurmctldPort={ports[0]}",
            "SlurmUser=root", "SlurmdUser=root", "AuthType=auth/munge", "CredType=cred/munge",
            # A requeued job waits until its old credential has run out: 5 s is the least.
            f"AuthInfo=socket={at}/socket/s,cred_expire=5",
            "CommunicationParameters=NoInAddrAny,NoCtldInAddrAny",
            f"StateSaveLocation={at}/state", f"SlurmdSpoolDir={at}/spool-%n",
            # Without a folder for each node srun --mpi=pmix fails: they share this machine's /tmp.
            f"TmpFS={at}/tmp-%n", f"PlugStackConfig={at}/plugstack.conf",
            f"SlurmctldPidFile={at}/slurmctld.pid", f"SlurmdPidFile={at}/slurmd-%n.pid",
            f"SlurmctldLogFile={at}/log/slurmctld", f"SlurmdLogFile={at}/log/slurmd-%n",
            "ProctrackType=proctrack/linuxproc", "TaskPlugin=task/none", "SwitchType=switch/none",
            "MpiDefault=none", "SelectType=select/cons_tres", "SelectTypeParameters=CR_Core",
            "SchedulerType=sched/builtin",
            "SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0",
            "AccountingStorageType=accounting_storage/none",
            "JobAcctGatherType=jobacct_gather/none", "JobCompType=jobcomp/none",
            # Nodes may claim other CPUs than there are.
            "SlurmdParameters=config_overrides", "ReturnToService=2", "KillWait=5", "MinJobAge=600",
            "InactiveLimit=0", "SlurmctldTimeout=30", "SlurmdTimeout=30", "JobRequeue=1",
        ] + [
            f"NodeName=n{node} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[node]} CPUs=1 "
            "Boards=1 SocketsPerBoard=1 CoresPerSocket=1 ThreadsPerCore=1 RealMemory=1000 State=UNKNOWN"
            for node in range(1, self.nodes + 1)
        ] + ["PartitionName=main Nodes=ALL Default=YES MaxTime=60 State=UP"]
        for name, text in (("slurm.conf", "\n".join(lines) + "\n"), ("plugstack.conf", ""),
                           ("cgroup.conf", "CgroupPlugin=cgroup/v1\n")):
            with open(f"{at}/{name}", "w") as file:
                file.write(text)
        os.environ["SLURM_CONF"] = f"{at}/slurm.conf"

    def _daemon(self, *command):
        with open(f"{self.folder}/log/output", "a") as out:
            self.daemons.append(lab.start(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL))

    def __enter__(self):
        self._configure()
        at = self.folder
        self._daemon(
            "/usr/sbin/munged", "--foreground", "--force", f"--socket={at}/socket/s",
            f"--key-file={at}/munge/key", f"--pid-file={at}/munge/pid", f"--log-file={at}/munge/log",
            f"--seed-file={at}/munge/seed", "--num-threads=1")
        lab.wait_until(lambda: os.path.exists(f"{at}/socket/s"), 10)
        self._daemon("/usr/sbin/slurmctld", "-D", "-i")
        for node in range(1, self.nodes + 1):
            self._daemon("/usr/sbin/slurmd", "-D", "-N", f"n{node}")
        up = lab.wait_until(
            lambda: self.call("sinfo", "-h", "-N", "-o", "%t").split() == ["idle"] * self.nodes, 20)
        lab.check(f"{self.nodes} Slurm nodes are up", up, self.call("sinfo", "-N"))
        return self

    def __exit__(self, *_):
        self.call("scancel", "--user=root")
        lab.wait_until(lambda: not self.call("squeue", "-h").strip(), 15)
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(5)
            except subprocess.TimeoutExpired:
                daemon.kill()

    def call(self, *command):
        return lab.run(command, 20)[1]

    def submit(self, *command, **environment):
        """The number of a new job."""
        code, text, _ = lab.run(
            command, 20, cwd=lab.folder, env=os.environ | environment)
        number = text.strip().split("\n")[-1].split(";")[0]
        if code or not number.isdigit():
            raise RuntimeError(f"{command} returned {code}:\n{text}")
        return number

    def field(self, job, name):
        """A field of `scontrol show job`, such as JobState or Restarts."""
        for word in self.call("scontrol", "show", "job", job).split():
            if word.startswith(name + "="):
                return word[len(name) + 1:]
        return None

    def wait_for_state(self, job, states, limit):
        state = lab.wait_until(
            lambda: (now := self.field(job, "JobState")) in states and now, limit, 0.2)
        return state or self.field(job, "JobState")

    def wait_for_end(self, job, limit):
        return self.wait_for_state(
            job, ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "DEADLINE"), limit)
