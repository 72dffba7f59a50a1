"""What each method reached for what it had spent: validation top-1 over block FLOPs and rank-seconds.

A method's curve is that of the training whose network it is, begun at the cost of all that must be done before: Deep
Incubation's is the finetuning's, which begins when the meta model and every incubation are paid for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from run_data import Column, Metrics, Run


@dataclass(frozen=True)
class Method:
    """A way to come by a network."""

    name: str
    result: str  # the training whose network it is
    phases: tuple[str, ...]  # what it costs


# As list_methods() of src/report/summary.cpp has them; names are those of the result table.
METHODS = (
    Method("Deep Incubation", "finetuned", ("meta", "incubation", "finetuning")),
    Method("end to end", "end_to_end", ("end_to_end",)),
    Method("grown from the meta model", "grown", ("meta", "grown")),
    Method("shallow for the whole budget", "shallow", ("shallow",)),
    Method("meta model alone", "meta", ("meta",)),
    Method(
        "Deep Incubation, high resolution",
        "high_resolution",
        ("meta", "incubation", "finetuning", "high_resolution"),
    ),
    Method("end to end, high resolution", "end_to_end_high_resolution", ("end_to_end", "end_to_end_high_resolution")),
)


@dataclass(frozen=True)
class Curve:
    """A row for each evaluation, in the order of time."""

    block_flops: Column  # spent by then, with all that was done before
    rank_s: Column  # the same in ranks times seconds
    top1: Column  # fraction of the validation images


class Crossing(NamedTuple):
    """Where a curve reaches a top-1."""

    cost: float  # NaN: it never does
    is_exact: bool  # False: it was above it when it was first evaluated, so that `cost` is an upper bound


def make_curve(run: Run, method: Method) -> Curve | None:
    """None where the method's training has not been evaluated yet, or has no metrics."""
    found = [training for training in run.trainings if training.name == method.result]
    if not found or found[0].metrics is None or len(found[0].metrics.epochs["step"]) == 0:
        return None
    before = [t for t in run.trainings if t.phase in method.phases and t.name != method.result]
    metrics = found[0].metrics
    return Curve(
        block_flops=sum(t.block_flops for t in before) + metrics.epochs["block_flops"],
        rank_s=sum(t.rank_s for t in before) + spent_rank_s(metrics),
        top1=metrics.epochs["top1"],
    )


def spent_rank_s(metrics: Metrics) -> Column:
    """Ranks times the training's own seconds up to each evaluation, by the ranks of the round that each step was of."""
    steps, epochs = metrics.steps, metrics.epochs
    if len(steps["step"]) == 0 or len(epochs["step"]) == 0:
        return np.full(len(epochs["step"]), np.nan)
    # A step belongs to the first round that ends after it.
    rounds = np.searchsorted(metrics.rounds["last_step"], steps["step"], side="right")
    ranks = metrics.rounds["num_ranks"][np.minimum(rounds, len(metrics.rounds["num_ranks"]) - 1)]
    spent = np.cumsum(np.diff(steps["elapsed_s"], prepend=0.0) * ranks)
    last = np.searchsorted(steps["step"], epochs["step"]) - 1  # the step before each evaluation
    evaluation_s = epochs["elapsed_s"] - steps["elapsed_s"][last]
    return np.asarray(spent[last] + evaluation_s * ranks[last], dtype=np.float64)


def find_crossing(cost: Column, top1: Column, target: float) -> Crossing:
    """The first time that the curve, straight between evaluations, is at `target` or above."""
    reached = np.flatnonzero(top1 >= target)
    if len(reached) == 0:
        return Crossing(float("nan"), is_exact=True)
    i = int(reached[0])
    if i == 0:
        return Crossing(float(cost[0]), is_exact=bool(top1[0] == target))
    part = (target - top1[i - 1]) / (top1[i] - top1[i - 1])
    return Crossing(float(cost[i - 1] + part * (cost[i] - cost[i - 1])), is_exact=True)
