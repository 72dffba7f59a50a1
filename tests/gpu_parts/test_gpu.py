"""Runs the parts of tests/gpu.sh on GPUs, if any. Without a GPU the scripts still work, and say so."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import gpu_memory
import gpu_parity
import gpu_resume
import gpu_trace
import numpy as np
import pytest
import torch
from gpu_part import Place
from run_parts import PARTS

import launch
from tiny import Tiny

SCRIPT = launch.REPOSITORY / "tests" / "gpu.sh"
QUICK_PARTS = ["unit", "parity", "resume"]
has_no_gpu = not torch.cuda.is_available()


def run_script(output: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = launch.make_environment() | {"INCUBATE_BUILD": str(launch.BUILD), "OUT": str(output)}
    return subprocess.run(
        [str(SCRIPT), *words], env=environment, capture_output=True, text=True, timeout=6 * launch.TIMEOUT_S
    )


@pytest.mark.skipif(has_no_gpu, reason="PyTorch finds no GPU")
@pytest.mark.parametrize("part", QUICK_PARTS)
def test_part(part: str, tmp_path: Path) -> None:
    done = run_script(tmp_path, part)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"\ngpu: {part}: passed (" in done.stdout


@pytest.mark.parametrize(
    ("parts", "files"),
    [(list(PARTS)[:3], set[str]()), (list(PARTS)[3:], {"trace.json.gz"})],
    ids=["results", "speed and memory"],
)
def test_scripts_work(parts: list[str], files: set[str], tmp_path: Path) -> None:
    """The scripts work on the CPU with tiny sizes."""
    done = run_script(tmp_path, "--device", "cpu", "--quick", "build", *parts)
    ends = re.findall(r"^gpu: (\w+): (passed|failed|skipped) \(", done.stdout, re.M)
    assert ends == [("build", "skipped"), *((part, "passed") for part in parts)], done.stdout + done.stderr
    assert done.returncode == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert list(figures) == parts
    assert {path.name for path in tmp_path.iterdir()} >= files


@pytest.mark.skipif(not has_no_gpu, reason="there is a GPU")
def test_nothing_is_run_without_a_gpu(tmp_path: Path) -> None:
    done = run_script(tmp_path / "output", "unit", "parity")
    assert (done.returncode, done.stdout) == (
        0,
        "gpu: unit: skipped (nvidia-smi lists no GPU)\n"
        "gpu: parity: skipped (nvidia-smi lists no GPU)\n"
        "gpu: no GPU on this machine: nothing was run\n",
    )
    assert not (tmp_path / "output").exists()


def test_a_failed_part_fails_the_script(tmp_path: Path) -> None:
    done = run_script(tmp_path, "--device", "cpu", "--quick", "benchmark", "--networks", "vit_x")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("gpu: benchmark: failed (unknown: vit_x. Networks: small. Peers: ")


def test_other_steps_are_not_the_same() -> None:
    """The comparison of steps can fail: by one loss, by a missing step, by a value that is not a number."""
    steps = {"loss": np.array([2.0, 1.0]), "gradient_norm": np.array([3.0, 4.0])}
    assert gpu_parity.compare(steps, steps) == gpu_parity.Tolerance(0, 0)
    other = steps | {"loss": np.array([2.0, 1.1])}
    assert gpu_parity.compare(other, steps).loss == pytest.approx(0.1)
    for loss in (np.array([2.0]), np.array([2.0, np.nan])):
        assert gpu_parity.compare(steps | {"loss": loss}, steps).loss == np.inf


def test_demands_of_sums() -> None:
    """gpu_resume.py demands the right equality of each kind of sums."""
    assert list(gpu_resume.DEMANDS) == ["exact", "fast"]
    assert gpu_resume.demands_equality("exact", 8)
    assert gpu_resume.demands_equality("fast", 1)
    assert not gpu_resume.demands_equality("fast", 8)


def test_recorded_passes_have_no_stochastic_depth(tiny: Tiny, tmp_path: Path) -> None:
    """The program records nothing with stochastic depth."""
    place = Place("cuda", 1, False, tmp_path, tmp_path, 0)
    ways = [
        *([*family.settings, *way] for family in gpu_parity.FAMILIES.values() for way in family.ways.values()),
        *gpu_resume.list_ways(place).values(),
        *(way.settings for way in gpu_memory.list_ways(place)),
    ]
    recorded = [settings for settings in ways if "--run.cuda_graph=true" in settings]
    assert len(recorded) == 4
    for settings in recorded:
        config = launch.run_well(*tiny.arguments(tmp_path / "run", *settings, "--print-config")).stdout
        assert set(re.findall(r"^drop_path = (\S+)", config, re.M)) == {"0"}


def test_waits_in_steps_are_counted() -> None:
    def event(name: str, begin: int, duration: int) -> dict[str, object]:
        return {"ph": "X", "name": name, "ts": begin, "dur": duration}

    steps = [event("forward", 10, 5), event("update", 20, 5), event("forward", 30, 5), event("update", 40, 5)]
    around = [event("cudaDeviceSynchronize", 5, 1), event("cudaStreamSynchronize", 46, 1), {"ph": "M", "name": "pid"}]
    assert gpu_trace.count_waits({"traceEvents": [*steps, *around, event("cudaLaunchKernel", 22, 1)]}) == {}
    waits = [event("cudaStreamSynchronize", 12, 9), event("cudaMemcpy", 44, 9), event("cudaStreamSynchronize", 27, 1)]
    assert gpu_trace.count_waits({"traceEvents": [*steps, *around, *waits]}) == {
        "cudaStreamSynchronize": 2,
        "cudaMemcpy": 1,
    }


def test_forecasts_are_found() -> None:
    row = {"memory_bytes": {"weights": 1, "total": 2}}
    assert gpu_memory.find_forecast(row, gpu_memory.KEPT) == (2.0, False)
    of_gpu = {"kept": {"total": 9, "libraries": 3, "reserve": 1}, "recomputed": {"total": 8}}
    assert gpu_memory.find_forecast(row | {"gpu_memory_bytes": of_gpu}, gpu_memory.KEPT) == (5.0, True)
    assert gpu_memory.find_forecast(row | {"gpu_memory_bytes": of_gpu}, gpu_memory.RECOMPUTED) == (8.0, True)
    assert gpu_memory.find_forecast({"steps": 1}, gpu_memory.KEPT) == (None, False)
