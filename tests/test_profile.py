"""`run.profile`: what operators took, as a table and as a trace; no result depends on it."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

import launch
from conftest import Tiny
from run_files import TRAININGS, assert_same_trainings

NUM_PROFILED = 4
MICRO_BATCHES = 4 // 2  # of a step, on each of 2 ranks
META_BLOCKS = 4


@pytest.fixture(scope="module")
def profiled_run(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole method on 2 ranks, which measure what they can compute."""
    run = tmp_path_factory.mktemp("profile") / "run"
    settings = [f"--run.profile={NUM_PROFILED}", "--run.peak_tflops=0"]
    outcome = launch.run_well(*tiny.arguments(run, *settings), num_ranks=2)
    assert outcome.messages() == []
    assert "ERROR" not in outcome.stderr  # as the profiler has it where there is no GPU
    return run


def read_table(path: Path) -> dict[str, tuple[int, float, float, float]]:
    """Of each operator: calls, total and self time in ms, part of the self times in percent."""
    rows = re.findall(r"^ *(\d+) +([\d.]+) +([\d.]+) +([\d.]+)%  (.*)$", path.read_text(), re.M)
    return {name: (int(calls), float(total), float(own), float(part)) for calls, total, own, part, name in rows}


def test_no_result_depends_on_it(finished_run: Path, profiled_run: Path) -> None:
    assert_same_trainings(finished_run, profiled_run, TRAININGS)


def test_what_a_rank_can_compute_is_measured(profiled_run: Path) -> None:
    log = (profiled_run / "log.txt").read_text()
    found = re.search(r"matrix products: (\S+) TFLOP/s a rank in fp32$", log, re.M)
    assert found and 0.001 < float(found[1]) < 100


def test_each_group_has_a_table_and_a_trace(profiled_run: Path) -> None:
    files = {path.name for path in (profiled_run / "profile").iterdir()}
    groups = {name.rpartition(".")[0] for name in files}
    assert files == {f"{group}.{extension}" for group in groups for extension in ("txt", "json")}
    assert {training for group in groups for training in group.split("+")} == set(TRAININGS)
    log = (profiled_run / "log.txt").read_text()
    for group in groups:
        assert f" {group}: {NUM_PROFILED} steps are profiled in profile/{group}.txt\n" in log


def test_table(profiled_run: Path) -> None:
    table = read_table(profiled_run / "profile" / "meta.txt")
    micro_batches = NUM_PROFILED * MICRO_BATCHES
    for name in ("load", "forward", "backward", "add gradients"):
        assert table[name][0] == micro_batches, name
    for name in ("reduce", "update"):
        assert table[name][0] == NUM_PROFILED, name
    for name in ("incubate::attention", "incubate::attention_backward", "incubate::bias_gelu"):
        assert table[name][0] == micro_batches * META_BLOCKS, name
    assert table["aten::mm"][0] > 0
    assert sum(part for *_, part in table.values()) == pytest.approx(100, abs=0.01 * len(table))
    assert all(own <= total + 0.001 for _, total, own, _ in table.values())
    _, total, own, _ = table["forward"]
    assert 0 < own < total
    assert [own for _, _, own, _ in table.values()] == sorted((own for _, _, own, _ in table.values()), reverse=True)


def test_trace(profiled_run: Path) -> None:
    trace = json.loads((profiled_run / "profile" / "meta.json").read_text())
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    counts = Counter(event["name"] for event in events)
    table = read_table(profiled_run / "profile" / "meta.txt")
    assert {name: counts[name] for name in table} == {name: calls for name, (calls, *_) in table.items()}
    forward_ms = sum(event["dur"] for event in events if event["name"] == "forward") / 1000
    assert forward_ms == pytest.approx(table["forward"][1], abs=0.01)


def test_a_negative_number_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    outcome = launch.run(*tiny.arguments(tmp_path / "run", "--run.profile=-1"), num_ranks=2)
    assert outcome.status == 2
    assert outcome.messages() == ["incubate: run.profile=-1 is out of range. Give 0 or more."]
    assert not (tmp_path / "run").exists()
