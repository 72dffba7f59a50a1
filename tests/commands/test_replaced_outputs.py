"""An output replaces files of its own kind alone, and none that the same command reads."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

import convert_pth
import launch
import plot_run
import report
from run_files import finished, snapshot
from tiny import CONFIG, Tiny
from tiny_data import pack_arguments


def refused(*arguments: str) -> str:
    outcome = launch.run(*arguments)
    assert outcome.status == 2, outcome
    (message,) = outcome.messages()
    return message.removeprefix("incubate: ")


def test_pack_replaces_data_alone(tiny: Tiny, tmp_path: Path) -> None:
    idx = shutil.copytree(tiny.idx, tmp_path / "idx")
    (tmp_path / "notes.txt").write_text("notes\n")
    before = snapshot(tmp_path)
    source = idx / "train-images.gz"
    assert refused(*pack_arguments(idx, source)).startswith(f"--output={source} is a file that this command reads (")
    message = refused(*pack_arguments(idx, tmp_path / "notes.txt"))
    assert message.startswith(
        f"{tmp_path}/notes.txt would be replaced by a file of type 'incubate dataset', but is no "
    )
    assert snapshot(tmp_path) == before
    (tmp_path / "notes.txt").write_bytes(tiny.data.read_bytes()[:-1])  # a damaged file of data is made anew
    launch.run_well(*pack_arguments(idx, tmp_path / "notes.txt"))
    assert (tmp_path / "notes.txt").read_bytes() == tiny.data.read_bytes()


@pytest.mark.parametrize("name", ["train/a/0.png", "set-train-00000.h5", "set-problems.txt", "set.h5"])
def test_pack_of_a_folder_replaces_parts_of_sets_alone(tmp_path: Path, name: str) -> None:
    for split in ("train", "val"):
        for label in "ab":
            place = tmp_path / split / label
            place.mkdir(parents=True)
            Image.new("RGB", (8, 8)).save(place / "0.png")
    if not (tmp_path / name).exists():
        (tmp_path / name).write_text("notes\n")
    before = snapshot(tmp_path)
    output = tmp_path / (name if name.endswith(".png") else "set.h5")
    message = refused("pack", "--format=folder", f"--folder={tmp_path}", f"--output={output}")
    assert message.startswith(f"{tmp_path / name} would be replaced ")
    after = snapshot(tmp_path)
    assert {path: after[path] for path in before if after[path] != "folder"} == {
        path: state for path, state in before.items() if state != "folder"
    }


def test_export_replaces_safetensors_alone(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    config = shutil.copy(CONFIG, tmp_path / "tiny.ini")
    data = shutil.copy(tiny.data, tmp_path / "tiny.h5")
    arguments = ["export", f"--config={config}", f"--data.file={data}", f"--run.directory={run}", "--training=meta"]
    before = snapshot(tmp_path)
    for output in (config, data, finished(run, "finetuned"), run / "log.txt"):
        message = refused(*arguments, f"--output={output}")
        assert message.startswith(f"--output={output} is there and is no safetensors file: it would be replaced. ")
    assert snapshot(tmp_path) == before
    for _ in range(2):  # its own output is replaced
        launch.run_well(*arguments, f"--output={tmp_path}/meta.safetensors")


def test_programs_of_analysis_replace_their_own_kind_alone(finished_run: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("notes\n")
    weights = tmp_path / "weights.safetensors"
    shutil.copy(notes, weights)
    before = snapshot(tmp_path)
    for main, *arguments in (
        (plot_run.main, finished_run, "--output", notes),
        (report.main, finished_run, "--output", notes),
        (convert_pth.main, tmp_path / "some.pth", weights),
    ):
        outcome = launch.call(main, *arguments)
        assert (outcome.status, outcome.stdout) == (2, "")
        assert f"{arguments[-1]} is no " in outcome.stderr and " and would be replaced by one. " in outcome.stderr
    assert snapshot(tmp_path) == before
    page = tmp_path / "page.html"
    for _ in range(2):
        assert launch.call(report.main, finished_run, "--output", page, "--figures", tmp_path / "new").status == 0
        assert launch.call(plot_run.main, finished_run, "--output", tmp_path / "curves.png").status == 0
    (figure,) = sorted((tmp_path / "new").iterdir())[:1]
    figure.write_text("notes\n")
    outcome = launch.call(report.main, finished_run, "--output", page, "--figures", tmp_path / "new")
    assert outcome.status == 2 and f"{figure} is no SVG picture, " in outcome.stderr
    assert figure.read_text() == "notes\n"
