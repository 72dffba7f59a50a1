"""Tests when and how jobscripts/build.sh configures, with commands that stand for CMake and Ninja."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import launch

# Leaves what a configured build has.
CMAKE = '[[ $* != *"-B "* ]] || folder=${*: -1}\ntouch "${folder:-$1}/build.ninja"'


def test_when_it_configures(tmp_path: Path) -> None:
    for script in ("build.sh", "usage.sh"):
        (tmp_path / "copy/jobscripts").mkdir(parents=True, exist_ok=True)
        shutil.copy(launch.REPOSITORY / "jobscripts" / script, tmp_path / "copy/jobscripts" / script)
    (tmp_path / "bin").mkdir()
    for name, text in (("cmake", CMAKE), ("ninja", "")):
        (tmp_path / "bin" / name).write_text(f'#!/bin/bash\necho {name} "$*" >>{tmp_path}/log\n{text}\n')
        (tmp_path / "bin" / name).chmod(0o755)

    def build(*targets: str, **environment: str) -> list[str]:
        """Returns the commands that build.sh calls."""
        path = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "BUILD_JOBS": "3"}
        script = ["bash", str(tmp_path / "copy/jobscripts/build.sh"), *targets]
        subprocess.run(script, env=path | environment, check=True, timeout=20)
        lines = (tmp_path / "log").read_text().splitlines()
        (tmp_path / "log").unlink()
        return lines

    folder = tmp_path / "copy/build"
    assert build("incubate") == [f"cmake --preset cuda -B {folder}", f"ninja -C {folder} -j 3 incubate"]
    assert build() == [f"ninja -C {folder} -j 3"]
    (tmp_path / "copy/.venv").mkdir()  # setup.sh has installed something
    os.utime(folder / "build.ninja", (1, 1))
    assert build() == [f"cmake {folder}", f"ninja -C {folder} -j 3"]
    assert build() == [f"ninja -C {folder} -j 3"]
    other = tmp_path / "copy/build-cpu"
    commands = build(INCUBATE_PRESET="cpu", INCUBATE_BUILD="build-cpu")
    assert commands == [f"cmake --preset cpu -B {other}", f"ninja -C {other} -j 3"]
