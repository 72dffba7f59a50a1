"""The results of a group of runs for each method, and Deep Incubation compared with the other methods.

Means and standard deviations (of a sample: n - 1) are over seeds. Differences are paired: both methods of a pair have
the same seed and settings, so effects of the seed on both cancel. The interval is Student's t over the pairs, which
assumes that their differences are independent draws of one normal distribution. It tells how well the mean over seeds
is known with this data set, these settings and these validation images. It tells nothing about other data or the choice
of settings: a method with more tries of its learning rate has an advantage that no seed shows. A method's mean leaves
out seeds with which it has not finished. If these seeds diverged, it is the mean of the others.

A speed-up is the cost of the other method divided by that of Deep Incubation, both to the same figure: the final one of
the other method, or that of Deep Incubation. The method with this final figure has spent all of its cost. For the
method compared with it, the cost is read off its learning curve, linear between evaluations. That is to its
disadvantage: a curve is low while the learning rate is high, and a training planned to end there would get there
sooner. Several pairs have the geometric mean of their speed-ups. If one method of a pair never gets there, the speed-up
of all pairs is undefined, because a mean over the others would be too good. Rank-hours depend on the machines and
compare only on equal ones; block FLOPs do not depend on machines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan, sqrt
from typing import TypeAlias

import numpy as np
from scipy import stats

from comparisons.cost_axes import FLOPS, RANK_HOURS
from comparisons.learning_curve import Curve, find_crossing, make_curve
from comparisons.run_groups import RunGroup
from run_directory.data import Run
from run_directory.methods import Row
from run_directory.metric import Metric, tell_missing

CONFIDENCE = 0.95
COSTS = {"block FLOPs": FLOPS, "rank-hours": RANK_HOURS}


@dataclass(frozen=True)
class Estimate:
    mean: float
    std: float  # of a sample; NaN for one value
    count: int


@dataclass(frozen=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True)
class Speedup:
    """The geometric mean over pairs."""

    value: float  # NaN: undefined
    bound: str  # "" or, if a curve began with better figures, ">=" or "<="
    num_missing: int  # pairs without a speed-up


@dataclass(frozen=True)
class MethodRow:
    """A method with the cost of the whole method, or one hybrid of an incubation with its own cost."""

    name: str
    figure: Estimate  # of the deciding metric
    block_flops: Estimate
    rank_hours: Estimate


@dataclass(frozen=True)
class PairRow:
    """Deep Incubation compared with another method."""

    name: str
    other: str
    difference: Estimate  # the figure of `name` minus that of `other`
    interval: Interval | None  # of the mean difference; None for fewer than two pairs
    to_others: dict[str, Speedup]  # to the final figure of `other`, by cost: block FLOPs, rank-hours
    to_own: dict[str, Speedup]


@dataclass(frozen=True)
class Comparison:
    group: RunGroup
    metric: Metric  # the deciding one
    methods: list[MethodRow]
    pairs: list[PairRow]
    notes: list[str]  # what was left out, and why


@dataclass(frozen=True)
class _Sample:
    """A method, or a training, in one run."""

    figure: float
    costs: dict[str, float]  # by name of COSTS
    curves: dict[str, Curve]  # by name of COSTS; empty without metrics

    @staticmethod
    def make(figure: float, block_flops: float, rank_s: float, curves: dict[str, Curve] | None = None) -> _Sample:
        return _Sample(figure, dict(zip(COSTS, (block_flops, rank_s / 3600), strict=True)), curves or {})


Repeat: TypeAlias = tuple[str, ...]


def estimate(values: Sequence[float]) -> Estimate:
    """Returns the estimate. REQUIRES: at least one value."""
    std = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    return Estimate(float(np.mean(values)), std, len(values))


def confidence_interval(differences: Estimate) -> Interval | None:
    """Returns the interval of the mean; None for fewer than two values."""
    if differences.count < 2:
        return None
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, differences.count - 1))
    half = quantile * differences.std / sqrt(differences.count)
    return Interval(differences.mean - half, differences.mean + half)


def compare(group: RunGroup) -> Comparison:
    notes = [note for run in group.runs for note in _list_unfinished(run)]
    if group.pooled:
        notes.append(f"runs that differ in {', '.join(group.pooled)} are taken for repeats of each other")
    table, metric = group.runs[0].table, group.runs[0].metrics[0]
    samples = {method.title: _collect(group, metric, method, notes) for method in table.methods}
    pairs = []
    for name, other in ((ours.title, theirs.title) for ours, theirs in table.pairs):
        repeats = [repeat for repeat in samples[name] if repeat in samples[other]]
        if repeats:
            pairs.append(_compare_pair(name, other, [(samples[name][r], samples[other][r]) for r in repeats]))
            notes += _explain(metric, pairs[-1])
        elif samples[name] and samples[other]:
            notes.append(f"{name} and {other} have no seed in common: there is no difference")
    found = samples | _collect_hybrids(group, metric)
    methods = [_summarise(name, list(of_runs.values())) for name, of_runs in found.items() if of_runs]
    return Comparison(group, metric, methods, pairs, notes)


def _collect(group: RunGroup, metric: Metric, method: Row, notes: list[str]) -> dict[Repeat, _Sample]:
    """Returns the runs in which the method is finished. Of equal repeats the first one counts, with a note."""
    samples: dict[Repeat, _Sample] = {}
    first: dict[Repeat, Run] = {}
    for run in group.runs:
        result = next((row for row in run.results if row.method == method.title), None)
        if result is None:
            continue
        figure = result.figures.get(metric.name, nan)
        if why := tell_missing(figure):
            notes.append(f"{run.directory}: {method.title} is left out: {why}")
            continue
        repeat = group.repeat_of(run)
        if repeat in samples:
            notes.append(
                f"{run.directory}: {method.title} is left out, which {first[repeat].directory} has with the same seed "
                "and settings: no second draw"
            )
            continue
        first[repeat] = run
        curves = _make_curves(run, method)
        samples[repeat] = _Sample.make(figure, result.block_flops, result.rank_s, curves)
    return samples


def _make_curves(run: Run, method: Row) -> dict[str, Curve]:
    trainings = [training for training in run.trainings if training.name == method.training]
    curves = {name: make_curve(run, t, axis) for t in trainings for name, axis in COSTS.items()}
    return {name: curve for name, curve in curves.items() if curve is not None}


def _collect_hybrids(group: RunGroup, metric: Metric) -> dict[str, dict[Repeat, _Sample]]:
    """Returns the hybrids: the meta model with one stage at full depth, for each incubation."""
    samples: dict[str, dict[Repeat, _Sample]] = {}
    for run in group.runs:
        for t in run.trainings:
            figure = t.figures.get(metric.name, nan)
            if t.is_done and t.phase in run.table.hybrids and isfinite(figure):
                sample = _Sample.make(figure, t.block_flops, t.rank_s)
                of_runs = samples.setdefault(f"{t.name}, hybrid", {})
                of_runs.setdefault(group.repeat_of(run), sample)
    return samples


def _summarise(name: str, samples: list[_Sample]) -> MethodRow:
    block_flops, rank_hours = (estimate([sample.costs[cost] for sample in samples]) for cost in COSTS)
    return MethodRow(name, estimate([sample.figure for sample in samples]), block_flops, rank_hours)


def _list_unfinished(run: Run) -> list[str]:
    names = {method.training: method.title for method in run.table.methods}
    return [
        f"{run.directory}: {names[t.name]} is left out, which is not done ({t.name} is {t.state} at step {t.step} of "
        f"{t.total_steps}, the run is {run.state})"
        for t in run.trainings
        if t.name in names and not t.is_done
    ]


def _compare_pair(name: str, other: str, pairs: list[tuple[_Sample, _Sample]]) -> PairRow:
    difference = estimate([mine.figure - others.figure for mine, others in pairs])
    turned = [(others, mine) for mine, others in pairs]
    return PairRow(
        name=name,
        other=other,
        difference=difference,
        interval=confidence_interval(difference),
        to_others={cost: _compute_speedup(pairs, cost) for cost in COSTS},
        to_own={cost: _invert(_compute_speedup(turned, cost)) for cost in COSTS},
    )


def _compute_speedup(pairs: list[tuple[_Sample, _Sample]], cost: str) -> Speedup:
    """Returns the speed-up of the first method of each pair over the second, to the second's final figure."""
    factors = []
    bound = ""
    for reader, target in pairs:
        if not reader.curves:
            factors.append(float("nan"))
            continue
        crossing = find_crossing(reader.curves[cost], target.figure)
        factors.append(target.costs[cost] / crossing.cost)
        bound = bound if crossing.is_exact else ">="
    num_missing = int(np.isnan(factors).sum())
    if num_missing:
        return Speedup(float("nan"), "", num_missing)
    return Speedup(float(np.exp(np.mean(np.log(factors)))), bound, 0)


def _invert(speedup: Speedup) -> Speedup:
    return Speedup(1 / speedup.value, {">=": "<="}.get(speedup.bound, ""), speedup.num_missing)


def _explain(metric: Metric, pair: PairRow) -> list[str]:
    notes = []
    if pair.interval is None:
        notes.append(f"{pair.name} and {pair.other} have one pair: no interval, which needs two")
    for speedups, reader, target in (
        (pair.to_others, pair.name, pair.other),
        (pair.to_own, pair.other, pair.name),
    ):
        num_missing = max(speedup.num_missing for speedup in speedups.values())
        if num_missing:
            notes.append(
                f"{reader} never gets to the final {metric.title} of {target}, as far as its metrics say, in "
                f"{num_missing} of {pair.difference.count} pairs: no speed-up there"
            )
    return notes
