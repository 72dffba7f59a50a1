"""Tests the study of analysis/results/README.md: its runs, their costs, the choice of the next run, kept results."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import study_data
from unseen_images import evaluate, load_network

import launch
from keep_results import read_figures
from run_directory.data import load_run
from run_directory.recovery import check_whole_file
from run_directory.thin_metrics import choose_rows, thin_metrics
from schedule import START_S, choose_next, expected_s, list_done, slowest_recent
from study_runs import resnet_runs, vit_runs
from study_runs.all_runs import list_runs
from study_runs.run import StudyRun
from tiny import Tiny

PROTOCOL = launch.REPOSITORY / "analysis" / "results" / "README.md"
ALL_ARMS = "--method.trainings=deep_incubation,end_to_end,grown,shallow"


def carry_out(top1_of: dict[str, float] | None = None) -> list[StudyRun]:
    """Returns all runs of the finished study if a run has the top-1 of the first matching part of a name."""
    top1: dict[str, float] = {}
    while True:
        runs = list_runs(top1)
        new = [run for run in runs if run.name not in top1]
        if not new:
            return runs
        found = {run.name: [v for k, v in (top1_of or {}).items() if run.name.startswith(k)] for run in new}
        top1 |= {name: values[0] if values else 0.5 for name, values in found.items()}


def plan(run: StudyRun, num_images: int, arms: str | None = None) -> dict[str, Any]:
    options = ["--json", f"--config={launch.REPOSITORY / run.config}", f"--images={num_images}", "--ranks=4"]
    settings = [arms if arms and text.startswith("--method.trainings") else text for text in run.settings]
    report: dict[str, Any] = json.loads(launch.run_well("plan", *options, *settings).stdout)
    return report


def test_the_study_begins_with_two_rates_of_each_depth_and_the_screen() -> None:
    runs = list_runs({})
    assert Counter(run.cell for run in runs) == {"depth-12": 10, "depth-24": 10, "depth-48": 10, "resnet": 2}
    assert [run.name for run in runs[:2]] == ["depth-12-end-to-end-0.004-seed-0", "depth-12-end-to-end-0.002-seed-0"]
    assert {run.seed for run in runs} == {0}


@pytest.mark.parametrize("better, third", [("0.004", "0.008"), ("0.002", "0.001")])
def test_the_third_rate_is_beyond_the_better_one(better: str, third: str) -> None:
    runs = carry_out({f"depth-24-grown-{better}-seed-0": 0.9})
    rates = {run.rate for run in runs if run.name.startswith("depth-24-grown") and run.seed == 0}
    assert rates == {4e-3, 2e-3, float(third)}
    assert {run.name for run in runs if run.name.startswith("depth-24-grown") and run.seed > 0} == {
        f"depth-24-grown-{better}-seed-{seed}" for seed in (1, 2)
    }


def test_later_cells_have_the_rates_chosen_before() -> None:
    runs = carry_out({"depth-24-grown-0.008": 0.9, "depth-24-incubated-0.001": 0.9, "depth-24-incubated-0.002": 0.8})
    assert {run.rate for run in runs if "dose" in run.name} == {8e-3}
    assert {run.rate for run in runs if "split" in run.name} == {1e-3}
    assert [run.name for run in runs if "two-stages" in run.name] == ["long-incubated-two-stages-dose-25-0.008-seed-0"]


def test_three_seeds_are_for_the_best_split_and_the_best_control() -> None:
    runs = carry_out({"long-incubated-split-75": 0.7, "long-grown-micro-16-0.002": 0.7})
    repeated = {run.name for run in runs if run.seed == 2 and run.cell == "long"}
    assert repeated == {"long-incubated-split-75-0.004-seed-2", "long-grown-micro-16-0.002-seed-2"}


@pytest.mark.parametrize("full, cell", [(0.405, "resnet"), (0.42, "resnet-50")])
def test_fewer_images_if_the_shallow_network_still_gains(full: float, cell: str) -> None:
    runs = carry_out({"resnet-shallow-half": 0.4, "resnet-shallow-0.4": full})
    arms = {run.arm for run in runs if run.cell == cell and run.seed == 0}
    assert arms == set(resnet_runs.RESNET_ARMS)
    assert {run.seed for run in runs if run.cell == cell} == {0, 1, 2}


def test_failed_runs_are_chosen_last() -> None:
    failed = {f"depth-48-end-to-end-{rate:g}": 0.0 for rate in (8e-3, 4e-3)}
    runs = carry_out(failed | {"depth-48-end-to-end-0.002": 0.3, "depth-48-end-to-end-0.001": 0.2})
    assert "depth-48-end-to-end-0.002-seed-2" in {run.name for run in runs}


def test_the_whole_study_costs_what_its_protocol_says() -> None:
    runs = carry_out()
    assert len({run.name for run in runs}) == len(runs)
    flops_per_s = {vit_runs.VIT: 35e9, resnet_runs.RESNET: 50e9}
    hours = sum(run.block_flops / flops_per_s[run.config] for run in runs) / 3600
    [said] = re.findall(r"All runs together take about (\d+) hours", " ".join(PROTOCOL.read_text().split()))
    assert hours == pytest.approx(float(said), abs=1)


@pytest.mark.parametrize(
    "run, num_images",
    [
        *((vit_runs.depth_run(depth, "incubated", 4e-3), 50_000) for depth in vit_runs.DEPTHS),
        *((vit_runs.long_run("incubated", 4e-3, dose=dose), 50_000) for dose in vit_runs.DOSES),
        (resnet_runs.resnet_run("incubated"), 10_000),
        (resnet_runs.resnet_run("incubated", images="-50"), 5_000),
    ],
    ids=lambda value: value.name if isinstance(value, StudyRun) else "",
)
def test_arms_of_a_cell_cost_the_same(run: StudyRun, num_images: int) -> None:
    methods = plan(run, num_images, ALL_ARMS)["methods"]
    assert len(methods) == 4
    for row in methods:
        assert row["block_flops"] == pytest.approx(run.block_flops, rel=4e-3), row["method"]


@pytest.mark.parametrize("kind", vit_runs.MORE_RANKS)
def test_grown_on_k_times_the_ranks_costs_k_times_as_much(kind: str) -> None:
    run = vit_runs.grown_on_more_ranks(kind, 4e-3)
    [grown] = [row for row in plan(run, 50_000)["methods"] if row["method"] != "meta model alone"]
    assert grown["block_flops"] == run.block_flops
    assert run.block_flops == pytest.approx(4 * vit_runs.long_run("grown", 4e-3).block_flops, rel=1e-3)


@pytest.mark.parametrize("split", vit_runs.SPLITS)
def test_splits_are_as_long_as_grown(split: int) -> None:
    """Every training runs on a group of M ranks."""
    run = vit_runs.split_run(split, 4e-3)
    flops = {row["training"]: row["block_flops"] for row in plan(run, 50_000)["trainings"]}
    path = flops["meta"] + max(flops[f"stage_{i}"] for i in range(4)) + flops["finetuned"]
    assert path == pytest.approx(vit_runs.long_run("grown", 4e-3).block_flops, rel=2e-3)
    assert sum(flops.values()) == run.block_flops


def make_run(name: str, block_flops: float) -> StudyRun:
    return StudyRun(name, "cell", "grown", 0, 4e-3, block_flops, vit_runs.VIT, ())


def test_what_ends_in_time_is_started_in_order() -> None:
    runs = [make_run("done", 1e12), make_run("long", 1e14), make_run("short", 1e12), make_run("next", 1e11)]
    speeds = {vit_runs.VIT: [4e10, 1e10, 2e10]}
    assert expected_s(runs[2], 1e10) == pytest.approx(130 + START_S)
    assert choose_next(runs, {"done"}, 14000, speeds) == runs[1]
    assert choose_next(runs, {"done"}, 161, speeds) == runs[2]
    assert choose_next(runs, {"done"}, 159, speeds) == runs[3]
    assert choose_next(runs, {"done"}, 40, speeds) is None
    assert slowest_recent([1e9, 4e10, 3e10, 3e10, 4e10]) == 3e10  # an older one says nothing of now


def test_done_is_what_is_committed() -> None:
    folder = "analysis/results/study"
    paths = [f"{folder}/a-seed-0/summary.json", f"{folder}/a-seed-0/metrics/meta.h5", f"{folder}/b/log.txt"]
    assert list_done([*paths, f"{folder}/log.csv"]) == {"a-seed-0"}


def test_thinned_metrics_are_whole_and_end_as_before(finished_run: Path, tmp_path: Path) -> None:
    path = finished_run / "metrics" / "meta.h5"
    thin = tmp_path / "meta.h5"
    thin.write_bytes(thin_metrics(path, 3))
    time.sleep(1.1)  # HDF5 counts times in seconds
    assert thin_metrics(path, 3) == thin.read_bytes()
    check_whole_file(thin)
    with h5py.File(path) as before, h5py.File(thin) as after:
        assert dict(after.attrs) == dict(before.attrs)
        assert list(after["steps/step"]) == [6, 13, 19]
        for name in ("loss", "learning_rate"):
            assert np.array_equal(after["steps"][name][()], before["steps"][name][()][[6, 13, 19]])
        for name, column in before["epochs"].items():
            assert np.array_equal(after["epochs"][name][()], column[()])
    assert choose_rows(3, 3) == choose_rows(3, 50) == [0, 1, 2]
    kept = read_figures(finished_run, 3)
    assert kept["metrics/meta.h5"] == thin.read_bytes()
    assert len(kept["metrics/end_to_end.h5"]) < len((finished_run / "metrics" / "end_to_end.h5").read_bytes())


def test_exported_weights_have_the_accuracy_of_the_run(finished_run: Path, tiny: Tiny, tmp_path: Path) -> None:
    weights, split = tmp_path / "weights.safetensors", tmp_path / "validation.npz"
    config = finished_run / "config.ini"
    launch.run_well("export", f"--config={config}", "--training=finetuned", f"--output={weights}")
    with h5py.File(tiny.data) as file:
        images, labels = file["validation/images"][()], file["validation/labels"][()]
    study_data.save_split(split, images.transpose(0, 3, 1, 2), labels.astype(np.uint8))
    outcome = evaluate(load_network(weights, num_heads=2), split, [0.5], [0.3])
    [training] = [training for training in load_run(finished_run).trainings if training.name == "finetuned"]
    assert outcome.num_images == 100
    assert outcome.num_right == round(100 * training.figures["top1"])
    assert outcome.loss == pytest.approx(training.figures["loss"], rel=1e-4)


def test_idx_files_come_back(tmp_path: Path) -> None:
    images = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5)
    study_data.write_idx(tmp_path / "images", images)
    assert np.array_equal(study_data.read_idx(tmp_path / "images"), images)


def test_places_count_within_a_class() -> None:
    assert list(study_data.place_in_class(np.array([3, 1, 3, 3, 1], np.uint8))) == [0, 0, 1, 2, 1]
