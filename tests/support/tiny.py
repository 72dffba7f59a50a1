"""The tiny network and data: arguments of the program that train on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CONFIG = Path(__file__).with_name("tiny.ini")


@dataclass(frozen=True)
class Tiny:
    """The tiny data, and the arguments that train on them."""

    idx: Path  # folder of the IDX files
    data: Path  # the packed file

    def arguments(self, run: Path, *settings: str) -> list[str]:
        return ["train", f"--config={CONFIG}", f"--data.file={self.data}", f"--run.directory={run}", *settings]


def learn_nothing(*phases: str) -> list[str]:
    """A training then ends with the weights that it began with."""
    names = ("learning_rate", "min_learning_rate", "warmup_learning_rate", "weight_decay")
    return [f"--{phase}.{name}=0" for phase in phases for name in names]
