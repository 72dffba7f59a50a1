"""Packing of IDX and CIFAR files, interrupted while it writes: the next start completes it and leaves nothing else."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import launch

NAMES = "--class-names=night,day"
NUM_TRAIN = 20_000  # writing takes so long that a signal finds a draft
NUM_ATTEMPTS = 5  # to interrupt in time


def write_idx(folder: Path) -> list[str]:
    """Writes images of noise, plain, and returns the arguments that pack them."""
    generator = np.random.default_rng(1)
    words = ["pack", "--format=idx", NAMES]
    for split, count in (("train", NUM_TRAIN), ("validation", 100)):
        for what, shape in (("images", (count, 32, 32)), ("labels", (count,))):
            values = generator.integers(0, 2 if what == "labels" else 256, shape, dtype=np.uint8)
            path = folder / f"{split}-{what}"
            path.write_bytes(struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + values.tobytes())
            words.append(f"--{split}-{what}={path}")
    return words


def write_cifar(folder: Path) -> list[str]:
    generator = np.random.default_rng(1)
    words = ["pack", "--format=cifar", NAMES]
    for split, count in (("train", NUM_TRAIN // 3), ("validation", 100)):
        records = generator.integers(0, 256, (count, 3073), dtype=np.uint8)
        records[:, 0] %= 2
        path = folder / f"{split}.bin"
        path.write_bytes(records.tobytes())
        words.append(f"--{split}-files={path}")
    return words


def find_drafts(folder: Path) -> list[Path]:
    return list(folder.glob("*.tmp"))


def interrupt(arguments: list[str], folder: Path, request: signal.Signals) -> bool:
    """Starts packing and sends the signal as soon as a draft exists. Returns whether that was in time."""
    process = launch.start(arguments)
    launch.wait_until(lambda: bool(find_drafts(folder)), process)
    process.send_signal(request)
    return launch.finish(process).status != 0


@pytest.fixture(scope="module", params=[write_idx, write_cifar])
def packing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], bytes]:
    """Returns arguments that lack an output, and the bytes of the file that they make."""
    folder = tmp_path_factory.mktemp("sources")
    write: Callable[[Path], list[str]] = request.param
    arguments = write(folder)
    launch.run_well(*arguments, f"--output={folder / 'whole.h5'}")
    return arguments, (folder / "whole.h5").read_bytes()


@pytest.mark.parametrize("request_to_end", [signal.SIGKILL, signal.SIGTERM])
def test_interrupted(packing: tuple[list[str], bytes], tmp_path: Path, request_to_end: signal.Signals) -> None:
    sources, whole = packing
    output = tmp_path / "data.h5"
    arguments = [*sources, f"--output={output}"]
    for _ in range(NUM_ATTEMPTS):
        if interrupt(arguments, tmp_path, request_to_end):
            break
        output.unlink()
    else:
        raise AssertionError(f"{NUM_ATTEMPTS} times all was packed before the signal came")
    assert not output.exists()
    assert f"{output} written: " in launch.run_well(*arguments).stdout
    assert output.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [output]


def test_one_of_two_is_killed(packing: tuple[list[str], bytes], tmp_path: Path) -> None:
    """Two packs of one output at once do not disturb each other, and the draft of a killed one does not stay."""
    sources, whole = packing
    output = tmp_path / "data.h5"
    arguments = [*sources, f"--output={output}"]
    for _ in range(NUM_ATTEMPTS):
        if stop_one_of_two(arguments, tmp_path):
            break
        output.unlink()
    else:
        raise AssertionError(f"{NUM_ATTEMPTS} times all was packed before it could be stopped")
    assert output.read_bytes() == whole
    assert find_drafts(tmp_path) != []
    assert f"{output} is complete: " in launch.run_well(*arguments).stdout
    assert output.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [output]


def stop_one_of_two(arguments: list[str], folder: Path) -> bool:
    """Stops a pack at its draft, lets another one complete, and kills the first. Returns whether it had a draft."""
    first: subprocess.Popen[str] = launch.start(arguments)
    launch.wait_until(lambda: bool(find_drafts(folder)), first)
    os.kill(first.pid, signal.SIGSTOP)
    has_draft = bool(find_drafts(folder))
    second = launch.run_well(*arguments)
    assert not has_draft or " written: " in second.stdout
    first.kill()
    launch.finish(first)
    return has_draft
