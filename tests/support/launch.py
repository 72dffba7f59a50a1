"""Starts the built executable as a user does, with or without mpirun, and never waits for ever."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("INCUBATE_BUILD", REPOSITORY / "build")).resolve()
EXECUTABLE = BUILD / "incubate"
TIMEOUT_S = 100.0  # per start; mpirun's own timeout is later, as a second net


@dataclass(frozen=True)
class Outcome:
    """Exit status and output of a start."""

    status: int
    stdout: str
    stderr: str
    elapsed_s: float

    def messages(self) -> list[str]:
        """Returns the program's own lines on stderr, without mpirun's."""
        return [line for line in self.stderr.splitlines() if "incubate:" in line]


def make_environment() -> dict[str, str]:
    """Returns the tests' environment without variables that would make a start part of a surrounding job."""
    foreign = ("OMPI_", "PMIX_", "PMI_", "SLURM_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return environment | {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMP_NUM_THREADS": "1",
        # Skips the search for missing network fabrics, which takes 0.3 s per start.
        "OMPI_MCA_mtl": "^ofi,psm,psm2",
        "OMPI_MCA_btl": "^ofi,openib",
    }


def make_command(
    arguments: list[str], num_ranks: int, timeout_s: float = TIMEOUT_S, program: Path = EXECUTABLE
) -> list[str]:
    """Returns the command line: the program itself for 1 rank, else mpirun."""
    command = [str(program), *arguments]
    if num_ranks == 1:
        return command
    options = f"--oversubscribe --bind-to none --timeout {timeout_s + 20:.0f} --mca mpi_yield_when_idle 1"
    return ["mpirun", "-n", str(num_ranks), *options.split(), *command]


def start(
    arguments: list[str],
    num_ranks: int = 1,
    environment: Mapping[str, str] | None = None,
    wrapper: Sequence[str] = (),
    timeout_s: float = TIMEOUT_S,
) -> subprocess.Popen[str]:
    """Starts the program, through the command `wrapper` if given. Adds `environment` to make_environment()."""
    return subprocess.Popen(
        [*wrapper, *make_command(arguments, num_ranks, timeout_s)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=make_environment() | dict(environment or {}),
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], timeout_s: float = TIMEOUT_S) -> Outcome:
    """Waits for the end. Kills a start that hangs and raises TimeoutExpired."""
    began = time.monotonic()
    try:
        stdout, stderr = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        kill_ranks(process)
        process.kill()
        process.communicate()
        raise
    return Outcome(process.returncode, stdout, stderr, time.monotonic() - began)


def run(*arguments: str, num_ranks: int = 1, timeout_s: float = TIMEOUT_S) -> Outcome:
    return finish(start(list(arguments), num_ranks, timeout_s=timeout_s), timeout_s)


def run_well(*arguments: str, num_ranks: int = 1, timeout_s: float = TIMEOUT_S) -> Outcome:
    """Runs the program and fails unless it exits with status 0."""
    outcome = run(*arguments, num_ranks=num_ranks, timeout_s=timeout_s)
    assert outcome.status == 0, f"{arguments} on {num_ranks} ranks: {outcome.stdout}\n{outcome.stderr}"
    return outcome


def call(main: Callable[[list[str]], int], *arguments: str | Path) -> Outcome:
    """Calls a Python program's main in this process, because loading its packages again takes seconds."""
    began = time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()) as stdout, contextlib.redirect_stderr(io.StringIO()) as stderr:
        status = main([str(argument) for argument in arguments])
    return Outcome(status, stdout.getvalue(), stderr.getvalue(), time.monotonic() - began)


def probe(*arguments: str) -> str:
    """Runs network_probe, which prints numbers from inside the program. Returns its output."""
    command = [str(BUILD / "tests" / "network_probe"), *arguments]
    return subprocess.run(
        command, env=make_environment(), timeout=TIMEOUT_S, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def find_ranks(process: subprocess.Popen[str]) -> list[int]:
    """Returns the ids of the program's processes: those that the mpirun `process` started, or `process` itself."""
    ranks = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue  # the process has ended meanwhile
        if name == EXECUTABLE.name and process.pid in (int(entry.name), int(rest.split()[1])):
            ranks.append(int(entry.name))
    return ranks


def wait_until(
    is_so: Callable[[], bool], process: subprocess.Popen[str] | None = None, timeout_s: float = TIMEOUT_S
) -> bool:
    """Waits until it is so, or the process has ended. Returns whether it is so. Fails after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if process is not None and process.poll() is not None:
            return is_so()
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return True


def start_ranks(
    arguments: list[str], num_ranks: int, wrapper: Sequence[str] = ()
) -> tuple[subprocess.Popen[str], list[int]]:
    """Starts mpirun and waits until all ranks exist or the start has ended. Returns mpirun and the ranks' ids."""
    process = start(arguments, num_ranks, wrapper=wrapper)
    ranks: list[int] = []

    def all_exist() -> bool:
        ranks[:] = find_ranks(process)
        return len(ranks) >= num_ranks

    wait_until(all_exist, process)
    return process, ranks


def is_running(pid: int) -> bool:
    """Returns whether the process exists and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


def wait_until_gone(pids: list[int], timeout_s: float) -> None:
    """Fails if some of the processes still run after `timeout_s`, and kills these."""
    deadline = time.monotonic() + timeout_s
    while left := [pid for pid in pids if is_running(pid)]:
        if time.monotonic() > deadline:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"{len(left)} of {len(pids)} processes did not end within {timeout_s:.0f} s")
        time.sleep(0.005)


def rank_number(pid: int) -> int:
    """Returns the rank of a process within its job."""
    variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    (number,) = (v.partition(b"=")[2] for v in variables if v.startswith(b"OMPI_COMM_WORLD_RANK="))
    return int(number)


def kill_ranks(process: subprocess.Popen[str]) -> int:
    """Kills all ranks at once, like a node's failure: no rank prints or saves anything. Returns their number."""
    ranks = find_ranks(process)
    for rank in ranks:
        with contextlib.suppress(ProcessLookupError):
            os.kill(rank, signal.SIGKILL)
    return len(ranks)
