"""The numbers of a report as text."""

from __future__ import annotations

import math

from comparisons.cost_axes import FLOPS, RANK_HOURS, CostAxis
from run_directory.metric import Metric, tell_missing

UNKNOWN = "-"


def format_share(value: float, digits: int = 2) -> str:
    return UNKNOWN if math.isnan(value) else f"{100 * value:.{digits}f} %"


def format_figure(metric: Metric, value: float) -> str:
    number = format_share(value) if metric.unit == "%" else format_number(value, f".{metric.digits}f")
    return tell_missing(value) or number


def format_difference(metric: Metric, value: float) -> str:
    return UNKNOWN if math.isnan(value) else f"{metric.factor * value:+.{metric.digits}f}"


def format_number(value: float, form: str) -> str:
    return f"{value:{form}}" if math.isfinite(value) else UNKNOWN


def format_duration(seconds: float) -> str:
    if not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{minutes // 60} h {minutes % 60:02d} min"


def format_cost(axis: CostAxis, cost: float) -> str:
    if not math.isfinite(cost):
        return UNKNOWN
    if axis == FLOPS:
        return f"{cost:.3e}"
    return f"{cost:.4g} h" if axis == RANK_HOURS else format_duration(3600 * cost)
