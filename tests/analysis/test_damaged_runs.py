"""Every program of analysis/ reads a run that lacks something, or says in a line what it lacks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import compare
import frames
import launch
import plot_run
import report
import to_tensorboard
import watch
from run_files import copy_run

Main = Callable[[list[str]], int]


def cut_metrics(run: Path) -> Path:
    path = run / "metrics" / "finetuned.h5"
    path.write_bytes(path.read_bytes()[:700])
    return path


def lose_metrics(run: Path) -> Path:
    path = run / "metrics" / "stage_1.h5"
    path.unlink()
    return path


def lose_log(run: Path) -> Path:
    path = run / "log.txt"
    path.unlink()
    return path


def cut_summary(run: Path) -> Path:
    path = run / "summary.json"
    path.write_bytes(path.read_bytes()[:200])
    return path


PROGRAMS: dict[str, tuple[Main, list[str]]] = {
    "plot_run": (plot_run.main, ["--output={folder}/plot.png"]),
    "report": (report.main, ["--output={folder}/report.html"]),
    "compare": (compare.main, []),
    "to_tensorboard": (to_tensorboard.main, ["--output={folder}/events"]),
    "watch": (watch.main, ["--once"]),
}


@pytest.mark.parametrize("damage", [cut_metrics, lose_metrics, lose_log, cut_summary])
@pytest.mark.parametrize("name", PROGRAMS)
def test_damaged_run(finished_run: Path, tmp_path: Path, name: str, damage: Callable[[Path], Path]) -> None:
    run = copy_run(finished_run, tmp_path / "run", without=[])
    damaged = damage(run)
    main, options = PROGRAMS[name]
    outcome = launch.call(main, run, *(option.format(folder=tmp_path) for option in options))
    told = outcome.stdout + outcome.stderr
    assert "Traceback" not in told
    assert outcome.status in (0, 2), outcome
    if outcome.status == 2:
        [line] = outcome.stderr.strip().splitlines()
        assert damaged.name in line, outcome


def test_frames_of_a_damaged_run(finished_run: Path, tmp_path: Path) -> None:
    run = copy_run(finished_run, tmp_path / "run", without=[])
    damaged = cut_metrics(run)
    with pytest.raises(Exception, match=damaged.name):
        frames.load_frames(run)
