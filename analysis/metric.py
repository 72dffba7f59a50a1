"""What the figures of evaluations are called, how they are shown and which way they are better."""

from __future__ import annotations

import math
from typing import NamedTuple


class Metric(NamedTuple):
    """As a metrics file has it, which names the one that decides first."""

    name: str  # in files
    title: str
    unit: str  # "%": the figure is a fraction, and shown in percent
    higher_is_better: bool

    @property
    def factor(self) -> float:
        """Of what is shown to the figure."""
        return 100.0 if self.unit == "%" else 1.0

    @property
    def digits(self) -> int:
        return 2 if self.unit == "%" else 4

    @property
    def header(self) -> str:
        """Of a column of the table of results, as the program has it."""
        return self.title if self.unit == "%" else f"test {self.title}"

    @property
    def unit_of_difference(self) -> str:
        return "points" if self.unit == "%" else self.unit

    def format(self, value: float) -> str:
        """As the program has it."""
        sign = "%" if self.unit == "%" else ""
        return tell_missing(value) or f"{self.factor * value:.{self.digits}f}{sign}"


def tell_missing(value: float) -> str:
    """Why a figure is no number, as the program has it; empty if it is one."""
    return "not evaluated" if math.isnan(value) else "not finite" if math.isinf(value) else ""


# Metrics of runs by older programs, whose files do not name them.
OLDER_METRICS = (Metric("top1", "top-1", "%", True), Metric("loss", "loss", "nats", False))
