"""The deciding figure of a network as a function of its cost, linear between evaluations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from comparisons.cost_axes import CostAxis, cost_at_evaluations
from run_directory.data import Column, Run, Training


class Curve(NamedTuple):
    """An entry for each evaluation, with rising costs."""

    cost: Column
    value: Column  # of the deciding metric
    higher_is_better: bool = True


class Crossing(NamedTuple):
    """The cost at which a curve reaches a value."""

    cost: float  # NaN: never
    is_exact: bool  # False: already the first evaluation was there, so `cost` is an upper bound


def make_curve(run: Run, training: Training, axis: CostAxis) -> Curve | None:
    """Returns the curve with the cost of all that the network depends on. None before the first evaluation."""
    if training.metrics is None or len(training.metrics.epochs["step"]) == 0:
        return None
    metric = run.metrics[0]
    values = training.metrics.epochs[metric.name]
    return Curve(cost_at_evaluations(run, training, axis), values, metric.higher_is_better)


def value_at(curve: Curve, cost: float) -> float:
    """Returns the value at a cost; NaN outside the curve. Up to 0.01 % beyond the end counts as the end."""
    if not len(curve.cost) or not curve.cost[0] <= cost <= curve.cost[-1] * (1 + 1e-4):
        return float("nan")
    return float(np.interp(cost, curve.cost, curve.value))


def find_crossing(curve: Curve, value: float) -> Crossing:
    """Returns where the curve first reaches `value`. A single evaluation at exactly `value` took its whole cost."""
    is_reached = curve.value >= value if curve.higher_is_better else curve.value <= value
    reached = np.flatnonzero(is_reached)
    if len(reached) == 0:
        return Crossing(float("nan"), is_exact=True)
    i = int(reached[0])
    if i == 0:
        return Crossing(float(curve.cost[0]), is_exact=bool(len(curve.value) == 1 and curve.value[0] == value))
    part = (value - curve.value[i - 1]) / (curve.value[i] - curve.value[i - 1])
    return Crossing(float(curve.cost[i - 1] + part * (curve.cost[i] - curve.cost[i - 1])), is_exact=True)
