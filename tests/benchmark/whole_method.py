"""Compares the whole method by wall-clock time: one job of incubate beside six successive trainings in PyTorch."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Any

import program
from peer_method import MethodJob
from peer_model import PeerSetting, write_job
from peers import run_script
from workload import LEARNING_RATE, WEIGHT_DECAY, Workload

from run_files import finished, read_columns, read_figures

STAGES = ["stage_0", "stage_1", "stage_2", "stage_3"]
TRAININGS = ["meta", *STAGES, "finetuned"]


@dataclass(frozen=True)
class WholeRun:
    """Durations of a run."""

    wall_s: float
    training_s: float  # the part within trainings, without starts of programs
    top1: float


def run_ours(work: Workload, precision: str) -> WholeRun:
    run = work.new_run(precision)
    begin = time.perf_counter()
    program.train(work.settings(run, precision), work.num_processes)
    wall_s = time.perf_counter() - begin
    for training in TRAININGS:
        assert len(read_columns(run, training, "steps")["step"]) == work.size.num_steps, training
    figures = [read_figures(finished(run, training)) for training in TRAININGS]
    # Stages with a group each train at the same time.
    training_s = sum(f["elapsed_s"] * f["num_ranks"] for f in figures) / work.num_processes
    return WholeRun(wall_s, training_s, figures[-1]["top1"])


def run_peer(work: Workload, setting: PeerSetting) -> WholeRun:
    begin = time.perf_counter()
    results = [run_peer_training(work, setting, training) for training in TRAININGS]
    wall_s = time.perf_counter() - begin
    assert all(result["steps"] == work.size.num_steps for result in results)
    return WholeRun(wall_s, sum(result["loop_s"] for result in results), results[-1]["top1"])


def run_peer_training(work: Workload, setting: PeerSetting, training: str) -> dict[str, Any]:
    path, output = work.folder / "method.json", work.folder / "method_result.json"
    job = MethodJob(
        work.network,
        training,
        setting,
        str(work.data),
        str(work.folder),
        str(output),
        work.size.batch_per_process,
        LEARNING_RATE,
        WEIGHT_DECAY,
    )
    write_job(job, path)
    return run_script("peer_method.py", path, output, work.num_processes)


def compare(work: Workload, precision: str, setting: PeerSetting, repeats: int) -> dict[str, object]:
    """Prints and returns medians of runs that alternate."""
    work.write_data()
    runs = [(run_ours(work, precision), run_peer(work, setting)) for _ in range(repeats)]
    ours, peer = (median_of([pair[i] for pair in runs]) for i in (0, 1))
    num = work.size.num_steps
    print(f"whole method, {num} steps of each of {len(TRAININGS)} trainings")
    for name, run in ((f"incubate {precision}", ours), (f"PyTorch {setting.name}", peer)):
        print(f"  {name:34}{run.wall_s:9.1f} s, {run.training_s:.1f} s of it in trainings; top-1 {run.top1:.3f}")
    print(f"  ratio {peer.wall_s / ours.wall_s:.2f}, without starts {peer.training_s / ours.training_s:.2f}")
    return {
        "work": f"whole method, seconds of {num} steps of each training",
        "ours": ours.wall_s,
        "ours_setting": precision,
        "peer": peer.wall_s,
        "peer_setting": f"PyTorch, six runs, {setting.name}",
        "ratio": peer.wall_s / ours.wall_s,
        "ratio_without_starts": peer.training_s / ours.training_s,
        "peak_fraction": None,
    }


def median_of(runs: list[WholeRun]) -> WholeRun:
    middle = statistics.median_low([run.wall_s for run in runs])
    return next(run for run in runs if run.wall_s == middle)
