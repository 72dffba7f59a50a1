"""The results of a run, whether Deep Incubation paid, and published results, with explanations."""

from __future__ import annotations

import math

from comparisons.methods import Comparison, CostComparison, compare_methods, missing_controls, ratio_of_costs
from comparisons.paper import EXPERIMENTS, find_experiment, find_other_settings
from report_page.numbers import (
    UNKNOWN,
    format_cost,
    format_difference,
    format_duration,
    format_figure,
    format_number,
    format_share,
)
from report_page.page import bullets, paragraph, table
from run_directory.data import Run
from run_directory.log import Log
from run_directory.metric import Metric

CAVEATS = [
    "Accuracy between two evaluations is interpolated linearly in cost. Before a network's first evaluation there is "
    "none to compare, and where a curve begins with more than the common accuracy, it may have had that for less.",
    "An accuracy in the midst of a training is not what a training of that length would end with: the learning rate "
    "has not come down yet. That flatters whichever method is at its end: made for that length, the other could have "
    "reached as much for less. To measure it, train each method for that length.",
    "Block FLOPs do not depend on the machine. Rank-hours and wall-clock do: on how the ranks were dealt, on other "
    "work of the machine, and on the numbers of ranks that each training had.",
]


def make_results(run: Run) -> str:
    if run.state == "unknown":
        return paragraph("Unknown: the table is in summary.json.")
    if not run.results:
        return paragraph(f"No method is done yet: the run is {run.state}.")
    headers = ["method", *(metric.title for metric in run.metrics)]
    headers += ["block FLOPs", "rank-hours", "wall-clock", "critical path"]
    rows = [
        [
            row.method,
            *(format_figure(metric, row.figures.get(metric.name, math.nan)) for metric in run.metrics),
            format_number(row.block_flops, ".3e"),
            format_number(row.rank_s / 3600, ".4g"),
            format_duration(row.wall_s),
            format_duration(row.critical_path_s),
        ]
        for row in run.results
    ]
    note = (
        "On the validation images, with the weights at the end. Block FLOPs, rank-hours and wall-clock count all that "
        "a network comes from; the critical path is the wall-clock if each incubation had ranks of its own."
    )
    return table(headers, rows) + paragraph(note, "note")


def make_comparison(run: Run, log: Log) -> str:
    comparisons = compare_methods(run)
    parts = []
    for comparison in comparisons:
        parts.append(f"<h3>{comparison.method} against {comparison.other}</h3>")
        parts += [paragraph(sentence) for sentence in tell_comparison(run.metrics[0], comparison)]
        parts.append(_make_cost_table(run.metrics[0], comparison))
    if not comparisons:
        parts.append(paragraph("Nothing to compare: that takes Deep Incubation and another method, both done."))
    parts.append(
        paragraph(
            "Deep Incubation pays only if it beats four controls at equal cost: end to end with ordinary first weights "
            "and with branches that begin at zero, the network grown from the meta model, and a shallow one for the "
            f"whole budget. Not done in this run: {', '.join(missing_controls(run))}."
        )
    )
    return "".join(parts) + "<h3>What these numbers do not say</h3>" + bullets([*CAVEATS, _tell_noise(run, log)])


def tell_comparison(metric: Metric, comparison: Comparison) -> list[str]:
    """Returns the comparison in full sentences."""
    us, them = comparison.method, comparison.other
    difference, unit = metric.factor * (comparison.value - comparison.other_value), metric.unit_of_difference
    flops = comparison.by_cost[0]
    side = "above" if difference > 0 else "below"
    verdict = "as accurate as" if difference == 0 else f"{abs(difference):.{metric.digits}f} {unit} {side}"
    factor = format_number(_ratio(flops.cost, flops.other_cost), ".2f")
    sentences = [
        f"{us} ended {verdict} {them} ({format_figure(metric, comparison.value)} against "
        f"{format_figure(metric, comparison.other_value)}), for {factor} times its block FLOPs."
    ]
    if math.isfinite(flops.value) and math.isfinite(flops.other_value):
        equal = format_difference(metric, flops.value - flops.other_value)
        sentences.append(f"At equal block FLOPs ({flops.common_cost:.3e}) it is {equal} {unit}.")
    else:
        early = us if math.isnan(flops.value) else them
        sentences.append(f"At equal block FLOPs ({flops.common_cost:.3e}) {early} has no evaluated network yet.")
    bound, ratio = ratio_of_costs(flops)
    if math.isfinite(ratio):
        sentences.append(
            f"For {format_figure(metric, flops.common_value)}, which both reached, {them} took {bound}{ratio:.2f} "
            f"times the block FLOPs of {us}."
        )
    return sentences


