"""Runs of twenty steps a training, without random augmentation and stochastic depth, for loops that do the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import launch
from parity import Tensors, read
from run_files import STAGES, TRAININGS
from tiny import CONFIG, Tiny

NUM_STEPS = 20
WEIGHT_DECAY = 0.5  # so much that without it, or on the wrong weights, 20 steps would differ
CLIP_NORM = dict.fromkeys(TRAININGS, 0.5) | dict.fromkeys(STAGES, 0.1)  # each below most steps' gradients
# (Finetuning at tiny.ini's 0.05 lets rounding errors grow a hundredfold in a step, in PyTorch as here.)
PEAK = {"finetuned": 0.02} | dict.fromkeys(["meta", *STAGES, "end_to_end"], 0.1)
WARMUP_STEPS = {"finetuned": 0} | dict.fromkeys(["meta", *STAGES, "end_to_end"], 4)
SETTINGS = [
    "--data.crop_padding=0",
    "--data.flip=false",
    "--end_to_end.epochs=1.25",
    f"--incubation.clip_norm={CLIP_NORM['stage_0']}",
    *(f"--{phase}.warmup_epochs=0.25" for phase in ("meta", "incubation", "end_to_end")),
    *(f"--{p}.drop_path=0" for p in ("meta", "incubation", "finetuning", "end_to_end")),
    *(f"--{p}.{key}=0" for p in ("incubation", "finetuning") for key in ("mixup", "cutmix")),
    *(f"--{p}.weight_decay={WEIGHT_DECAY}" for p in ("meta", "incubation", "finetuning", "end_to_end")),
]


@dataclass(frozen=True)
class ExactRun:
    """A run that is done, and what the loops need of it."""

    arguments: list[str]
    path: Path

    def initial(self, training: str) -> Tensors:
        return self.ask("initial", training)

    def batches(self, training: str) -> Tensors:
        return self.ask("batches", training)

    def ask(self, mode: str, training: str) -> Tensors:
        output = self.path / f"{mode}_{training}.safetensors"
        launch.probe(mode, *self.arguments, f"--training={training}", f"--output={output}")
        return read(output)

    def final(self, training: str) -> Tensors:
        output = self.path / f"final_{training}.safetensors"
        launch.run_well("export", *self.arguments, f"--training={training}", f"--output={output}")
        return read(output)


def make_run(tiny: Tiny, path: Path, settings: list[str], only: str = "") -> ExactRun:
    arguments = [f"--config={CONFIG}", f"--data.file={tiny.data}", f"--run.directory={path}", *SETTINGS, *settings]
    launch.run_well("train", *arguments, f"--run.only={only}")
    return ExactRun(arguments, path)
