"""Whether Deep Incubation paid: its accuracy at the cost of another method, and the cost of equal accuracy.

Between two evaluations accuracy is taken to change linearly with cost. Before the first one nothing is known.
"""

from __future__ import annotations

from typing import NamedTuple

from comparisons.cost_axes import COMPARED_AXES, FLOPS, CostAxis
from comparisons.learning_curve import Curve, find_crossing, make_curve, value_at
from run_directory.data import Run, Training
from run_directory.methods import Row


class CostComparison(NamedTuple):
    """Of two methods, in one unit of cost; nan where the curves do not tell."""

    axis: CostAxis
    cost: float  # of the method
    other_cost: float
    common_cost: float  # the lesser of both
    value: float  # of the metric that decides, at the common cost
    other_value: float
    common_value: float  # the worse of both final values
    cost_to_value: float  # what the method had cost when it first had the common value
    other_cost_to_value: float
    is_at_most: bool  # the method had it at its first evaluation already, so it may have had it before
    other_is_at_most: bool


class Comparison(NamedTuple):
    method: str
    other: str
    value: float  # final, of the metric that decides
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
    """What the other took for the common accuracy, in costs of the method; before it "", "at least " or "at most ".

    nan where it has no bound.
    """
    if (cost.is_at_most and cost.other_is_at_most) or not cost.cost_to_value > 0:
        return "", float("nan")
    bound = "at least " if cost.is_at_most else "at most " if cost.other_is_at_most else ""
    return bound, cost.other_cost_to_value / cost.cost_to_value


def list_pairs(run: Run) -> list[tuple[Row, Row]]:
    """Deep Incubation with its own parts too: cheaper by design, they are what is to be improved on."""
    table = run.table
    parts = [(table.methods[0], part) for part in table.parts[:-1] if part.title]
    num_controls = len(table.controls)
    return [*table.pairs[:num_controls], *parts, *table.pairs[num_controls:]]


def compare_methods(run: Run) -> list[Comparison]:
    """Every pair of which both are done and measured."""
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
    """Never empty: a run trains end to end from one kind of first weights."""
    done = {training.name for training in run.trainings if training.is_done}
    is_zero = run.config.get("end_to_end", {}).get("init") == "zero_branches"
    other = "end to end with --end_to_end.init=" + ("random" if is_zero else "zero_branches")
    return [*(row.title for row in run.table.controls if row.training not in done), other]


def _make_curves(run: Run, training: Training | None) -> dict[CostAxis, Curve]:
    """By COMPARED_AXES; empty before the first evaluation."""
    curves = {axis: make_curve(run, training, axis) for axis in COMPARED_AXES} if training else {}
    return {axis: curve for axis, curve in curves.items() if curve is not None}
