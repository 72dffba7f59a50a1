"""The timeline of a run: which ranks trained what and when, and which ranks were idle."""

from __future__ import annotations

from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from comparisons.cost_axes import ActiveClock
from report_page.marks import colour_of
from run_directory.data import Column, Round, Run, Training
from run_directory.methods import MethodTable

WIDTH = 8.0  # inches
LEAST_NAMED = 0.05  # of the whole width: the smallest box with a name
UNITS = [(3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds")]


class Work(NamedTuple):
    """A group's work on one training in a round."""

    training: Training
    round_index: int
    began_s: float  # Unix time
    ended_s: float
    first_rank: int
    num_ranks: int


def list_work(run: Run) -> list[Work]:
    """Returns the work in the run's rounds, from the metrics."""
    work = []
    for training in run.trainings:
        columns: dict[str, Column] = training.metrics.rounds if training.metrics else {}
        names = ("began_s", "ended_s", "first_rank", "num_ranks")
        for began_s, ended_s, first, count in zip(*(columns.get(name, np.empty(0)) for name in names), strict=True):
            index = _find_round(run.rounds, training.name, float(began_s), float(ended_s))
            if index is not None:
                work.append(Work(training, index, float(began_s), float(ended_s), int(first), int(count)))
    return work


def draw_timeline(run: Run) -> Figure | None:
    """Draws ranks upwards and time to the right, without the time between jobs. Concurrent jobs have separate ranks."""
    work = list_work(run)
    if not work:
        return None
    clock = ActiveClock(run.rounds)
    whole_s = float(clock.active_s(np.array([clock.intervals[-1][1]]))[0])
    if whole_s <= 0:
        return None
    unit, name = next((size, name) for size, name in UNITS if whole_s >= size or size == 1)
    lanes = _make_lanes(run.rounds)
    num_lanes = sum(count for _, count in lanes.values())
    figure = Figure(figsize=(WIDTH, 1.1 + min(3.4, max(1.2, 0.28 * num_lanes))), layout="constrained")
    axes: Any = figure.add_subplot()
    axes.grid(False)
    for entry in run.rounds:
        begin, end = clock.active_s(np.array([entry.began_s, entry.began_s + entry.elapsed_s])) / unit
        lane, _ = lanes[entry.job]
        idle = matplotlib.rcParams["grid.color"]
        axes.add_patch(Rectangle((begin, lane), end - begin, entry.num_ranks, facecolor=idle, linewidth=0))
    for box, lowest, height in _place(work, run.rounds, lanes):
        begin, end = clock.active_s(np.array([box.began_s, box.ended_s])) / unit
        _draw_box(axes, run.table, box.training, (begin, lowest), (end - begin, height), whole_s / unit)
    _draw_gaps(axes, clock, whole_s, unit)
    axes.set_xlim(0, whole_s / unit)
    axes.set_ylim(0, num_lanes)
    axes.set_xlabel(f"{name} in which a round ran")
    if len(lanes) > 1:
        axes.set_yticks([lane for lane, _ in lanes.values()], [f"job {job}" for job in lanes], fontsize=8)
    else:
        axes.set_ylabel("ranks")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _find_round(rounds: list[Round], name: str, began_s: float, ended_s: float) -> int | None:
    """Returns the training's round with the largest overlap in time."""
    shared = [
        (min(ended_s, entry.began_s + entry.elapsed_s) - max(began_s, entry.began_s), index)
        for index, entry in enumerate(rounds)
        if name in entry.trainings
    ]
    return max(shared)[1] if shared else None


def _make_lanes(rounds: list[Round]) -> dict[str, tuple[int, int]]:
    """Returns each job's first lane and number of lanes; a lane is a rank."""
    lanes: dict[str, tuple[int, int]] = {}
    first = 0
    for job in dict.fromkeys(entry.job for entry in rounds):
        count = max(entry.num_ranks for entry in rounds if entry.job == job)
        lanes[job] = (first, count)
        first += count
    return lanes


def _place(work: list[Work], rounds: list[Round], lanes: dict[str, tuple[int, int]]) -> list[tuple[Work, float, float]]:
    """Returns the work with its lower edge and height. Trainings of a group share its ranks, one above the other."""
    groups: dict[tuple[int, int], list[Work]] = {}
    for entry in work:
        groups.setdefault((entry.round_index, entry.first_rank), []).append(entry)
    placed = []
    for (round_index, first_rank), entries in groups.items():
        lane, _ = lanes[rounds[round_index].job]
        names = list(dict.fromkeys(entry.training.name for entry in entries))
        for entry in entries:
            height = entry.num_ranks / len(names)
            placed.append((entry, lane + first_rank + names.index(entry.training.name) * height, height))
    return placed


def _draw_box(
    axes: Any,
    table: MethodTable,
    training: Training,
    place: tuple[float, float],
    size: tuple[float, float],
    whole: float,
) -> None:
    ground = matplotlib.rcParams["figure.facecolor"]
    colour = colour_of(table, training.phase)
    # Half transparent, so that the name is readable on every colour, on light and dark backgrounds.
    axes.add_patch(Rectangle(place, *size, facecolor=ground, linewidth=0))
    axes.add_patch(Rectangle(place, *size, facecolor=(colour, 0.55), edgecolor=ground, linewidth=0.8))
    if size[0] > LEAST_NAMED * whole:
        name = training.name.removeprefix("stage_") if size[0] < 2 * LEAST_NAMED * whole else training.name
        middle = (place[0] + size[0] / 2, place[1] + size[1] / 2)
        axes.text(*middle, name, ha="center", va="center", fontsize=8, clip_on=True)


def _draw_gaps(axes: Any, clock: ActiveClock, whole_s: float, unit: float) -> None:
    """Marks times without work, such as those between jobs."""
    for (_, end), (begin, _) in zip(clock.intervals[:-1], clock.intervals[1:], strict=True):
        if begin - end > max(1.0, 0.01 * whole_s):
            place = float(clock.active_s(np.array([end]))[0]) / unit
            axes.axvline(place, color=matplotlib.rcParams["text.color"], linestyle="--", linewidth=1)
