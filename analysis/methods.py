"""The ways to come by a network, and what each of them takes."""

from __future__ import annotations

from typing import NamedTuple

# Of each phase those that its network comes from, itself last.
LINEAGE = {
    "meta": ["meta"],
    "incubation": ["meta", "incubation"],
    "finetuning": ["meta", "incubation", "finetuning"],
    "end_to_end": ["end_to_end"],
    "grown": ["meta", "grown"],
    "shallow": ["shallow"],
    "high_resolution": ["meta", "incubation", "finetuning", "high_resolution"],
    "end_to_end_high_resolution": ["end_to_end", "end_to_end_high_resolution"],
}


class Method(NamedTuple):
    name: str
    training: str  # whose network it is
    phase: str  # of that training


# The rows of src/config/method_table.h that have a place in the table of results, in its order.
METHODS = (
    Method("Deep Incubation", "finetuned", "finetuning"),
    Method("end to end", "end_to_end", "end_to_end"),
    Method("grown from the meta model", "grown", "grown"),
    Method("shallow for the whole budget", "shallow", "shallow"),
    Method("meta model alone", "meta", "meta"),
    Method("Deep Incubation, high resolution", "high_resolution", "high_resolution"),
    Method("end to end, high resolution", "end_to_end_high_resolution", "end_to_end_high_resolution"),
)
TRAINING_OF = {method.name: method.training for method in METHODS}
# What Deep Incubation must beat at equal cost.
CONTROLS = ("end to end", "grown from the meta model", "shallow for the whole budget")
HIGH_RESOLUTION_PAIR = ("Deep Incubation, high resolution", "end to end, high resolution")


def lineage_of(phase: str) -> list[str]:
    return LINEAGE.get(phase, [phase])
