"""A training's weights do not depend on how many ranks computed them, to the last bit."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

import launch
from conftest import IS_LONG, FinishedRun
from run_files import (
    STAGES,
    TRAININGS,
    assert_same_weights,
    copy_run,
    find_differing,
    finished,
    read_columns,
    read_summary,
    read_weights,
    snapshot,
)
from tiny import Tiny

# Every training of the method, each alone on 3 ranks, from files that other numbers of ranks wrote.
REDONE = ["meta", "stage_2", "finetuned", "end_to_end"]


@pytest.mark.parametrize("num_ranks", [2, 3, 4])
def test_whole_method(finished_runs: dict[int, FinishedRun], num_ranks: int) -> None:
    assert_same_weights(finished_runs[1].path, finished_runs[num_ranks].path, TRAININGS)


@pytest.mark.parametrize("num_ranks", [2, 3, 4])
@pytest.mark.parametrize("training", TRAININGS)
def test_figures(finished_runs: dict[int, FinishedRun], num_ranks: int, training: str) -> None:
    for group, names in (
        ("steps", ["step", "loss", "gradient_norm"]),
        ("epochs", ["step", "loss", "top1", "block_flops"]),
    ):
        columns = read_columns(finished_runs[1].path, training, group)
        others = read_columns(finished_runs[num_ranks].path, training, group)
        for name in names:
            assert columns[name].tobytes() == others[name].tobytes(), f"{group}/{name}"


def test_another_seed_gives_other_weights(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    launch.run_well(*tiny.arguments(tmp_path / "run", "--run.seed=1", "--run.only=meta"))
    weights = read_weights(finished(finished_run, "meta"))
    differing = find_differing(weights, read_weights(finished(tmp_path / "run", "meta")))
    assert differing == sorted(weights)


def test_stages_are_not_all_the_same(finished_run: Path) -> None:
    """Weights that never changed would be the same on any ranks too."""
    meta = read_weights(finished(finished_run, "meta"))
    for stage in STAGES:
        weights = read_weights(finished(finished_run, stage))
        shared = {name: values for name, values in meta.items() if name in weights}
        assert all(weights[name].tobytes() != values.tobytes() for name, values in shared.items())


@pytest.fixture(scope="module")
def redone(
    tiny: Tiny, finished_run: Path, pool: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Future[tuple[Path, dict[str, str]]]]:
    """Returns for each of REDONE the run in which it was trained again, and a copy from before."""
    folder = tmp_path_factory.mktemp("redone")

    def redo(training: str) -> tuple[Path, dict[str, str]]:
        run = copy_run(finished_run, folder / training, without=[training])
        before = snapshot(run / "checkpoints")
        launch.run_well(*tiny.arguments(run, f"--run.only={training}"), num_ranks=3)
        return run, before

    return {training: pool.submit(redo, training) for training in REDONE}


@pytest.mark.parametrize("training", REDONE)
def test_one_training_from_files(
    redone: dict[str, Future[tuple[Path, dict[str, str]]]], finished_run: Path, training: str
) -> None:
    run, before = redone[training].result()
    assert_same_weights(finished_run, run, [training])
    after = snapshot(run / "checkpoints")
    assert after.pop(f"{training}.h5") != ""
    assert after == before  # the files it started from, and all others, are as they were


def test_bfloat16_and_dropped_branches(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    settings = ["--run.precision=bf16", "--method.trainings=deep_incubation", "--finetuning.drop_path=0.5"]
    trainings = ["meta", *STAGES, "finetuned"]
    for num_ranks in (1, 3):
        launch.run_well(*tiny.arguments(tmp_path / str(num_ranks), *settings), num_ranks=num_ranks)
    assert_same_weights(tmp_path / "1", tmp_path / "3", trainings)
    weights = read_weights(finished(finished_run, "meta"))
    differing = find_differing(weights, read_weights(finished(tmp_path / "1", "meta")))
    assert differing == sorted(weights)


def test_many_ranks(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """More ranks than a step has micro-batches, and than stages: groups of several ranks, and idle ones."""
    num_ranks = 48 if IS_LONG else 12
    launch.run_well(*tiny.arguments(tmp_path / "run"), num_ranks=num_ranks, timeout_s=600 if IS_LONG else 100)
    assert_same_weights(finished_run, tmp_path / "run", TRAININGS)


def test_a_round_may_last_longer_than_a_collective(tiny: Tiny, tmp_path: Path) -> None:
    """Ranks that no group can use wait for the end of the round, however long it takes."""
    settings = ["--run.only=meta", "--meta.epochs=100", "--meta.micro=16", "--run.timeout_s=1", "--run.grace_seconds=0"]
    outcome = launch.run_well(*tiny.arguments(tmp_path / "run", *settings), num_ranks=4)
    [training] = [t for t in read_summary(tmp_path / "run")["trainings"] if t["name"] == "meta"]
    assert training["elapsed_s"] > 3, outcome.stdout
    assert training["num_ranks"] < 4
