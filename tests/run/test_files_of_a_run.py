"""Checks the files of a finished run: h5py reads them, tables are complete, sums add up."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import launch
from conftest import FinishedRun
from run_files import (
    NUM_STEPS,
    STAGES,
    TRAININGS,
    assert_same_weights,
    finished,
    read_columns,
    read_figures,
    read_summary,
    snapshot,
)
from tiny import CONFIG, Tiny
from tiny_data import CLASSES, NUM_TRAIN, NUM_VALIDATION, SIDE, pack_arguments

STEP_COLUMNS = {
    *("step", "loss", "learning_rate", "gradient_norm", "images_per_s", "elapsed_s", "data_wait_s"),
    *("communication_wait_s", "model_flops_utilisation", "memory_peak_bytes"),
}
EPOCH_COLUMNS = {"step", "epoch", "train_loss", "loss", "top1", "top5", "block_flops", "elapsed_s", "num_samples"}
NUM_BLOCKS = 8
GLOBAL_BATCH = 32


def block_flops_per_step(num_passes: int) -> float:
    """Returns the block FLOPs of `num_passes` forward passes at width 16 and 5 tokens, for a batch."""
    tokens, width = 5, 16
    return GLOBAL_BATCH * num_passes * (24 * tokens * width**2 + 4 * tokens**2 * width)


def num_steps(run: Path, training: str) -> int:
    steps: int = next(t for t in read_summary(run)["trainings"] if t["name"] == training)["total_steps"]
    return steps


def result_of(run: Path, method: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [row for row in read_summary(run)["results"] if row["method"] == method]
    assert len(rows) == 1
    return rows[0]


def test_run_directory_holds_what_is_promised(finished_run: Path) -> None:
    assert set(snapshot(finished_run)) == {
        *("config.ini", "summary.json", "log.txt", "metrics.h5", "metrics", "checkpoints"),
        *(f"metrics/{training}.h5" for training in TRAININGS),
        *(f"checkpoints/{training}.h5" for training in TRAININGS),
    }


def test_log_tells_what_happened(finished_run: Path) -> None:
    text = re.sub(r"^\S+ \S+ (info|warning) +", "", (finished_run / "log.txt").read_text(), flags=re.M)
    lines = text.splitlines()
    build = r"incubate \S+ \(\w+( with changes \w+)?\)"
    assert re.match(build + r", LibTorch [\d.]+, CUDA .*, NCCL .*, Open MPI v[\d.]+, HDF5 [\d.]+$", lines[0])
    assert re.match(r"\d+ ranks? on 1 node, 1 thread each, CPU \(.*\), fp32, exact sums$", lines[1])
    assert re.search(
        rf"^data: \d+ training and \d+ validation images of {SIDE}x{SIDE}x1 in \d+ classes, .*\.h5$", text, re.M
    )
    for training in TRAININGS:
        steps = num_steps(finished_run, training)
        assert re.search(rf"^plan: {training}: {steps} steps of \d+ images in \d+ micro-batches, 0 done", text, re.M)
        written = rf"^{training}: step {steps} is in checkpoints/{training}\.h5, written in \d+\.\d\d s, for "
        assert re.search(written, text, re.M)
    assert lines[-1] == "done: every training is done"


@pytest.mark.parametrize("training", TRAININGS)
def test_checkpoint(finished_run: Path, training: str) -> None:
    with h5py.File(finished(finished_run, training), "r") as file:
        attributes = dict(file.attrs)
        assert set(attributes) == {
            *("filetype", "version", "git_sha1", "training", "step", "config", "identity", "identity_text")
        }
        assert attributes["filetype"] == "incubate checkpoint"
        assert attributes["version"] == 1
        assert attributes["training"] == training
        assert attributes["step"] == num_steps(finished_run, training)
        assert "[model]" in attributes["config"]
        assert f"training={training}\n" in attributes["identity_text"]
        assert "optimizer" not in file
        assert all(data.dtype == np.float32 for stage in file["stages"].values() for data in stage.values())
    figures = read_figures(finished(finished_run, training))
    assert {"top1", "top5", "loss", "block_flops", "elapsed_s", "rank_s", "num_ranks"} <= set(figures)


@pytest.mark.parametrize("training", TRAININGS)
def test_metrics(finished_run: Path, training: str) -> None:
    total = NUM_STEPS if training != "end_to_end" else num_steps(finished_run, training)
    steps = read_columns(finished_run, training, "steps")
    assert set(steps) == STEP_COLUMNS
    assert {name: len(column) for name, column in steps.items()} == dict.fromkeys(STEP_COLUMNS, total)
    assert steps["step"].tolist() == list(range(total))
    assert np.all(np.diff(steps["elapsed_s"]) > 0)
    epochs = read_columns(finished_run, training, "epochs")
    assert set(epochs) == EPOCH_COLUMNS
    steps_per_epoch = NUM_TRAIN // GLOBAL_BATCH
    expected = sorted({*range(steps_per_epoch, total + 1, steps_per_epoch), total})
    assert epochs["step"].tolist() == expected
    assert {len(column) for column in epochs.values()} == {len(expected)}
    assert epochs["epoch"] == pytest.approx(epochs["step"] / steps_per_epoch)
    bounds = [0, *expected]
    means = [steps["loss"][a:b].mean() for a, b in itertools.pairwise(bounds)]
    assert epochs["train_loss"] == pytest.approx(means)


def test_evaluations_may_be_fewer(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    settings = ["--method.trainings=end_to_end", "--train.evaluate_every=2"]
    launch.run_well(*tiny.arguments(tmp_path, *settings), num_ranks=2)
    epochs, steps = (read_columns(tmp_path, "end_to_end", group) for group in ("epochs", "steps"))
    total = num_steps(tmp_path, "end_to_end")
    two_epochs = 2 * (NUM_TRAIN // GLOBAL_BATCH)
    expected = sorted({*range(two_epochs, total + 1, two_epochs), total})
    assert epochs["step"].tolist() == expected
    assert epochs["train_loss"][0] == pytest.approx(steps["loss"][: expected[0]].mean())
    assert_same_weights(finished_run, tmp_path, ["end_to_end"])


def test_evaluations_may_be_more_on_fewer_images(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """Every third of an epoch, in whole steps, on 20 images; the last evaluation is on all."""
    settings = ["--method.trainings=end_to_end", "--train.evaluate_every=0.3", "--train.evaluate_images=20"]
    rows = []
    for num_ranks in (1, 3):
        run = tmp_path / str(num_ranks)
        launch.run_well(*tiny.arguments(run, *settings), num_ranks=num_ranks)
        rows.append(read_columns(run, "end_to_end", "epochs"))
        assert_same_weights(finished_run, run, ["end_to_end"])
    every, total = round(0.3 * (NUM_TRAIN // GLOBAL_BATCH)), num_steps(run, "end_to_end")
    expected = sorted({*range(every, total + 1, every), total})
    assert rows[0]["step"].tolist() == expected
    assert rows[0]["num_samples"].tolist() == [20] * (len(expected) - 1) + [NUM_VALIDATION]
    for name in ("top1", "top5", "loss"):
        assert rows[0][name].tolist() == rows[1][name].tolist()
        assert rows[0][name][-1] == read_columns(finished_run, "end_to_end", "epochs")[name][-1]
    assert {round(20 * top1) / 20 for top1 in rows[0]["top1"][:-1]} == set(rows[0]["top1"][:-1])


@pytest.mark.parametrize("training", TRAININGS)
def test_speed_of_steps(finished_runs: dict[int, FinishedRun], training: str) -> None:
    """Utilisation equals FLOPs over time and the peak in the log; waiting for ranks is known a step later."""
    for num_ranks, run in finished_runs.items():
        steps = read_columns(run.path, training, "steps")
        rounds = read_columns(run.path, training, "rounds")
        found = re.search(r"peak, as given: (\S+) TFLOP/s a rank in fp32$", (run.path / "log.txt").read_text(), re.M)
        assert found
        peak = float(found[1]) * 1e12
        entry = next(t for t in read_summary(run.path)["trainings"] if t["name"] == training)
        own_s = np.diff(steps["elapsed_s"], prepend=0)
        known = np.isin(steps["step"], rounds["last_step"] - 1, invert=True)
        assert np.isnan(steps["communication_wait_s"][~known]).all()
        waited = steps["communication_wait_s"][known]
        assert (waited > 0).all()
        assert waited.sum() < (GLOBAL_BATCH / steps["images_per_s"][known]).sum()  # a step's may differ among ranks
        assert ((steps["memory_peak_bytes"] > 50e6) & (steps["memory_peak_bytes"] < 8e9)).all()
        assert (np.diff(steps["memory_peak_bytes"]) >= 0).all()
        if num_ranks == 1 and training == "meta":  # alone in a group, and no time of evaluations in its first steps
            expected = entry["block_flops"] / entry["total_steps"] / own_s / peak
            assert steps["model_flops_utilisation"][:10] == pytest.approx(expected[:10], rel=0.02)


@pytest.mark.parametrize("training", TRAININGS)
def test_evaluation_is_exact(finished_runs: dict[int, FinishedRun], training: str) -> None:
    """Each validation image counts once, even if the ranks' shares are uneven."""
    for run in finished_runs.values():
        hits = read_columns(run.path, training, "epochs")["top1"] * NUM_VALIDATION
        assert hits == pytest.approx(np.round(hits), abs=1e-9)


