"""Eleven faults of the method's reference implementation, and the tests which show that this program has none of them.

1. Clipping needs mixed precision
   test_parity_training::test_training_is_that_of_a_plain_loop, test_parity_training::test_another_recipe_shows
2. Frozen stages have gradients, which are reduced
   here: test_a_step_reduces_the_learning_stage_once; StagedModel.FrozenStagesGetNoGradient,
   TrainerTest.FrozenStagesStayAsTheyAreBitForBit, test_frozen_stages::test_figures_are_those_of_the_files
3. Each micro-batch is reduced
   here: test_a_step_reduces_the_learning_stage_once
4. Resuming takes step 99 for later than 100, begins at whole epochs, trusts half a file and forgets the random state
   RunDirectoryTest.ResumePointsAreListedInNumericOrder, test_resume::test_killed_in_meta (in the middle of an epoch),
   AtomicFile.OldFileIsThereUntilTheNewOneIsComplete, test_resume::test_damaged_state_falls_back_to_the_one_before
5. Stages are assembled in the order of file names, whatever they are
   here: test_twelve_stages_are_assembled_in_order, test_a_file_that_is_not_the_stage_is_refused
6. Started by Slurm alone, every rank takes itself for the only one
   here: test_ranks_that_do_not_find_each_other_are_told;
   Launcher.SeveralTasksWithARankEachAreAMistake, Launcher.TasksOfSrunWithoutAWayToConnectAreAMistake
7. Every rank evaluates all images, or some twice
   Evaluate.CountsEveryImageOnceOnAnyNumberOfRanks, test_any_ranks::test_figures,
   test_frozen_stages::test_figures_are_those_of_the_files (100 images are 13 micro-batches, the last of 4)
8. A loss that is not finite ends the rank that sees it, and the others wait
   here: test_what_one_rank_sees_ends_the_others; test_refusals::test_failure_while_running
9. Fewer images than a batch end in an unrelated error
   test_refusals::test_bad_input ("batch larger than the data")
10. Order and augmentation of the images do not follow the seed
    here: test_order_and_augmentation_follow_the_seed; DropPath.DrawsChangeWithEveryPartOfTheAddress,
    test_any_ranks::test_whole_method (four starts, the same weights)
11. Six commands, and paths to be copied from one to the next
    test_usage::test_every_training_is_announced_once (of one command)
"""

from __future__ import annotations

import gzip
import math
import re
import shutil
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

import launch
from conftest import CONFIG, Tiny
from reference_vit import evaluate
from run_files import NUM_STEPS, copy_run, find_differing, finished, read_figures, read_weights
from tiny_data import NUM_TRAIN, NUM_VALIDATION, pack_arguments

TESTS = Path(__file__).resolve().parents[1]


def test_every_test_named_above_exists() -> None:
    assert __doc__ is not None
    named = re.findall(r"(test_\w+)::(test_\w+)", __doc__) + re.findall(r"here: (\w+)()", __doc__)
    assert len(named) >= 14
    for file, test in named:
        source = next(TESTS.glob(f"*/{file}.py")) if test else Path(__file__)
        assert f"def {test or file}(" in source.read_text(), (file, test)
    sources = "".join(path.read_text() for path in TESTS.glob("*/*_test.cpp"))
    for suite, test in re.findall(r"\b([A-Z]\w+)\.([A-Z]\w+)", __doc__):
        assert re.search(rf"TEST(_F|_P)?\({suite}, {test}\)", sources), (suite, test)


