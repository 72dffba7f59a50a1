"""Fixtures: the tiny data, packed once, and the finished runs that many tests look at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

import launch
from launch import Outcome
from tiny_data import pack_arguments, write_tiny_idx

os.environ["OMP_NUM_THREADS"] = "1"  # before PyTorch is loaded: on more threads small networks are many times slower
# Of faults, many of each kind and all launchers (tests/faults.sh); else a few.
IS_LONG = os.environ.get("INCUBATE_FAULTS") == "long"
only_long = pytest.mark.skipif(not IS_LONG, reason="takes long: part of tests/faults.sh")
CONFIG = Path(__file__).resolve().parent / "tiny.ini"
# Each run shows progress in its own way, for the tests of progress.
PROGRESS_OF = {1: "lines", 2: "bar", 3: "none", 4: "auto"}


LINES_TO_TELL = pytest.StashKey[list[str]]()


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keeps a line for the end of the session: what a test counted or measured."""
    return request.config.stash.setdefault(LINES_TO_TELL, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(LINES_TO_TELL, [])
    if lines:
        terminalreporter.section("counts")
    for line in lines:
        terminalreporter.write_line(line)


@dataclass(frozen=True)
class Tiny:
    """The tiny data and how to train on it."""

    idx: Path  # folder of the IDX files
    data: Path  # the packed file

    def arguments(self, run: Path, *settings: str) -> list[str]:
        return ["train", f"--config={CONFIG}", f"--data.file={self.data}", f"--run.directory={run}", *settings]


@dataclass(frozen=True)
class FinishedRun:
    path: Path
    outcome: Outcome


@pytest.fixture(scope="session")
def pool() -> Iterator[ThreadPoolExecutor]:
    """Starts wait for each other and for files; a few at a time use the cores better."""
    with ThreadPoolExecutor(max_workers=3) as executor:
        yield executor


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    assert launch.EXECUTABLE.is_file(), f"{launch.EXECUTABLE} is missing: build first, or set INCUBATE_BUILD"
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny_idx(folder)
    launch.run_well(*pack_arguments(folder, folder / "tiny.h5"))
    return Tiny(folder, folder / "tiny.h5")


@pytest.fixture(scope="session")
def train_on(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], FinishedRun]:
    """The whole method on so many ranks."""

    def train(num_ranks: int) -> FinishedRun:
        path = tmp_path_factory.mktemp("runs", numbered=True) / f"ranks_{num_ranks}"
        arguments = tiny.arguments(path, f"--run.progress={PROGRESS_OF[num_ranks]}")
        return FinishedRun(path, launch.run_well(*arguments, num_ranks=num_ranks))

    return train


@pytest.fixture(scope="session")
def run_on_two(train_on: Callable[[int], FinishedRun]) -> FinishedRun:
    return train_on(2)


@pytest.fixture(scope="session")
def finished_run(run_on_two: FinishedRun) -> Path:
    """One for which it does not matter on how many. Tests copy what they change."""
    return run_on_two.path


@pytest.fixture(scope="session")
def finished_runs(
    run_on_two: FinishedRun, train_on: Callable[[int], FinishedRun], pool: ThreadPoolExecutor
) -> dict[int, FinishedRun]:
    """The whole method on 1, 2, 3 and 4 ranks."""
    others = [num_ranks for num_ranks in PROGRESS_OF if num_ranks != 2]
    return {2: run_on_two} | dict(zip(others, pool.map(train_on, others), strict=True))
