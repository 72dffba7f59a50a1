"""Reads the files of a run of `incubate train`, finished or not.

src/checkpoint/FORMAT.md describes the layout. A file is complete or absent, so files can be read while the run goes on.
"""

from __future__ import annotations

import configparser
import contextlib
import glob
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
from numpy.typing import NDArray

from run_directory.methods import OLDER_TABLE, MethodTable
from run_directory.metric import OLDER_METRICS, Metric

Column: TypeAlias = NDArray[np.float64]

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"  # of summary.json, in UTC
LOST_AFTER_S = 300  # a job saves its summary and the heartbeats of its locks every few seconds
NOT_FINITE = "not finite"  # what summary.json says of an evaluation whose figures are null
NEEDED_COLUMNS = {
    "steps": ["step", "loss", "learning_rate", "gradient_norm", "images_per_s", "elapsed_s"],
    "epochs": ["step", "train_loss", "block_flops", "elapsed_s"],  # and a column for each metric
    "rounds": ["began_s", "ended_s", "first_step", "last_step", "first_rank", "num_ranks"],
}
# Reading a file without the expected content raises one of these.
CONTENT_ERRORS = (
    *(AttributeError, KeyError, OSError, OverflowError, RecursionError, RuntimeError, TypeError, ValueError),
    configparser.Error,
)


class NotARunError(Exception):
    """The directory holds no run; the message says what is missing."""


@dataclass(frozen=True)
class Metrics:
    """The figures of one training, one column each."""

    steps: dict[str, Column]  # step, loss, ..., as FORMAT.md lists them; files of older programs have fewer columns
    epochs: dict[str, Column]  # step, epoch, train_loss, block_flops, elapsed_s, and each metric of `evaluated`
    rounds: dict[str, Column] = field(default_factory=dict)  # began_s, ended_s, first_step, last_step, first_rank, ...
    checkpoints: dict[str, Column] = field(default_factory=dict)  # step, stall_s, write_s
    evaluated: tuple[Metric, ...] = OLDER_METRICS  # the first one decides


@dataclass(frozen=True)
class Training:
    """One optimisation of one model, from summary.json."""

    name: str
    phase: str  # in the run's table of methods
    state: str  # waiting, running, done or lost
    step: int
    total_steps: int
    block_flops: float  # spent so far
    metrics: Metrics | None  # None before the first checkpoint
    skipped_steps: int = 0
    num_ranks: int = 0  # of its group, in the last round
    elapsed_s: float = 0  # the training's own time
    rank_s: float = 0
    figures: dict[str, float] = field(default_factory=dict)  # of the validation images, by metric, when done

    @property
    def is_done(self) -> bool:
        return self.state == "done"

    @property
    def is_imported(self) -> bool:
        """Weights of another program, of which no figure and no cost is known."""
        return self.is_done and math.isnan(self.block_flops)


@dataclass(frozen=True)
class Speed:
    """The speed of a training over all its steps; nan where it was not measured."""

    images_per_s: float
    utilisation: float  # model FLOPs utilisation: block FLOPs over those of a matrix product in the same time
    data_wait: float  # fraction of the time spent waiting for images
    communication_wait: float  # fraction of the time that ranks spent waiting for each other's gradients
    memory_peak_bytes: float


@dataclass(frozen=True)
class Result:
    """A row of the result table."""

    method: str
    block_flops: float
    rank_s: float
    wall_s: float
    critical_path_s: float
    figures: dict[str, float]  # of the validation images, by metric


@dataclass(frozen=True)
class Round:
    """The time between two plans, of the job `all` or of a job that runs one training."""

    phase: str
    trainings: list[str]
    num_ranks: int
    job: str
    began_s: float  # Unix time
    elapsed_s: float
    idle: float  # fraction of the rank-seconds without training


@dataclass(frozen=True)
class Job:
    name: str
    state: str  # running, stopped, done, failed or lost
    reason: str  # why it ended; of a lost one the last sign of life
    num_ranks: int
    updated: str  # time of the last save: "2026-01-31T12:00:00Z"