def test_metrics_index(finished_run: Path) -> None:
    with h5py.File(finished_run / "metrics.h5", "r") as file:
        assert file.attrs["filetype"] == "incubate metrics index"
        assert set(file) == set(TRAININGS)
        for training in TRAININGS:
            link = file.get(training, getlink=True)
            assert isinstance(link, h5py.ExternalLink)
            assert link.filename == f"metrics/{training}.h5"
            assert file[training].attrs["training"] == training
            assert file[f"{training}/steps/step"][0] == 0


def test_summary(finished_run: Path) -> None:
    summary = read_summary(finished_run)
    assert summary["state"] == "done"
    assert summary["num_ranks"] == 2
    assert [t["name"] for t in summary["trainings"]] == TRAININGS
    assert {t["state"] for t in summary["trainings"]} == {"done"}
    assert [row["method"] for row in summary["results"]] == ["Deep Incubation", "end to end", "meta model alone"]
    for entry in summary["trainings"]:
        figures = read_figures(finished(finished_run, entry["name"]))
        assert entry["step"] == entry["total_steps"]
        for name in ("top1", "top5", "loss", "block_flops"):
            assert entry[name] == figures[name] == read_columns(finished_run, entry["name"], "epochs")[name][-1]


def test_block_flops(finished_run: Path) -> None:
    """A learning block costs 3 passes, a frozen one 1 before the learning stage and 2 behind it."""
    entries = {t["name"]: t for t in read_summary(finished_run)["trainings"]}
    passes = {
        "meta": 4 * 3,
        "stage_0": 2 * 3 + 3 * 2,
        "stage_1": 1 + 1 * 3 + 2 * 2,
        "stage_2": 2 + 3 * 3 + 2,
        "stage_3": 3 + 2 * 3,
        "finetuned": NUM_BLOCKS * 3,
        "end_to_end": NUM_BLOCKS * 3,
    }
    for name, count in passes.items():
        assert entries[name]["block_flops"] == block_flops_per_step(count) * entries[name]["total_steps"]