def _ratio(value: float, other: float) -> float:
    return value / other if other else math.nan


def _make_cost_table(metric: Metric, comparison: Comparison) -> str:
    def row(cost: CostComparison) -> list[str]:
        bound, ratio = ratio_of_costs(cost)
        ours, theirs = ("at most " if is_bound else "" for is_bound in (cost.is_at_most, cost.other_is_at_most))
        return [
            cost.axis.label,
            format_cost(cost.axis, cost.common_cost),
            format_figure(metric, cost.value),
            format_figure(metric, cost.other_value),
            format_difference(metric, cost.value - cost.other_value),
            format_figure(metric, cost.common_value),
            ours + format_cost(cost.axis, cost.cost_to_value),
            theirs + format_cost(cost.axis, cost.other_cost_to_value),
            f"{bound}{ratio:.2f}" if math.isfinite(ratio) else UNKNOWN,
        ]

    us, them = comparison.method, comparison.other
    headers = ["unit of cost", "equal cost", f"{us} there", f"{them} there"]
    headers += [metric.unit_of_difference, f"equal {metric.title}"]
    return table([*headers, f"{us} took", f"{them} took", "ratio"], [row(cost) for cost in comparison.by_cost])


def _tell_noise(run: Run, log: Log) -> str:
    one_seed = "This is one seed; how far seeds lie apart, only more of them tell."
    metric = run.metrics[0]
    shares = [row.figures.get(metric.name, math.nan) for row in run.results if metric.unit == "%"]
    share = max(filter(math.isfinite, shares), default=math.nan)
    if log.data is None or math.isnan(share):
        return one_seed
    points = 100 * math.sqrt(2 * share * (1 - share) / log.data.num_validation)
    return (
        f"{one_seed} The {log.data.num_validation:,} validation images alone leave a standard error of up to "
        f"{points:.2f} points in a difference (of two proportions, as if measured on different images)."
    )


def make_paper_table(run: Run, log: Log) -> str:
    """Returns the table; empty if the run is not one of the paper's experiments."""
    name = find_experiment(run.config, log.data)
    if name is None:
        return ""
    experiment = EXPERIMENTS[name]
    top1 = {
        training.name: 100 * float(training.metrics.epochs["top1"][-1])
        for training in run.trainings
        if training.is_done and training.metrics is not None and len(training.metrics.epochs.get("top1", []))
    }
    rows = []
    for published in experiment.published:
        ours = top1.get(published.training or "", math.nan)
        difference = ours - published.top1
        rows.append(
            [published.what, f"{published.top1:.1f} %", format_share(ours / 100), format_number(difference, "+.2f")]
        )
    parts = [
        paragraph(f"The network and the images are those of {experiment.title} (input/{name}.ini)."),
        table(["method", "published top-1", "this run", "points"], rows),
        paragraph(experiment.note, "note"),
    ]
    other = find_other_settings(run, name)
    if other:
        parts.append(paragraph(f"Not comparable as it is: these settings are not those of input/{name}.ini."))
        parts.append(table(["setting", "input file", "this run"], [list(line) for line in other]))
    else:
        parts.append(paragraph(f"Every setting of the result that input/{name}.ini has is as there."))
    return "".join(parts)
