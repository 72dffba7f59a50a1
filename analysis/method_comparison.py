"""Whether Deep Incubation paid: its accuracy at the cost of another method, and the cost of equal accuracy.

Between two evaluations accuracy is taken to change linearly with cost. Before the first one nothing is known.
"""

from __future__ import annotations

from typing import NamedTuple

from cost_axes import COMPARED_AXES, FLOPS, CostAxis
from learning_curve import Curve, find_crossing, make_curve, top1_at
from methods import CONTROLS, HIGH_RESOLUTION_PAIR, TRAINING_OF
from run_data import Run, Training

PAIRS = (
    *(("Deep Incubation", control) for control in CONTROLS),
    ("Deep Incubation", "meta model alone"),  # cheaper by design: it is what is to be improved on
    HIGH_RESOLUTION_PAIR,
)


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


def compare_curves(axis: CostAxis, curve: Curve, other: Curve) -> CostComparison:
    """REQUIRES: both have an evaluation."""
    cost, other_cost = float(curve.cost[-1]), float(other.cost[-1])
    common_cost = min(cost, other_cost)
    common_top1 = min(float(curve.top1[-1]), float(other.top1[-1]))
    crossing, other_crossing = find_crossing(curve, common_top1), find_crossing(other, common_top1)
    return CostComparison(
        axis,
        cost,
        other_cost,
        common_cost,
        top1_at(curve, common_cost),
        top1_at(other, common_cost),
        common_top1,
        crossing.cost,
        other_crossing.cost,
        not crossing.is_exact,
        not other_crossing.is_exact,
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
    done = {training.name: training for training in run.trainings if training.is_done}
    comparisons = []
    for method, other in PAIRS:
        ours, theirs = (_make_curves(run, done.get(TRAINING_OF[name])) for name in (method, other))
        if ours and theirs:
            by_cost = [compare_curves(axis, ours[axis], theirs[axis]) for axis in COMPARED_AXES]
            top1, other_top1 = (float(curves[FLOPS].top1[-1]) for curves in (ours, theirs))
            comparisons.append(Comparison(method, other, top1, other_top1, by_cost))
    return comparisons


def missing_controls(run: Run) -> list[str]:
    """Never empty: a run trains end to end from one kind of first weights."""
    done = {training.name for training in run.trainings if training.is_done}
    is_zero = run.config.get("end_to_end", {}).get("init") == "zero_branches"
    other = "end to end with --end_to_end.init=" + ("random" if is_zero else "zero_branches")
    return [*(name for name in CONTROLS if TRAINING_OF[name] not in done), other]


def _make_curves(run: Run, training: Training | None) -> dict[CostAxis, Curve]:
    """By COMPARED_AXES; empty before the first evaluation."""
    curves = {axis: make_curve(run, training, axis) for axis in COMPARED_AXES} if training else {}
    return {axis: curve for axis, curve in curves.items() if curve is not None}
