"""Measures one side's speed several times, in turn with the other side's."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """Result of one training in one setting."""

    images_per_s: float  # all processes together
    losses: tuple[float, ...]  # of the first steps
    peak_bytes: int  # largest resident memory of a process


Measure = Callable[[], Measurement]


@dataclass(frozen=True)
class Failure:
    """The reason why a setting could not be measured."""

    reason: str


Outcome = Measurement | Failure
Name = tuple[str, str]  # side, setting


def interleave(repeats: int, measures: dict[Name, Measure]) -> dict[Name, Outcome]:
    """Runs each measure `repeats` times, in turn, so that other load on the machine meets all alike. Returns each one's
    median speed and largest memory. Drops a setting that fails once from further turns."""
    taken: dict[Name, list[Measurement]] = {name: [] for name in measures}
    failures: dict[Name, Outcome] = {}
    for _ in range(repeats):
        for name in [n for n in measures if n not in failures]:
            try:
                taken[name].append(measures[name]())
            except (subprocess.SubprocessError, AssertionError) as error:
                failures[name] = Failure(reason_of(error))
    return {name: failures.get(name) or summarise(taken[name]) for name in measures}


def summarise(all_taken: list[Measurement]) -> Measurement:
    return Measurement(
        images_per_s=statistics.median(m.images_per_s for m in all_taken),
        losses=all_taken[0].losses,
        peak_bytes=max(m.peak_bytes for m in all_taken),
    )


def reason_of(error: Exception) -> str:
    """Returns the last line of the process's output that names an error."""
    text = (error.stderr or "") if isinstance(error, subprocess.CalledProcessError) else str(error)
    lines = [line.strip() for line in text.splitlines() if "Error" in line or "incubate:" in line]
    return lines[-1][:200] if lines else str(error)[:200]
