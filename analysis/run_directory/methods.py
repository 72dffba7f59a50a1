"""The kinds of training and their methods, from a run's summary.json."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple


class Row(NamedTuple):
    """A kind of training: a row of src/config/method_table.h."""

    phase: str
    training: str  # its name; in a hybrid the part before the stage's number
    title: str  # of the method whose result the network is; empty: no method
    place: int  # in the table of results, from 1; 0: none
    section: str  # the section of its settings
    network: str  # meta, hybrid or target
    source: str | None  # the phase that provides the first weights
    matched: bool  # may spend exactly what Deep Incubation spends
    resampled: bool  # has the source's network for another image size


@dataclass(frozen=True)
class MethodTable:
    """The kinds of training in the order in which they run, sources first."""

    rows: tuple[Row, ...]

    @staticmethod
    def make(entries: list[dict[str, Any]]) -> MethodTable:
        """Returns the table. Raises KeyError or TypeError."""
        return MethodTable(tuple(Row(**{name: entry[name] for name in Row._fields}) for entry in entries))

    @property
    def methods(self) -> list[Row]:
        """Returns the methods in the order of the table of results, Deep Incubation first."""
        return sorted((row for row in self.rows if row.place), key=lambda row: row.place)

    @property
    def controls(self) -> list[Row]:
        """Returns the methods that Deep Incubation must beat at equal cost."""
        return [row for row in self.methods if row.matched]

    @property
    def parts(self) -> list[Row]:
        """Returns the kinds of training that Deep Incubation consists of."""
        return [row for row in self.rows if row.phase in self.lineage_of(self.methods[0].phase)]

    @property
    def hybrids(self) -> set[str]:
        """Returns the phases that have one training a stage."""
        return {row.phase for row in self.rows if row.network == "hybrid"}

    @property
    def pairs(self) -> list[tuple[Row, Row]]:
        """Returns pairs to compare at equal cost: Deep Incubation with each control, methods with equal settings."""
        same_settings = [pair for pair in combinations(self.methods, 2) if pair[0].section == pair[1].section]
        return [*((self.methods[0], control) for control in self.controls), *same_settings]

    def row_of(self, phase: str) -> Row | None:
        return next((row for row in self.rows if row.phase == phase), None)

    def find(self, training: str) -> Row | None:
        """Returns the row of a training."""
        for row in self.rows:
            if training.startswith(row.training) if row.network == "hybrid" else training == row.training:
                return row
        return None

    def lineage_of(self, phase: str) -> list[str]:
        """Returns the phases that the weights of `phase` come from, with `phase` at the end."""
        row = self.row_of(phase)
        return [*(self.lineage_of(row.source) if row and row.source else []), phase]


# Older programs did not store the table; this is theirs.
OLDER_TABLE = MethodTable(
    (
        Row("meta", "meta", "meta model alone", 5, "meta", "meta", None, False, False),
        Row("incubation", "stage_", "", 0, "incubation", "hybrid", "meta", False, False),
        Row("finetuning", "finetuned", "Deep Incubation", 1, "finetuning", "target", "incubation", False, False),
        Row("end_to_end", "end_to_end", "end to end", 2, "end_to_end", "target", None, True, False),
        Row("grown", "grown", "grown from the meta model", 3, "grown", "target", "meta", True, False),
        Row("shallow", "shallow", "shallow for the whole budget", 4, "shallow", "meta", None, True, False),
        *(
            Row(phase, phase, f"{method}, high resolution", place, "high_resolution", "target", source, False, True)
            for phase, method, place, source in (
                ("high_resolution", "Deep Incubation", 6, "finetuning"),
                ("end_to_end_high_resolution", "end to end", 7, "end_to_end"),
            )
        ),
    )
)
