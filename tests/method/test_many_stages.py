"""Twelve stages, whose numbers have one digit or two: each is taken for what it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import pytest

import launch
from reference_vit import evaluate
from run_files import copy_run, find_differing, finished, read_figures, read_weights
from tiny import Tiny, learn_nothing
from tiny_data import NUM_VALIDATION

TWELVE = ",".join(["1"] * 12)
TWELVE_STAGES = [
    f"--model.depths={TWELVE}",
    f"--model.meta_depths={TWELVE}",
    *(
        f"--{phase}.{setting}"
        for phase in ("meta", "incubation", "finetuning")
        for setting in ("epochs=0.06", "micro=32")
    ),
    *learn_nothing("finetuning"),
]


@pytest.fixture(scope="module")
def twelve_stages(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A step of every training; finetuning learns nothing, so its weights are those that were assembled."""
    run = tmp_path_factory.mktemp("twelve") / "run"
    launch.run_well(*tiny.arguments(run, *TWELVE_STAGES, "--method.trainings=deep_incubation"), num_ranks=2)
    return run


def test_twelve_stages_are_assembled_in_order(tiny: Tiny, twelve_stages: Path) -> None:
    stages = [read_weights(finished(twelve_stages, f"stage_{i}")) for i in range(12)]
    assembled = {name: values for stage in stages for name, values in stage.items()}
    assert {name.split("/")[0] for name in assembled} == {str(i) for i in range(12)}
    assert find_differing(read_weights(finished(twelve_stages, "finetuned")), assembled) == []
    with h5py.File(tiny.data, "r") as file:
        images = (file["validation/images"][..., 0] / 255 - 0.5) / 0.3
        loss, hits = evaluate(assembled, images, file["validation/labels"][()], heads=2, patch=4)
    figures = read_figures(finished(twelve_stages, "finetuned"))
    assert figures["loss"] == pytest.approx(loss, rel=1e-5)
    assert figures["top1"] * NUM_VALIDATION == pytest.approx(hits, abs=1e-9)


@pytest.fixture(scope="module")
def other_seed(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("seed") / "run"
    launch.run_well(*tiny.arguments(run, *TWELVE_STAGES, "--method.trainings=stage_10", "--run.seed=1"))
    return run


@pytest.mark.parametrize("what", ["another stage", "of another run"])
def test_a_file_that_is_not_the_stage_is_refused(
    tiny: Tiny, twelve_stages: Path, other_seed: Path, tmp_path: Path, what: str
) -> None:
    """Its shapes are right, so nothing but its identity tells."""
    run = copy_run(twelve_stages, tmp_path / "run", without=["finetuned"])
    source, difference = {
        "another stage": (finished(twelve_stages, "stage_2"), "'training stage_2' there, 'training stage_10' here"),
        "of another run": (finished(other_seed, "stage_10"), "'run.seed=1' there, 'run.seed=0' here"),
    }[what]
    shutil.copy(source, finished(run, "stage_10"))
    outcome = launch.run(*tiny.arguments(run, *TWELVE_STAGES, "--method.trainings=deep_incubation"), num_ranks=2)
    assert outcome.status == 2
    (message,) = outcome.messages()
    assert message.startswith(f"incubate: {finished(run, 'stage_10')} was made with other settings ({difference}). ")
    assert not finished(run, "finetuned").exists()
