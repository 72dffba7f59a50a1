"""Names, units and directions of the figures of evaluations."""

from __future__ import annotations

import math
from typing import NamedTuple


class Metric(NamedTuple):
    """A metric from a metrics file, in which the deciding metric comes first."""

    name: str  # in files
    title: str
    unit: str  # "%": a fraction that is shown in percent
    higher_is_better: bool

    @property
    def factor(self) -> float:
        """Returns the factor from the figure to the number that is shown."""
        return 100.0 if self.unit == "%" else 1.0

    @property
    def digits(self) -> int:
        return 2 if self.unit == "%" else 4

    @property
    def header(self) -> str:
        """Returns the header of the column in the table of results, as the program prints it."""
        return self.title if self.unit == "%" else f"validation {self.title}"

    @property
    def unit_of_difference(self) -> str:
        return "points" if self.unit == "%" else self.unit

    def format(self, value: float) -> str:
        """Returns the figure as the program prints it."""
        sign = "%" if self.unit == "%" else ""
        return tell_missing(value) or f"{self.factor * value:.{self.digits}f}{sign}"


def tell_missing(value: float) -> str:
    """Why a figure is no number, as the program has it; empty if it is one."""
    return "not evaluated" if math.isnan(value) else "not finite" if math.isinf(value) else ""


# Older programs did not store the metrics; these are theirs.
OLDER_METRICS = (Metric("top1", "top-1", "%", True), Metric("loss", "loss", "nats", False))
