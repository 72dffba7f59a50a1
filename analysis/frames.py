"""A run of `incubate train` as pandas data frames.

    frames = load_frames("runs/fashion-mnist")
    frames.epochs.query("phase == 'end_to_end'").plot(x="block_flops", y="top1")

Every frame begins with the columns `run` (the directory, as given), `training`, `phase` and `seed`. So pandas.concat
can join frames of several runs. `trainings` has a row for each training. The other frames have the columns of
src/checkpoint/FORMAT.md, for trainings that have saved something; columns after a + are added here.

steps        step (from 0), loss (nats), learning_rate, gradient_norm (before clipping), images_per_s, elapsed_s (s, the
             training's own time), data_wait_s and communication_wait_s (s of the step), model_flops_utilisation (part
             of the peak), memory_peak_bytes (a rank's), + step_s (s that the group took, for all its trainings)
epochs       one row an evaluation: step (completed), epoch (passes over the images), train_loss (nats), block_flops,
             elapsed_s (s), num_samples (validation images; none in older files), figures by metric: top1 and top5
             (fractions), loss (nats), + rank_s (ranks times own seconds)
rounds       began_s and ended_s (Unix time), first_step and last_step (completed), first_rank, num_ranks, images_per_s
checkpoints  step (completed), stall_s (s that training stood still), write_s (s in the background)
trainings    state (waiting, running or done), step (completed), total_steps, skipped_steps, num_ranks, block_flops,
             elapsed_s (s), rank_s (ranks times seconds), and when done the same figures

A cost is that of one training; its sources have their own rows. NaN: unknown, or not there yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from comparisons.cost_axes import spent_rank_s
from run_directory.data import Column, Metrics, Run, Training, load_run

COLUMNS = {
    "steps": (
        *("step", "loss", "learning_rate", "gradient_norm", "images_per_s", "elapsed_s", "data_wait_s"),
        *("communication_wait_s", "model_flops_utilisation", "memory_peak_bytes"),
    ),
    "epochs": ("step", "epoch", "train_loss", "block_flops", "elapsed_s", "num_samples"),  # and figures by metric
    "rounds": ("began_s", "ended_s", "first_step", "last_step", "first_rank", "num_ranks", "images_per_s"),
    "checkpoints": ("step", "stall_s", "write_s"),
}
TRAINING_COLUMNS = ("state", "step", "total_steps", "skipped_steps", "num_ranks", "block_flops", "elapsed_s", "rank_s")
COUNTS = {"seed", "step", "total_steps", "skipped_steps", "first_step", "last_step", "first_rank", "num_ranks"}


@dataclass(frozen=True)
class Frames:
    """A run as frames; the columns are listed above."""

    steps: pd.DataFrame
    epochs: pd.DataFrame
    rounds: pd.DataFrame
    checkpoints: pd.DataFrame
    trainings: pd.DataFrame


def load_frames(run: Path | str) -> Frames:
    """Returns the frames of a run. Raises NotARunError if `run` is not a run directory."""
    loaded = load_run(Path(run))
    steps = _stack(loaded, "steps")
    steps["step_s"] = loaded.global_batch / steps["images_per_s"]
    epochs = _stack(loaded, "epochs")
    epochs["rank_s"] = np.concatenate([np.empty(0), *(spent_rank_s(training) for training, _ in _measured(loaded))])
    columns = {name: [getattr(t, name) for t in loaded.trainings] for name in TRAINING_COLUMNS}
    for name in _unite([metric.name for metric in loaded.metrics], *(t.figures for t in loaded.trainings)):
        columns[name] = [t.figures.get(name, np.nan) for t in loaded.trainings]
    return Frames(
        steps=steps,
        epochs=epochs,
        rounds=_stack(loaded, "rounds"),
        checkpoints=_stack(loaded, "checkpoints"),
        trainings=_type(pd.DataFrame({**_label(loaded, loaded.trainings, [1] * len(loaded.trainings)), **columns})),
    )


def _measured(run: Run) -> list[tuple[Training, Metrics]]:
    return [(training, training.metrics) for training in run.trainings if training.metrics is not None]


def _unite(*names: Iterable[str]) -> list[str]:
    """Returns each name once, in the order of first occurrence."""
    return list(dict.fromkeys(name for group in names for name in group))


def _stack(run: Run, table: str) -> pd.DataFrame:
    """Returns one table of all trainings that have metrics."""
    measured = _measured(run)
    tables: list[dict[str, Column]] = [getattr(metrics, table) for _, metrics in measured]
    lengths = [len(rows[COLUMNS[table][0]]) for rows in tables]
    columns = _label(run, [training for training, _ in measured], lengths)
    evaluated = [metric.name for metric in run.metrics] if table == "epochs" else []
    for name in _unite(COLUMNS[table], evaluated, *tables):
        parts = [rows.get(name, np.full(n, np.nan)) for rows, n in zip(tables, lengths, strict=True)]
        columns[name] = np.concatenate([np.empty(0), *parts])
    return _type(pd.DataFrame(columns))


def _label(run: Run, trainings: list[Training], lengths: list[int]) -> dict[str, object]:
    def repeat(values: list[str]) -> list[str]:
        return [value for value, n in zip(values, lengths, strict=True) for _ in range(n)]

    return {
        "run": [str(run.directory)] * sum(lengths),
        "training": repeat([training.name for training in trainings]),
        "phase": repeat([training.phase for training in trainings]),
        "seed": [run.seed] * sum(lengths),
    }


def _type(frame: pd.DataFrame) -> pd.DataFrame:
    """Makes counts integers, also where HDF5 or an empty column made them floats."""
    return frame.astype({name: "int64" for name in frame.columns if name in COUNTS})
