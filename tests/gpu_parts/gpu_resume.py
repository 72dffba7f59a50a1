"""Repeats a run, and stops it in each phase and resumes it, on one GPU and on several.

DEMANDS states what each kind of sums must fulfil: with fast sums, the default on GPUs, several GPUs add the same
gradients in another order than one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gpu_part import NO_DROPS, RECORDED, PartFailed, Place, knows

import launch
from killed_runs import IN_FINETUNING, IN_INCUBATION, IN_META, ask_with_term, make_stopped_run
from run_files import TRAININGS, find_differing, finished, read_weights
from tiny import Tiny

# Long enough for a signal to arrive before the end: 40 steps per training.
LONG = [f"--{phase}.epochs=2.5" for phase in ("meta", "incubation", "finetuning")]
TIMEOUT_S = 200.0  # per run
DEMANDS = {
    "exact": "equal, bit for bit: again, resumed, and on any number of GPUs",
    "fast": "equal, bit for bit, on as many GPUs: again and resumed; nothing between one GPU and several",
}
POINTS = {"meta": IN_META, "incubation": IN_INCUBATION, "finetuning": IN_FINETUNING}


@dataclass(frozen=True)
class DeviceTiny(Tiny):
    """The tiny data, with further settings for training."""

    settings: tuple[str, ...]

    def arguments(self, run: Path, *settings: str) -> list[str]:
        return super().arguments(run, *self.settings, *settings)


def list_ways(place: Place) -> dict[str, list[str]]:
    ways: dict[str, list[str]] = {"fp32": []} | ({} if place.is_quick else {"bf16": ["--run.precision=bf16"]})
    if place.device == "cuda" and knows("run.cuda_graph"):
        ways["bf16, run.cuda_graph"] = ["--run.precision=bf16", *RECORDED, *NO_DROPS]
    return ways


def demands_equality(sums: str, num_devices: int) -> bool:
    """Returns whether a run on so many devices must equal the same run on a single device."""
    return sums == "exact" or num_devices == 1


def differing(run: Path, other: Path) -> list[str]:
    """Returns the names of trainings with their numbers of differing parameters."""
    found = []
    for training in TRAININGS:
        weights, others = (read_weights(finished(path, training)) for path in (run, other))
        if names := find_differing(weights, others):
            found.append(f"{training} ({len(names)} of {len(weights)} parameters, {names[0]} first)")
    return found


def run_resume(place: Place) -> str:
    figures: dict[str, list[str]] = {}
    wrong = []
    for sums, demand in DEMANDS.items():
        print(f"run.sums={sums}: demanded is: {demand}", flush=True)
        for way, settings in list_ways(place).items():
            name = f"{way}, {sums} sums"
            data = place.tiny()
            all_settings = (*place.network, *LONG, *settings, f"--run.sums={sums}", place.on_device)
            tiny = DeviceTiny(data.idx, data.data, all_settings)
            for what, num_devices, run, reference in make_runs(place, tiny, place.new_folder(f"resume {name}")):
                figures[f"{name}: {what}"] = differences = differing(reference, run)
                is_demanded = demands_equality(sums, num_devices)
                note = "" if is_demanded else " (nothing is demanded)"
                print(f"{name}: {what}: {', '.join(differences) or 'equal, bit for bit'}{note}", flush=True)
                if differences and is_demanded:
                    wrong.append(f"{name}: {what}")
    place.keep("resume", figures)
    if wrong:
        raise PartFailed("other weights: " + "; ".join(wrong))
    return f"{len(figures)} runs end with the weights that are demanded"


def make_runs(place: Place, tiny: Tiny, folder: Path) -> Iterator[tuple[str, int, Path, Path]]:
    """Yields a description, the number of devices, the run, and the run to compare it with."""
    reference = folder / "reference"
    launch.run_well(*tiny.arguments(reference), timeout_s=TIMEOUT_S)
    if not place.is_quick:
        launch.run_well(*tiny.arguments(folder / "again"), timeout_s=TIMEOUT_S)
        yield "the same run again", 1, folder / "again", reference
    for phase, point in [("incubation", IN_INCUBATION)] if place.is_quick else POINTS.items():
        (folder / phase).mkdir()
        run = make_stopped_run(tiny, reference, folder / phase, point, 1, ask_with_term)
        launch.run_well(*tiny.arguments(run), timeout_s=TIMEOUT_S)
        yield f"stopped in {phase} and resumed", 1, run, reference
    if place.num_devices > 1:
        launch.run_well(*tiny.arguments(folder / "several"), num_ranks=place.num_devices, timeout_s=TIMEOUT_S)
        yield f"on {place.num_devices} ranks", place.num_devices, folder / "several", reference
