"""A run of the study in analysis/results/README.md, and how figures of earlier runs choose runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

RESULT_OF = {  # the training of an arm whose network is the result
    "end-to-end": "end_to_end",
    "zero-branches": "end_to_end",
    "grown": "grown",
    "shallow": "shallow",
    "incubated": "finetuned",
    "as-published": "finetuned",
}
ARM_NAMES = {
    "end-to-end": "end to end",
    "zero-branches": "end to end, zero branches",
    "grown": "grown",
    "shallow": "shallow",
    "incubated": "Deep Incubation",
    "as-published": "Deep Incubation as published",
}
SEEDS = (0, 1, 2)
RATES = (4e-3, 2e-3)  # the first two learning rates; the third one lies beyond the better of them


@dataclass(frozen=True)
class StudyRun:
    """One start of the program: an arm of a cell with one learning rate and one seed."""

    name: str  # of the folders of this run
    cell: str
    arm: str
    seed: int
    rate: float  # of all phases after the meta model's training
    block_flops: float
    config: str  # input file
    settings: tuple[str, ...] = field(repr=False)  # on the command line

    @property
    def label(self) -> str:
        """Returns the arm's name in tables, with what is special about the arm in this cell."""
        variant = self.name.removeprefix(f"{self.cell}-{self.arm}").rpartition(f"-{self.rate:g}-seed-")[0]
        return f"{ARM_NAMES[self.arm]}, {variant[1:].replace('-', ' ')}" if variant else ARM_NAMES[self.arm]

    @property
    def training(self) -> str:
        """Returns the name of the training whose network is the result."""
        return RESULT_OF[self.arm]


Figures = Mapping[str, float]  # validation top-1 by name, of finished runs; 0 for runs that diverged
MakeRun = Callable[[float], StudyRun]  # makes a run from a learning rate


def make_run(
    name: str, cell: str, arm: str, rate: float, seed: int, flops: float, config: str, settings: Sequence[str]
) -> StudyRun:
    """Returns the run with the settings that its arm and its seed add to `settings`."""
    result = RESULT_OF[arm]
    all_settings = [
        *settings,
        f"--method.trainings={'deep_incubation' if result == 'finetuned' else result}",
        *(["--end_to_end.init=zero_branches"] if arm == "zero-branches" else []),
        *([f"--incubation.init={'random' if arm == 'as-published' else 'meta'}"] if result == "finetuned" else []),
        f"--run.seed={seed}",
    ]
    return StudyRun(name, cell, arm, seed, rate, flops, config, tuple(all_settings))


def tried_rates(make: MakeRun, top1: Figures, first: Sequence[float] = RATES) -> list[StudyRun]:
    """Returns runs at the first two rates; when both are done, also at a third rate, beyond the better of the two.

    `first` has the higher rate first.
    """
    high, low = (make(rate) for rate in first)
    if not {high.name, low.name} <= top1.keys():
        return [high, low]
    return [high, low, make(first[1] / 2 if top1[low.name] > top1[high.name] else first[0] * 2)]


def best_of(runs: Sequence[StudyRun], top1: Figures) -> StudyRun | None:
    """Returns the run with the highest validation top-1; None while one of the runs is missing."""
    if not runs or not all(run.name in top1 for run in runs):
        return None
    return max(runs, key=lambda run: top1[run.name])


def best_rate(make: MakeRun, top1: Figures, first: Sequence[float] = RATES) -> StudyRun | None:
    """Returns the best run of three rates; None until all three are done."""
    tried = tried_rates(make, top1, first)
    return best_of(tried, top1) if len(tried) == 3 else None
