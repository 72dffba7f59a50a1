"""The Unix time of each step. Metrics have only the training's own seconds and the Unix time of its rounds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from run_directory.data import Column, Metrics


class WallTimes(NamedTuple):
    """Unix time in seconds; NaN where no round is known."""

    steps: Column  # end of each step
    epochs: Column  # end of each evaluation


def wall_times(metrics: Metrics) -> WallTimes:
    """Returns the wall times: own seconds are stretched evenly from the start to the end of each round.

    In a group with several trainings, a training's own seconds are only a part of the round's.
    """
    rounds = metrics.rounds
    if len(rounds.get("began_s", [])) == 0:
        return WallTimes(*(np.full(len(rows["step"]), np.nan) for rows in (metrics.steps, metrics.epochs)))
    began = np.array([_elapsed_at(metrics, step) for step in rounds["first_step"]])
    ended = np.array([_elapsed_at(metrics, step) for step in rounds["last_step"]])
    round_s = rounds["ended_s"] - rounds["began_s"]
    rate = np.divide(round_s, ended - began, out=np.zeros_like(round_s), where=ended > began)

    def place(elapsed: Column, steps_done: Column) -> Column:
        """Returns the times within the rounds in which the last of the steps were made."""
        i = np.minimum(np.searchsorted(rounds["last_step"], steps_done), len(rate) - 1)
        return np.asarray(rounds["began_s"][i] + (elapsed - began[i]) * rate[i], dtype=np.float64)

    return WallTimes(
        place(metrics.steps["elapsed_s"], metrics.steps["step"] + 1),
        place(metrics.epochs["elapsed_s"], metrics.epochs["step"]),
    )


def _elapsed_at(metrics: Metrics, steps_done: float) -> float:
    """Returns the training's own seconds at `steps_done`, after an evaluation there."""
    evaluated = np.flatnonzero(metrics.epochs["step"] == steps_done)
    if len(evaluated):
        return float(metrics.epochs["elapsed_s"][evaluated[0]])
    i = int(np.searchsorted(metrics.steps["step"], steps_done)) - 1
    return float(metrics.steps["elapsed_s"][i]) if i >= 0 else 0.0
