"""Tests rounds of incubations: whichever ranks a training gets, the weights are the same bit for bit."""

from __future__ import annotations

import itertools
import random
import shutil
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest

import launch
from run_files import assert_same_weights, finished, read_columns, read_summary, resume_points, seal
from tiny import Tiny

RANKS = range(1, 9)
DEPTHS = ["2,2,2,2", "1,2,4,8", "2,2,2", "1,2,4"]
# One network on any number; of the others one below the number of stages, one above, and one that has ranks to spare.
STARTS = [(depths, n) for depths in DEPTHS for n in (RANKS if depths == "1,2,4,8" else (1, 2, 5, 8))]
MANY_ROUNDS = "--run.round_cost_s=0"
OFTEN = "--checkpoint.every_steps=3"


@dataclass(frozen=True)
class Network:
    """A network: stages of `depths`, trained for a few steps each."""

    tiny: Tiny
    depths: str

    @property
    def stages(self) -> list[str]:
        return [f"stage_{i}" for i in range(len(self.depths.split(",")))]

    @property
    def trainings(self) -> list[str]:
        return ["meta", *self.stages, "finetuned"]

    def arguments(self, run: Path, *settings: str) -> list[str]:
        meta_depths = ",".join("1" for _ in self.stages)
        lengths = ["meta.epochs=0.25", "incubation.epochs=1", "finetuning.epochs=0.25", "end_to_end.epochs=0.0625"]
        given = {setting.partition("=")[0] for setting in settings}
        return self.tiny.arguments(
            run,
            f"--model.depths={self.depths}",
            f"--model.meta_depths={meta_depths}",
            *(f"--{length}" for length in lengths if f"--{length.partition('=')[0]}" not in given),
            "--run.progress=none",
            *settings,
        )


@pytest.fixture(scope="module")
def runs(
    tiny: Tiny, pool: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, int], Future[Path]]:
    """Runs each network on each number of ranks."""
    folder = tmp_path_factory.mktemp("rounds")

    def train(depths: str, num_ranks: int) -> Path:
        run = folder / f"{depths.replace(',', '_')}_on_{num_ranks}"
        arguments = Network(tiny, depths).arguments(run, MANY_ROUNDS, "--method.trainings=deep_incubation")
        launch.run_well(*arguments, num_ranks=num_ranks)
        return run

    return {key: pool.submit(train, *key) for key in STARTS}


@pytest.mark.parametrize(("depths", "num_ranks"), [start for start in STARTS if start[1] > 1])
def test_weights_do_not_depend_on_the_deals(
    tiny: Tiny, runs: dict[tuple[str, int], Future[Path]], depths: str, num_ranks: int
) -> None:
    """One rank trains the stages together; on eight each stage has its own ranks, which change."""
    reference, run = runs[depths, 1].result(), runs[depths, num_ranks].result()
    assert_same_weights(reference, run, Network(tiny, depths).trainings)


@pytest.mark.parametrize("depths", DEPTHS)
def test_stages_trained_together_are_as_each_alone(
    tiny: Tiny, runs: dict[tuple[str, int], Future[Path]], tmp_path: Path, depths: str
) -> None:
    network = Network(tiny, depths)
    run = tmp_path / "run"
    shutil.copytree(runs[depths, 1].result(), run)
    for stage in network.stages:
        finished(run, stage).unlink()
    for stage in network.stages[1:]:
        launch.run_well(*network.arguments(run, f"--run.only={stage}"))
    assert_same_weights(runs[depths, 1].result(), run, network.stages[1:])


def test_ranks_move_between_trainings(runs: dict[tuple[str, int], Future[Path]]) -> None:
    """Ranks change trainings; otherwise the tests above would compare less than they claim."""
    run = runs["1,2,4,8", 7].result()
    sizes = {f"stage_{i}": read_columns(run, f"stage_{i}", "rounds")["num_ranks"].tolist() for i in range(4)}
    assert max(len(column) for column in sizes.values()) >= 2, sizes
    assert any(len(set(column)) >= 2 for column in sizes.values()), sizes


@pytest.mark.parametrize("num_ranks", RANKS)
def test_timeline(tiny: Tiny, runs: dict[tuple[str, int], Future[Path]], num_ranks: int) -> None:
    """Every training's rounds follow each other without a gap in its steps; no rank is in two groups at a time."""
    run = runs["1,2,4,8", num_ranks].result()
    spans: list[tuple[float, float, int, int, str]] = []
    for training in Network(tiny, "1,2,4,8").trainings:
        rounds = read_columns(run, training, "rounds")
        assert rounds["first_step"].tolist() == [0, *rounds["last_step"][:-1]]
        assert rounds["last_step"][-1] == len(read_columns(run, training, "steps")["step"])
        assert np.all(rounds["ended_s"] > rounds["began_s"])
        images = (rounds["last_step"] - rounds["first_step"]) * 32
        assert rounds["images_per_s"] == pytest.approx(images / (rounds["ended_s"] - rounds["began_s"]))
        spans += [
            (began, ended, first, first + count, training)
            for began, ended, first, count in zip(
                rounds["began_s"], rounds["ended_s"], rounds["first_rank"], rounds["num_ranks"], strict=True
            )
        ]
    for a, b in itertools.combinations(spans, 2):
        at_one_time = a[0] < b[1] and b[0] < a[1]
        share_ranks = a[2] < b[3] and b[2] < a[3]
        same_group = a[2:4] == b[2:4]
        assert not (at_one_time and share_ranks) or same_group, (a, b)
    rounds = read_summary(run)["rounds"]
    assert sum(r["phase"] == "incubation" for r in rounds) <= 2 * 4
    assert all(0 <= r["idle"] < 1 for r in rounds)


