"""Comparisons as text, CSV or LaTeX."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan

from comparisons.groups import COSTS, Comparison, Estimate, Interval, MethodRow, PairRow, Speedup
from run_directory.metric import Metric

# Columns of --format csv. A row is one figure; an empty cell means no value.
CSV_COLUMNS = (
    *("settings", "method", "against", "quantity", "unit"),
    *("mean", "std", "low", "high", "count", "bound"),
)
LEGEND = """\
{title} and rank-hours: mean and standard deviation over seeds; a hybrid's cost is that of its incubation alone.
difference: {title} of the first less that of the second with the same seed, in {unit}; 95 % interval of its mean.
speed-up: cost of the second over that of the first, (a) to the second's final {title}, (b) to the first's.
"""


@dataclass(frozen=True)
class Table:
    header: list[str]
    rows: list[list[str]]


def format_text(comparisons: list[Comparison]) -> str:
    parts = []
    for comparison in comparisons:
        tables = [_align(table) for table in _make_tables(comparison)]
        notes = "\n".join(f"note: {note}" for note in comparison.notes)
        parts.append("\n\n".join([_describe_group(comparison), *tables, *([notes] if notes else [])]))
    return "\n\n\n".join(parts) + "\n\n" + _make_legend(comparisons)


def format_latex(comparisons: list[Comparison]) -> str:
    """Returns a tabular for each table. Other lines become comments."""
    lines = [f"% {line}" for line in _make_legend(comparisons).splitlines()]
    for comparison in comparisons:
        lines += ["", f"% {_describe_group(comparison)}", *(f"% note: {note}" for note in comparison.notes)]
        for table in _make_tables(comparison):
            lines.append(rf"\begin{{tabular}}{{l{'r' * (len(table.header) - 1)}}}")
            lines += [r"\hline", _latex_row(table.header), r"\hline", *map(_latex_row, table.rows), r"\hline"]
            lines.append(r"\end{tabular}")
    return "\n".join(lines) + "\n"


def format_csv(comparisons: list[Comparison]) -> str:
    """Returns the figures as in files: top-1 is a fraction. CSV has no notes."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for comparison in comparisons:
        settings = _describe_settings(comparison)
        for method in comparison.methods:
            writer.writerows([settings, *row] for row in _list_figures(comparison.metric, method))
        for pair in comparison.pairs:
            writer.writerows([settings, *row] for row in _list_pair_figures(comparison.metric, pair))
    return stream.getvalue()


def _make_legend(comparisons: list[Comparison]) -> str:
    metric = comparisons[0].metric
    return LEGEND.format(title=metric.title, unit=metric.unit_of_difference)


def _describe_settings(comparison: Comparison) -> str:
    return ", ".join(f"{name}={value}" for name, value in comparison.group.settings.items())


def _describe_group(comparison: Comparison) -> str:
    runs = comparison.group.runs
    seeds = sorted({run.seed for run in runs})
    return (
        f"{_describe_settings(comparison) or 'one setting'}: {len(runs)} run{'s' if len(runs) > 1 else ''}, "
        f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    )


def _make_tables(comparison: Comparison) -> list[Table]:
    """Returns the tables that have rows."""
    metric = comparison.metric
    methods = Table(
        ["method", "seeds", f"{metric.title} ({metric.unit})", "block FLOPs", "rank-hours"],
        [
            [
                method.name,
                str(method.figure.count),
                _format_estimate(method.figure, metric.factor, metric.digits),
                "unknown" if isnan(method.block_flops.mean) else f"{method.block_flops.mean:.3e}",
                _format_estimate(method.rank_hours, 1, 4),
            ]
            for method in comparison.methods
        ],
    )
    pairs = Table(
        [
            *("pair", "seeds", "difference", "95 % interval"),
            *(f"{cost} ({case})" for case in "ab" for cost in COSTS),
        ],
        [
            [
                f"{pair.name} - {pair.other}",
                str(pair.difference.count),
                _format_estimate(pair.difference, metric.factor, metric.digits),
                _format_interval(metric, pair.interval),
                *(_format_speedup(speedup) for speedup in pair.to_others.values()),
                *(_format_speedup(speedup) for speedup in pair.to_own.values()),
            ]
            for pair in comparison.pairs
        ],
    )
    return [table for table in (methods, pairs) if table.rows]


def _format_estimate(estimate: Estimate, factor: float, digits: int) -> str:
    if isnan(estimate.mean):
        return "unknown"
    mean = f"{factor * estimate.mean:.{digits}f}"
    return mean if isnan(estimate.std) else f"{mean} ± {factor * estimate.std:.{digits}f}"


def _format_interval(metric: Metric, interval: Interval | None) -> str:
    if interval is None:
        return "none"
    return f"[{', '.join(f'{metric.factor * end:.{metric.digits}f}' for end in (interval.low, interval.high))}]"


def _format_speedup(speedup: Speedup) -> str:
    if isnan(speedup.value):
        return "undefined"
    return f"{speedup.bound} {speedup.value:.2f}".lstrip()


def _align(table: Table) -> str:
    """Aligns the first column left and the other columns right."""
    widths = [max(map(len, column)) for column in zip(table.header, *table.rows, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in [table.header, *table.rows]
    )


def _latex_row(cells: list[str]) -> str:
    return " & ".join(map(_latex_text, cells)) + r" \\"


def _latex_text(text: str) -> str:
    text = re.sub(r"([&%_#$])", r"\\\1", text)
    text = re.sub(r"(?<!\w)-(?=\d)", "$-$", text)  # a minus instead of a hyphen
    for plain, symbol in (("±", r"$\pm$"), (">=", r"$\geq$"), ("<=", r"$\leq$")):
        text = text.replace(plain, symbol)
    return text


def _list_figures(metric: Metric, method: MethodRow) -> Iterator[list[str]]:
    for quantity, unit, figure in (
        (metric.name, _csv_unit(metric), method.figure),
        ("block_flops", "FLOP", method.block_flops),
        ("rank_hours", "h", method.rank_hours),
    ):
        yield [method.name, "", quantity, unit, *_csv_estimate(figure), "", "", str(figure.count), ""]


def _list_pair_figures(metric: Metric, pair: PairRow) -> Iterator[list[str]]:
    """Returns a pair's figures. A speed-up is empty if one of its pairs is missing."""
    interval = ["", ""] if pair.interval is None else [repr(pair.interval.low), repr(pair.interval.high)]
    count = str(pair.difference.count)
    names = [pair.name, pair.other]
    yield [
        *names,
        f"{metric.name}_difference",
        _csv_unit(metric),
        *_csv_estimate(pair.difference),
        *interval,
        count,
        "",
    ]
    for case, speedups in (("others", pair.to_others), ("own", pair.to_own)):
        for cost, speedup in speedups.items():
            quantity = f"speedup_to_{case}_{metric.name}_by_{cost.lower().replace(' ', '_').replace('-', '_')}"
            yield [*names, quantity, "", _csv_number(speedup.value), "", "", "", count, speedup.bound]


def _csv_unit(metric: Metric) -> str:
    return "fraction" if metric.unit == "%" else metric.unit


def _csv_estimate(estimate: Estimate) -> list[str]:
    return [_csv_number(estimate.mean), _csv_number(estimate.std)]


def _csv_number(value: float) -> str:
    return "" if isnan(value) else repr(value)
