"""Tests `incubate status`, by which job scripts tell how far a run is."""

from __future__ import annotations

from pathlib import Path

import launch
from run_files import copy_run, read_summary
from tiny import Tiny

STAGES = [f"stage_{i}" for i in range(4)]


def ask(tiny: Tiny, run: Path, *settings: str) -> list[str]:
    return launch.run_well("status", *tiny.arguments(run, *settings)[1:]).stdout.splitlines()


def test_before_the_first_start(tiny: Tiny, tmp_path: Path) -> None:
    assert ask(tiny, tmp_path / "run", "--method.trainings=deep_incubation,grown,high_resolution") == [
        f"directory {tmp_path / 'run'}",
        "job none",
        "training meta undone",
        *(f"training {stage} undone meta" for stage in STAGES),
        " ".join(["training finetuned undone", *STAGES]),
        "training grown undone meta",
        "training high_resolution undone finetuned",
    ]
    assert not (tmp_path / "run").exists()


def test_of_jobs_that_ended(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    run = copy_run(finished_run, tmp_path / "run", without=["finetuned"])
    lines = ask(tiny, run)
    assert lines[:3] == [
        f"directory {run}",
        f"job done {read_summary(run)['jobs']['all']['updated']}",
        "training meta done",
    ]
    assert " ".join(["training finetuned undone", *STAGES]) in lines
    assert ask(tiny, run, "--run.only=stage_1")[1] == "job none"


def test_bad_input_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    outcome = launch.run("status", *tiny.arguments(tmp_path, "--model.width=0")[1:])
    assert outcome.status == 2 and "model.width=0 is out of range" in outcome.stderr
