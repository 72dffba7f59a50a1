"""Tests `incubate predict`: files have the predictions of the same images in a set, on any ranks; damage is named."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

import launch
from run_files import snapshot
from tiny import Tiny
from tiny_data import CLASSES, NUM_VALIDATION


@pytest.fixture(scope="module")
def folder(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the tiny validation images as PNG files, in two folders."""
    folder = tmp_path_factory.mktemp("images")
    (folder / "sub").mkdir()
    with h5py.File(tiny.data) as data:
        for i, image in enumerate(data["validation/images"][()][..., 0]):
            # Later ones lie below, and have colours.
            pixels = Image.fromarray(image) if i < 50 else Image.fromarray(np.stack([image] * 3, axis=-1))
            pixels.save(folder / ("sub" if i >= 50 else ".") / f"{i:03d}.png")
    (folder / ".hidden.png").write_text("hidden")
    (folder / "notes.txt").write_text("notes")
    return folder


def predict(run: Path, *arguments: str | Path, num_ranks: int = 1) -> launch.Outcome:
    words = [str(argument) for argument in arguments]
    return launch.run("predict", f"{run}/config.ini", "--training=end_to_end", *words, num_ranks=num_ranks)


def test_files_have_the_predictions_of_the_set(finished_run: Path, folder: Path) -> None:
    packed = list(csv.DictReader(predict(finished_run, "--top=9", "--batch=32").stdout.splitlines()))
    assert [row.pop("image") for row in packed] == [f"validation/{i}" for i in range(NUM_VALIDATION)]
    for row in packed:
        probabilities = [float(row[name]) for name in row if name.startswith("probability")]
        assert len(probabilities) == len(CLASSES)
        assert probabilities == sorted(probabilities, reverse=True)
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
    outcomes = [predict(finished_run, "--top=9", "--batch=32", folder, num_ranks=n) for n in (1, 3)]
    assert outcomes[0].stdout == outcomes[1].stdout
    for outcome in outcomes:
        assert outcome.status == 0, outcome
        assert f"1 of other endings than .jpg, .jpeg and .png left out, such as {folder}/notes.txt" in outcome.stderr
    files = list(csv.DictReader(outcomes[0].stdout.splitlines()))
    names = [row.pop("image") for row in files]
    assert names == [f"{folder}/{'sub/' if i >= 50 else ''}{i:03d}.png" for i in range(NUM_VALIDATION)]
    assert files == packed


def test_damaged_images_are_named_and_do_not_end_the_rest(finished_run: Path, folder: Path, tmp_path: Path) -> None:
    whole = folder / "003.png"
    cut = tmp_path / "cut, short.png"
    cut.write_bytes(whole.read_bytes()[:-30])
    text = tmp_path / "text.jpg"
    text.write_text("no image")
    empty = tmp_path / "empty.png"
    empty.touch()
    deep = tmp_path / "16_bits.png"
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(deep)
    output = tmp_path / "predictions.jsonl"
    arguments = ("--output-format=jsonl", f"--output={output}", whole, cut, text, empty, deep, folder / "004.png")
    for num_ranks in (1, 2):
        outcome = predict(finished_run, *arguments, num_ranks=num_ranks)
        assert outcome.status == 2
        assert outcome.stdout == ""
        *warnings, _, last = outcome.messages()
        assert sorted(warning.split(": ", 2)[2].split(": ")[0] for warning in warnings) == sorted(
            map(str, (cut, text, empty, deep))
        )
        assert last == "incubate: 4 of 6 images could not be read (see above): their lines have no class."
        lines = [json.loads(line) for line in output.read_text().splitlines()]
        assert [line["image"] for line in lines] == [str(argument) for argument in arguments[2:]]
        assert ["error" in line for line in lines] == [False, True, True, True, True, False]
        assert "it has 16 bits a channel, of which image files keep 8. Convert it to 8 bits" in lines[4]["error"]
        assert lines[0]["classes"][0]["label"] in CLASSES
    table = predict(finished_run, "--top=2", *arguments[2:]).stdout.splitlines()
    assert table[0] == "image,label,probability,label_2,probability_2"
    assert list(csv.reader(table))[2] == [str(cut), "", "", "", ""]


def test_bad_input(finished_run: Path, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    before = snapshot(tmp_path)
    for arguments, message in (
        (("nowhere.png",), "nowhere.png does not exist. Name JPEG or PNG files, or folders of them."),
        ((str(tmp_path / "empty"),), f"{tmp_path}/empty has no .jpg, .jpeg or .png file."),
        ((f"--output={folder}/003.png", f"{folder}/003.png"), "is a file that this command reads"),
        ((f"--output={folder}/notes.txt", f"{folder}/003.png"), "does not begin with 'image,label,probability'"),
        (("--output=/nowhere/p.csv", f"{folder}/003.png"), "/nowhere: No such file or directory"),
        (("--input=w.safetensors", f"{folder}/003.png"), "are both given"),
        (("--data.file=/nowhere.h5",), "/nowhere.h5 cannot be read"),
        (("--class-names-file=/nowhere", f"{folder}/003.png"), "/nowhere"),
    ):
        outcome = predict(finished_run, *arguments, num_ranks=2 if arguments[0] == "nowhere.png" else 1)
        assert outcome.status == 2, outcome
        assert len(outcome.messages()) == 1, outcome
        assert message in outcome.stderr
    assert snapshot(tmp_path) == before
