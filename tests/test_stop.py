"""Asked to stop, a run saves, ends with status 75, and goes on from there on other ranks as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import launch
from conftest import Tiny
from killed_runs import NUM_ATTEMPTS, OFTEN, Point
from run_files import STAGES, TRAININGS, assert_same_trainings, copy_run, finished, read_summary, resume_points

STOPPED = 75
IN_META = Point("meta", 1, ["meta", *STAGES, "finetuned"])
IN_INCUBATION = Point("stage_1", 1, [*STAGES, "finetuned"])
IN_FINETUNING = Point("finetuned", 1, ["finetuned"])

Ask = Callable[[subprocess.Popen[str]], None]


def ask_mpirun(process: subprocess.Popen[str]) -> None:
    """mpirun passes it on to all ranks."""
    process.send_signal(signal.SIGUSR1)


def ask_one_rank(process: subprocess.Popen[str]) -> None:
    """The last one, which tells the others, whatever group they are in."""
    os.kill(max(launch.find_ranks(process)), signal.SIGUSR2)


def ask_with_term(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)


def make_stopped_run(tiny: Tiny, reference: Path, folder: Path, point: Point, num_ranks: int, ask: Ask) -> Path:
    """A copy of `reference` that was asked to stop while it did again what `point` says."""
    for attempt in range(NUM_ATTEMPTS):
        run = copy_run(reference, folder / f"attempt_{attempt}", without=point.undone)
        process = launch.start(tiny.arguments(run, OFTEN), num_ranks)
        deadline = time.monotonic() + launch.TIMEOUT_S
        while len(resume_points(run, point.training)) < point.num_files and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        ask(process)
        outcome = launch.finish(process)
        if not finished(run, point.training).exists():
            assert outcome.status == STOPPED, outcome
            assert outcome.messages() == []
            return run
    raise AssertionError(f"{NUM_ATTEMPTS} runs in a row were done with {point.training} before they could be stopped")


@pytest.mark.parametrize(
    ("point", "before", "ask", "named", "after"),
    [
        (IN_META, 1, ask_with_term, "SIGTERM", 2),
        (IN_INCUBATION, 4, ask_mpirun, "SIGUSR1", 3),
        (IN_INCUBATION, 3, ask_one_rank, "another rank", 1),
        (IN_FINETUNING, 2, ask_mpirun, "SIGUSR1", 4),
    ],
    ids=["TERM in meta", "USR1 in incubation", "USR2 to one rank", "USR1 in finetuning"],
)
def test_stopped_and_continued(
    tiny: Tiny, finished_run: Path, tmp_path: Path, point: Point, before: int, ask: Ask, named: str, after: int
) -> None:
    run = make_stopped_run(tiny, finished_run, tmp_path, point, before, ask)
    summary = read_summary(run)
    assert summary["state"] == "stopped"
    assert summary["reason"] == f"asked to by {named}; all is saved"
    assert (run / "log.txt").read_text().splitlines()[-1].endswith(f"stopped: asked to by {named}; all is saved")
    newest = {name: resume_points(run, name)[-1] for name in TRAININGS if resume_points(run, name)}
    assert point.training in newest  # saved where it stopped, not only every 5 steps
    launch.run_well(*tiny.arguments(run), num_ranks=after)
    assert_same_trainings(finished_run, run, TRAININGS)


def test_the_end_of_the_jobs_time(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """Started again and again with little time, as a requeued job is, it gets to the end."""
    run = copy_run(finished_run, tmp_path / "run", without=["stage_2", "finetuned"])
    statuses: list[int] = []
    while not statuses or statuses[-1] == STOPPED:
        assert len(statuses) < 60
        # Within the grace from the start: a step or so is made.
        environment = {"SLURM_JOB_END_TIME": str(int(time.time()) + 60)} if len(statuses) < 3 else {}
        outcome = launch.finish(launch.start(tiny.arguments(run), 2, environment))
        statuses.append(outcome.status)
        if outcome.status == STOPPED:
            assert read_summary(run)["reason"] == "asked to by the end of the job's time; all is saved"
            assert "Stopped on request; all is saved. The same command goes on." in outcome.stdout
    assert statuses == [STOPPED] * 3 + [0]
    assert json.loads((run / "summary.json").read_text())["state"] == "done"
    assert_same_trainings(finished_run, run, TRAININGS)
