"""Calls of `incubate export` and `import` on the tiny network."""

from __future__ import annotations

from pathlib import Path

import launch
from parity import Tensors, read
from tiny import CONFIG, Tiny

DEPTHS = [2, 1, 3, 2]


def arguments(command: str, tiny: Tiny, run: Path, training: str, *more: str) -> list[str]:
    given = [f"--config={CONFIG}", f"--data.file={tiny.data}", f"--run.directory={run}", f"--training={training}"]
    return [command, *given, *more]


def export(tiny: Tiny, run: Path, training: str, output: Path, *more: str) -> Tensors:
    launch.run_well(*arguments("export", tiny, run, training, f"--output={output}", *more))
    return read(output)
