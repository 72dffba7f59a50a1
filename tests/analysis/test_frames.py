"""Loads a run as data frames: every figure of its files, with its training; the examples of analysis/README.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frames import COLUMNS, load_frames
from made_up_run import GLOBAL_BATCH, MadeUp, deep_incubation, write_run
from readme import read_examples
from run_directory.data import NotARunError
from run_files import TRAININGS, read_columns, read_summary

LABELS = ["run", "training", "phase", "seed"]
EVALUATED = ("top1", "top5", "loss")


def test_real_run(finished_run: Path) -> None:
    frames = load_frames(finished_run)
    for table, fixed in COLUMNS.items():
        names = (*fixed, *EVALUATED) if table == "epochs" else fixed
        frame = getattr(frames, table)
        assert list(frame.columns[:4]) == LABELS
        for training in TRAININGS:
            columns = read_columns(finished_run, training, table)
            assert sorted(columns) == sorted(names)
            rows = frame[frame.training == training]
            assert len(rows) == len(columns[names[0]])
            for name in names:
                np.testing.assert_array_equal(rows[name], columns[name], err_msg=f"{training}: {table}/{name}")
    for entry in read_summary(finished_run)["trainings"]:
        (row,) = frames.trainings[frames.trainings.training == entry["name"]].to_dict("records")
        assert {name: row[name] for name in entry if name != "name"} == {n: v for n, v in entry.items() if n != "name"}
    assert set(frames.epochs.phase) == {"meta", "incubation", "finetuning", "end_to_end"}


def test_labels_types_and_sums(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", deep_incubation(0.5, 0.6, state="running"), seed=7, state="running")
    frames = load_frames(str(run))
    assert frames.epochs[[*LABELS, "step", "top1"]].values.tolist() == [
        [str(run), "meta", "meta", 7, 10, 0.3],
        [str(run), "stage_0", "incubation", 7, 10, 0.35],
        [str(run), "finetuned", "finetuning", 7, 10, 0.5],
        [str(run), "finetuned", "finetuning", 7, 20, 0.6],
    ]
    assert frames.epochs.rank_s.tolist() == pytest.approx([20, 40, 30, 60])  # 2 ranks
    assert frames.steps.step_s.tolist() == pytest.approx([1.0] * 10 + [2.0] * 10 + [1.5] * 20)
    assert frames.steps.images_per_s.iloc[0] == pytest.approx(GLOBAL_BATCH)
    for frame in (frames.steps, frames.epochs, frames.rounds, frames.checkpoints, frames.trainings):
        for name in {"seed", "step", "first_step", "last_step", "num_ranks", "total_steps"} & set(frame.columns):
            assert frame[name].dtype == np.int64, name
    unfinished = frames.trainings.iloc[2]
    assert (unfinished.state, unfinished.step, unfinished.total_steps) == ("running", 20, 40)
    assert np.isnan(unfinished.top1)


def test_nothing_saved_yet(tmp_path: Path) -> None:
    """The columns are there, so that scripts need no special case."""
    waiting = MadeUp("meta", "meta", (), 0, 0, state="waiting")
    frames = load_frames(write_run(tmp_path / "run", [waiting], state="running"))
    for table, names in COLUMNS.items():
        frame = getattr(frames, table)
        assert set(frame.columns) >= {*LABELS, *names, *({"top1", "loss"} if table == "epochs" else set())}
        assert len(frame) == 0
        assert frame[names[0]].dtype == (np.float64 if table == "rounds" else np.int64)
    assert frames.trainings.state.tolist() == ["waiting"]


def test_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(NotARunError, match="is not a run directory"):
        load_frames(tmp_path)


def test_examples_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples run as they are, on two seeds."""
    for seed, (mine, others) in enumerate([(0.8, 0.7), (0.6, 0.9)]):
        hours = MadeUp("end_to_end", "end_to_end", (0.5, others), block_flops=600, elapsed_s=3600, num_ranks=4)
        write_run(tmp_path / "runs" / f"fashion-mnist-{seed}", [*deep_incubation(0.5, mine), hours], seed=seed)
    setup, *examples = read_examples("Data frames")
    assert len(examples) == 3
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for code in (setup, *examples):
        exec(code, names)

    lines = {line.get_label(): line.get_xydata().tolist() for line in names["plt"].gca().lines}
    assert len(lines) == 8
    assert lines["end_to_end, seed 1"] == [[300, 50], [600, 90]]
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    # A quarter, and an eighth except in the last of the 10 steps of each training.
    assert names["waits"].loc["meta"].to_dict() == pytest.approx({"data_wait_s": 0.25, "communication_wait_s": 0.1125})
    # The first evaluation is after 2 of 4 rank-hours.
    assert names["best"]["end_to_end"].to_dict() == {2: 0.5, 4: 0.9}
    assert names["best"]["finetuned"].to_dict() == {1: 0.8}
