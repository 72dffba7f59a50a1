"""Runs a real Slurm while the tests need it: munged, slurmctld and one slurmd per node, as root, in a folder of their
own. Nodes are this machine or virtual ones (virtual_machines.py). They state more CPUs and GPUs than exist."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import launch

NUM_TASKS = 4  # CPUs of a node, and GPUs that it states
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "setpriv")
START_TIMEOUT_S = 30.0
JOB_TIMEOUT_S = 90.0
PARTITION = "PartitionName=all Nodes=ALL Default=YES MaxTime=60 State=UP"


def why_not() -> str:
    """Returns why Slurm cannot run here; "" if it can."""
    if os.geteuid() != 0:
        return "a Slurm of one's own needs root"
    missing = [name for name in PROGRAMS if find_program(name) is None]
    return f"not installed: {', '.join(missing)} (Debian: slurm-wlm, munge)" if missing else ""


def find_program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def find_free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_until(is_true: Callable[[], bool], what: str, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s} s")
        time.sleep(0.1)


class Machine(Protocol):
    """A place where a daemon or a command runs."""

    @property
    def name(self) -> str:
        """Returns its host name."""

    @property
    def address(self) -> str:
        """Returns the address by which other machines reach it."""

    def command(self, *words: str) -> list[str]:
        """Returns the command line that, started here, runs a command there."""


class ThisMachine:
    def __init__(self) -> None:
        self.name = socket.gethostname().split(".")[0]
        self.address = "127.0.0.1"

    def command(self, *words: str) -> list[str]:
        return list(words)


class SlurmCluster:
    """A running Slurm. `stop()` ends its daemons, jobs and everything they started. Commands run on the controller."""

    def __init__(self, folder: Path, controller: Machine, nodes: Sequence[Machine]) -> None:
        self._folder = folder
        self._configuration = folder / "slurm.conf"
        self._controller = controller
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._is_up = False
        for name in ("munge", "state", "tmp"):
            (folder / name).mkdir(mode=0o755)
        folder.chmod(0o755)
        self._write_configuration(nodes)
        try:
            self._start_munge()
            self._start_daemon(controller, "slurmctld", "-D", "-c", "-f", str(self._configuration))
            for node in nodes:
                self.start_node(node)
            self.wait_until_idle(nodes)
            self._is_up = True
        except BaseException as error:
            logs = [f"{log.name}:\n{log.read_text()[-2000:]}" for log in sorted(folder.glob("*.log"))]
            self.stop()
            raise RuntimeError("\n".join(["Slurm did not start", *logs])) from error

    def environment(self) -> dict[str, str]:
        """Returns the environment of commands, and so of jobs: allows more ranks than cores."""
        return launch.make_environment() | {
            "SLURM_CONF": str(self._configuration),
            "INCUBATE_BUILD": str(launch.BUILD),
            "TMPDIR": str(self._folder / "tmp"),
            "OMPI_MCA_mpi_yield_when_idle": "1",
            "OMPI_MCA_rmaps_base_oversubscribe": "1",
            "OMPI_MCA_hwloc_base_binding_policy": "none",
            "OMPI_MCA_odls_base_sigkill_timeout": "3",
        }

    def command(
        self, *words: str, check: bool = True, cwd: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> str:
        """Runs sinfo, sbatch, scontrol, or a script that calls them. Returns its output, stderr after stdout."""
        done = subprocess.run(
            self._controller.command("env", f"--chdir={cwd or Path.cwd()}", *words),
            env=self.environment() | dict(environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=launch.TIMEOUT_S,
        )
        assert not check or done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}"
        return done.stdout.strip()

    def show(self, job: str) -> dict[str, str]:
        """Returns scontrol's fields of a job: JobState, ExitCode, Restarts, ..."""
        words = self.command("scontrol", "--oneliner", "show", "job", job).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def wait_for_end(self, job: str, timeout_s: float = JOB_TIMEOUT_S) -> dict[str, str]:
        """Waits for the end of a job, which may be requeued meanwhile: COMPLETED, FAILED, CANCELLED, ..."""
        going_on = ("PENDING", "RUNNING", "COMPLETING", "REQUEUED", "SUSPENDED", "CONFIGURING")
        wait_until(lambda: self.show(job)["JobState"] not in going_on, f"end of job {job}", timeout_s)
        return self.show(job)

    def start_node(self, node: Machine) -> None:
        """Starts a node like a diskless one, without files of its own. (If they outlive a node's failure, PMIx of Slurm
        22.05 refuses the same job there.)"""
        for what in ("spool", "tmp"):
            files = self._folder / f"{what}_{node.name}"
            shutil.rmtree(files, ignore_errors=True)
            files.mkdir()
        self._start_daemon(node, "slurmd", "-D", "-f", str(self._configuration))

    def wait_until_idle(self, nodes: Sequence[Machine]) -> None:
        states = sorted(f"{node.name} idle" for node in nodes)
        wait_until(
            lambda: sorted(self.command("sinfo", "-h", "-N", "-o", "%N %T", check=False).splitlines()) == states,
            "idle nodes",
            START_TIMEOUT_S,
        )

    def queue(self) -> list[str]:
        return self.command("squeue", "-h", "-r", "-o", "%i").split()

    def empty_queue(self) -> None:
        for job in self.queue():
            self.command("scancel", "--full", "--signal=KILL", job, check=False)
            self.command("scancel", job, check=False)
        wait_until(lambda: self.queue() == [], "an empty queue", START_TIMEOUT_S)

    def stop(self) -> None:
        with contextlib.suppress(Exception):  # whatever is wrong with Slurm, the next lines end it
            if self._is_up:
                self.empty_queue()
        for daemon in reversed(self._daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self._kill_leftovers()

    def _kill_leftovers(self) -> None:
        """Kills every process with this Slurm's configuration in its environment: steps and their tasks."""
        mark = f"SLURM_CONF={self._configuration}\0".encode()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)

    def _start_munge(self) -> None:
        folder = self._folder / "munge"
        key = folder / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        names = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        options = (f"--{option}={folder / file}" for option, file in names.items())
        self._start_daemon(self._controller, "munged", "--foreground", "--force", *options)
        wait_until((folder / "socket").exists, "munged's socket", START_TIMEOUT_S)

    def _start_daemon(self, machine: Machine, name: str, *arguments: str) -> None:
        """Starts a daemon that ends with this process, even if this process is killed."""
        program = find_program(name)
        assert program is not None
        with (self._folder / f"{name}_{machine.name}.log").open("ab") as log:
            self._daemons.append(
                subprocess.Popen(
                    ["setpriv", "--pdeathsig", "TERM", *machine.command(program, *arguments)],
                    env=self.environment(),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def _write_configuration(self, nodes: Sequence[Machine]) -> None:
        controller_port, node_port = find_free_ports(2)
        for i in range(NUM_TASKS):
            (self._folder / f"gpu{i}").touch()
        (self._folder / "gres.conf").write_text(f"Name=gpu File={self._folder}/gpu[0-{NUM_TASKS - 1}]\n")
        of_each = f"CPUs={NUM_TASKS} RealMemory=1000 Gres=gpu:{NUM_TASKS} State=UNKNOWN"
        lines = "\n".join(f"NodeName={node.name} NodeAddr={node.address} {of_each}" for node in nodes)
        # cred_expire is how long a requeued job waits. KillWait is the time from SIGTERM to SIGKILL. A node is down
        # after SlurmdTimeout without a message. TmpFS is also where tasks find their node's PMIx server.
        self._configuration.write_text(f"""\
ClusterName=tests
SlurmctldHost={self._controller.name}({self._controller.address})
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
MailProg=/bin/true
AuthInfo=socket={self._folder}/munge/socket,cred_expire=5
StateSaveLocation={self._folder}/state
SlurmdSpoolDir={self._folder}/spool_%n
TmpFS={self._folder}/tmp_%n
SlurmctldPidFile={self._folder}/slurmctld.pid
SlurmdPidFile={self._folder}/slurmd_%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1
KillWait=10
SlurmdTimeout=8
MessageTimeout=5
ReturnToService=2
GresTypes=gpu
{lines}
{PARTITION}
""")
