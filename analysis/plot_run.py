"""Draws each figure of a run's evaluations against block FLOPs.

    python analysis/plot_run.py runs/fashion-mnist [--output FILE.png]

Deep Incubation's axis of FLOPs begins at 0: first the meta model, then the incubations, then finetuning. Each
incubation begins where the meta model ended, because incubations do not wait for each other. Finetuning begins at the
sum of all earlier costs. These phases are shaded. The grown network also begins where the meta model ended.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from command_line.any_locale import start, text_of
from command_line.output_file import OutputError, check_output
from report_page.marks import choose_unit, colour_of, label_of, mark_of
from run_directory.data import Column, NotARunError, Run, Training, format_results, format_speeds, load_run
from run_directory.methods import MethodTable
from run_directory.metric import Metric


class Curve(NamedTuple):
    """One training on the cumulative axis."""

    phase: str
    flops: Column
    figures: dict[str, Column]  # by metric, as shown
    is_done: bool


def spans_of_phases(run: Run) -> dict[str, tuple[float, float]]:
    """Returns where each phase begins and ends, in block FLOPs. A phase begins where its source ended."""
    spans: dict[str, tuple[float, float]] = {}
    for row in run.table.rows:
        begin = spans[row.source][1] if row.source else 0.0
        spans[row.phase] = (begin, begin + sum(training.block_flops for training in run.of_phase(row.phase)))
    return spans


def make_curve(training: Training, metrics: Sequence[Metric], begin: float) -> Curve | None:
    if training.metrics is None or len(training.metrics.epochs["step"]) == 0:
        return None
    epochs = training.metrics.epochs
    figures = {metric.name: metric.factor * epochs[metric.name] for metric in metrics}
    return Curve(training.phase, begin + epochs["block_flops"], figures, training.is_done)


def make_curves(run: Run) -> list[Curve]:
    """Returns the curves of the known phases."""
    spans = spans_of_phases(run)
    curves = [make_curve(t, run.metrics, spans[t.phase][0]) for t in run.trainings if t.phase in spans]
    return [curve for curve in curves if curve is not None]


def draw_bands(axes: Any, table: MethodTable, spans: dict[str, tuple[float, float]], unit: float) -> None:
    """Shades the phases of Deep Incubation, and names those that are wide enough."""
    whole = max(end for _, end in spans.values())
    for row in table.parts:
        begin, end = spans[row.phase]
        if end == begin:
            continue
        colour = colour_of(table, row.phase)
        axes.axvspan(begin / unit, end / unit, color=colour, alpha=0.08, linewidth=0, zorder=0)
        if (end - begin) / whole > 0.12:
            place = (begin + end) / 2 / unit
            name = f"{row.phase}s" if row.network == "hybrid" else row.phase
            axes.text(place, 1.01, name, transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=9)


def draw_curve(axes: Any, table: MethodTable, curve: Curve, values: Column, unit: float, label: str | None) -> None:
    is_incubation = curve.phase in table.hybrids
    axes.plot(
        curve.flops / unit,
        values,
        color=colour_of(table, curve.phase),
        linestyle="-" if curve.is_done else ":",
        linewidth=1.2 if is_incubation else 2.2,
        marker=mark_of(table, curve.phase),
        markersize=6,
        markeredgecolor="white",
        markeredgewidth=0.7,
        label=label,
        zorder=3 if is_incubation else 4,
    )


def draw_level(axes: Any, table: MethodTable, curve: Curve, values: Column) -> None:
    """Draws the figure of the meta model as a level that Deep Incubation should exceed."""
    row = table.row_of(curve.phase)
    if curve.is_done and row in table.parts[:-1] and row is not None and row.title:
        colour = colour_of(table, curve.phase)
        axes.axhline(values[-1], color=colour, linestyle="--", linewidth=1.2, label=f"{row.title}, when done", zorder=2)


def draw_panel(axes: Any, run: Run, curves: list[Curve], metric: Metric) -> None:
    spans = spans_of_phases(run)
    unit, unit_name = choose_unit(max(end for _, end in spans.values()))
    draw_bands(axes, run.table, spans, unit)
    labelled: set[str] = set()
    for curve in curves:
        values = curve.figures[metric.name]
        label = label_of(run.table, curve.phase, sum(other.phase == curve.phase for other in curves))
        draw_curve(axes, run.table, curve, values, unit, None if curve.phase in labelled else label)
        labelled.add(curve.phase)
        draw_level(axes, run.table, curve, values)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"block {unit_name}FLOPs spent in training (forward and backward)")
    axes.set_ylabel(f"validation {metric.title} ({metric.unit})")
    axes.grid(True, color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def draw_run(run: Run, output: Path) -> None:
    curves = make_curves(run)
    figure, panels = plt.subplots(1, len(run.metrics), figsize=(6 * len(run.metrics), 5.4), dpi=150, squeeze=False)
    for axes, metric in zip(panels[0], reversed(run.metrics), strict=True):
        draw_panel(axes, run, curves, metric)
    dotted = "" if all(curve.is_done for curve in curves) else "; dotted: unfinished"
    note = "" if run.state == "done" else f"  ({run.state}{dotted})"
    # (A name may have signs that Matplotlib takes for a formula.)
    title = f"{text_of(run.directory.resolve().name)}{note}"
    figure.suptitle(title, fontsize=13, fontweight="bold", parse_math=False)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.tight_layout(rect=(0, 0.1, 1, 1))
    if handles:
        figure.legend(handles, labels, loc="lower center", ncols=3, frameon=False)
    figure.savefig(output, format="png", metadata={"Software": "incubate analysis/plot_run.py"})
    plt.close(figure)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Draws the validation figures of a run against block FLOPs.")
    parser.add_argument("run", type=Path, metavar="RUN", help="run directory, such as runs/fashion-mnist")
    parser.add_argument("--output", type=Path, metavar="FILE.png", help="picture to write (default: RUN/curves.png)")
    options = parser.parse_args(arguments)
    output: Path = options.output or options.run / "curves.png"
    try:
        check_output(output, "PNG picture")
        run = load_run(options.run)
        draw_run(run, output)
    except (NotARunError, OutputError) as error:
        print(f"plot_run: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"plot_run: {output} cannot be written: {error.strerror}. Choose another --output.", file=sys.stderr)
        return 2
    print(format_results(run) if run.results else f"No result yet: the run is {run.state}.")
    speeds = format_speeds(run)
    if speeds:
        print(f"\n{speeds}")
    print(f"\n{output} written")
    return 0


if __name__ == "__main__":
    start(main)
