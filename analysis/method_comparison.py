"""Whether Deep Incubation paid: its accuracy at the cost of another method, and the cost of equal accuracy.

Between two evaluations accuracy is taken to change linearly with cost. Before the first one nothing is known.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cost_axes import COMPARED_AXES, CostAxis, cost_at_evaluations
from run_data import Column, Run, Training

# A method's name in the result table, and the training whose network it is.
METHODS = {
    "Deep Incubation": "finetuned",
    "end to end": "end_to_end",
    "grown from the meta model": "grown",
    "shallow for the whole budget": "shallow",
    "meta model alone": "meta",
    "Deep Incubation, high resolution": "high_resolution",
    "end to end, high resolution": "end_to_end_high_resolution",
}
# What must be beaten at equal cost (the meta model is cheaper by design: it is what is to be improved on).
CONTROLS = ["end to end", "grown from the meta model", "shallow for the whole budget"]
PAIRS = [("Deep Incubation", other) for other in [*CONTROLS, "meta model alone"]] + [
    ("Deep Incubation, high resolution", "end to end, high resolution")
]


class Curve(NamedTuple):
    """Top-1 (fraction) of a method at what it had cost, an entry for each evaluation, costs rising."""

    cost: Column
    top1: Column


class CostComparison(NamedTuple):
    """Of two methods, in one unit of cost; nan where the curves do not tell."""

    axis: CostAxis
    cost: float  # of the method
    other_cost: float
    common_cost: float  # the lesser of both
    top1: float  # at the common cost
    other_top1: float
    common_top1: float  # the lesser of both final accuracies
    cost_to_top1: float  # what the method had cost when it first had the common accuracy
    other_cost_to_top1: float
    is_at_most: bool  # the method had it at its first evaluation already, so it may have had it before
    other_is_at_most: bool


class Comparison(NamedTuple):
    method: str
    other: str
    top1: float  # final
    other_top1: float
    by_cost: list[CostComparison]


def top1_at(curve: Curve, cost: float) -> float:
    """nan outside the curve; a hundredth of a percent beyond its end is taken for its end."""
    if not len(curve.cost) or not curve.cost[0] <= cost <= curve.cost[-1] * (1 + 1e-4):
        return float("nan")
    return float(np.interp(cost, curve.cost, curve.top1))


def cost_to(curve: Curve, top1: float) -> float:
    """Where the curve first has `top1`; nan if it never does. If its first evaluation has more: the cost of that."""
    reached = np.flatnonzero(curve.top1 >= top1)
    if not len(reached):
        return float("nan")
    i = int(reached[0])
    if i == 0:
        return float(curve.cost[0])
    part = (top1 - curve.top1[i - 1]) / (curve.top1[i] - curve.top1[i - 1])
    return float(curve.cost[i - 1] + part * (curve.cost[i] - curve.cost[i - 1]))


def compare_curves(axis: CostAxis, curve: Curve, other: Curve) -> CostComparison:
    """REQUIRES: both have an evaluation."""
    cost, other_cost = float(curve.cost[-1]), float(other.cost[-1])
    common_cost = min(cost, other_cost)
    common_top1 = min(float(curve.top1[-1]), float(other.top1[-1]))
    return CostComparison(
        axis,
        cost,
        other_cost,
        common_cost,
        top1_at(curve, common_cost),
        top1_at(other, common_cost),
        common_top1,
        cost_to(curve, common_top1),
        cost_to(other, common_top1),
        bool(curve.top1[0] >= common_top1),
        bool(other.top1[0] >= common_top1),
    )


def ratio_of_costs(cost: CostComparison) -> tuple[str, float]:
    """What the other took for the common accuracy, in costs of the method; before it "", "at least " or "at most ".

    nan where it has no bound.
    """
    if (cost.is_at_most and cost.other_is_at_most) or not cost.cost_to_top1 > 0:
        return "", float("nan")
    bound = "at least " if cost.is_at_most else "at most " if cost.other_is_at_most else ""
    return bound, cost.other_cost_to_top1 / cost.cost_to_top1


def compare_methods(run: Run) -> list[Comparison]:
    """Every pair of which both are done and measured."""
    done = {training.name: training for training in run.trainings if _is_measured(training)}
    comparisons = []
    for method, other in PAIRS:
        ours, theirs = done.get(METHODS[method]), done.get(METHODS[other])
        if ours is None or theirs is None:
            continue
        by_cost = [
            compare_curves(axis, _make_curve(run, ours, axis), _make_curve(run, theirs, axis)) for axis in COMPARED_AXES
        ]
        comparisons.append(Comparison(method, other, _final_top1(ours), _final_top1(theirs), by_cost))
    return comparisons


def missing_controls(run: Run) -> list[str]:
    """Never empty: a run trains end to end from one kind of first weights."""
    done = {training.name for training in run.trainings if training.is_done}
    is_zero = run.config.get("end_to_end", {}).get("init") == "zero_branches"
    other = "end to end with --end_to_end.init=" + ("random" if is_zero else "zero_branches")
    return [*(name for name in CONTROLS if METHODS[name] not in done), other]


def _is_measured(training: Training) -> bool:
    metrics = training.metrics
    return training.is_done and metrics is not None and len(metrics.epochs["step"]) > 0


def _make_curve(run: Run, training: Training, axis: CostAxis) -> Curve:
    assert training.metrics is not None
    return Curve(cost_at_evaluations(run, training, axis), training.metrics.epochs["top1"])


def _final_top1(training: Training) -> float:
    assert training.metrics is not None
    return float(training.metrics.epochs["top1"][-1])
