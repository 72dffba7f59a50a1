"""Tests the values of TORCH_CUDA_ARCH_LIST in PyTorch's own builds: each one configures, and nvcc compiles for it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

import launch


def configure(folder: Path, value: str, *, by_environment: bool) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ)
    environment.pop("TORCH_CUDA_ARCH_LIST", None)
    options = ["-S", str(launch.REPOSITORY), "-B", str(folder), "-G", "Ninja", "-DINCUBATE_BUILD_TESTS=OFF"]
    if by_environment:
        environment["TORCH_CUDA_ARCH_LIST"] = value
    else:
        options.append(f"-DTORCH_CUDA_ARCH_LIST={value}")
    return subprocess.run(["cmake", *options], env=environment, capture_output=True, text=True, timeout=200)


def compiled_for(folder: Path) -> set[str]:
    """Returns the kinds of code that nvcc makes of this program's kernels by the build's command."""
    commands = subprocess.run(
        ["ninja", "-C", str(folder), "-t", "commands", "incubate_gpu"], capture_output=True, text=True, check=True
    ).stdout
    (line,) = [line for line in commands.splitlines() if "exact_sums.cu" in line and " -c " in line]
    steps = subprocess.run(
        line.replace(" -c ", " --dryrun -c "), shell=True, cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert steps.returncode == 0, steps.stderr
    return {f"{kind}:{architecture}" for kind, architecture in re.findall(r"kind=(\w+),sm=(\w+)", steps.stderr)}


@pytest.mark.parametrize(
    ("value", "by_environment", "codes"),
    [
        ("8.0 9.0a;10.0+PTX", False, {"elf:80", "elf:90a", "elf:100", "ptx:100"}),
        ("9.0+PTX", True, {"elf:90", "ptx:90"}),
    ],
    ids=["list", "environment"],
)
def test_architectures(tmp_path: Path, value: str, by_environment: bool, codes: set[str]) -> None:
    configured = configure(tmp_path, value, by_environment=by_environment)
    assert configured.returncode == 0, configured.stderr
    assert compiled_for(tmp_path) == codes
