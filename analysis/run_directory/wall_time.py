"""When a step was made: metrics have the training's own seconds, and the Unix time of its rounds only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from run_directory.data import Column, Metrics


class WallTimes(NamedTuple):
    """Unix time, in seconds; NaN where no round is known."""

    steps: Column  # the end of each
    epochs: Column  # the end of each evaluation


def wall_times(metrics: Metrics) -> WallTimes:
    """The training's own seconds, laid evenly from the beginning to the end of each round.

    In a group that carries on several trainings its own seconds are a part of the round's; so they are stretched.
    """
    rounds = metrics.rounds
    if len(rounds.get("began_s", [])) == 0:
        return WallTimes(*(np.full(len(rows["step"]), np.nan) for rows in (metrics.steps, metrics.epochs)))
    began = np.array([_elapsed_at(metrics, step) for step in rounds["first_step"]])
    ended = np.array([_elapsed_at(metrics, step) for step in rounds["last_step"]])
    round_s = rounds["ended_s"] - rounds["began_s"]
    rate = np.divide(round_s, ended - began, out=np.zeros_like(round_s), where=ended > began)

    def place(elapsed: Column, steps_done: Column) -> Column:
        """In the round in which the last of the steps was made."""
        i = np.minimum(np.searchsorted(rounds["last_step"], steps_done), len(rate) - 1)
        return np.asarray(rounds["began_s"][i] + (elapsed - began[i]) * rate[i], dtype=np.float64)

    return WallTimes(
        place(metrics.steps["elapsed_s"], metrics.steps["step"] + 1),
        place(metrics.epochs["elapsed_s"], metrics.epochs["step"]),
    )


def _elapsed_at(metrics: Metrics, steps_done: float) -> float:
    """The training's own seconds when so many steps were done, and evaluated if they were."""
    evaluated = np.flatnonzero(metrics.epochs["step"] == steps_done)
    if len(evaluated):
        return float(metrics.epochs["elapsed_s"][evaluated[0]])
    i = int(np.searchsorted(metrics.steps["step"], steps_done)) - 1
    return float(metrics.steps["elapsed_s"][i]) if i >= 0 else 0.0