def test_killed_again_and_again(tiny: Tiny, runs: dict[tuple[str, int], Future[Path]], tmp_path: Path) -> None:
    """A run killed at any moment, each time on another number of ranks, ends with the same weights."""
    network = Network(tiny, "1,2,4,8")
    reference = runs["1,2,4,8", 1].result()
    run = tmp_path / "run"
    chance = random.Random(1)
    num_killed = 0
    for num_ranks in itertools.cycle([3, 8, 1, 5, 2]):
        process = launch.start(network.arguments(run, MANY_ROUNDS, OFTEN), num_ranks)
        if num_killed < 6:
            launch.wait_until((run / "log.txt").exists, process)
            time.sleep(chance.uniform(0.3, 1.5))  # from reading files to finetuning
            launch.kill_ranks(process) if num_ranks > 1 else process.kill()
        outcome = launch.finish(process)
        if outcome.status == 0:
            break
        num_killed += 1
        assert num_killed <= 6, outcome
    assert num_killed >= 2
    assert_same_weights(reference, run, network.trainings)
    for training in network.trainings:
        assert read_columns(run, training, "steps")["step"].tolist() == list(
            range(len(read_columns(reference, training, "steps")["step"]))
        )
    assert list(run.rglob("*.tmp")) == []


def test_several_jobs_share_a_run(
    tiny: Tiny, runs: dict[tuple[str, int], Future[Path]], pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """One job a training, the incubations concurrently, works like separate jobs of a batch system."""
    network = Network(tiny, "1,2,4,8")
    run = tmp_path / "run"

    def train(only: str, num_ranks: int) -> None:
        launch.run_well(*network.arguments(run, f"--run.only={only}", OFTEN), num_ranks=num_ranks)

    train("meta", 2)
    jobs = [pool.submit(train, stage, 1 + i % 2) for i, stage in enumerate(network.stages)]
    for job in jobs:
        job.result()
    train("finetuned", 3)
    assert_same_weights(runs["1,2,4,8", 1].result(), run, network.trainings)
    summary = read_summary(run)
    assert summary["state"] == "done"
    assert {name: job["state"] for name, job in summary["jobs"].items()} == dict.fromkeys(network.trainings, "done")
    states = {t["name"]: t["state"] for t in summary["trainings"]}
    assert states == dict.fromkeys(network.trainings, "done") | {"end_to_end": "waiting"}
    assert sorted(r["job"] for r in summary["rounds"]) == sorted(network.trainings)
    assert [row["method"] for row in summary["results"]] == ["Deep Incubation", "meta model alone"]


def test_checkpoints_by_time(tiny: Tiny, tmp_path: Path) -> None:
    network = Network(tiny, "1,2,4,8")
    run = tmp_path / "run"
    arguments = network.arguments(run, "--checkpoint.every_minutes=0.0005", "--run.only=meta", "--meta.epochs=4")
    launch.run_well(*arguments)
    saved = read_columns(run, "meta", "checkpoints")
    assert len(saved["step"]) >= 2  # every 30 ms
    assert np.all(np.diff(saved["step"]) > 0)
    assert np.all(saved["write_s"] > 0)
    assert np.all(saved["stall_s"] >= 0)


def set_version(path: Path, version: int) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = np.int64(version)
    seal(path)


@pytest.fixture(scope="module")
def unfinished(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a run that was killed in its first training."""
    run = tmp_path_factory.mktemp("unfinished") / "run"
    arguments = Network(tiny, "1,2,4,8").arguments(run, OFTEN, "--meta.epochs=20")
    process = launch.start(arguments, 2)
    launch.wait_until(lambda: len(resume_points(run, "meta")) > 0, process)
    launch.kill_ranks(process)
    launch.finish(process)
    assert not finished(run, "meta").exists()
    return run


@pytest.mark.parametrize("num_ranks", [1, 3])
@pytest.mark.parametrize("what", ["state", "metrics"])
def test_files_of_a_newer_version_are_refused(
    tiny: Tiny, unfinished: Path, tmp_path: Path, what: str, num_ranks: int
) -> None:
    run = tmp_path / "run"
    shutil.copytree(unfinished, run)
    path = resume_points(run, "meta")[-1] if what == "state" else run / "metrics" / "meta.h5"
    set_version(path, 99)
    outcome = launch.run(*Network(tiny, "1,2,4,8").arguments(run, "--meta.epochs=20"), num_ranks=num_ranks)
    assert outcome.status == 2
    (message,) = outcome.messages()
    assert message.startswith(f"incubate: {path} has version 99 of its format; this program reads ")
    assert message.endswith("Use the program that wrote it.")


def test_states_of_another_identity_are_refused(tiny: Tiny, unfinished: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(unfinished, run)
    outcome = launch.run(
        *Network(tiny, "1,2,4,8").arguments(run, "--meta.epochs=20", "--meta.clip_norm=2"), num_ranks=2
    )
    assert outcome.status == 2
    (message,) = outcome.messages()
    assert "'meta.clip_norm=0.5' there, 'meta.clip_norm=2' here" in message
