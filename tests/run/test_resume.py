"""A killed run, started again on another number of ranks, ends as if it had never been killed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import launch
from killed_runs import OFTEN, Point, make_killed_run
from run_files import (
    NUM_STEPS,
    STAGES,
    TRAININGS,
    assert_same_trainings,
    assert_same_weights,
    find_differing,
    finished,
    flip_byte,
    read_columns,
    read_summary,
    read_weights,
    resume_points,
    step_of,
)
from tiny import Tiny

IN_META = Point("meta", 2, ["meta", *STAGES, "finetuned"])
IN_INCUBATION = Point("stage_1", 1, [*STAGES, "finetuned"])
IN_FINETUNING = Point("finetuned", 1, ["finetuned"])


@pytest.fixture(scope="module")
def killed_in_meta(tiny: Tiny, finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_killed_run(tiny, finished_run, tmp_path_factory.mktemp("killed"), IN_META, num_ranks=2)


def test_killed_in_meta(tiny: Tiny, finished_run: Path, killed_in_meta: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(killed_in_meta, run)
    assert read_summary(run)["state"] == "running"
    latest = max(step_of(path) for path in resume_points(run, "meta"))
    assert latest >= 10  # two digits: as text it would be before 5
    # Killed while it wrote, at a step after which the next job need not save.
    (run / "checkpoints" / "meta" / "step_0000001.h5.tmp").write_bytes(b"half")
    outcome = launch.run_well(*tiny.arguments(run, OFTEN), num_ranks=3)
    assert f"meta: continues after step {latest} of {NUM_STEPS}" in outcome.stdout
    assert_same_trainings(finished_run, run, TRAININGS)
    assert not (run / "checkpoints" / "meta").exists()  # nothing to resume from is left
    assert list(run.rglob("*.tmp")) == []
    assert list(run.rglob("*.lock")) == []
    assert read_summary(run)["state"] == "done"


@pytest.mark.parametrize(("point", "before", "after"), [(IN_INCUBATION, 2, 3), (IN_FINETUNING, 3, 2)])
def test_killed_later(tiny: Tiny, finished_run: Path, tmp_path: Path, point: Point, before: int, after: int) -> None:
    run = make_killed_run(tiny, finished_run, tmp_path, point, before)
    # Killed before, between finishing a training and removing what it no longer needs.
    leftovers = run / "checkpoints" / "meta"
    leftovers.mkdir()
    for name in ("step_0000005.h5", "step_0000010.h5.tmp"):
        (leftovers / name).write_bytes(b"old")
    launch.run_well(*tiny.arguments(run, OFTEN), num_ranks=after)
    assert not leftovers.exists()
    assert_same_trainings(finished_run, run, TRAININGS)


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
    run = make_killed_run(tiny, reference, tmp_path, IN_INCUBATION, 2, *OTHER_OPTIMIZATION)
    with h5py.File(resume_points(run, "stage_1")[-1]) as state:
        parameters = {f"{i}/{name}" for i, stage in state["stages"].items() for name in stage}
        assert {f"{i}/{name}" for i, stage in state["ema"].items() for name in stage} == parameters
        assert all(list(state["optimizer"][name]) == ["momentum_buffer"] for name in parameters)
    launch.run_well(*tiny.arguments(run, OFTEN, *OTHER_OPTIMIZATION), num_ranks=3)
    assert_same_trainings(reference, run, [*STAGES, "finetuned"])


IN_BF16 = ["--method.trainings=deep_incubation", "--run.precision=bf16", "--finetuning.ema_decay=0.9"]


def test_killed_and_resumed_with_other_settings_that_change_no_result(tiny: Tiny, tmp_path: Path) -> None:
    """Sharded optimizer and recomputed blocks, before the kill alone."""
    reference = tmp_path / "reference"
    launch.run_well(*tiny.arguments(reference, *IN_BF16))  # on one rank
    point = Point("finetuned", 2, ["finetuned"])
    frugal = ["--run.shard_optimizer=true", "--run.recompute=blocks"]
    run = make_killed_run(tiny, reference, tmp_path, point, 2, *IN_BF16, *frugal)
    outcome = launch.run_well(*tiny.arguments(run, OFTEN, *IN_BF16), num_ranks=3)
    assert "finetuned: continues after step " in outcome.stdout
    assert_same_trainings(reference, run, ["finetuned"])
    # And the other way round: whole states become shards.
    run = make_killed_run(tiny, reference, tmp_path / "again", point, 3, *IN_BF16)
    launch.run_well(*tiny.arguments(run, OFTEN, *IN_BF16, *frugal), num_ranks=2)
    assert_same_trainings(reference, run, ["finetuned"])


FAST = ["--run.sums=fast", "--method.trainings=deep_incubation"]


def test_killed_with_fast_sums(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """Floats, summed in an order of the ranks': the same weights on the same number of ranks alone."""
    reference = tmp_path / "reference"
    launch.run_well(*tiny.arguments(reference, *FAST), num_ranks=2)
    run = make_killed_run(tiny, reference, tmp_path, IN_FINETUNING, 2, *FAST)
    launch.run_well(*tiny.arguments(run, OFTEN, *FAST), num_ranks=2)
    assert_same_trainings(reference, run, ["finetuned"])
    exact = read_weights(finished(finished_run, "meta"))
    assert find_differing(exact, read_weights(finished(reference, "meta"))) == sorted(exact)


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
    assert f"meta: continues after step {step_of(before)} of " in outcome.stdout
    assert_same_weights(finished_run, run, ["meta"])
    assert read_columns(run, "meta", "steps")["step"].tolist() == list(range(NUM_STEPS))


def test_states_to_resume_from_are_kept_as_asked(killed_in_meta: Path) -> None:
    """checkpoint.keep is 2; a kill may fall between the newest file's arrival and the oldest one's removal."""
    files = resume_points(killed_in_meta, "meta")
    assert 2 <= len(files) <= 3
    assert all(step_of(file) % 5 == 0 for file in files)


# Commit 79d4da3 trained tests/tiny.ini on one rank: meta and stage_0 to their ends, stage_1 to its step 7 of 20. Beside
# the run lies its packed data, tiny.h5: later programs add mean and deviation, which changes the checksum.
KEPT_RUN = Path(__file__).parent / "kept_run.tar.xz"


def test_a_run_of_version_0_1_0_goes_on(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(KEPT_RUN, tmp_path)
    run = tmp_path / "run"
    kept_meta = finished(run, "meta").read_bytes()
    kept = Tiny(tiny.idx, tmp_path / "tiny.h5")
    outcome = launch.run_well(*kept.arguments(run, "--method.trainings=deep_incubation"), num_ranks=2)
    assert f"stage_1: continues after step 7 of {NUM_STEPS}" in outcome.stdout
    assert finished(run, "meta").read_bytes() == kept_meta
    # Processors of another kind round otherwise; another draw or another order of images moves the weights by as much
    # as training does.
    for training in ("stage_1", "finetuned"):
        weights, expected = (read_weights(finished(r, training)) for r in (run, finished_run))
        assert weights.keys() == expected.keys()
        for name, values in expected.items():
            error = np.linalg.norm(weights[name] - values) / max(np.linalg.norm(values), 1e-3)
            assert error < 1e-2, f"{training}: {name}"
