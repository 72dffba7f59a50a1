"""How a kind of training is drawn: its colour, mark and label; and units of FLOPs."""

from __future__ import annotations

from run_directory.methods import MethodTable

# Okabe and Ito's colours, which colour-blind readers can distinguish, and marks of different shapes. Kinds of training
# get them in their order. report.css uses the same names.
COLOURS = {
    "meta": "#E69F00",
    "incubation": "#009E73",
    "finetuning": "#0072B2",
    "end_to_end": "#D55E00",
    "grown": "#CC79A7",
    "shallow": "#56B4E9",
}
MARKS = ("s", "^", "o", "D", "P", "v", "*", "X")
UNKNOWN_COLOUR, UNKNOWN_MARK = "#888888", "."
PARTS = {  # of Deep Incubation, by trained network
    "meta": "meta model",
    "hybrid": "{count} hybrids, a stage incubated in each",
    "target": "assembled and finetuned",
}
FLOPS_UNITS = [(1e21, "zetta"), (1e18, "exa"), (1e15, "peta"), (1e12, "tera"), (1e9, "giga"), (1e6, "mega")]


def colour_of(table: MethodTable, phase: str) -> str:
    """Returns the colour. A network for another image size has its source's colour."""
    row = table.row_of(phase)
    if row is None:
        return UNKNOWN_COLOUR
    if row.resampled and row.source:
        return colour_of(table, row.source)
    colours = list(COLOURS.values())
    return colours[[other for other in table.rows if not other.resampled].index(row) % len(colours)]


def mark_of(table: MethodTable, phase: str) -> str:
    row = table.row_of(phase)
    return MARKS[table.rows.index(row) % len(MARKS)] if row else UNKNOWN_MARK


def label_of(table: MethodTable, phase: str, count: int) -> str:
    """Returns the label. `count` is the phase's number of trainings."""
    row = table.row_of(phase)
    if row is None:
        return phase
    if row in table.parts:
        return f"{table.methods[0].title}: {PARTS[row.network].format(count=count)}"
    source = table.row_of(row.source) if row.resampled and row.source else None
    return f"{source.title}: at high resolution" if source else row.title


def choose_unit(flops: float) -> tuple[float, str]:
    """Returns the largest unit that keeps `flops` at 1 or more."""
    return next(((size, name) for size, name in FLOPS_UNITS if flops >= size), (1.0, ""))
