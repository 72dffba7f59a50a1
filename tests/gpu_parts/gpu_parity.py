"""Compares the first steps of every training on the GPU and on the CPU: losses and gradient norms.

All four steps of a training are compared. Each side makes its own weights of earlier trainings, in as few steps at a
small rate, so that differences do not grow on the way. In bfloat16 the two sides round at different places, because
their kernels of attention and matrix products differ. So do two kinds of processor: with AVX-512, with and without
bfloat16, losses differ by up to 6e-3 and norms by up to 2e-2; in fp32, with AVX-512 and SSE, by 2e-6 and 6e-6.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from gpu_part import NO_DROPS, PHASES, RECORDED, PartFailed, Place
from numpy.typing import NDArray

import launch
import tiny_resnet
from run_files import TRAININGS, read_columns

NUM_STEPS = 4
MORE = ["grown", "shallow", "high_resolution", "end_to_end_high_resolution"]
RECIPE = [
    *(f"--{section}.epochs={NUM_STEPS / 16}" for section in PHASES),
    *(f"--{section}.learning_rate=0.02" for section in PHASES),
    f"--method.trainings=deep_incubation,end_to_end,{','.join(MORE)}",
    "--run.progress=none",
]
CPU_RANKS = 4  # no result depends on it
TIMEOUT_S = 200.0  # per run; processors without bfloat16 instructions are slow


@dataclass(frozen=True)
class Tolerance:
    """Largest relative errors over all steps of a training."""

    loss: float
    gradient_norm: float


@dataclass(frozen=True)
class Family:
    """A network with its precision, and the ways to compute it on a GPU."""

    settings: list[str]
    trainings: list[str]
    tolerance: Tolerance
    ways: dict[str, list[str]] = field(default_factory=dict)


EXACT_SUMS = {", exact sums": ["--run.sums=exact"]}
RECOMPUTED = {", recomputed": ["--run.recompute=blocks"]}
FAMILIES = {
    "vit, fp32": Family([], [*TRAININGS, *MORE], Tolerance(1e-3, 1e-3), RECOMPUTED | EXACT_SUMS),
    "vit, bf16": Family(["--run.precision=bf16"], [*TRAININGS, *MORE], Tolerance(1e-2, 5e-2), RECOMPUTED),
    "vit, bf16, no stochastic depth": Family(
        ["--run.precision=bf16", *NO_DROPS],
        [*TRAININGS, *MORE],
        Tolerance(1e-2, 5e-2),
        {", recorded": RECORDED, ", recorded and recomputed": [*RECORDED, "--run.recompute=blocks"]},
    ),
    # cuDNN would compute fp32 convolutions in TensorFloat32, with 10 bits of mantissa.
    "resnet, fp32": Family(tiny_resnet.NETWORK, [*tiny_resnet.TRAININGS, *MORE], Tolerance(1e-3, 1e-2)),
}
QUICK_FAMILIES = ["vit, bf16"]


def compare(ours: dict[str, NDArray[np.float64]], reference: dict[str, NDArray[np.float64]]) -> Tolerance:
    """Returns the largest errors of a training; infinite if steps differ or a value is not a number."""

    def largest(name: str) -> float:
        if len(ours[name]) != len(reference[name]):
            return float("inf")
        error = np.abs(ours[name] / reference[name] - 1).max()
        return float(error) if np.isfinite(error) else float("inf")

    return Tolerance(largest("loss"), largest("gradient_norm"))


def train(place: Place, family: Family, run: Path, num_ranks: int, *settings: str) -> None:
    network = [] if "--model.family=resnet" in family.settings else place.network
    arguments = place.tiny().arguments(run, *network, *RECIPE, *family.settings, *settings)
    launch.run_well(*arguments, num_ranks=num_ranks, timeout_s=TIMEOUT_S)


def compare_family(place: Place, folder: Path, name: str) -> dict[str, dict[str, list[float]]]:
    """Prints and returns the errors by way of computing and training."""
    family = FAMILIES[name]
    reference = folder / f"{name}, cpu"
    train(place, family, reference, 2 if place.is_quick else CPU_RANKS, "--run.device=cpu")
    ways: dict[str, list[str]] = {"": []} | (family.ways if place.device == "cuda" else {})
    errors = {}
    for way, settings in ways.items():
        run = folder / f"{name}{way}"
        train(place, family, run, 1, place.on_device, *settings)
        print(f"{name}{way}: largest relative differences of loss and gradient's norm")
        errors[name + way] = {
            training: compare_training(run, reference, training, family.tolerance) for training in family.trainings
        }
    return errors


def compare_training(run: Path, reference: Path, training: str, tolerance: Tolerance) -> list[float]:
    error = compare(*(read_columns(path, training, "steps") for path in (run, reference)))
    is_close = error.loss <= tolerance.loss and error.gradient_norm <= tolerance.gradient_norm
    print(
        f"  {training:28}{error.loss:10.1e}{error.gradient_norm:10.1e}{'' if is_close else '  too large'}", flush=True
    )
    return [error.loss, error.gradient_norm]


def run_parity(place: Place) -> str:
    folder = place.new_folder("parity")
    errors: dict[str, dict[str, list[float]]] = {}
    wrong = []
    for name in QUICK_FAMILIES if place.is_quick else FAMILIES:
        family = FAMILIES[name]
        errors |= (found := compare_family(place, folder, name))
        tolerance = family.tolerance
        wrong += [
            f"{way}: {training}"
            for way, of_training in found.items()
            for training, (loss, norm) in of_training.items()
            if loss > tolerance.loss or norm > tolerance.gradient_norm
        ]
    place.keep("parity", errors)
    if wrong:
        raise PartFailed("not the CPU's: " + ", ".join(wrong))
    return ", ".join(f"{way} to {max(e[0] for e in of.values()):.1e}" for way, of in errors.items())
