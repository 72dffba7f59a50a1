"""Compares Deep Incubation with a method: its accuracy at equal cost, and its cost at equal accuracy.

Between two evaluations accuracy is linear in cost. Before the first one it is unknown.
"""

from __future__ import annotations

from typing import NamedTuple

from comparisons.cost_axes import COMPARED_AXES, FLOPS, CostAxis
from comparisons.learning_curve import Curve, find_crossing, make_curve, value_at
from run_directory.data import Run, Training
from run_directory.methods import Row


class CostComparison(NamedTuple):
    """Two methods in one unit of cost; nan where the curves do not tell."""

    axis: CostAxis
    cost: float  # of the method: all that its network takes
    other_cost: float
    common_cost: float  # the smaller one
    value: float  # of the deciding metric, at the common cost
    other_value: float
    common_value: float  # the worse final value
    cost_to_value: float  # the method's cost when it first reached the common value
    other_cost_to_value: float
    is_at_most: bool  # the first evaluation was there already, so the cost is an upper bound
    other_is_at_most: bool


class Comparison(NamedTuple):
    method: str
    other: str
    value: float  # final, of the deciding metric
    other_value: float
    by_cost: list[CostComparison]


def compare_curves(axis: CostAxis, curve: Curve, other: Curve) -> CostComparison:
    """REQUIRES: both have an evaluation."""
    cost, other_cost = float(curve.cost[-1]), float(other.cost[-1])
    common_cost = min(cost, other_cost)
    worse_of = min if curve.higher_is_better else max
    common_value = worse_of(float(curve.value[-1]), float(other.value[-1]))
    crossing, other_crossing = find_crossing(curve, common_value), find_crossing(other, common_value)
    return CostComparison(
        axis,
        cost,
        other_cost,
        common_cost,
        value_at(curve, common_cost),
        value_at(other, common_cost),
        common_value,
        crossing.cost,
        other_crossing.cost,
        not crossing.is_exact,
        not other_crossing.is_exact,
    )


def ratio_of_costs(cost: CostComparison) -> tuple[str, float]:
    """Returns the other's cost to the common accuracy over the method's, after "", "at least " or "at most ".

    The ratio is nan without a bound.
    """
    if (cost.is_at_most and cost.other_is_at_most) or not cost.cost_to_value > 0:
        return "", float("nan")
    bound = "at least " if cost.is_at_most else "at most " if cost.other_is_at_most else ""
    return bound, cost.other_cost_to_value / cost.cost_to_value


def list_pairs(run: Run) -> list[tuple[Row, Row]]:
    """Returns the pairs to compare. They include parts of Deep Incubation: cheaper by design, it must beat them."""
    table = run.table
    parts = [(table.methods[0], part) for part in table.parts[:-1] if part.title]
    num_controls = len(table.controls)
    return [*table.pairs[:num_controls], *parts, *table.pairs[num_controls:]]


def compare_methods(run: Run) -> list[Comparison]:
    """Returns a comparison for each pair of finished and measured methods."""
    done = {training.name: training for training in run.trainings if training.is_done}
    comparisons = []
    for method, other in list_pairs(run):
        ours, theirs = (_make_curves(run, done.get(row.training)) for row in (method, other))
        if ours and theirs:
            by_cost = [compare_curves(axis, ours[axis], theirs[axis]) for axis in COMPARED_AXES]
            value, other_value = (float(curves[FLOPS].value[-1]) for curves in (ours, theirs))
            comparisons.append(Comparison(method.title, other.title, value, other_value, by_cost))
    return comparisons


def missing_controls(run: Run) -> list[str]:
    """Returns controls that the run lacks. Never empty: end to end runs from only one kind of first weights."""
    done = {training.name for training in run.trainings if training.is_done}
    is_zero = run.config.get("end_to_end", {}).get("init") == "zero_branches"
    other = "end to end with --end_to_end.init=" + ("random" if is_zero else "zero_branches")
    return [*(row.title for row in run.table.controls if row.training not in done), other]


def _make_curves(run: Run, training: Training | None) -> dict[CostAxis, Curve]:
    """Returns the curves by COMPARED_AXES; empty before the first evaluation."""
    curves = {axis: make_curve(run, training, axis) for axis in COMPARED_AXES} if training else {}
    return {axis: curve for axis, curve in curves.items() if curve is not None}
