"""A killed run, started again on another number of ranks, ends as if it had never been killed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import pytest

import launch
from conftest import Tiny
from run_files import (
    NUM_STEPS,
    STAGES,
    TRAININGS,
    assert_same_weights,
    copy_run,
    finished,
    flip_byte,
    read_columns,
    read_summary,
    resume_points,
)

OFTEN = "--checkpoint.every_steps=5"
NUM_ATTEMPTS = 3  # to kill in time: a rank may get to the end before the signal reaches it


@dataclass(frozen=True)
class Point:
    """Where a run is killed: when `training` has `num_files` states to resume from, and is not done."""

    training: str
    num_files: int
    undone: list[str]  # what the run has yet to do


IN_META = Point("meta", 2, ["meta", *STAGES, "finetuned"])
IN_INCUBATION = Point("stage_1", 1, [*STAGES, "finetuned"])
IN_FINETUNING = Point("finetuned", 1, ["finetuned"])


def kill_at(tiny: Tiny, run: Path, point: Point, num_ranks: int, settings: list[str]) -> bool:
    """Whether the ranks were killed at the point."""
    process = launch.start(tiny.arguments(run, OFTEN, *settings), num_ranks)
    deadline = time.monotonic() + launch.TIMEOUT_S
    while len(resume_points(run, point.training)) < point.num_files and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    num_killed = launch.kill_ranks(process)
    outcome = launch.finish(process)
    if finished(run, point.training).exists():
        return False
    assert num_killed == num_ranks, outcome  # or it ended for a reason of its own
    assert outcome.status != 0
    assert len(resume_points(run, point.training)) >= point.num_files
    return True


def make_killed_run(
    tiny: Tiny, finished_run: Path, folder: Path, point: Point, num_ranks: int, settings: list[str] | None = None
) -> Path:
    for attempt in range(NUM_ATTEMPTS):
        run = copy_run(finished_run, folder / f"attempt_{attempt}", without=point.undone)
        if kill_at(tiny, run, point, num_ranks, settings or []):
            return run
    raise AssertionError(f"{NUM_ATTEMPTS} runs in a row were done with {point.training} before they could be killed")


@pytest.fixture(scope="module")
def killed_in_meta(tiny: Tiny, finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_killed_run(tiny, finished_run, tmp_path_factory.mktemp("killed"), IN_META, num_ranks=2)


def assert_same_run(run: Path, reference: Path, trainings: list[str] = TRAININGS) -> None:
    """Weights, and figures without a gap or a row too many."""
    assert_same_weights(reference, run, trainings)
    for training in trainings:
        for group, names in (("steps", ["step", "loss", "gradient_norm"]), ("epochs", ["step", "train_loss", "loss"])):
            columns, expected = (read_columns(r, training, group) for r in (run, reference))
            for name in names:
                assert columns[name].tolist() == expected[name].tolist(), f"{training}: {group}/{name}"


def test_killed_in_meta(tiny: Tiny, finished_run: Path, killed_in_meta: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(killed_in_meta, run)
    assert read_summary(run)["state"] == "running"
    outcome = launch.run_well(*tiny.arguments(run, OFTEN), num_ranks=3)
    assert "meta: continues after step" in outcome.stdout
    assert_same_run(run, finished_run)
    assert not (run / "checkpoints" / "meta").exists()  # nothing to resume from is left
    assert list(run.rglob("*.tmp")) == []
    assert list(run.rglob("*.lock")) == []
    assert read_summary(run)["state"] == "done"


@pytest.mark.parametrize(("point", "before", "after"), [(IN_INCUBATION, 2, 3), (IN_FINETUNING, 3, 2)])
def test_killed_later(tiny: Tiny, finished_run: Path, tmp_path: Path, point: Point, before: int, after: int) -> None:
    run = make_killed_run(tiny, finished_run, tmp_path, point, before)
    launch.run_well(*tiny.arguments(run, OFTEN), num_ranks=after)
    assert_same_run(run, finished_run)


# SGD, layer-wise learning rates and an average of the weights, in every phase.
OTHER_OPTIMIZATION = [
    "--method.trainings=deep_incubation",
    "--optimizer.name=sgd",
    *(
        f"--{phase}.{key}"
        for phase in ("meta", "incubation", "finetuning")
        for key in ("layer_decay=0.8", "ema_decay=0.9")
    ),
    *(f"--{phase}.learning_rate=2" for phase in ("meta", "incubation", "finetuning")),
]


def test_killed_with_another_optimizer_and_an_average(tiny: Tiny, tmp_path: Path) -> None:
    reference = tmp_path / "reference"
    launch.run_well(*tiny.arguments(reference, *OTHER_OPTIMIZATION))  # on one rank
    run = make_killed_run(tiny, reference, tmp_path, IN_INCUBATION, 2, OTHER_OPTIMIZATION)
    with h5py.File(resume_points(run, "stage_1")[-1]) as state:
        parameters = {f"{i}/{name}" for i, stage in state["stages"].items() for name in stage}
        assert {f"{i}/{name}" for i, stage in state["ema"].items() for name in stage} == parameters
        assert all(list(state["optimizer"][name]) == ["momentum_buffer"] for name in parameters)
    launch.run_well(*tiny.arguments(run, OFTEN, *OTHER_OPTIMIZATION), num_ranks=3)
    assert_same_run(run, reference, [*STAGES, "finetuned"])


def remove_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("damage", [flip_byte, remove_end])
def test_damaged_state_falls_back_to_the_one_before(
    tiny: Tiny, finished_run: Path, killed_in_meta: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(killed_in_meta, run)
    before, latest = resume_points(run, "meta")[-2:]
    damage(latest)
    outcome = launch.run_well(*tiny.arguments(run, OFTEN, "--run.only=meta"))
    warnings = [line for line in outcome.stdout.splitlines() if line.startswith(f"warning: {latest}")]
    assert len(warnings) == 1
    assert warnings[0].endswith("Trying the checkpoint before it.")
    assert f"meta: continues after step {int(before.stem.removeprefix('step_'))} of " in outcome.stdout
    assert_same_weights(finished_run, run, ["meta"])
    assert read_columns(run, "meta", "steps")["step"].tolist() == list(range(NUM_STEPS))


def test_states_to_resume_from_are_kept_as_asked(killed_in_meta: Path) -> None:
    """checkpoint.keep is 2; a kill may fall between the newest file's arrival and the oldest one's removal."""
    files = resume_points(killed_in_meta, "meta")
    assert 2 <= len(files) <= 3
    assert all(int(file.stem.removeprefix("step_")) % 5 == 0 for file in files)
