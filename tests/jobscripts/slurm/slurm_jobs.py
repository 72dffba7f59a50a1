"""Submits jobs of jobscripts/train.sbatch on the tiny data, stops them in the middle, and finds their processes."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from slurm_cluster import SlurmCluster

import launch
from killed_runs import OFTEN
from run_files import finished, resume_points
from tiny import CONFIG, Tiny

SBATCH_OPTIONS = ("--ntasks-per-node=2", "--gpus-per-node=2", "--time=10")
LAST = ["finetuned", "end_to_end"]
LAUNCHERS = ("srun", "mpirun")


def settings(tiny: Tiny, run: Path) -> list[str]:
    return [str(CONFIG), f"--data.file={tiny.data}", f"--run.directory={run}", "--run.device=cpu", OFTEN]


def output_of(run: Path) -> Path:
    return run.parent / f"{run.name}.out"


def submit(
    slurm: SlurmCluster, tiny: Tiny, run: Path, *more: str, options: list[str] | None = None, launcher: str = "srun"
) -> str:
    """Submits train.sbatch from a folder other than the repository's root. Returns the job's id."""
    script = launch.REPOSITORY / "jobscripts" / "train.sbatch"
    return slurm.command(
        "sbatch", "--parsable", *SBATCH_OPTIONS, f"--output={output_of(run)}", *(options or []),
        str(script), *settings(tiny, run), *more, cwd=run.parent, environment={"LAUNCHER": launcher},
    )  # fmt: skip


def find_tasks(run: Path) -> list[int]:
    """Returns the ids of the program's processes that work on a run."""
    argument = f"--run.directory={run}\0".encode()
    tasks = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if not entry.name.isdigit() or (entry / "exe").resolve() != launch.EXECUTABLE:
                continue
            if argument in (entry / "cmdline").read_bytes():
                tasks.append(int(entry.name))
    return tasks


def freeze_at_resume_point(run: Path, training: str) -> list[int]:
    """Freezes the tasks of a job in the middle of a training. Slurm wakes tasks that it ends."""
    launch.wait_until(lambda: len(resume_points(run, training)) > 0)
    tasks = find_tasks(run)
    for task in tasks:
        os.kill(task, signal.SIGSTOP)
    assert tasks
    assert not finished(run, training).exists()
    return tasks


def wake(tasks: list[int]) -> None:
    for task in tasks:
        with contextlib.suppress(ProcessLookupError):
            os.kill(task, signal.SIGCONT)


def assert_completed(slurm: SlurmCluster, job: str, run: Path, restarts: int) -> None:
    shown = slurm.wait_for_end(job)
    text = output_of(run).read_text()
    assert (shown["JobState"], shown["ExitCode"], shown["Restarts"]) == ("COMPLETED", "0:0", str(restarts)), text


def assert_failed_once(slurm: SlurmCluster, job: str, run: Path, message: str) -> None:
    shown = slurm.wait_for_end(job)
    text = output_of(run).read_text()
    assert (shown["JobState"], shown["Restarts"]) == ("FAILED", "0"), text
    assert message in text
    launch.wait_until(lambda: not find_tasks(run))  # on both nodes: they hold ports that the next job would take
