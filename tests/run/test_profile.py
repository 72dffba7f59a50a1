"""Tests `run.profile`: the times of operators, as a trace; no result depends on it."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

import launch
from run_files import TRAININGS, assert_same_trainings
from tiny import Tiny

NUM_PROFILED = 4
MICRO_BATCHES = 4 // 2  # of a step, on each of 2 ranks
META_BLOCKS = 4


@pytest.fixture(scope="module")
def profiled_run(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs the whole method on 2 ranks, which measure their peak."""
    run = tmp_path_factory.mktemp("profile") / "run"
    settings = [f"--run.profile={NUM_PROFILED}", "--run.peak_tflops=0"]
    outcome = launch.run_well(*tiny.arguments(run, *settings), num_ranks=2)
    assert outcome.messages() == []
    assert "ERROR" not in outcome.stderr  # the profiler prints this without a GPU
    return run


def test_no_result_depends_on_it(finished_run: Path, profiled_run: Path) -> None:
    assert_same_trainings(finished_run, profiled_run, TRAININGS)


def test_what_a_rank_can_compute_is_measured(profiled_run: Path) -> None:
    log = (profiled_run / "log.txt").read_text()
    found = re.search(r"matrix products: (\d+|\d\.\d\d|\d\d\.\d) ([GT])FLOP/s a rank in fp32$", log, re.M)
    assert found and 0.001 < float(found[1]) * {"G": 1e-3, "T": 1}[found[2]] < 100


def test_each_group_has_a_trace(profiled_run: Path) -> None:
    files = list((profiled_run / "profile").iterdir())
    assert {path.suffix for path in files} == {".json"}
    assert {training for path in files for training in path.stem.split("+")} == set(TRAININGS)
    log = (profiled_run / "log.txt").read_text()
    for path in files:
        assert re.search(rf" {re.escape(path.stem)}: {NUM_PROFILED} steps .* in profile/{re.escape(path.name)}\n", log)


def test_trace(profiled_run: Path) -> None:
    trace = json.loads((profiled_run / "profile" / "meta.json").read_text())
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    counts = Counter(event["name"] for event in events)
    micro_batches = NUM_PROFILED * MICRO_BATCHES
    for name in ("load", "forward", "backward", "add gradients"):
        assert counts[name] == micro_batches, name
    for name in ("reduce", "update"):
        assert counts[name] == NUM_PROFILED, name
    for name in ("incubate::attention", "incubate::attention_backward", "incubate::bias_gelu"):
        assert counts[name] == micro_batches * META_BLOCKS, name
    assert counts["aten::mm"] > 0
    assert all(event["dur"] >= 0 for event in events)


def test_a_negative_number_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    outcome = launch.run(*tiny.arguments(tmp_path / "run", "--run.profile=-1"), num_ranks=2)
    assert outcome.status == 2
    assert outcome.messages() == ["incubate: run.profile=-1 is out of range. Give 0 or more."]
    assert not (tmp_path / "run").exists()
