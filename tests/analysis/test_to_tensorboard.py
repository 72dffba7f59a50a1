"""Reads event files back by TensorBoard's own reader."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from launch import REPOSITORY, call
from made_up_run import BEGAN_S, GLOBAL_BATCH, MadeUp, deep_incubation, write_run
from run_files import TRAININGS, read_columns
from to_tensorboard import main

SCRIPT = REPOSITORY / "analysis" / "to_tensorboard.py"
STEP_TAGS = {
    "loss": "training/loss",
    "learning_rate": "training/learning_rate",
    "gradient_norm": "training/gradient_norm",
    "images_per_s": "speed/images_per_s",
    "model_flops_utilisation": "speed/utilisation",
    "data_wait_s": "speed/data_wait_s",
    "communication_wait_s": "speed/communication_wait_s",
}
EPOCH_TAGS = {name: f"validation/{name}" for name in ("loss", "top1", "top5")}


def read_scalars(folder: Path) -> dict[str, list[tuple[float, int, float]]]:
    """Returns wall time, step and value of each point, by tag."""
    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    reader.Reload()
    return {tag: [(e.wall_time, e.step, e.value) for e in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def test_real_run(finished_run: Path, tmp_path: Path) -> None:
    """Every known value is there, at a time within the rounds of its training."""
    command = [sys.executable, str(SCRIPT), str(finished_run), f"--output={tmp_path}"]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout == f"{tmp_path / finished_run.name}: {len(TRAININGS)} trainings\n"
    assert sorted(path.name for path in (tmp_path / finished_run.name).iterdir()) == sorted(TRAININGS)
    for training in TRAININGS:
        scalars = read_scalars(tmp_path / finished_run.name / training)
        assert set(scalars) == {*STEP_TAGS.values(), *EPOCH_TAGS.values()}
        rounds = read_columns(finished_run, training, "rounds")
        for table, tags in (("steps", STEP_TAGS), ("epochs", EPOCH_TAGS)):
            columns = read_columns(finished_run, training, table)
            for name, tag in tags.items():
                known = np.isfinite(columns[name])
                times, steps, values = zip(*scalars[tag], strict=True)
                assert list(steps) == columns["step"][known].tolist()
                np.testing.assert_array_equal(values, columns[name][known].astype(np.float32))
                assert list(times) == sorted(times)
                assert rounds["began_s"][0] < times[0] <= times[-1] < rounds["ended_s"][-1] + 1e-3


def test_wall_times(tmp_path: Path) -> None:
    """10 s of own time cover a shared round of 60 s; after a pause 10 s cover 10 s."""
    training = MadeUp("stage_0", "incubation", (0.5, 0.6), block_flops=100, elapsed_s=20)
    run = write_run(tmp_path / "run", [training])
    with h5py.File(run / "metrics" / "stage_0.h5", "r+") as file:
        for name, values in (
            ("began_s", [BEGAN_S, BEGAN_S + 100]),
            ("ended_s", [BEGAN_S + 60, BEGAN_S + 110]),
            ("first_step", [0, 10]),
            ("last_step", [10, 20]),
            ("num_ranks", [1, 2]),
        ):
            del file[f"rounds/{name}"]
            file[f"rounds/{name}"] = np.array(values)
    assert call(main, run, "--output", tmp_path / "out").status == 0
    scalars = read_scalars(tmp_path / "out" / "run" / "stage_0")
    times = [wall_s - BEGAN_S for wall_s, _, _ in scalars["training/loss"]]
    assert times == pytest.approx([6.0 * (i + 1) for i in range(10)] + [101.0 + i for i in range(10)], abs=1e-3)
    times = [wall_s - BEGAN_S for wall_s, _, _ in scalars["validation/top1"]]
    assert times == pytest.approx([60, 110], abs=1e-3)
    assert [step for _, step, _ in scalars["validation/top1"]] == [10, 20]


def test_unknown_values_and_a_second_export(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", deep_incubation(0.5, 0.6))
    folder = tmp_path / "out" / "run" / "meta"
    folder.mkdir(parents=True)
    (folder / "mine").write_text("kept")
    for _ in range(2):
        assert call(main, run, "--output", tmp_path / "out").status == 0
        scalars = read_scalars(folder)
        assert len(scalars["training/loss"]) == 10
        assert len(scalars["speed/communication_wait_s"]) == 9  # not known of the last step
        assert [value for _, _, value in scalars["speed/images_per_s"]] == [GLOBAL_BATCH] * 10
    assert sorted(path.name.split(".")[0] for path in folder.iterdir()) == ["events", "mine"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{tmp}"], "to_tensorboard: {tmp} is not a run directory: it has no summary.json."),
        (["{run}", "{run}"], "to_tensorboard: two runs have the same name."),
        (["{run}", "--output={run}/config.ini"], "to_tensorboard: {run}/config.ini cannot be written: "),
    ],
    ids=["not a run", "same name", "output is a file"],
)
def test_bad_input_of_to_tensorboard(tmp_path: Path, arguments: list[str], message: str) -> None:
    run = write_run(tmp_path / "run", deep_incubation(0.5))
    given = [argument.format(tmp=tmp_path, run=run) for argument in arguments]
    outcome = call(main, f"--output={tmp_path}/out", *given)
    assert outcome.status == 2
    (line,) = outcome.stderr.splitlines()
    assert line.startswith(message.format(tmp=tmp_path, run=run))
    assert not (tmp_path / "out").exists()
