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
from tiny import Tiny
from tiny_data import pack_arguments, write_tiny_idx

os.environ["OMP_NUM_THREADS"] = "1"  # set before PyTorch loads: on more threads small networks are far slower
# True in tests/faults.sh: many faults of each kind and all launchers. Otherwise a few.
IS_LONG = os.environ.get("INCUBATE_FAULTS") == "long"
only_long = pytest.mark.skipif(not IS_LONG, reason="takes long: part of tests/faults.sh")
# Each number of ranks has another style of progress, for the tests of progress.
PROGRESS_OF = {1: "lines", 2: "bar", 3: "none", 4: "auto"}


LINES_TO_TELL = pytest.StashKey[list[str]]()


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Returns a function that keeps a line (a count or measurement) for the end of the session."""
    return request.config.stash.setdefault(LINES_TO_TELL, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(LINES_TO_TELL, [])
    if lines:
        terminalreporter.section("counts")
    for line in lines:
        terminalreporter.write_line(line)


@dataclass(frozen=True)
class FinishedRun:
    path: Path
    outcome: Outcome


@pytest.fixture(scope="session")
def pool() -> Iterator[ThreadPoolExecutor]:
    """Runs a few starts at the same time: starts wait for each other and for files, so cores would idle."""
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
    """Returns a function that runs the whole method on a number of ranks."""

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
    """Returns a finished run for tests that work with any number of ranks. Tests copy what they change."""
    return run_on_two.path


@pytest.fixture(scope="session")
def finished_runs(
    run_on_two: FinishedRun, train_on: Callable[[int], FinishedRun], pool: ThreadPoolExecutor
) -> dict[int, FinishedRun]:
    """Returns finished runs of the whole method on 1, 2, 3 and 4 ranks."""
    others = [num_ranks for num_ranks in PROGRESS_OF if num_ranks != 2]
    return {2: run_on_two} | dict(zip(others, pool.map(train_on, others), strict=True))
