"""Tests `run.recompute`: weights do not depend on it, to the last bit, and it may change between starts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import launch
import tiny_resnet
from run_files import TRAININGS, assert_same_trainings, copy_run
from tiny import Tiny

RECOMPUTE = ["--run.recompute=blocks", "--run.profile=1"]
BFLOAT16 = ["--run.precision=bf16", "--model.layer_scale=0.1", "--recipe.drop_path=0.5"]


def has_recomputed(run: Path, training: str) -> bool:
    """By the trace of a step."""
    return '"incubate::recompute_backward"' in (run / "profile" / f"{training}.json").read_text()


def test_vision_transformer(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    launch.run_well(*tiny.arguments(tmp_path / "run", *RECOMPUTE), num_ranks=2)
    assert_same_trainings(finished_run, tmp_path / "run", TRAININGS)
    assert has_recomputed(tmp_path / "run", "meta")


@pytest.mark.parametrize(
    ("network", "trainings"),
    [(BFLOAT16, TRAININGS), (tiny_resnet.NETWORK, tiny_resnet.TRAININGS)],
    ids=["bf16", "resnet"],
)
def test_other_networks(
    tiny: Tiny, pool: ThreadPoolExecutor, tmp_path: Path, network: list[str], trainings: list[str]
) -> None:
    def train(folder: str, *settings: str) -> Path:
        launch.run_well(*tiny.arguments(tmp_path / folder, *network, *settings))
        return tmp_path / folder

    kept, recomputed = pool.submit(train, "kept"), pool.submit(train, "recomputed", *RECOMPUTE)
    assert_same_trainings(kept.result(), recomputed.result(), trainings)
    assert has_recomputed(recomputed.result(), "meta")


def test_may_change_between_starts(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    run = copy_run(finished_run, tmp_path / "run", without=["finetuned"])
    launch.run_well(*tiny.arguments(run, *RECOMPUTE))
    assert_same_trainings(finished_run, run, TRAININGS)
    assert has_recomputed(run, "finetuned")
