"""The benchmark of training speed works: both sides run, compute the same, and their results are kept."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import program
import pytest
from networks import SMALL
from workload import Size, Workload

import launch

SCRIPT = launch.REPOSITORY / "tests" / "benchmark" / "run.sh"


def test_both_sides_are_measured_and_compute_the_same(tmp_path: Path) -> None:
    output = tmp_path / "benchmark.json"
    words = [str(SCRIPT), "--quick", "--works=small", "--peers=fp32", f"--output={output}"]
    environment = launch.make_environment() | {"INCUBATE_BUILD": str(launch.BUILD)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=3 * launch.TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    [row] = json.loads(output.read_text())
    assert row["ratio"] == pytest.approx(row["ours"] / row["peer"])
    assert 0 < row["peak_fraction"] < 1
    assert 0 < row["peer_peak_fraction"] < 1
    assert 0 < row["loss_error"] < 1e-4
    assert row["peak_memory_mib"] > 100 and row["peer_peak_memory_mib"] > 100
    assert row["peer_setting"] == "PyTorch fp32"


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    environment = launch.make_environment() | {"INCUBATE_BUILD": str(tmp_path)}
    done = subprocess.run([str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=launch.TIMEOUT_S)
    assert (done.returncode, done.stderr) == (
        1,
        f"benchmark: {tmp_path}/incubate is missing. Run jobscripts/build.sh, or set INCUBATE_BUILD.\n",
    )


def test_incubations_are_measured_in_each_precision(tmp_path: Path) -> None:
    """Each incubation starts from a meta model of its own precision: no run mixes them."""
    work = Workload(SMALL, Size(batch_per_process=4, num_steps=2, num_first=1), 1, tmp_path / "work", ("stage_1",))
    work.prepare()
    losses = [program.measure(work, precision).losses for precision in program.list_precisions()]
    assert len({*losses}) == len(losses)
    assert all(others == pytest.approx(losses[0], rel=0.01) for others in losses)
