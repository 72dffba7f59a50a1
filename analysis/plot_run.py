"""Draws what a run reached for what it spent: validation loss and top-1 against block FLOPs.

    python analysis/plot_run.py runs/fashion-mnist [--output FILE.png]

Deep Incubation is drawn on one axis of FLOPs from 0: the meta model, then the incubations, each from where the meta
model ended (they do not wait for each other), then finetuning from the sum of all before it. Shaded: these phases. The
network grown from the meta model begins where that ended too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from any_locale import start, text_of
from run_data import Column, NotARunError, Run, Training, format_results, format_speeds, load_run

# Okabe and Ito's colours, which colour-blind readers can tell apart; the shapes of the marks differ as well.
COLOURS = {
    "meta": "#E69F00",
    "incubation": "#009E73",
    "finetuning": "#0072B2",
    "end_to_end": "#D55E00",
    "grown": "#CC79A7",
    "shallow": "#56B4E9",
    "high_resolution": "#0072B2",
    "end_to_end_high_resolution": "#D55E00",
}
MARKS = {
    "meta": "s",
    "incubation": "^",
    "finetuning": "o",
    "end_to_end": "D",
    "grown": "P",
    "shallow": "v",
    "high_resolution": "*",
    "end_to_end_high_resolution": "X",
}
LABELS = {
    "meta": "Deep Incubation: meta model",
    "incubation": "Deep Incubation: {count} hybrids, a stage incubated in each",
    "finetuning": "Deep Incubation: assembled and finetuned",
    "end_to_end": "end to end",
    "grown": "grown from the meta model",
    "shallow": "shallow for the whole budget",
    "high_resolution": "Deep Incubation: at high resolution",
    "end_to_end_high_resolution": "end to end: at high resolution",
}
BAND_NAMES = {"meta": "meta", "incubation": "incubations", "finetuning": "finetuning"}
FLOPS_UNITS = [(1e21, "zetta"), (1e18, "exa"), (1e15, "peta"), (1e12, "tera"), (1e9, "giga"), (1e6, "mega")]


class Curve(NamedTuple):
    """One training on the cumulative axis."""

    phase: str
    flops: Column
    loss: Column
    top1: Column  # percent
    is_done: bool


def spans_of_phases(run: Run) -> dict[str, tuple[float, float]]:
    """Block FLOPs at which each phase begins and ends; those of Deep Incubation follow each other."""
    spans: dict[str, tuple[float, float]] = {}
    begin = 0.0
    for phase in BAND_NAMES:
        spent = sum(training.block_flops for training in run.of_phase(phase))
        spans[phase] = (begin, begin + spent)
        begin += spent
    before = {  # the phase that another goes on from
        "end_to_end": None,
        "grown": "meta",
        "shallow": None,
        "high_resolution": "finetuning",
        "end_to_end_high_resolution": "end_to_end",
    }
    for phase, parent in before.items():
        begin = spans[parent][1] if parent else 0.0
        spans[phase] = (begin, begin + sum(training.block_flops for training in run.of_phase(phase)))
    return spans


def make_curve(training: Training, begin: float) -> Curve | None:
    if training.metrics is None or len(training.metrics.epochs["step"]) == 0:
        return None
    epochs = training.metrics.epochs
    return Curve(training.phase, begin + epochs["block_flops"], epochs["loss"], 100 * epochs["top1"], training.is_done)


def make_curves(run: Run) -> list[Curve]:
    """Of the phases that are known here."""
    spans = spans_of_phases(run)
    curves = [make_curve(training, spans[training.phase][0]) for training in run.trainings if training.phase in spans]
    return [curve for curve in curves if curve is not None]


def choose_unit(flops: float) -> tuple[float, str]:
    """The largest unit that keeps `flops` at 1 or more."""
    return next(((size, name) for size, name in FLOPS_UNITS if flops >= size), (1.0, ""))


def draw_bands(axes: Any, spans: dict[str, tuple[float, float]], unit: float) -> None:
    """Shades the phases of Deep Incubation, and names those wide enough for it."""
    whole = max(end for _, end in spans.values())
    for phase, name in BAND_NAMES.items():
        begin, end = spans[phase]
        if end == begin:
            continue
        axes.axvspan(begin / unit, end / unit, color=COLOURS[phase], alpha=0.08, linewidth=0, zorder=0)
        if (end - begin) / whole > 0.12:
            place = (begin + end) / 2 / unit
            axes.text(place, 1.01, name, transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=9)


def draw_curve(axes: Any, curve: Curve, values: Column, unit: float, label: str | None) -> None:
    is_incubation = curve.phase == "incubation"
    axes.plot(
        curve.flops / unit,
        values,
        color=COLOURS[curve.phase],
        linestyle="-" if curve.is_done else ":",
        linewidth=1.2 if is_incubation else 2.2,
        marker=MARKS[curve.phase],
        markersize=6,
        markeredgecolor="white",
        markeredgewidth=0.7,
        label=label,
        zorder=3 if is_incubation else 4,
    )


def draw_meta_level(axes: Any, curve: Curve, values: Column) -> None:
    """What the meta model alone reached: Deep Incubation is to end better."""
    if curve.is_done:
        label = "meta model alone, when done"
        axes.axhline(values[-1], color=COLOURS["meta"], linestyle="--", linewidth=1.2, label=label, zorder=2)


def draw_panel(axes: Any, run: Run, curves: list[Curve], quantity: str) -> None:
    spans = spans_of_phases(run)
    unit, unit_name = choose_unit(max(end for _, end in spans.values()))
    draw_bands(axes, spans, unit)
    labelled: set[str] = set()
    for curve in curves:
        values: Column = getattr(curve, quantity)
        label = LABELS[curve.phase].format(count=sum(other.phase == curve.phase for other in curves))
        draw_curve(axes, curve, values, unit, None if curve.phase in labelled else label)
        labelled.add(curve.phase)
        if curve.phase == "meta":
            draw_meta_level(axes, curve, values)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"block {unit_name}FLOPs spent in training (forward and backward)")
    axes.grid(True, color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def draw_run(run: Run, output: Path) -> None:
    curves = make_curves(run)
    figure, (loss_axes, top1_axes) = plt.subplots(1, 2, figsize=(12, 5.4), dpi=150)
    draw_panel(loss_axes, run, curves, "loss")
    loss_axes.set_ylabel("validation loss (cross-entropy, nats)")
    draw_panel(top1_axes, run, curves, "top1")
    top1_axes.set_ylabel("validation top-1 (%)")
    note = "" if run.state == "done" else f"  ({run.state}; dotted: unfinished)"
    figure.suptitle(f"{text_of(run.directory.resolve().name)}{note}", fontsize=13, fontweight="bold")
    handles, labels = loss_axes.get_legend_handles_labels()
    figure.tight_layout(rect=(0, 0.1, 1, 1))
    if handles:
        figure.legend(handles, labels, loc="lower center", ncols=3, frameon=False)
    figure.savefig(output, format="png", metadata={"Software": "incubate analysis/plot_run.py"})
    plt.close(figure)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Draws validation loss and top-1 of a run against block FLOPs.")
    parser.add_argument("run", type=Path, metavar="RUN", help="run directory, such as runs/fashion-mnist")
    parser.add_argument("--output", type=Path, metavar="FILE.png", help="picture to write (default: RUN/curves.png)")
    options = parser.parse_args(arguments)
    output: Path = options.output or options.run / "curves.png"
    try:
        run = load_run(options.run)
        draw_run(run, output)
    except NotARunError as error:
        print(f"plot_run: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"plot_run: {output} cannot be written: {error.strerror}. Choose another --output.", file=sys.stderr)
        return 2
    print(format_results(run.results) if run.results else f"No result yet: the run is {run.state}.")
    speeds = format_speeds(run)
    if speeds:
        print(f"\n{speeds}")
    print(f"\n{output} written")
    return 0


if __name__ == "__main__":
    start(main)
