"""Reads what a run of `incubate train` wrote, finished or not.

The layout is described in src/checkpoint/FORMAT.md. A file is complete or absent, so what is there can be read while
the run goes on.
"""

from __future__ import annotations

import configparser
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
from numpy.typing import NDArray

Column: TypeAlias = NDArray[np.float64]


class NotARunError(Exception):
    """The directory holds no run; the message says what is missing."""


@dataclass(frozen=True)
class Metrics:
    """The figures of one training, a column each."""

    steps: dict[str, Column]  # step, loss, ..., as FORMAT.md lists them; files of older programs have fewer columns
    epochs: dict[str, Column]  # step, epoch, train_loss, loss, top1, top5, block_flops, elapsed_s


@dataclass(frozen=True)
class Training:
    """One optimisation of one model, as summary.json tells of it."""

    name: str
    phase: str  # meta, incubation, finetuning, end_to_end, grown or shallow
    state: str  # waiting, running or done
    step: int
    total_steps: int
    block_flops: float  # spent so far
    metrics: Metrics | None  # None before the first checkpoint

    @property
    def is_done(self) -> bool:
        return self.state == "done"


@dataclass(frozen=True)
class Speed:
    """How fast the steps of a training were, all of them together; nan where it was not measured."""

    images_per_s: float
    utilisation: float  # model FLOPs utilisation: block FLOPs over those of a matrix product in the same time
    data_wait: float  # part of the time in which images were not there yet
    communication_wait: float  # part of the time in which ranks waited for each other's gradients
    memory_peak_bytes: float


@dataclass(frozen=True)
class Result:
    """A row of the result table."""

    method: str
    top1: float
    loss: float
    block_flops: float
    rank_s: float
    wall_s: float
    critical_path_s: float


@dataclass(frozen=True)
class Run:
    directory: Path
    state: str  # running, done or failed
    global_batch: int  # images of a step
    trainings: list[Training] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    def of_phase(self, phase: str) -> list[Training]:
        return [training for training in self.trainings if training.phase == phase]


def load_metrics(path: Path) -> Metrics | None:
    """The columns of a metrics file; None if there is no file yet."""
    if not path.is_file():
        return None
    with h5py.File(path, "r") as file:
        return Metrics(steps=_read_columns(file["steps"]), epochs=_read_columns(file["epochs"]))


def load_run(directory: Path) -> Run:
    """Raises NotARunError if `directory` is not a run directory."""
    path = directory / "summary.json"
    if not path.is_file():
        raise NotARunError(
            f"{directory} is not a run directory: it has no summary.json. Give run.directory of a training."
        )
    try:
        summary: dict[str, Any] = json.loads(path.read_text())
        return Run(
            directory=directory,
            state=summary["state"],
            global_batch=_read_global_batch(directory / "config.ini"),
            trainings=[_make_training(entry, directory) for entry in summary["trainings"]],
            results=[Result(**{name: row[name] for name in Result.__dataclass_fields__}) for row in summary["results"]],
        )
    except (json.JSONDecodeError, configparser.Error, KeyError, TypeError, ValueError) as error:
        raise NotARunError(f"{path} is not the summary of a run ({error!r}). Check the path.") from error
    except OSError as error:  # h5py's, of a damaged metrics file
        raise NotARunError(f"{directory} has a damaged file: {error}. Copy it again.") from error


def measure_speed(metrics: Metrics, global_batch: int) -> Speed:
    """Means over the time of the steps, of those where a column is known."""
    steps = metrics.steps
    step_s = global_batch / steps["images_per_s"]
    unknown = np.full_like(step_s, np.nan)

    def part_of_time(seconds: Column) -> float:
        known = ~np.isnan(seconds)
        return float(seconds[known].sum() / step_s[known].sum()) if known.any() else float("nan")

    return Speed(
        images_per_s=float(global_batch * len(step_s) / step_s.sum()),
        utilisation=part_of_time(steps.get("model_flops_utilisation", unknown) * step_s),
        data_wait=part_of_time(steps.get("data_wait_s", unknown)),
        communication_wait=part_of_time(steps.get("communication_wait_s", unknown)),
        memory_peak_bytes=float(steps.get("memory_peak_bytes", unknown)[-1]),
    )


def format_speeds(run: Run) -> str:
    """A line for each training that has made steps; empty without one. '-' where something was not measured."""
    speeds = [
        (training.name, measure_speed(training.metrics, run.global_batch))
        for training in run.trainings
        if training.metrics is not None and len(training.metrics.steps["step"])
    ]
    if not speeds:
        return ""
    width = max(17, *(len(name) for name, _ in speeds))
    lines = [
        f"{'training':<{width}} {'images/s':>9} {'utilisation':>12} {'data wait':>10} {'rank wait':>10}"
        f" {'memory a rank':>14}"
    ]
    for name, speed in speeds:
        parts = (speed.utilisation, speed.data_wait, speed.communication_wait)
        texts = ["-" if np.isnan(part) else f"{100 * part:.1f}%" for part in parts]
        bytes_ = speed.memory_peak_bytes
        memory = "-" if np.isnan(bytes_) else f"{bytes_ / 1e9:.2f} GB"
        lines.append(
            f"{name:<{width}} {speed.images_per_s:>9.0f} {texts[0]:>12} {texts[1]:>10} {texts[2]:>10} {memory:>14}"
        )
    return "\n".join(lines)


def format_results(results: list[Result]) -> str:
    """The result table as text; FLOPs are of the transformer blocks, times in hours."""
    width = max([17, *(len(row.method) for row in results)])
    lines = [
        f"{'method':<{width}} {'top-1':>7} {'test loss':>10} {'block FLOPs':>12} {'rank-hours':>11} {'wall hours':>11}"
        f" {'critical path':>14}"
    ]
    lines += [
        f"{row.method:<{width}} {100 * row.top1:>6.2f}% {row.loss:>10.4f} {row.block_flops:>12.3e} "
        f"{row.rank_s / 3600:>11.4f} {row.wall_s / 3600:>11.4f} {row.critical_path_s / 3600:>14.4f}"
        for row in results
    ]
    return "\n".join(lines)


def _read_columns(group: Any) -> dict[str, Column]:
    return {name: np.asarray(column[()], dtype=np.float64) for name, column in group.items()}


def _read_global_batch(path: Path) -> int:
    config = configparser.ConfigParser(inline_comment_prefixes="#", interpolation=None)
    config.read(path)
    return config.getint("batch", "global")


def _make_training(entry: dict[str, Any], directory: Path) -> Training:
    return Training(
        name=entry["name"],
        phase=entry["phase"],
        state=entry["state"],
        step=entry["step"],
        total_steps=entry["total_steps"],
        block_flops=entry["block_flops"],
        metrics=load_metrics(directory / "metrics" / f"{entry['name']}.h5"),
    )
