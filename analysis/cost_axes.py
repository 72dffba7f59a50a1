"""What a network had cost at each of its evaluations: in steps, block FLOPs, rank-hours and wall-clock.

A method's cost counts all that its network comes from: the meta model, then all incubations, then finetuning. An
incubation begins where the meta model ended, since incubations do not wait for each other; finetuning begins at the
sum of all before it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from run_data import Column, Metrics, Round, Run, Training

# Of each phase those that its network comes from, itself last.
LINEAGE = {
    "meta": ["meta"],
    "incubation": ["meta", "incubation"],
    "finetuning": ["meta", "incubation", "finetuning"],
    "end_to_end": ["end_to_end"],
    "grown": ["meta", "grown"],
    "shallow": ["shallow"],
    "high_resolution": ["meta", "incubation", "finetuning", "high_resolution"],
    "end_to_end_high_resolution": ["end_to_end", "end_to_end_high_resolution"],
}


class CostAxis(NamedTuple):
    name: str
    label: str  # with the unit


STEPS = CostAxis("steps", "steps of the training itself")
FLOPS = CostAxis("flops", "block FLOPs, with all before it")
RANK_HOURS = CostAxis("rank_hours", "rank-hours, with all before it")
WALL_HOURS = CostAxis("wall_hours", "wall-clock hours, with all before it")
ALL_AXES = [STEPS, FLOPS, RANK_HOURS, WALL_HOURS]
COMPARED_AXES = [FLOPS, RANK_HOURS, WALL_HOURS]


def lineage_of(phase: str) -> list[str]:
    return LINEAGE.get(phase, [phase])


def cost_at_evaluations(run: Run, training: Training, axis: CostAxis) -> Column:
    """A cost for each row of the training's epochs. REQUIRES: it has metrics."""
    assert training.metrics is not None
    epochs = training.metrics.epochs
    before = [other for phase in lineage_of(training.phase)[:-1] for other in run.of_phase(phase)]
    if axis == STEPS:
        return epochs["step"]
    if axis == FLOPS:
        return epochs["block_flops"] + sum(other.block_flops for other in before)
    if axis == RANK_HOURS:
        spent = sum(other.rank_s for other in before)
        return (spent + _rank_s(training, training.metrics, epochs["elapsed_s"])) / 3600
    clock = ActiveClock([r for r in run.rounds if r.phase in lineage_of(training.phase)])
    return clock.active_s(_unix_s(training.metrics, epochs["step"])) / 3600


class ActiveClock:
    """Counts the time in which at least one of some rounds ran: not that between the jobs of a run."""

    def __init__(self, rounds: list[Round]) -> None:
        self.intervals: list[tuple[float, float]] = []  # of Unix time, apart from each other, in their order
        for begin, end in sorted((r.began_s, r.began_s + r.elapsed_s) for r in rounds):
            if self.intervals and begin <= self.intervals[-1][1]:
                self.intervals[-1] = (self.intervals[-1][0], max(end, self.intervals[-1][1]))
            else:
                self.intervals.append((begin, end))

    def active_s(self, unix_s: Column) -> Column:
        """Seconds of the rounds until then."""
        total = np.zeros_like(unix_s)
        for begin, end in self.intervals:
            total += np.clip(unix_s, begin, end) - begin
        return total


def _unix_s(metrics: Metrics, steps: Column) -> Column:
    """When these numbers of steps had been done: steps of one round take equally long."""
    if not len(metrics.rounds.get("began_s", [])):
        return np.full_like(steps, np.nan)
    rounds = metrics.rounds
    order = np.argsort(rounds["began_s"], kind="stable")
    places = np.column_stack((rounds["first_step"][order], rounds["last_step"][order])).ravel()
    times = np.column_stack((rounds["began_s"][order], rounds["ended_s"][order])).ravel()
    return np.asarray(np.interp(steps, places, times), dtype=np.float64)


def _rank_s(training: Training, metrics: Metrics, elapsed_s: Column) -> Column:
    """Rank-seconds that the training had taken when it had run for so long; the size of its group differs by round."""
    steps, rounds = metrics.steps, metrics.rounds
    if not len(steps["step"]):
        return training.num_ranks * elapsed_s
    ranks = np.full_like(steps["step"], float(training.num_ranks))
    for first, last, count in zip(
        *(rounds.get(name, []) for name in ("first_step", "last_step", "num_ranks")), strict=True
    ):
        ranks[(steps["step"] >= first) & (steps["step"] < last)] = count
    spent = np.cumsum(ranks * np.diff(steps["elapsed_s"], prepend=0.0))
    known = np.interp(elapsed_s, np.append(0.0, steps["elapsed_s"]), np.append(0.0, spent))
    after = np.maximum(0.0, elapsed_s - steps["elapsed_s"][-1])  # of the evaluation at the end
    return np.asarray(known + ranks[-1] * after, dtype=np.float64)