Config: TypeAlias = dict[str, dict[str, str]]  # settings by section, as text


@dataclass(frozen=True)
class Run:
    directory: Path
    state: str  # running, stopped, done, failed, or "lost (last sign of life ...)"
    global_batch: float  # images of a step; nan if unknown
    trainings: list[Training] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    config: Config = field(default_factory=dict)  # the effective one
    table: MethodTable = OLDER_TABLE

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Returns the metrics of evaluations, the deciding one first. An older program may have started with fewer."""
        found = [training.metrics.evaluated for training in self.trainings if training.metrics is not None]
        return max(found, key=len, default=OLDER_METRICS)

    @property
    def settings(self) -> dict[str, str]:
        """Returns the settings by "section.key"."""
        return {f"{section}.{key}": text for section, keys in self.config.items() for key, text in keys.items()}

    @property
    def seed(self) -> int:
        """Returns the seed. Raises NotARunError if there is none."""
        try:
            return int(self.config["run"]["seed"])
        except (KeyError, ValueError) as error:
            raise NotARunError(f"{self.directory / 'config.ini'} has no seed. Copy the run again.") from error

    def of_phase(self, phase: str) -> list[Training]:
        return [training for training in self.trainings if training.phase == phase]


def load_metrics(path: Path) -> Metrics | None:
    """Returns the columns of a metrics file; None if there is no file yet. Raises one of CONTENT_ERRORS."""
    if not path.is_file():
        return None
    # Without locks, as in the program: some clusters' file systems have none, and files are replaced, never changed.
    with h5py.File(path, "r", locking=False) as file:
        metrics = Metrics(
            steps=_read_columns(file["steps"]),
            epochs=_read_columns(file["epochs"]),
            rounds=_read_columns(file["rounds"]) if "rounds" in file else {},
            checkpoints=_read_columns(file["checkpoints"]) if "checkpoints" in file else {},
            evaluated=_read_metrics(file["metrics"]) if "metrics" in file else OLDER_METRICS,
        )
    for table in ("steps", "epochs"):
        check_columns(metrics, table)
    return metrics


def check_columns(metrics: Metrics, table: str) -> None:
    """Raises KeyError or ValueError if a needed column is missing, or shorter than others."""
    columns: dict[str, Column] = getattr(metrics, table)
    needed = NEEDED_COLUMNS[table] + [metric.name for metric in metrics.evaluated if table == "epochs"]
    shapes = {columns[name].shape for name in needed} | {column.shape for column in columns.values()}
    if shapes != {(len(columns[needed[0]]),)}:
        raise ValueError(f"/{table} has columns of different lengths")


def read_config(path: Path) -> Config:
    """Returns the settings of an INI file of the program. Raises OSError or configparser.Error."""
    parser = configparser.ConfigParser(inline_comment_prefixes="#", interpolation=None)
    # Paths may have bytes that are no UTF-8, and an editor may have put a byte order mark in front.
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        parser.read_file(file)
    return {section: dict(parser[section]) for section in parser.sections()}


def make_run(directory: Path, summary: dict[str, Any], config: Config, metrics: dict[str, Metrics]) -> Run:
    """Returns the run. Raises one of CONTENT_ERRORS if `summary` is not a run's."""
    jobs = [_make_job(name, entry) for name, entry in summary.get("jobs", {}).items()]
    state = str(summary["state"])
    # Older programs had one job, and told of it in the summary itself.
    whole = Job("all", state, "", 0, str(summary.get("updated", "")))
    judged = [_find_lost(job, directory, len(jobs)) for job in jobs or [whole]]
    states = [job.state for job in judged]
    if "lost" in states and "running" not in states and "failed" not in states:
        state = f"lost ({max(job.reason for job in judged if job.state == 'lost')})"
    elif state == "running" and "running" not in states:
        state = "failed"
    trainings = [_make_training(entry, metrics.get(entry["name"])) for entry in summary["trainings"]]
    if "running" not in states and "lost" in states:
        trainings = [replace(t, state="lost") if t.state == "running" else t for t in trainings]
    return Run(
        directory=directory,
        state=state,
        global_batch=_read_global_batch(config),
        trainings=trainings,
        results=[_make_result(row) for row in summary["results"]],
        rounds=[_make_round(entry) for entry in summary.get("rounds", [])],
        jobs=judged if jobs else [],
        config=config,
        table=MethodTable.make(summary["methods"]) if "methods" in summary else OLDER_TABLE,
    )


