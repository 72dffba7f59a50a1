"""Tests which stages a training learns, which ones are frozen, and where finetuning begins."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import launch
from reference_vit import Weights, evaluate
from run_files import STAGES, TRAININGS, copy_run, find_differing, finished, read_figures, read_weights
from tiny import Tiny, learn_nothing
from tiny_data import NUM_VALIDATION

DEPTHS = [2, 1, 3, 2]


def assemble(run: Path) -> Weights:
    return {name: values for stage in STAGES for name, values in read_weights(finished(run, stage)).items()}


def make_hybrid(run: Path, stage_index: int) -> Weights:
    """Returns the meta model with one stage at full depth."""
    meta = {
        name: values
        for name, values in read_weights(finished(run, "meta")).items()
        if not name.startswith(f"{stage_index}/")
    }
    return meta | read_weights(finished(run, f"stage_{stage_index}"))


def evaluate_tiny(tiny: Tiny, weights: Weights) -> tuple[float, int]:
    with h5py.File(tiny.data, "r") as file:
        images = file["validation/images"][..., 0].astype(np.float64)
        labels = file["validation/labels"][()]
    return evaluate(weights, (images / 255 - 0.5) / 0.3, labels, heads=2, patch=4)


def count_blocks(weights: Weights, stage_index: int) -> int:
    return len({name.split(".")[1] for name in weights if name.startswith(f"{stage_index}/blocks.")})


@pytest.mark.parametrize("stage_index", range(4))
def test_incubation_writes_its_stage_only(finished_run: Path, stage_index: int) -> None:
    weights = read_weights(finished(finished_run, f"stage_{stage_index}"))
    assert {name.split("/")[0] for name in weights} == {str(stage_index)}
    assert count_blocks(weights, stage_index) == DEPTHS[stage_index]


@pytest.mark.parametrize(
    ("training", "depths"), [("meta", [1, 1, 1, 1]), ("finetuned", DEPTHS), ("end_to_end", DEPTHS)]
)
def test_whole_models_have_all_stages(finished_run: Path, training: str, depths: list[int]) -> None:
    weights = read_weights(finished(finished_run, training))
    assert [count_blocks(weights, i) for i in range(4)] == depths


@pytest.mark.parametrize("training", TRAININGS)
def test_figures_are_those_of_the_files(tiny: Tiny, finished_run: Path, training: str) -> None:
    """Figures computed from the files are those of the run. So a hybrid's frozen stages equal the meta model's file."""
    is_hybrid = training in STAGES
    weights = (
        make_hybrid(finished_run, STAGES.index(training))
        if is_hybrid
        else read_weights(finished(finished_run, training))
    )
    loss, hits = evaluate_tiny(tiny, weights)
    figures = read_figures(finished(finished_run, training))
    assert figures["loss"] == pytest.approx(loss, rel=1e-5)
    assert figures["top1"] * NUM_VALIDATION == pytest.approx(hits, abs=1e-9)


def test_finetuning_starts_from_the_assembled_stages(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    run = copy_run(finished_run, tmp_path / "run", without=["finetuned"])
    settings = learn_nothing("finetuning")
    launch.run_well(*tiny.arguments(run, "--run.only=finetuned", *settings))
    assembled = assemble(run)
    assert find_differing(read_weights(finished(run, "finetuned")), assembled) == []
    loss, hits = evaluate_tiny(tiny, assembled)
    figures = read_figures(finished(run, "finetuned"))
    assert figures["loss"] == pytest.approx(loss, rel=1e-5)
    assert figures["top1"] * NUM_VALIDATION == pytest.approx(hits, abs=1e-9)
    # With learning on, no parameter stays: the comparison above can fail.
    learnt = find_differing(read_weights(finished(finished_run, "finetuned")), assembled)
    assert len(learnt) == len(assembled)


def test_untrained_stage_is_the_same_at_each_start(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """At a learning rate of 0 a hybrid is evaluated with its first weights, the same on any number of ranks."""
    figures = []
    weights = []
    for num_ranks in (1, 3):
        run = copy_run(finished_run, tmp_path / f"ranks_{num_ranks}", without=["stage_2"])
        settings = learn_nothing("incubation")
        for name in ("stage_0", "stage_1", "stage_3", "finetuned"):
            finished(run, name).unlink()  # made with another learning rate
        launch.run_well(*tiny.arguments(run, "--run.only=stage_2", *settings), num_ranks=num_ranks)
        figures.append(read_figures(finished(run, "stage_2"))["loss"])
        weights.append(read_weights(finished(run, "stage_2")))
        assert figures[-1] == pytest.approx(evaluate_tiny(tiny, make_hybrid(run, 2))[0], rel=1e-5)
    assert figures[0] == figures[1]
    assert find_differing(*weights) == []
    assert find_differing(weights[0], read_weights(finished(finished_run, "stage_2"))) == sorted(weights[0])
