"""Writes run directories with figures that a test sets, in the program's layout, without training."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import h5py
import numpy as np

from run_files import FIRST_BLOCK_BYTES, seal

STEPS_PER_EVALUATION = 10
GLOBAL_BATCH = 32
# Student's t for 95 % and two degrees of freedom: p = 0.975 is where t / sqrt(2 + t^2) = 0.95.
T_2 = 0.95 * sqrt(2) / sqrt(1 - 0.95**2)
BEGAN_S = 1_700_000_000.0  # Unix time of each training's only round
COSTS_OF = {  # the result table: method, its training, its costs
    "Deep Incubation": ("finetuned", ("meta", "incubation", "finetuning")),
    "end to end": ("end_to_end", ("end_to_end",)),
    "grown from the meta model": ("grown", ("meta", "grown")),
    "shallow for the whole budget": ("shallow", ("shallow",)),
    "meta model alone": ("meta", ("meta",)),
}


@dataclass(frozen=True)
class MadeUp:
    """A training whose steps take equally long and whose evaluations take no time."""

    name: str
    phase: str
    top1: tuple[float, ...]  # per evaluation, one every STEPS_PER_EVALUATION steps
    block_flops: float  # this and the following fields: up to the last evaluation
    elapsed_s: float
    num_ranks: int = 2
    state: str = "done"
    round_s: float = 0  # duration of its round; 0: `elapsed_s`

    @property
    def num_steps(self) -> int:
        return STEPS_PER_EVALUATION * len(self.top1)

    @property
    def rank_s(self) -> float:
        return self.num_ranks * self.elapsed_s


def write_run(
    directory: Path, trainings: list[MadeUp], seed: int = 0, settings: dict[str, str] | None = None, state: str = "done"
) -> Path:
    """Writes a run. `settings` maps "section.key" to values, in addition to the few settings of every run."""
    (directory / "metrics").mkdir(parents=True)
    write_config(directory, {"batch.global": str(GLOBAL_BATCH), "run.seed": str(seed), **(settings or {})})
    for training in trainings:
        if training.top1:
            write_metrics(directory / "metrics" / f"{training.name}.h5", training)
    summary = {
        "state": state,
        "jobs": {"all": {"state": state, "reason": "", "num_ranks": 2, "updated": "2026-01-31T12:00:00Z"}},
        "trainings": [describe(training) for training in trainings],
        "rounds": [
            {
                "phase": training.phase,
                "trainings": [training.name],
                "num_ranks": training.num_ranks,
                "job": "all",
                "began_s": BEGAN_S,
                "elapsed_s": training.elapsed_s,
                "idle": 0.0,
            }
            for training in trainings
            if training.state != "waiting"
        ],
        "results": make_results(trainings),
    }
    (directory / "summary.json").write_text(json.dumps(summary))
    return directory


def write_config(directory: Path, settings: dict[str, str]) -> None:
    lines: dict[str, list[str]] = {}
    for name, value in settings.items():
        section, _, key = name.partition(".")
        lines.setdefault(section, []).append(f"{key} = {value}  # unit")
    text = "".join(f"[{section}]\n" + "\n".join(keys) + "\n\n" for section, keys in lines.items())
    (directory / "config.ini").write_text(text)


def write_metrics(path: Path, training: MadeUp) -> None:
    num_steps, num_evaluations = training.num_steps, len(training.top1)
    steps_done = np.arange(1, num_steps + 1)
    elapsed_s = training.elapsed_s * steps_done / num_steps
    part = np.arange(1, num_evaluations + 1) / num_evaluations
    step_s = training.elapsed_s / num_steps
    with h5py.File(path, "w", userblock_size=FIRST_BLOCK_BYTES) as file:
        file["steps/step"] = steps_done - 1
        file["steps/loss"] = 1 / steps_done
        file["steps/learning_rate"] = np.full(num_steps, 1e-3)
        file["steps/gradient_norm"] = np.full(num_steps, 2.0)
        file["steps/images_per_s"] = np.full(num_steps, GLOBAL_BATCH / step_s)
        file["steps/elapsed_s"] = elapsed_s
        file["steps/data_wait_s"] = np.full(num_steps, 0.25 * step_s)
        file["steps/communication_wait_s"] = np.append(np.full(num_steps - 1, 0.125 * step_s), np.nan)
        file["steps/model_flops_utilisation"] = np.full(num_steps, 0.5)
        file["steps/memory_peak_bytes"] = np.full(num_steps, 1e9)
        file["epochs/step"] = (part * num_steps).round().astype(np.int64)
        file["epochs/epoch"] = part
        file["epochs/train_loss"] = 2 - part
        file["epochs/loss"] = 3 - part
        file["epochs/top1"] = np.array(training.top1)
        file["epochs/top5"] = np.ones(num_evaluations)
        file["epochs/block_flops"] = training.block_flops * part
        file["epochs/elapsed_s"] = training.elapsed_s * part
        file["rounds/began_s"] = np.array([BEGAN_S])
        file["rounds/ended_s"] = np.array([BEGAN_S + (training.round_s or training.elapsed_s)])
        file["rounds/first_step"] = np.array([0])
        file["rounds/last_step"] = np.array([num_steps])
        file["rounds/first_rank"] = np.array([0])
        file["rounds/num_ranks"] = np.array([training.num_ranks])
        file["rounds/images_per_s"] = np.array([GLOBAL_BATCH / step_s])
        file["checkpoints/step"] = np.array([num_steps // 2])
        file["checkpoints/stall_s"] = np.array([0.5])
        file["checkpoints/write_s"] = np.array([1.5])
    seal(path)


def describe(training: MadeUp) -> dict[str, object]:
    is_done = training.state == "done"
    entry: dict[str, object] = {
        "name": training.name,
        "phase": training.phase,
        "state": training.state,
        "step": training.num_steps,
        "total_steps": training.num_steps if is_done else 4 * STEPS_PER_EVALUATION,
        "skipped_steps": 0,
        "num_ranks": training.num_ranks,
        "block_flops": training.block_flops,
        "elapsed_s": training.elapsed_s,
        "rank_s": training.rank_s,
    }
    return entry | {"loss": 2.0, "top1": training.top1[-1], "top5": 1.0} if is_done else entry


def make_results(trainings: list[MadeUp]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for method, (result, phases) in COSTS_OF.items():
        found = [training for training in trainings if training.name == result and training.state == "done"]
        paid = [training for training in trainings if training.phase in phases]
        for training in found:
            rows.append(
                {
                    "method": method,
                    "top1": training.top1[-1],
                    "top5": 1.0,
                    "loss": 2.0,
                    "block_flops": sum(t.block_flops for t in paid),
                    "rank_s": sum(t.rank_s for t in paid),
                    "wall_s": sum(t.elapsed_s for t in paid),
                    "critical_path_s": sum(t.elapsed_s for t in paid),
                }
            )
    return rows


def deep_incubation(*top1: float, state: str = "done") -> list[MadeUp]:
    """Returns trainings of 600 FLOPs and 120 rank-seconds. Half is spent before finetuning, which has the top-1."""
    return [
        MadeUp("meta", "meta", (0.3,), block_flops=100, elapsed_s=10),
        MadeUp("stage_0", "incubation", (0.35,), block_flops=200, elapsed_s=20),
        MadeUp("finetuned", "finetuning", top1, block_flops=300, elapsed_s=30, state=state),
    ]


def end_to_end(*top1: float) -> list[MadeUp]:
    """Returns a training of 600 FLOPs and 240 rank-seconds."""
    return [MadeUp("end_to_end", "end_to_end", top1, block_flops=600, elapsed_s=60, num_ranks=4)]
