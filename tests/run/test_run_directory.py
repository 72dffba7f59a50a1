"""The directory of a run: what the user has in it stays, and the settings in it mean it, wherever it was moved."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import launch
from run_files import copy_run, finished, resume_points, snapshot
from tiny import CONFIG, Tiny


def train_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(launch.EXECUTABLE), "train", *arguments]
    return subprocess.run(
        command, cwd=folder, env=launch.make_environment(), capture_output=True, text=True, timeout=launch.TIMEOUT_S
    )


def test_files_of_the_user_stay(tiny: Tiny, tmp_path: Path) -> None:
    """In an experiment's folder, with settings of their own in it."""
    for name, text in (("config.ini", CONFIG.read_text()), ("metrics.h5", "by hand"), ("summary.json", "{}")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text(text)
        before = snapshot(folder)
        done = train_in(folder, f"--config={CONFIG}", f"--data.file={tiny.data}", "--run.directory=.")
        assert done.returncode == 2
        assert done.stderr.startswith(f"incubate: run.directory=. has {name}, which no run of this program wrote, ")
        assert snapshot(folder) == before


def test_notes_in_the_settings_stay(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """As long as the settings are the same."""
    run = copy_run(finished_run, tmp_path / "run", without=["end_to_end"])
    config = run / "config.ini"
    text = config.read_text().replace(str(finished_run), str(run)) + "# why these settings\n"
    config.write_text(text)
    launch.run_well("train", f"--config={config}")
    assert finished(run, "end_to_end").exists()
    assert config.read_text() == text


def test_a_run_that_was_moved_or_copied_goes_on_where_it_is(finished_run: Path, tmp_path: Path) -> None:
    original = copy_run(finished_run, tmp_path / "run", without=["end_to_end"])
    text = (original / "config.ini").read_text().replace(str(finished_run), str(original))
    (original / "config.ini").write_text(text)
    copy = Path(shutil.copytree(original, tmp_path / "archive" / "run"))
    before = snapshot(original)
    printed = train_in(copy, "--config=config.ini", "--print-config=changed").stdout
    assert "directory = .  # where config.ini lies\n" in printed
    launch.run_well("train", f"--config={copy / 'config.ini'}")
    assert finished(copy, "end_to_end").exists()
    assert snapshot(original) == before
    # What is said on the command line counts, and a file of another name is no run's.
    printed = train_in(tmp_path, f"--config={copy / 'config.ini'}", "--run.directory=other", "--print-config").stdout
    assert "directory = other  # path\n" in printed
    other = shutil.copy(original / "config.ini", tmp_path / "archive" / "other.ini")
    assert f"directory = {original}  # path\n" in train_in(tmp_path, f"--config={other}", "--print-config").stdout
    assert not resume_points(copy, "end_to_end")