def load_run(directory: Path) -> Run:
    """Returns the run. Raises NotARunError if `directory` is not a run directory."""
    path = directory / "summary.json"
    with _reading(path, "the summary of a run"):
        if not path.is_file():
            raise NotARunError(
                f"{directory} is not a run directory: it has no summary.json. Give run.directory of a training."
            )
        summary: dict[str, Any] = json.loads(path.read_bytes())
        names = [str(entry["name"]) for entry in summary["trainings"]]
    metrics = {}
    for name in names:
        file = directory / "metrics" / f"{name}.h5"
        with _reading(file, "the metrics of a training"):
            columns = load_metrics(file)
        if columns is not None:
            metrics[name] = columns
    file = directory / "config.ini"
    with _reading(file, "the settings of a run"):
        config = read_config(file) if file.exists() else {}
        _read_global_batch(config)
    with _reading(path, "the summary of a run"):
        return make_run(directory, summary, config, metrics)


@contextlib.contextmanager
def _reading(path: Path, what: str) -> Iterator[None]:
    """Raises NotARunError, which names the file, for every error that the file's content causes."""
    try:
        yield
    except CONTENT_ERRORS as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())  # on one line
        raise NotARunError(f"{path} cannot be read as {what} ({reason}). Copy the run again.") from error


def measure_speed(metrics: Metrics, global_batch: float) -> Speed:
    """Returns means over the time of those steps for which a column is known."""
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
    """Returns a line for each training that has made steps, with '-' for unknown values; empty without steps."""
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


def format_results(run: Run) -> str:
    """Returns the result table as the program prints it. FLOPs are those of the blocks."""
    width = max([17, *(len(row.method) for row in run.results)])
    figures_of = [
        [metric.format(row.figures.get(metric.name, math.nan)) for metric in run.metrics] for row in run.results
    ]
    widths = [
        max(7, len(metric.header) + 1, *(len(texts[i]) for texts in figures_of)) for i, metric in enumerate(run.metrics)
    ]
    headers = [f"{metric.header:>{size}}" for metric, size in zip(run.metrics, widths, strict=True)]
    costs = f"{'block FLOPs':>12} {'rank-hours':>11} {'wall-clock':>11} {'critical path':>14}"
    lines = [" ".join([f"{'method':<{width}}", *headers, costs])]
    for row, texts in zip(run.results, figures_of, strict=True):
        figures = [f"{text:>{size}}" for text, size in zip(texts, widths, strict=True)]
        costs = (
            f"{_format_cost(row.block_flops, '.3e'):>12} {_format_cost(row.rank_s / 3600, '.4f'):>11} "
            f"{format_clock(row.wall_s):>11} {format_clock(row.critical_path_s):>14}"
        )
        lines.append(" ".join([f"{row.method:<{width}}", *figures, costs]))
    return "\n".join(lines)


def _format_cost(cost: float, form: str) -> str:
    return "unknown" if math.isnan(cost) else f"{cost:{form}}"


def format_clock(seconds: float) -> str:
    """Returns a time as the program prints it: "1:02:03", "2:03" (minutes and seconds)."""
    if not math.isfinite(seconds):
        return "-"
    total = round(max(0.0, seconds))
    hours, minutes = total // 3600, total // 60 % 60
    return f"{hours}:{minutes:02}:{total % 60:02}" if hours else f"{minutes}:{total % 60:02}"


