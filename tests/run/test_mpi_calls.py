"""What the ranks ask of MPI, as a library between them and it writes it down (parallel/mpi_probe.cpp)."""

from __future__ import annotations

import gzip
import math
import shutil
import subprocess
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

import exchange
import launch
from run_files import NUM_STEPS, copy_run, finished, read_weights
from tiny import Tiny
from tiny_data import NUM_TRAIN, pack_arguments

TESTS = Path(__file__).resolve().parents[1]


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


def pack_with_one_rare_image(tiny: Tiny, folder: Path) -> Tiny:
    """The tiny data, with its last class in one training image only."""
    idx = folder / "idx"
    shutil.copytree(tiny.idx, idx)
    (idx / "tiny.h5").unlink()
    labels = bytearray(gzip.decompress((idx / "train-labels.gz").read_bytes()))
    labels[-NUM_TRAIN:] = bytes(label % 3 for label in labels[-NUM_TRAIN:])
    labels[-1] = 3
    (idx / "train-labels.gz").write_bytes(gzip.compress(labels, mtime=0))
    launch.run_well(*pack_arguments(idx, folder / "rare.h5"))
    return Tiny(idx, folder / "rare.h5")


def test_what_one_rank_sees_ends_the_others(tiny: Tiny, finished_run: Path, mpi_probe: Path, tmp_path: Path) -> None:
    """The meta model thinks one image's class impossible. When that comes, each of two ranks aborts by itself."""
    rare, run, probe = pack_with_one_rare_image(tiny, tmp_path), tmp_path / "run", tmp_path / "probe"
    weights = tmp_path / "meta.safetensors"
    launch.run_well(*exchange.arguments("export", tiny, finished_run, "meta", f"--output={weights}"))
    tensors = load_file(weights)
    tensors["head.bias"][3] = -1e6
    save_file(tensors, weights)
    launch.run_well(*exchange.arguments("import", rare, run, "meta", f"--input={weights}"))
    plain = [f"--incubation.{name}=0" for name in ("label_smoothing", "mixup", "cutmix")]
    arguments = rare.arguments(run, "--run.only=stage_1", *plain)
    process = start_probed(mpi_probe, probe, arguments, 2)
    launch.wait_until(lambda: len(list(probe.glob("aborted.*"))) == 2, process, 60)  # a tenth of run.timeout_s
    launch.kill_ranks(process)
    outcome = launch.finish(process)
    assert sorted(path.name for path in probe.glob("aborted.*")) == ["aborted.0", "aborted.1"]
    (message,) = outcome.messages()
    assert " has a loss or gradient that is not finite, or above 1024, in 1 of 4 micro-batches. " in message
