"""Reads analysis/results/study: figures of the study's finished runs, by name."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from run_directory.data import Run, load_run
from study_runs.run import RESULT_OF


@dataclass(frozen=True)
class Kept:
    """A finished run. Costs are those of all trainings that its network depends on."""

    top1: float  # validation, fraction
    loss: float  # validation
    train_loss: float  # mean since the evaluation before the last one
    test_top1: float  # fraction; NaN before the network was evaluated
    test_loss: float
    block_flops: float
    path_flops: float  # block FLOPs of the longest chain of trainings, each incubation on a group of its own


@dataclass(frozen=True)
class Study:
    kept: dict[str, Kept]  # by name
    diverged: set[str]  # names
    cpu_hours: float
    processors: list[str]  # with their vector instructions
    programs: list[str]

    @property
    def top1(self) -> dict[str, float]:
        """Returns the validation top-1 used for choices; 0 for runs that diverged."""
        return {name: kept.top1 for name, kept in self.kept.items()} | dict.fromkeys(self.diverged, 0.0)


def load_study(folder: Path) -> Study:
    """Returns the kept study. Raises NotARunError if a kept run is damaged."""
    log, tests = read_csv(folder / "log.csv"), {row["run"]: row for row in read_csv(folder / "test.csv")}
    kept = {path.parent.name: make_kept(load_run(path.parent), tests) for path in sorted(folder.glob("*/summary.json"))}
    return Study(
        kept=kept,
        diverged={row["run"] for row in log if row["outcome"] == "diverged"},
        cpu_hours=sum(float(row["cpu_s"]) for row in log) / 3600,
        processors=list(dict.fromkeys(f"{row['processor']} ({row['features']})" for row in log)),
        programs=list(dict.fromkeys(row["program"] for row in log)),
    )


def read_csv(path: Path) -> list[dict[str, str]]:
    """Returns the rows; none if there is no file yet."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def make_kept(run: Run, tests: dict[str, dict[str, str]]) -> Kept:
    results = {training.name: training for training in run.trainings if training.name in RESULT_OF.values()}
    [result] = results.values()
    assert result.metrics is not None  # keep_results.py keeps no run without metrics
    test = tests.get(run.directory.name)
    incubations = [training.block_flops for training in run.of_phase("incubation")]
    others = [training.block_flops for training in run.trainings if training.phase != "incubation"]
    return Kept(
        top1=result.figures["top1"],
        loss=result.figures["loss"],
        train_loss=float(result.metrics.epochs["train_loss"][-1]),
        test_top1=int(test["right"]) / int(test["images"]) if test else float("nan"),
        test_loss=float(test["loss"]) if test else float("nan"),
        block_flops=sum(others) + sum(incubations),
        path_flops=sum(others) + max(incubations, default=0.0),
    )