def test_methods_are_compared_at_equal_flops(finished_run: Path) -> None:
    entries = read_summary(finished_run)["trainings"]
    deep_incubation, end_to_end = (result_of(finished_run, method) for method in ("Deep Incubation", "end to end"))
    assert deep_incubation["block_flops"] == sum(t["block_flops"] for t in entries if t["name"] != "end_to_end")
    difference = abs(deep_incubation["block_flops"] - end_to_end["block_flops"])
    assert difference <= block_flops_per_step(NUM_BLOCKS * 3) / 2
    assert num_steps(finished_run, "end_to_end") != NUM_STEPS


def test_results_add_up(finished_run: Path) -> None:
    entries = {t["name"]: t for t in read_summary(finished_run)["trainings"]}
    row = result_of(finished_run, "Deep Incubation")
    assert row["top1"] == entries["finetuned"]["top1"]
    assert row["rank_s"] == pytest.approx(sum(entries[name]["rank_s"] for name in TRAININGS[:-1]))
    longest = max(entries[name]["elapsed_s"] for name in STAGES)
    assert row["critical_path_s"] == pytest.approx(
        entries["meta"]["elapsed_s"] + longest + entries["finetuned"]["elapsed_s"]
    )
    meta = result_of(finished_run, "meta model alone")
    assert meta["block_flops"] == entries["meta"]["block_flops"]
    assert meta["rank_s"] == pytest.approx(2 * entries["meta"]["elapsed_s"], rel=0.01)


