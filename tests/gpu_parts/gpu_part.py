"""Shared by the parts of tests/gpu.sh: device, tiny data, and the file of figures."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import launch
from tiny import Tiny
from tiny_data import pack_arguments, write_tiny_idx

# Wide enough for large networks' kernels: two heads of 64 channels, and 65 tokens with tiny.ini's images.
WIDE = ["--model.width=128", "--model.heads=2", "--model.patch=1"]


# Passes are recorded only without stochastic depth, which tiny.ini and the defaults have.
PHASES = ["meta", "incubation", "finetuning", "end_to_end", "grown", "shallow", "high_resolution"]
NO_DROPS = [f"--{phase}.drop_path=0" for phase in PHASES]
RECORDED = ["--run.cuda_graph=true"]  # together with NO_DROPS


class PartFailed(Exception):
    """A part of tests/gpu.sh failed; the message says why."""


@dataclass(frozen=True)
class Place:
    """Where, how thoroughly and until when a part runs."""

    device: str  # cuda, or cpu to check that the scripts work
    num_devices: int
    is_quick: bool  # tiny sizes
    folder: Path  # existing scratch folder
    output: Path  # for figures
    deadline: float  # of time.monotonic()
    options: dict[str, list[str]] = field(default_factory=dict)  # of the command line, for some parts

    @property
    def on_device(self) -> str:
        return f"--run.device={self.device}"

    @property
    def network(self) -> list[str]:
        return [] if self.is_quick else WIDE

    def remaining_s(self) -> float:
        return self.deadline - time.monotonic()

    def tiny(self) -> Tiny:
        """Returns the tiny data, made by the first part that needs them."""
        folder = self.folder / "tiny"
        if not folder.exists():
            folder.mkdir()
            write_tiny_idx(folder)
            launch.run_well(*pack_arguments(folder, folder / "tiny.h5"))
        return Tiny(folder, folder / "tiny.h5")

    def new_folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def keep(self, part: str, figures: Any) -> None:
        """Adds a part's figures to the file of figures."""
        path = self.output / "figures.json"
        everything = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps({**everything, part: figures}, indent=1) + "\n")


Part = Callable[[Place], str]  # returns its findings in a few words


@cache
def knows(setting: str) -> bool:
    """Returns whether this build has a setting."""
    return setting in launch.run_well("train", "--help").stdout
