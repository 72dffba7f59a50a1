"""The plot of a run, drawn as a user draws it."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import h5py
import pytest

import plot_run
import report
from launch import REPOSITORY, Outcome, call
from run_files import copy_run, finished


def plot(*arguments: str | Path) -> Outcome:
    return call(plot_run.main, *arguments)


def read_png_size(path: Path) -> tuple[int, int]:
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert header[12:16] == b"IHDR"
    width, height = struct.unpack(">II", header[16:])
    return width, height


def test_finished_run(finished_run: Path, tmp_path: Path) -> None:
    script = REPOSITORY / "analysis" / "plot_run.py"
    command = [sys.executable, str(script), str(finished_run), "--output", str(tmp_path / "curves.png")]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert outcome.returncode == 0, outcome.stderr
    width, height = read_png_size(tmp_path / "curves.png")
    assert width > height > 500
    assert (tmp_path / "curves.png").stat().st_size > 20_000
    table = outcome.stdout.split("\n\n")[0]
    assert [line[:16].strip() for line in table.splitlines()[1:]] == [
        *("Deep Incubation", "end to end", "meta model alone")
    ]
    assert table in (finished_run / "log.txt").read_text()  # it is the program's own


def test_speeds_are_means_over_the_time_of_steps(finished_run: Path, tmp_path: Path) -> None:
    """A second table, of figures that are set here; those that an older program did not measure are left out."""
    run = copy_run(finished_run, tmp_path / "run", without=["stage_3", "finetuned", "end_to_end"])
    nan = float("nan")
    columns = {  # steps of 1, 2 and 1 s, of 32 images each
        "images_per_s": [32.0, 16.0, 32.0],
        "model_flops_utilisation": [0.4, 0.1, 0.4],
        "data_wait_s": [0.0, 0.5, 0.1],
        "communication_wait_s": [0.3, 0.3, nan],
        "memory_peak_bytes": [1e9, 2e9, 2.5e9],
    }
    for training in ("meta", "stage_0"):
        with h5py.File(run / "metrics" / f"{training}.h5", "r+") as file:
            steps = file["steps"]
            for name in list(steps):
                length = len(columns["images_per_s"])
                values = columns.get(name, steps[name][:length])
                del steps[name]
                if training == "meta" or name not in columns or name == "images_per_s":
                    steps[name] = values
    lines = plot(run).stdout.split("\n\n")[1].splitlines()
    assert lines[0] == ("training           images/s  utilisation  data wait  rank wait  memory a rank")
    assert lines[1] == ("meta                     24        25.0%      15.0%      20.0%        2.50 GB")
    assert lines[2] == ("stage_0                  24            -          -          -              -")
    assert [line.split()[0] for line in lines[3:]] == ["stage_1", "stage_2"]


def test_unfinished_run(finished_run: Path, tmp_path: Path) -> None:
    """A run of which only a part is there draws what there is."""
    run = copy_run(finished_run, tmp_path / "run", without=["stage_3", "finetuned", "end_to_end"])
    assert not finished(run, "finetuned").exists()
    outcome = plot(run)
    assert outcome.status == 0, outcome.stderr
    assert read_png_size(run / "curves.png")[0] > 500


@pytest.mark.parametrize("program", [plot_run, report], ids=["plot_run", "report"])
@pytest.mark.parametrize("what", ["empty", "missing", "not a summary"])
def test_not_a_run(tmp_path: Path, program: ModuleType, what: str) -> None:
    folder, output = tmp_path / what, tmp_path / "output"
    if what != "missing":
        folder.mkdir()
    if what == "not a summary":
        (folder / "summary.json").write_text('{"state": 1}')
    outcome = call(program.main, folder, "--output", output)
    assert outcome.status == 2
    (line,) = outcome.stderr.splitlines()
    assert line.startswith(f"{program.__name__}: ") and str(folder) in line
    assert not output.exists()