# --- What the ranks ask of MPI ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mpi_probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("probe") / "mpi_probe.so"
    source = TESTS / "parallel" / "mpi_probe.cpp"
    subprocess.run(["mpicxx", "-std=c++17", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


def start_probed(library: Path, folder: Path, arguments: list[str], num_ranks: int) -> subprocess.Popen[str]:
    folder.mkdir()
    return launch.start(arguments, num_ranks, {"LD_PRELOAD": str(library), "PROBE": str(folder)})


def test_a_step_reduces_the_learning_stage_once(
    tiny: Tiny, finished_run: Path, mpi_probe: Path, tmp_path: Path
) -> None:
    """Four micro-batches of a hybrid on two ranks: once a step each sends the other's chunk of the sums of what learns,
    and the mean of its own; one small all-reduce has the rest."""
    run, probe = copy_run(finished_run, tmp_path / "run", without=["stage_2"]), tmp_path / "probe"
    outcome = launch.finish(start_probed(mpi_probe, probe, tiny.arguments(run, "--run.only=stage_2"), 2))
    assert outcome.status == 0, outcome
    learning = read_weights(finished(run, "stage_2")).values()
    aligned = sum(16 * math.ceil(values.size / 16) for values in learning)  # the gaps between them are reduced too
    first = aligned // (2 * 1024) * 1024  # whole blocks; the second rank has what is left over too
    chunks = [first, aligned - first]
    for rank in range(2):
        assert read_numbers(probe / f"shares.{rank}") == [8 * chunks[1 - rank], 4 * chunks[rank]] * NUM_STEPS
        reductions = read_numbers(probe / f"reductions.{rank}")
        assert reductions.count(8) >= NUM_STEPS  # the loss, two counts, what is asked for, two waits, memory
        assert max(reductions) < 100


def read_numbers(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()]


def pack_with_one_rare_image(tiny: Tiny, folder: Path) -> Path:
    """The tiny data, with its last class in one training image only."""
    idx = folder / "idx"
    shutil.copytree(tiny.idx, idx)
    (idx / "tiny.h5").unlink()
    labels = bytearray(gzip.decompress((idx / "train-labels.gz").read_bytes()))
    labels[-NUM_TRAIN:] = bytes(label % 3 for label in labels[-NUM_TRAIN:])
    labels[-1] = 3
    (idx / "train-labels.gz").write_bytes(gzip.compress(labels, mtime=0))
    launch.run_well(*pack_arguments(idx, folder / "rare.h5"))
    return folder / "rare.h5"


def test_what_one_rank_sees_ends_the_others(tiny: Tiny, finished_run: Path, mpi_probe: Path, tmp_path: Path) -> None:
    """The meta model thinks one image's class impossible. When that comes, each of two ranks aborts by itself."""
    data, run, probe = pack_with_one_rare_image(tiny, tmp_path), tmp_path / "run", tmp_path / "probe"
    weights = tmp_path / "meta.safetensors"
    launch.run_well(*_exchange("export", tiny.data, finished_run), f"--output={weights}")
    tensors = load_file(weights)
    tensors["head.bias"][3] = -1e6
    save_file(tensors, weights)
    launch.run_well(*_exchange("import", data, run), f"--input={weights}")
    plain = [f"--incubation.{name}=0" for name in ("label_smoothing", "mixup", "cutmix")]
    arguments = Tiny(tiny.idx, data).arguments(run, "--run.only=stage_1", *plain)
    process = start_probed(mpi_probe, probe, arguments, 2)
    deadline = time.monotonic() + 60  # a tenth of run.timeout_s
    while process.poll() is None and len(list(probe.glob("aborted.*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    launch.kill_ranks(process)
    outcome = launch.finish(process)
    assert sorted(path.name for path in probe.glob("aborted.*")) == ["aborted.0", "aborted.1"]
    (message,) = outcome.messages()
    assert " has a loss or gradient that is not finite, or above 1024, in 1 of 4 micro-batches. " in message


def _exchange(command: str, data: Path, run: Path) -> list[str]:
    return [command, f"--config={CONFIG}", f"--data.file={data}", f"--run.directory={run}", "--training=meta"]


# --- Started by a launcher that MPI does not know ---------------------------------------------------------------------


@pytest.mark.parametrize("task", [0, 2])
def test_ranks_that_do_not_find_each_other_are_told(tiny: Tiny, tmp_path: Path, task: int) -> None:
    """As srun without PMIx leaves them: four tasks, each to be a world of one rank. The first speaks for all."""
    environment = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": str(task)}
    outcome = launch.finish(launch.start(tiny.arguments(tmp_path / "run"), 1, environment))
    assert outcome.status == 2
    assert [line.split(". ")[0] for line in outcome.messages()] == (
        ["incubate: srun started 4 tasks without a way for MPI to connect them"] if task == 0 else []
    )
    assert not (tmp_path / "run").exists()


# --- More than ten stages ---------------------------------------------------------------------------------------------

TWELVE = ",".join(["1"] * 12)
TWELVE_STAGES = [
    f"--model.depths={TWELVE}",
    f"--model.meta_depths={TWELVE}",
    *(
        f"--{phase}.{setting}"
        for phase in ("meta", "incubation", "finetuning")
        for setting in ("epochs=0.06", "micro=32")
    ),
    *(
        f"--finetuning.{name}=0"
        for name in ("learning_rate", "min_learning_rate", "warmup_learning_rate", "weight_decay")
    ),
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


# --- What the seed decides --------------------------------------------------------------------------------------------


def read_epoch(tiny: Tiny, folder: Path, seed: int) -> NDArray[np.float32]:
    """Images x height x width, in the order that the meta model sees them, mirrored or not."""
    output = folder / f"{seed}.safetensors"
    settings = ["--data.crop_padding=0", "--meta.epochs=1", f"--run.seed={seed}"]
    launch.probe("batches", *_exchange("", tiny.data, folder)[1:], *settings, f"--output={output}")
    return load_file(output)["images"].reshape(NUM_TRAIN, *load_file(output)["images"].shape[-2:])


def test_order_and_augmentation_follow_the_seed(tiny: Tiny, tmp_path: Path) -> None:
    orders, mirrored = [], []
    for seed in (0, 1):
        images = read_epoch(tiny, tmp_path, seed)
        assert images.tobytes() == read_epoch(tiny, tmp_path, seed).tobytes()
        # Of an image and its mirror image one is taken to tell which image it is.
        both = [(image.tobytes(), image[:, ::-1].tobytes()) for image in images]
        orders.append([min(pair) for pair in both])
        mirrored.append({min(pair): pair[0] > pair[1] for pair in both})
    assert sorted(orders[0]) == sorted(orders[1])
    assert len(set(orders[0])) == NUM_TRAIN  # each image once
    assert sum(a == b for a, b in zip(*orders, strict=True)) < 10  # one in the mean
    agreeing = sum(mirrored[0][image] == mirrored[1][image] for image in mirrored[0])
    assert 0.4 * NUM_TRAIN < agreeing < 0.6 * NUM_TRAIN
