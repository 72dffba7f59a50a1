"""Measures the peak memory of a step of each training, beside the forecast of `incubate plan`.

ViT-B/16 in bfloat16. Each training runs a few steps in its own process, because a peak belongs to the whole process.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpu_part import NO_DROPS, PHASES, RECORDED, PartFailed, Place, knows
from packed_images import write_packed

import launch
from run_files import STAGES, read_columns
from tiny import CONFIG

MICRO = 64
NUM_STEPS = 5  # passes are recorded after three
TRAININGS = ["meta", *STAGES, "finetuned", "end_to_end", "grown", "shallow", "high_resolution"]
QUICK_TRAININGS = ["meta"]
TIMEOUT_S = 120.0
MOST_OVER_FORECAST = 1.25  # on a GPU, where the forecast tells whether a training fits


def settings_of(place: Place, data: Path) -> list[str]:
    if place.is_quick:
        return [f"--config={CONFIG}", f"--data.file={place.tiny().data}", "--method.trainings=deep_incubation"]
    write_packed(data, 224, 3, 1000, MICRO * NUM_STEPS, 16)
    recipe = {"epochs": 1, "micro": MICRO, "warmup_epochs": 0}
    return [
        "--model.preset=vit_b16",
        f"--data.file={data}",
        f"--batch.global={MICRO}",
        *(f"--{section}.{key}={value}" for section in PHASES for key, value in recipe.items()),
        "--method.trainings=deep_incubation,end_to_end,grown,shallow,high_resolution",
        "--run.precision=bf16",
    ]


@dataclass(frozen=True)
class Way:
    """A way to compute blocks."""

    name: str
    settings: list[str]
    forecast: str  # its name in `plan --json`


KEPT = Way("", [], "kept")
RECOMPUTED = Way(", run.recompute=blocks", ["--run.recompute=blocks"], "recomputed")
RECORDING = Way(", run.cuda_graph=true", [*RECORDED, *NO_DROPS], "kept")


def list_ways(place: Place) -> list[Way]:
    """Returns the ways that this build supports."""
    if place.is_quick:
        return [KEPT]
    ways = [KEPT, RECOMPUTED] if knows("run.recompute") else [KEPT]
    return [*ways, RECORDING] if place.device == "cuda" and knows("run.cuda_graph") else ways


def find_forecast(row: dict[str, Any], way: Way) -> tuple[float | None, bool]:
    """Returns the bytes that a training's row of `plan --json` forecasts, and whether they are for a GPU. Leaves out
    libraries and gaps, because PyTorch's allocator does not count them in a peak."""
    of_gpu = row.get("gpu_memory_bytes", {}).get(way.forecast)
    memory = row.get("memory_bytes", {}) if of_gpu is None else of_gpu
    if "total" not in memory:
        return None, False
    return float(memory["total"] - memory.get("libraries", 0) - memory.get("reserve", 0)), of_gpu is not None


def run_memory(place: Place) -> str:
    folder = place.new_folder("memory")
    base = settings_of(place, folder / "images.h5")
    trainings = QUICK_TRAININGS if place.is_quick else TRAININGS
    figures: dict[str, dict[str, float | None]] = {}
    over = []
    left_out = []
    for way in list_ways(place):
        run = folder / f"run{way.name}"
        settings = [*base, *way.settings, place.on_device, f"--run.directory={run}"]
        plan = json.loads(launch.run_well("plan", "--json", *settings, "--ranks=1").stdout)
        rows = {row["training"]: row for row in plan.get("trainings", [])}
        for training in trainings:
            if place.remaining_s() < 0:
                left_out.append(training + way.name)
                continue
            only = [f"--run.only={training}", "--run.progress=none"]
            launch.run_well("train", *settings, *only, timeout_s=TIMEOUT_S)
            columns = read_columns(run, training, "steps")
            peak = float(columns["memory_peak_bytes"].max())
            forecast, is_gpu = find_forecast(rows.get(training, {}), way)
            figures[training + way.name] = {"peak_bytes": peak, "forecast_bytes": forecast}
            print_row(training + way.name, peak, forecast)
            if not peak > 0 or (is_gpu and forecast is not None and peak > MOST_OVER_FORECAST * forecast):
                over.append(training + way.name)
    place.keep("memory", figures)
    if over:
        raise PartFailed(f"more than {MOST_OVER_FORECAST} times the forecast: {', '.join(over)}")
    if left_out:
        raise PartFailed(f"no time left for {', '.join(left_out)}")
    return f"{len(figures)} trainings measured"


def print_row(name: str, peak: float, forecast: float | None) -> None:
    beside = "no forecast" if not forecast else f"{forecast / 2**30:8.2f} GiB forecast, ratio {peak / forecast:.2f}"
    print(f"  {name:44}{peak / 2**30:8.2f} GiB, {beside}", flush=True)
