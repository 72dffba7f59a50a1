"""Runs the study's trainings as processes: started at the lowest priority, paused, stopped, measured."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from launch import EXECUTABLE, REPOSITORY, make_environment
from study_runs.run import StudyRun

WORK = REPOSITORY / "runs" / "study"
PIDS, PAUSED = WORK / "pids.json", WORK / "paused"
LOWEST_PRIORITY = 19


@dataclass
class Job:
    """A start of the program."""

    run: StudyRun
    process: subprocess.Popen[bytes]
    began: datetime
    active_s: float = 0  # without pauses


def start(run: StudyRun) -> Job:
    command = [str(EXECUTABLE), "train", f"--config={run.config}", *run.settings]
    command += [f"--run.directory={WORK / run.name}", "--run.progress=none"]
    with (WORK / f"{run.name}.out").open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=make_environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    set_priority(process.pid, LOWEST_PRIORITY)
    return Job(run, process, datetime.now(timezone.utc))


def set_priority(pid: int, nice: int) -> None:
    """Sets a session's priority. Linux divides the cores among sessions first, then by nice values within a session."""
    with contextlib.suppress(OSError):  # other systems have no such file, and users may only lower a priority
        Path(f"/proc/{pid}/autogroup").write_text(str(nice))


def reap(job: Job) -> tuple[int, float] | None:
    """Returns status and CPU seconds of a start that has ended."""
    pid, status, usage = os.wait4(job.process.pid, os.WNOHANG)
    if pid == 0:
        return None
    job.process.returncode = os.waitstatus_to_exitcode(status)
    return job.process.returncode, usage.ru_utime + usage.ru_stime


def write_pids(jobs: list[Job]) -> None:
    draft = PIDS.with_suffix(".draft")
    draft.write_text(json.dumps({job.run.name: job.process.pid for job in jobs}))
    draft.rename(PIDS)


def signal_all(number: signal.Signals) -> None:
    """Sends a signal to the running trainings."""
    pids: dict[str, int] = json.loads(PIDS.read_text()) if PIDS.exists() else {}
    for name, pid in pids.items():
        if is_training(pid, name):
            os.kill(pid, number)


def is_training(pid: int, name: str) -> bool:
    """Returns whether the process is still the one that was started for the run."""
    try:
        return f"--run.directory={WORK / name}".encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
