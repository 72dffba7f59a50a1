"""Stops runs in the middle of a training: with SIGKILL, or asked to."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import launch
from run_files import STAGES, copy_run, finished, resume_points
from tiny import Tiny

OFTEN = "--checkpoint.every_steps=5"
STOPPED = 75  # the status of a run that was asked to
NUM_ATTEMPTS = 3  # a rank may finish before the signal arrives


@dataclass(frozen=True)
class Point:
    """When to kill a run: `training` has `num_files` checkpoints to resume from and is not done."""

    training: str
    num_files: int
    undone: list[str]  # trainings that the run has yet to do

    def is_reached(self, run: Path) -> bool:
        return len(resume_points(run, self.training)) >= self.num_files


IN_META = Point("meta", 1, ["meta", *STAGES, "finetuned"])
IN_INCUBATION = Point("stage_1", 1, [*STAGES, "finetuned"])
IN_FINETUNING = Point("finetuned", 1, ["finetuned"])

Ask = Callable[[subprocess.Popen[str]], None]


def ask_with_term(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)


def kill_at(tiny: Tiny, run: Path, point: Point, num_ranks: int, *settings: str) -> bool:
    """Runs the program and kills its ranks at the point. Returns False if the training ended before."""
    process = launch.start(tiny.arguments(run, OFTEN, *settings), num_ranks)
    launch.wait_until(lambda: point.is_reached(run), process)
    num_killed = launch.kill_ranks(process)
    outcome = launch.finish(process)
    if finished(run, point.training).exists():
        return False
    assert num_killed == num_ranks, outcome  # fewer: the program ended for another reason
    assert outcome.status != 0
    assert point.is_reached(run)
    return True


def make_killed_run(tiny: Tiny, reference: Path, folder: Path, point: Point, num_ranks: int, *settings: str) -> Path:
    """Returns a copy of `reference` that was killed at `point` while it trained `point.undone` again."""
    for attempt in range(NUM_ATTEMPTS):
        run = copy_run(reference, folder / f"attempt_{attempt}", without=point.undone)
        if kill_at(tiny, run, point, num_ranks, *settings):
            return run
    raise AssertionError(f"{NUM_ATTEMPTS} runs in a row were done with {point.training} before they could be killed")


def make_stopped_run(tiny: Tiny, reference: Path, folder: Path, point: Point, num_ranks: int, ask: Ask) -> Path:
    """A copy of `reference` that was asked to stop while it did again what `point` says."""
    for attempt in range(NUM_ATTEMPTS):
        run = copy_run(reference, folder / f"attempt_{attempt}", without=point.undone)
        process = launch.start(tiny.arguments(run, OFTEN), num_ranks)
        launch.wait_until(partial(point.is_reached, run), process)
        ask(process)
        outcome = launch.finish(process)
        if not finished(run, point.training).exists():
            assert outcome.status == STOPPED, outcome
            assert outcome.messages() == []
            return run
    raise AssertionError(f"{NUM_ATTEMPTS} runs in a row were done with {point.training} before they could be stopped")