def _read_global_batch(config: Config) -> float:
    """Returns the global batch, NaN without a file of settings. Raises KeyError or ValueError."""
    return float(config["batch"]["global"]) if config else float("nan")


def _read_columns(group: Any) -> dict[str, Column]:
    return {name: np.asarray(column[()], dtype=np.float64) for name, column in group.items()}


def _read_metrics(group: Any) -> tuple[Metric, ...]:
    texts = [[str(text) for text in group[name].asstr()] for name in ("name", "title", "unit")]
    higher_is_better = [bool(value) for value in group["higher_is_better"]]
    return tuple(Metric(*column) for column in zip(*texts, higher_is_better, strict=True))


def _find_lost(job: Job, directory: Path, num_jobs: int) -> Job:
    """The job; with the state `lost` if it says that it runs and no sign of life was seen for minutes.

    Clocks differ, so that of the file system counts as well. It is no sign of one job among several.
    """
    if job.state != "running":
        return job
    files = list((directory / "checkpoints").glob("*.lock" if job.name == "all" else f"{glob.escape(job.name)}.lock"))
    seen = [parse_time(job.updated)] if job.updated else []
    for path in files + [directory / "summary.json"] * (num_jobs < 2):
        with contextlib.suppress(*CONTENT_ERRORS):
            seen.append(path.stat().st_mtime)
            seen.append(float(json.loads(path.read_bytes())["heartbeat"]))
    last = max(seen, default=math.inf)
    if time.time() - last < LOST_AFTER_S:
        return job
    text = datetime.fromtimestamp(last, timezone.utc).strftime(TIME_FORMAT)
    return replace(job, state="lost", reason=f"last sign of life {text}")


def parse_time(text: str) -> float:
    """Unix time of a time of summary.json. Raises ValueError."""
    return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=timezone.utc).timestamp()


def _number(value: Any) -> float:
    """JSON has no NaN; null stands for it."""
    return float("nan") if value is None else float(value)


def _make_training(entry: dict[str, Any], metrics: Metrics | None) -> Training:
    return Training(
        name=str(entry["name"]),
        phase=str(entry["phase"]),
        state=str(entry["state"]),
        step=int(entry["step"]),
        total_steps=int(entry["total_steps"]),
        block_flops=_number(entry["block_flops"]),
        metrics=metrics,
        skipped_steps=int(entry.get("skipped_steps", 0)),
        num_ranks=int(entry.get("num_ranks", 0)),
        elapsed_s=_number(entry.get("elapsed_s")),
        rank_s=_number(entry.get("rank_s")),
        figures=_read_figures(entry, Training),
    )


def _make_result(row: dict[str, Any]) -> Result:
    costs = {name: _number(row[name]) for name in ("block_flops", "rank_s", "wall_s", "critical_path_s")}
    return Result(method=str(row["method"]), figures=_read_figures(row, Result), **costs)


def _read_figures(entry: dict[str, Any], kind: type[Training | Result]) -> dict[str, float]:
    """Returns the numbers of an entry that are neither costs nor counts."""
    known = kind.__dataclass_fields__
    missing = float("inf") if entry.get("evaluation") == NOT_FINITE else float("nan")
    return {
        name: missing if value is None else float(value)
        for name, value in entry.items()
        if name not in known and (value is None or isinstance(value, (int, float)))
    }


def _make_round(entry: dict[str, Any]) -> Round:
    return Round(
        phase=str(entry["phase"]),
        trainings=[str(name) for name in entry["trainings"]],
        num_ranks=int(entry["num_ranks"]),
        job=str(entry["job"]),
        began_s=float(entry["began_s"]),
        elapsed_s=float(entry["elapsed_s"]),
        idle=_number(entry["idle"]),
    )


def _make_job(name: str, entry: dict[str, Any]) -> Job:
    datetime.strptime(entry["updated"], TIME_FORMAT)
    return Job(name, str(entry["state"]), str(entry["reason"]), int(entry["num_ranks"]), str(entry["updated"]))
