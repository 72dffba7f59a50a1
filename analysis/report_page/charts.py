"""The figures of a report: results against cost, and measurements of the steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator

from comparisons.cost_axes import ALL_AXES, FLOPS, RANK_HOURS, STEPS, CostAxis, cost_at_evaluations
from report_page.marks import COLOURS, choose_unit, colour_of, mark_of
from report_page.svg import ON_PAGE
from report_page.timeline import draw_timeline
from run_directory.data import Column, Metrics, Run, Training, measure_speed
from run_directory.metric import Metric

SIZE = (5.2, 3.3)  # inches; text is 10 points high
MOST_POINTS = 150  # for each line
NEARLY_ALL, SPIKE = 0.95, 1.5  # of the points, whose highest an axis may exceed by this factor
MOST_MARKS = 12
TIME_UNITS = [(1.0, "hours"), (1 / 60, "minutes"), (1 / 3600, "seconds")]  # factors from hours


class Chart(NamedTuple):
    name: str  # of the file
    title: str
    draw: Callable[[Run], Figure | None]  # None: no data


class StepQuantity(NamedTuple):
    column: str
    title: str
    label: str
    factor: float = 1.0
    is_logarithmic: bool = False
    has_spikes: bool = False


STEP_QUANTITIES = [
    StepQuantity("loss", "Training loss", "loss of a step (nats)"),
    StepQuantity("learning_rate", "Learning rate", "learning rate"),
    StepQuantity("gradient_norm", "Gradient norm", "norm before clipping", is_logarithmic=True),
]
SPEED_QUANTITIES = [
    StepQuantity("images_per_s", "Throughput", "images/s", has_spikes=True),
    StepQuantity(
        "model_flops_utilisation", "Model FLOPs utilisation", "of the ranks' peak (%)", factor=100, has_spikes=True
    ),
]


def charts_of(metric: Metric) -> list[Chart]:
    return [_chart_of_costs(metric, axis) for axis in ALL_AXES]


def charts_of_steps() -> list[Chart]:
    return [_chart_of_steps(quantity) for quantity in STEP_QUANTITIES]


def charts_of_speed() -> list[Chart]:
    charts = [_chart_of_steps(quantity) for quantity in SPEED_QUANTITIES]
    return [*charts, Chart("waits", "Where the time of the steps went", _draw_waits)]


def charts_of_timeline() -> list[Chart]:
    return [Chart("timeline", "Groups of ranks over the rounds", draw_timeline)]


def all_charts(run: Run) -> list[Chart]:
    return [
        *(chart for metric in run.metrics for chart in charts_of(metric)),
        *(*charts_of_timeline(), *charts_of_speed(), *charts_of_steps()),
    ]


def page_colour_of(run: Run, phase: str) -> str:
    """Returns the CSS colour in figures of a page."""
    colour = colour_of(run.table, phase).lower()
    return ON_PAGE.get(colour, colour)


def lay_out(figure: Figure, below: float = 0) -> None:
    """Sets margins for the longest number of the vertical axis, unless the figure has its own layout.

    `below` are inches to leave free. Matplotlib's constrained layout would draw a figure twice more to find its
    margins, which would be most of a report's time.
    """
    if figure.get_layout_engine() is not None:
        return
    (axes,) = figure.axes
    low, high = axes.yaxis.get_view_interval()
    numbers = [""]
    for formatter, places in (
        (axes.yaxis.get_major_formatter(), axes.yaxis.get_majorticklocs()),
        (axes.yaxis.get_minor_formatter(), axes.yaxis.get_minorticklocs()),
    ):
        numbers += formatter.format_ticks([place for place in places if low <= place <= high])
    width, height = figure.get_size_inches()
    left, right = (0.40 + 0.09 * max(map(len, numbers))) / width, 1 - 0.15 / width
    bottom, top = (below + 0.53) / height, 1 - 0.22 / height
    figure.subplots_adjust(left, bottom, right, top)
    axes.yaxis.set_label_coords(0.23 / width, (bottom + top) / 2, figure.transFigure)
    axes.xaxis.set_label_coords((left + right) / 2, (below + 0.24) / height, figure.transFigure)


def lay_out_with_legend(figure: Figure) -> None:
    """Lays out a single figure, with names of the trainings below unless the figure has them already."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if figure.legends or not handles:
        lay_out(figure)
        return
    columns = 4
    below = 0.1 + 0.18 * -(-len(handles) // columns)
    figure.set_figheight(figure.get_figheight() + below)
    lay_out(figure, below)
    figure.legend(handles, labels, loc="lower center", ncols=columns, fontsize=8)


def thin_out(places: Column, values: Column) -> tuple[Column, Column]:
    """Returns at most MOST_POINTS points, each the mean of its neighbourhood without NaN."""
    known = np.isfinite(values)
    places, values = places[known], values[known]
    if len(values) <= MOST_POINTS:
        return places, values
    begins = np.linspace(0, len(values), MOST_POINTS, endpoint=False).astype(int)
    sizes = np.diff(np.append(begins, len(values)))
    return np.add.reduceat(places, begins) / sizes, np.add.reduceat(values, begins) / sizes


def choose_some(count: int) -> Any:
    """Returns indices of at most MOST_POINTS of `count` entries, with the first and the last."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(int))


def _measured(run: Run) -> list[tuple[Training, Metrics]]:
    return [(training, training.metrics) for training in run.trainings if training.metrics is not None]


def _chart_of_costs(metric: Metric, axis: CostAxis) -> Chart:
    name = f"{metric.name}-{axis.name}".replace("_", "-")
    title = f"Validation {metric.title} against {axis.label}"
    return Chart(name, title, lambda run: _draw_costs(run, metric, axis))


def _chart_of_steps(quantity: StepQuantity) -> Chart:
    return Chart(quantity.column.replace("_", "-"), quantity.title, lambda run: _draw_steps(run, quantity))


def _draw_costs(run: Run, metric: Metric, axis: CostAxis) -> Figure | None:
    curves = []
    for training, metrics in _measured(run):
        costs = cost_at_evaluations(run, training, axis)
        if len(costs) and np.isfinite(costs).all():
            curves.append((training, costs, metrics.epochs[metric.name] * metric.factor))
    if not curves:
        return None
    figure, axes = _make_figure()
    unit, label = _scale_of(axis, max(float(costs.max()) for _, costs, _ in curves))
    for training, costs, values in curves:
        chosen = choose_some(len(costs))
        _plot(axes, run, training, costs[chosen] / unit, values[chosen], marked=True)
    axes.set_xlim(left=0)
    axes.set_xlabel(label)
    axes.set_ylabel(f"validation {metric.title} ({metric.unit})")
    return figure


def _draw_steps(run: Run, quantity: StepQuantity) -> Figure | None:
    figure, axes = _make_figure()
    drawn: list[Column] = []
    for training, metrics in _measured(run):
        column = metrics.steps.get(quantity.column)
        if column is None:
            continue
        places, values = thin_out(metrics.steps["step"], column * quantity.factor)
        if quantity.is_logarithmic:
            places, values = places[values > 0], values[values > 0]
        if len(values):
            _plot(axes, run, training, places, values, marked=False)
            drawn.append(values)
        if quantity.column == "gradient_norm":
            _mark_skipped(axes, run, training, metrics)
    if not drawn:
        return None
    if quantity.has_spikes:
        _leave_out_spikes(axes, np.concatenate(drawn))
    if quantity.is_logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(LogFormatter())
    else:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_xlabel("step of the training itself")
    axes.set_ylabel(quantity.label)
    return figure


def _leave_out_spikes(axes: Any, values: Column) -> None:
    """Ends the axis at what nearly all steps reach, and says how far the others go.

    A round's last step can be measured in almost no time.
    """
    most, end = float(values.max()), SPIKE * float(np.quantile(values, NEARLY_ALL))
    if most > end > 0:
        axes.set_ylim(top=end)
        axes.text(
            0.99, 0.99, f"single steps: up to {most:.3g}", ha="right", va="top", transform=axes.transAxes, fontsize=8
        )


def _draw_waits(run: Run) -> Figure | None:
    rows = [
        (training, measure_speed(metrics, run.global_batch))
        for training, metrics in _measured(run)
        if len(metrics.steps["step"])
    ]
    parts = np.array([[speed.data_wait, speed.communication_wait] for _, speed in rows])
    if not len(rows) or np.isnan(parts).all():
        return None
    parts = 100 * np.nan_to_num(parts)
    figure, axes = _make_figure(height=1.3 + 0.24 * len(rows))
    figure.set_layout_engine("constrained")  # for the legend, and names at the axis
    places = np.arange(len(rows))
    axes.barh(places, 100, color=matplotlib.rcParams["grid.color"], height=0.7, label="the rest: computing")
    axes.barh(places, parts[:, 0], color=COLOURS["meta"], height=0.7, label="waiting for images")
    axes.barh(
        places, parts[:, 1], left=parts[:, 0], color=COLOURS["finetuning"], height=0.7, label="waiting for other ranks"
    )
    axes.set_yticks(places, [training.name for training, _ in rows])
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.set_xlim(0, 100)
    axes.set_xlabel("part of the steps' time (%)")
    figure.legend(loc="outside upper left", ncols=3, fontsize=8, handlelength=1.2, columnspacing=1.2)
    return figure


def _make_figure(height: float = SIZE[1]) -> tuple[Figure, Any]:
    figure = Figure(figsize=(SIZE[0], height))
    return figure, figure.add_subplot()


def _plot(axes: Any, run: Run, training: Training, places: Column, values: Column, marked: bool) -> None:
    is_incubation = training.phase in run.table.hybrids
    axes.plot(
        places,
        values,
        color=colour_of(run.table, training.phase),
        linestyle="-" if training.is_done else ":",
        linewidth=1.0 if is_incubation else 1.8,
        marker=mark_of(run.table, training.phase) if marked or len(places) == 1 else None,
        markevery=max(1, -(-len(places) // MOST_MARKS)),
        markersize=5 if is_incubation else 6,
        markeredgewidth=0.6,
        label=training.name,
        zorder=3 if is_incubation else 4,
    )
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))


def _mark_skipped(axes: Any, run: Run, training: Training, metrics: Metrics) -> None:
    """Marks steps whose loss or gradient was not finite, at the lower edge."""
    skipped = metrics.steps["step"][np.isnan(metrics.steps["loss"])]
    if len(skipped):
        places = skipped[choose_some(len(skipped))]
        edge, colour = axes.get_xaxis_transform(), colour_of(run.table, training.phase)
        axes.plot(places, np.full_like(places, 0.02), "|", markeredgecolor=colour, transform=edge)


def _scale_of(axis: CostAxis, most: float) -> tuple[float, str]:
    """Returns a unit that suits the largest value, and the axis label with it."""
    if axis == STEPS:
        return 1.0, "steps of the training itself"
    if axis == FLOPS:
        unit, name = choose_unit(most)
        return unit, f"block {name}FLOPs, with all before it"
    unit, name = next((size, name) for size, name in TIME_UNITS if most >= size or name == "seconds")
    return unit, f"{'rank-' if axis == RANK_HOURS else 'wall-clock '}{name}, with all before it"
