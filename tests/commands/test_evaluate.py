"""Tests `incubate evaluate`: its figures are those of the training, on any ranks, and of each class."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

import launch
from readme import read_commands, read_examples
from run_directory.thin_metrics import seal
from run_files import finished, read_figures, snapshot
from tiny import CONFIG, Tiny
from tiny_data import CLASSES, NUM_TRAIN, NUM_VALIDATION, SIDE, write_idx

METRICS = ("top1", "top5", "loss")


def evaluate(run: Path, *arguments: str, num_ranks: int = 1) -> launch.Outcome:
    return launch.run("evaluate", f"{run}/config.ini", *arguments, num_ranks=num_ranks)


def refused(run: Path, *arguments: str, num_ranks: int = 1) -> str:
    outcome = evaluate(run, *arguments, num_ranks=num_ranks)
    assert outcome.status == 2, outcome
    (message,) = outcome.messages()
    return message.removeprefix("incubate: ")


def pack_arrays(folder: Path, names: list[str], **splits: tuple[np.ndarray, np.ndarray]) -> Path:
    folder.mkdir()
    arguments = ["pack", "--format=idx", f"--class-names={','.join(names)}", f"--output={folder}/set.h5"]
    for split, arrays in splits.items():
        for what, array in zip(("images", "labels"), arrays, strict=True):
            write_idx(folder / f"{split}-{what}", array.astype(np.uint8))
            arguments.append(f"--{split}-{what}={folder}/{split}-{what}")
    launch.run_well(*arguments)
    return folder / "set.h5"


@pytest.mark.parametrize("training", ["finetuned", "stage_1"])
def test_figures_are_those_of_the_training_on_any_ranks(finished_run: Path, tmp_path: Path, training: str) -> None:
    for num_ranks in (1, 3):
        output = tmp_path / f"{num_ranks}.h5"
        outcome = evaluate(finished_run, f"--training={training}", f"--output={output}", num_ranks=num_ranks)
        assert outcome.status == 0, outcome
        assert f"{training} on " in outcome.stdout
        assert f"(validation, {NUM_VALIDATION} images): top-1 " in outcome.stdout
    for suffix in (".h5", "-classes.csv", "-confusion.csv"):
        assert (tmp_path / f"1{suffix}").read_bytes() == (tmp_path / f"3{suffix}").read_bytes()
    measured = read_figures(finished(finished_run, training))
    with h5py.File(tmp_path / "1.h5") as file:
        assert {name: file["figures"][name][0] for name in METRICS} == {name: measured[name] for name in METRICS}
    assert f"top1         {measured['top1']:.6g}" in launch.run_well("inspect", f"{tmp_path}/1.h5").stdout


def test_classes_and_confusion(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    assert evaluate(finished_run, "--training=end_to_end", "--split=train", f"--output={tmp_path}/e.h5").status == 0
    predictions = launch.run_well("predict", f"{finished_run}/config.ini", "--training=end_to_end", "--split=train")
    found = [CLASSES.index(row["label"]) for row in csv.DictReader(predictions.stdout.splitlines())]
    with h5py.File(tiny.data) as data, h5py.File(tmp_path / "e.h5") as file:
        labels = data["train/labels"][()]
        expected = np.zeros((4, 4), np.int64)
        np.add.at(expected, (labels, found), 1)
        confusion = file["confusion"][()]
        assert confusion.tolist() == expected.tolist()
        assert confusion.sum() == file.attrs["num_images"] == NUM_TRAIN
        assert file["figures/top1"][0] == pytest.approx(confusion.trace() / NUM_TRAIN)
        assert file["class_names"].asstr()[()].tolist() == CLASSES
        assert file["classes/images"][()].tolist() == confusion.sum(axis=1).tolist()
        assert file["classes/recall"][()] == pytest.approx(confusion.diagonal() / confusion.sum(axis=1))
        assert file["classes/precision"][()] == pytest.approx(confusion.diagonal() / confusion.sum(axis=0))
    with (tmp_path / "e-confusion.csv").open() as lines:
        rows = list(csv.reader(lines))
    assert rows[0][1:] == [row[0] for row in rows[1:]] == CLASSES
    assert [[int(value) for value in row[1:]] for row in rows[1:]] == confusion.tolist()
    with (tmp_path / "e-classes.csv").open() as lines:
        classes = list(csv.DictReader(lines))
    assert [int(row["correct"]) for row in classes] == confusion.diagonal().tolist()


def test_classes_are_matched_by_name(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """Another set may have some of the classes, in another order."""
    with h5py.File(tiny.data) as data:
        images, labels = data["validation/images"][()][..., 0], data["validation/labels"][()]
    chosen = np.isin(labels, [0, 3])
    images, labels = images[chosen], np.where(labels[chosen] == 3, 0, 1)
    other = pack_arrays(tmp_path / "other", ["day", "night"], train=(images, labels), validation=(images, labels))
    outputs = []
    for name, data_file in (("all", tiny.data), ("some", other)):
        output = tmp_path / f"{name}.h5"
        arguments = (f"--data.file={data_file}", f"--output={output}")
        assert evaluate(finished_run, "--training=end_to_end", *arguments).status == 0
        with h5py.File(output) as file:
            outputs.append(file["confusion"][()])
    assert outputs[1].sum() == chosen.sum()
    assert outputs[1][[0, 3]].tolist() == outputs[0][[0, 3]].tolist()
    unknown = pack_arrays(tmp_path / "unknown", ["day", "dusk"], train=(images, labels), validation=(images, labels))
    message = refused(finished_run, "--training=end_to_end", f"--data.file={unknown}", num_ranks=2)
    assert f"{unknown} has the class 'dusk', which end_to_end does not know" in message
    large = np.zeros((4, SIDE + 2, SIDE + 2)), np.arange(4) % 2
    other = pack_arrays(tmp_path / "large", ["day", "night"], train=large, validation=large)
    message = refused(finished_run, "--training=end_to_end", f"--data.file={other}")
    assert "has images of 10x10 pixels, but end_to_end takes 8x8 pixels as they are" in message


def test_weights_of_a_file(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """Export needs no data file, nor does prediction: the checkpoint says what they must know."""
    run = shutil.copytree(finished_run, tmp_path / "run")
    config = run / "config.ini"
    config.write_text(re.sub(r"(?m)^file = .*$", "file = /nowhere.h5", config.read_text()))
    weights = f"{tmp_path}/w.safetensors"
    launch.run_well("export", str(config), "--training=finetuned", f"--output={weights}")
    launch.run_well("export", str(config), "--training=stage_2", f"--output={tmp_path}/hybrid.safetensors")
    before = snapshot(tmp_path)
    own, given = (
        launch.run_well("evaluate", str(config), f"--data.file={tiny.data}", network).stdout.split("images): ")[1]
        for network in ("--training=finetuned", f"--input={weights}")
    )
    assert own.split(" (")[0] == given.split(" (")[0]
    assert snapshot(tmp_path) == before
    # A file of an older program does not say what its training was trained on.
    checkpoint = finished(run, "finetuned")
    with h5py.File(checkpoint, "r+") as file:
        del file["data"]
    checkpoint.write_bytes(seal(checkpoint.read_bytes()))
    for other in (run / "checkpoints").glob("*.h5"):
        if other != checkpoint:
            other.unlink()
    outcome = launch.run("export", str(config), "--training=finetuned", f"--output={weights}")
    assert outcome.status == 2
    assert "/nowhere.h5 cannot be read" in outcome.stderr
    launch.run_well("export", str(config), f"--data.file={tiny.data}", "--training=finetuned", f"--output={weights}")


def test_example_of_the_page(tiny: Tiny, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "NAME").symlink_to(finished_run)
    (tmp_path / "build").symlink_to(launch.BUILD)
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (30, 20), (200, 200, 200)).save(tmp_path / "photos" / "bright.jpg")
    monkeypatch.chdir(tmp_path)
    commands = read_commands("Trained networks")
    assert len(commands) == 2
    environment = launch.make_environment() | {"OMPI_MCA_rmaps_base_oversubscribe": "1"}
    for command in commands:
        subprocess.run(["bash", "-c", command], env=environment, check=True, timeout=60)
    assert (tmp_path / "predictions.csv").read_text().startswith("image,label,probability,label_2,")
    assert (tmp_path / "predictions.csv").read_text().splitlines()[1].startswith("photos/bright.jpg,day,")
    names: dict[str, Any] = {}
    for code in read_examples("Trained networks"):
        exec(code, names)
    assert names["confusion"].sum() == NUM_VALIDATION
    assert list(names["recall"]) == CLASSES


def test_bad_input(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    (tmp_path / "notes-classes.csv").write_text("my notes\n")
    assert refused(finished_run).startswith("--training is missing: evaluate needs a network. ")
    both = ("--training=meta", "--input=f.safetensors")
    assert "are both given" in refused(finished_run, *both)
    message = refused(finished_run, "--training=meta", f"--output={tmp_path}/notes.h5", num_ranks=2)
    assert message.startswith(f"{tmp_path}/notes-classes.csv would be replaced, but does not begin with 'class,images,")
    assert "is of type 'incubate dataset'" in refused(finished_run, "--training=meta", f"--output={tiny.data}")
    assert "does not end in .h5" in refused(finished_run, "--training=meta", f"--output={tmp_path}/e.csv")
    assert "/nowhere: No such file" in refused(finished_run, "--training=meta", "--output=/nowhere/e.h5")
    outcome = launch.run(
        "evaluate", str(CONFIG), f"--run.directory={tmp_path}/none", f"--data.file={tiny.data}", "--training=meta"
    )
    assert outcome.status == 2
    assert "meta is not done in" in outcome.stderr
    assert not (tmp_path / "none").exists()
