"""A run seen while it goes on: the figures, and that neither side notices the other."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import launch
from conftest import Tiny
from launch import REPOSITORY
from made_up_run import MadeUp, write_run
from run_data import load_run
from run_files import TRAININGS, assert_same_weights
from watch import format_run

SCRIPT = REPOSITORY / "analysis" / "watch.py"
UPDATED_S = 1769860800  # 2026-01-31T12:00:00Z, as made-up runs have it


def watch(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ)


def test_figures(tmp_path: Path) -> None:
    trainings = [
        MadeUp("meta", "meta", (0.3,), block_flops=100, elapsed_s=10),
        MadeUp("stage_0", "incubation", (0.2, 0.35), block_flops=200, elapsed_s=10, state="running"),
        MadeUp("finetuned", "finetuning", (), block_flops=0, elapsed_s=0, state="waiting"),
    ]
    run = write_run(tmp_path / "run", trainings, state="running")
    lines = format_run(load_run(run), UPDATED_S + 75).splitlines()
    assert lines[:2] == [f"{run}: running", "job all: running, 2 ranks, written 1:15 ago"]
    assert [line.split() for line in lines[3:]] == [
        # Steps of 1 s; the last of the 10 has no wait for other ranks yet.
        ["meta", "done", "10/10", "0.1000", "30.00%", "32", "25.0%", "12.5%", "-"],
        # Steps of half a second, 20 of which are left.
        ["stage_0", "running", "20/40", "0.0500", "35.00%", "64", "25.0%", "12.5%", "0:10"],
        ["finetuned", "waiting", "0/40", "-", "-", "-", "-", "-", "-"],
    ]
    assert len({len(line) for line in lines[2:]}) == 1
    outcome = watch(run, "--once")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.splitlines()[2:] == lines[2:]  # the second line has the time


def test_speed_before_the_first_checkpoint(tmp_path: Path) -> None:
    """By the steps of the round so far: 20 in 5 s, and 20 to go."""
    run = write_run(tmp_path / "run", [MadeUp("meta", "meta", (0.1, 0.3), 100, 5, state="running")], state="running")
    (run / "metrics" / "meta.h5").unlink()
    row = format_run(load_run(run), UPDATED_S).splitlines()[3].split()
    assert row == ["meta", "running", "20/40", "-", "-", "128", "-", "-", "0:05"]


def test_job_and_readers_do_not_notice_each_other(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """Every file is replaced after each step while three threads and a watch read all of them as fast as they can."""
    run = tmp_path / "run"
    process = launch.start(tiny.arguments(run, "--checkpoint.every_steps=1"), 2)
    errors: list[str] = []
    seen: list[int] = []  # steps in the metrics at each look
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            try:
                state = load_run(run)
                format_run(state, time.time())
            except Exception as error:
                errors.append(repr(error))
                return
            seen.append(sum(len(t.metrics.steps["step"]) for t in state.trainings if t.metrics is not None))

    deadline = time.monotonic() + launch.TIMEOUT_S
    while not (run / "summary.json").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.001)
    command = [sys.executable, str(SCRIPT), str(run), "--every=0.01"]
    with (tmp_path / "watched").open("w") as stdout:  # a pipe that nobody empties would stop it
        watcher = subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, text=True)
    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        outcome = launch.finish(process)
    finally:
        is_over.set()
        for reader in readers:
            reader.join()
        _, stderr = watcher.communicate(timeout=launch.TIMEOUT_S)
    assert outcome.status == 0, outcome
    assert errors == []
    assert (watcher.returncode, stderr) == (0, "")
    last = (tmp_path / "watched").read_text().splitlines()[-len(TRAININGS) - 3 :]
    assert last[0] == f"{run}: done"
    assert last[1].startswith("job all: done (every training is done), 2 ranks, written 0:0")
    assert len(set(seen)) > 10, "the readers have hardly seen the run change"
    assert_same_weights(finished_run, run, TRAININGS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{run}"], "watch: {run} is not a run directory: it has no summary.json. Give run.directory of a training."),
        (["{run}", "--every=0"], "watch: --every 0 is no time to wait. Give a number above 0."),
    ],
)
def test_bad_input(tmp_path: Path, arguments: list[str], message: str) -> None:
    outcome = watch(*(argument.format(run=tmp_path) for argument in arguments))
    assert outcome.returncode == 2
    assert outcome.stdout == ""
    assert outcome.stderr == message.format(run=tmp_path) + "\n"
