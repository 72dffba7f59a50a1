"""The plot of a run, drawn as a user draws it."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from launch import REPOSITORY
from run_files import copy_run, finished

SCRIPT = REPOSITORY / "analysis" / "plot_run.py"


def plot(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | {"MPLBACKEND": "Agg"})


def read_png_size(path: Path) -> tuple[int, int]:
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert header[12:16] == b"IHDR"
    width, height = struct.unpack(">II", header[16:])
    return width, height


def test_finished_run(finished_run: Path, tmp_path: Path) -> None:
    outcome = plot(finished_run, "--output", tmp_path / "curves.png")
    assert outcome.returncode == 0, outcome.stderr
    width, height = read_png_size(tmp_path / "curves.png")
    assert width > height > 500
    assert (tmp_path / "curves.png").stat().st_size > 20_000
    assert [line[:16].strip() for line in outcome.stdout.splitlines()[1:4]] == [
        *("Deep Incubation", "end to end", "meta model alone")
    ]


def test_unfinished_run(finished_run: Path, tmp_path: Path) -> None:
    """A run of which only a part is there draws what there is."""
    run = copy_run(finished_run, tmp_path / "run", without=["stage_3", "finetuned", "end_to_end"])
    assert not finished(run, "finetuned").exists()
    outcome = plot(run)
    assert outcome.returncode == 0, outcome.stderr
    assert read_png_size(run / "curves.png")[0] > 500


@pytest.mark.parametrize("what", ["empty", "missing", "not a summary"])
def test_not_a_run(tmp_path: Path, what: str) -> None:
    folder = tmp_path / what
    if what != "missing":
        folder.mkdir()
    if what == "not a summary":
        (folder / "summary.json").write_text('{"state": 1}')
    outcome = plot(folder, "--output", tmp_path / "curves.png")
    assert outcome.returncode == 2
    assert len(outcome.stderr.splitlines()) == 1
    assert outcome.stderr.startswith("plot_run: ")
    assert str(folder) in outcome.stderr
    assert not (tmp_path / "curves.png").exists()
