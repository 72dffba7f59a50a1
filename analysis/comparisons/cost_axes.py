"""The cost of a network at each of its evaluations: steps, block FLOPs, rank-hours and wall-clock time.

A method's cost counts every training that its network depends on: the meta model, then all incubations, then
finetuning. Incubations do not wait for each other, so each one begins at the cost of the meta model. Finetuning begins
at the sum of all earlier costs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from run_directory.data import Column, Round, Run, Training
from run_directory.wall_time import wall_times


class CostAxis(NamedTuple):
    name: str
    label: str  # without a unit


STEPS = CostAxis("steps", "steps")
FLOPS = CostAxis("flops", "block FLOPs")
RANK_HOURS = CostAxis("rank_hours", "rank-hours")
WALL_HOURS = CostAxis("wall_hours", "wall-clock")
ALL_AXES = [STEPS, FLOPS, RANK_HOURS, WALL_HOURS]
COMPARED_AXES = [FLOPS, RANK_HOURS, WALL_HOURS]


def cost_at_evaluations(run: Run, training: Training, axis: CostAxis) -> Column:
    """Returns a cost for each row of the training's epochs. REQUIRES: the training has metrics."""
    assert training.metrics is not None
    epochs = training.metrics.epochs
    before = [other for phase in run.table.lineage_of(training.phase)[:-1] for other in run.of_phase(phase)]
    if axis == STEPS:
        return epochs["step"]
    if axis == FLOPS:
        return epochs["block_flops"] + sum(other.block_flops for other in before)
    if axis == RANK_HOURS:
        spent = sum(other.rank_s for other in before)
        return (spent + spent_rank_s(training)) / 3600
    clock = ActiveClock([r for r in run.rounds if r.phase in run.table.lineage_of(training.phase)])
    return clock.active_s(wall_times(training.metrics).epochs) / 3600


def spent_rank_s(training: Training) -> Column:
    """Returns rank-seconds up to each evaluation: each step's own time, times the ranks of its round.

    REQUIRES: the training has metrics.
    """
    assert training.metrics is not None
    steps, epochs, rounds = training.metrics.steps, training.metrics.epochs, training.metrics.rounds
    ranks = np.full(len(steps["step"]), float(training.num_ranks))
    if len(rounds.get("num_ranks", [])):
        # A step belongs to the first round that ends after it.
        of_step = np.searchsorted(rounds["last_step"], steps["step"], side="right")
        ranks = rounds["num_ranks"][np.minimum(of_step, len(rounds["num_ranks"]) - 1)]
    spent = np.append(0.0, np.cumsum(np.diff(steps["elapsed_s"], prepend=0.0) * ranks))
    elapsed_s = np.append(0.0, steps["elapsed_s"])
    evaluating = np.append(ranks[0] if len(ranks) else training.num_ranks, ranks)
    done = np.searchsorted(steps["step"], epochs["step"])  # steps before each evaluation
    return np.asarray(spent[done] + (epochs["elapsed_s"] - elapsed_s[done]) * evaluating[done], dtype=np.float64)


class ActiveClock:
    """The time during which at least one of some rounds ran. Excludes the time between the jobs of a run."""

    def __init__(self, rounds: list[Round]) -> None:
        self.intervals: list[tuple[float, float]] = []  # of Unix time; disjoint, in order
        for begin, end in sorted((r.began_s, r.began_s + r.elapsed_s) for r in rounds):
            if self.intervals and begin <= self.intervals[-1][1]:
                self.intervals[-1] = (self.intervals[-1][0], max(end, self.intervals[-1][1]))
            else:
                self.intervals.append((begin, end))

    def active_s(self, unix_s: Column) -> Column:
        """Returns the active seconds until `unix_s`."""
        total = np.zeros_like(unix_s)
        for begin, end in self.intervals:
            total += np.clip(unix_s, begin, end) - begin
        return total