def test_something_is_learnt(finished_run: Path) -> None:
    """Guessing gives 25 % of 4 classes."""
    assert result_of(finished_run, "Deep Incubation")["top1"] > 0.5
    assert result_of(finished_run, "end to end")["top1"] > 0.5


def test_config_reads_back(tiny: Tiny, finished_run: Path) -> None:
    text = (finished_run / "config.ini").read_text()
    mark, settings = text.split("\n\n", 1)
    assert mark == "# Written by incubate: the settings of the run in this folder."
    assert launch.run_well("train", f"--config={finished_run / 'config.ini'}", "--print-config").stdout == settings
    assert f"file = {tiny.data}" in text
    assert "micro = 8" in text


def test_packed_data(tiny: Tiny) -> None:
    with h5py.File(tiny.data, "r") as file:
        assert file.attrs["filetype"] == "incubate dataset"
        assert file.attrs["version"] == 1
        assert file["train/images"].shape == (NUM_TRAIN, SIDE, SIDE, 1)
        assert file["validation/labels"].shape == (NUM_VALIDATION,)
        assert [name.decode() for name in file["class_names"]] == CLASSES


def test_packing_again_writes_nothing(tiny: Tiny) -> None:
    before = snapshot(tiny.idx)
    outcome = launch.run_well(*pack_arguments(tiny.idx, tiny.data))
    assert "is complete" in outcome.stdout
    assert snapshot(tiny.idx) == before


def test_same_sources_make_the_same_file(tiny: Tiny, tmp_path: Path) -> None:
    launch.run_well(*pack_arguments(tiny.idx, tmp_path / "again.h5"))
    assert (tmp_path / "again.h5").read_bytes() == tiny.data.read_bytes()


def test_config_is_the_one_given(finished_run: Path) -> None:
    """Except for comments and spaces, every line of the given file is in the effective configuration."""
    given = {line.strip() for line in CONFIG.read_text().splitlines() if "=" in line and not line.startswith("#")}
    effective = {line.split("  #")[0] for line in (finished_run / "config.ini").read_text().splitlines()}
    assert given <= effective


def test_a_start_says_what_it_trains_on(tiny: Tiny, tmp_path: Path) -> None:
    """Version, ranks, nodes, device, precision, data, network and the log; a call with nothing left to do does not."""
    arguments = tiny.arguments(tmp_path, "--run.only=meta", "--meta.epochs=0.5")
    lines = launch.run_well(*arguments, num_ranks=2).stdout.splitlines()
    version = launch.run_well("--version").stdout.split()[1]
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    processor = re.escape(found[1]) if found else ""
    patterns = [
        rf"incubate {re.escape(version)} \([0-9a-f]+.*\), LibTorch \S+, .*Open MPI.*, HDF5 \S+",
        rf"2 ranks on 1 node, 1 thread each, CPU \({processor}.*\), fp32, exact sums",
        rf"data: {NUM_TRAIN} training and {NUM_VALIDATION} validation images of .* in {len(CLASSES)} classes, .*",
        r"network: vision transformer, [0-9.]+ k parameters, 8 blocks in stages of [0-9, ]+ \(meta model: [0-9, ]+\)",
        rf"log: {re.escape(str(tmp_path / 'log.txt'))}",
    ]
    for line, pattern in zip(lines, patterns, strict=False):
        assert re.fullmatch(pattern, line), (pattern, lines)
    log = (tmp_path / "log.txt").read_text()
    assert all(line in log for line in lines[: len(patterns)])
    assert "network:" not in launch.run_well(*arguments).stdout
