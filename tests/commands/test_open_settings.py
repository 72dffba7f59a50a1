"""Settings that the images decide, and that a configuration leaves out."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import launch
from run_directory.thin_metrics import seal
from run_files import assert_same_weights, finished, snapshot
from tiny import CONFIG, Tiny

OPEN = {"model.image_size": "8", "model.channels": "1", "model.classes": "4"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The tiny configuration without what the images decide."""
    names = [name.split(".")[1] for name in OPEN] + ["mean", "std"]
    lines = CONFIG.read_text().replace("\nimage_size = 12", "\nimage_size=12").splitlines()
    path = tmp_path / "open.ini"
    path.write_text("\n".join(line for line in lines if line.split(" =")[0] not in names) + "\n")
    return path


def settled(*arguments: str | Path) -> dict[str, str]:
    """Returns the settings, and the comment behind each that says where it is from."""
    text = launch.run_well("train", *map(str, arguments), "--print-config=changed").stdout
    section, found = "", {}
    for line in text.splitlines():
        if line.startswith("["):
            section = line[1:-1]
        elif " = " in line:
            name, value = line.split(" = ", 1)
            found[f"{section}.{name}"] = value
    return found


def test_the_file_decides(tiny: Tiny, config: Path, tmp_path: Path) -> None:
    found = settled(config, f"--data.file={tiny.data}")
    for name, value in OPEN.items():
        assert found[name] == f"{value}  # as data.file has it"
    with h5py.File(tiny.data) as file:
        values = file["train/images"][()] / 255
    mean, deviation = (float(found[f"data.{name}"].split("  # ")[0]) for name in ("mean", "std"))
    assert mean == pytest.approx(values.mean(), rel=1e-12)
    assert deviation == pytest.approx(values.std(), rel=1e-12)
    # The weights are those of a configuration that states all of it.
    stated = [f"--{name}={value}" for name, value in OPEN.items()]
    arguments = (f"--data.file={tiny.data}", "--run.only=meta")
    launch.run_well("train", str(config), *arguments, f"--run.directory={tmp_path}/open", num_ranks=2)
    launch.run_well(
        *tiny.arguments(
            tmp_path / "stated", "--run.only=meta", *stated, f"--data.mean={mean}", f"--data.std={deviation}"
        )
    )
    assert_same_weights(tmp_path / "open", tmp_path / "stated", ["meta"])


def test_what_is_stated_stays(tiny: Tiny, config: Path) -> None:
    outcome = launch.run(
        "train", str(config), f"--data.file={tiny.data}", "--model.classes=5", "--run.directory=unused"
    )
    assert outcome.status == 2
    assert " has 4 classes but model.classes=5. Set it to 4." in outcome.messages()[0]
    found = settled(config, f"--data.file={tiny.data}", "--model.preset=deit_t32", "--data.std=0.5")
    assert found["model.classes"] == "4  # as data.file has it"
    assert found["data.std"] == "0.5  # on the command line"
    resized = settled(config, f"--data.file={tiny.data}", "--recipe.crop=resized", "--model.image_size=12")
    assert resized["model.image_size"] == "12  # on the command line"
    assert "model.image_size" not in settled(
        config, f"--data.file={tiny.data}", "--recipe.crop=resized", "--model.patch=16"
    )


def test_a_run_keeps_what_it_began_with(tiny: Tiny, config: Path, tmp_path: Path) -> None:
    """Another set, such as one to evaluate on, does not change the network."""
    run = tmp_path / "run"
    arguments = [str(config), f"--data.file={tiny.data}", f"--run.directory={run}"]
    launch.run_well("train", *arguments, "--run.only=meta")
    before = snapshot(run)
    other = tmp_path / "other.h5"
    pack_half(tiny, other)
    evaluated = launch.run_well(
        "evaluate", str(config), f"--data.file={other}", f"--run.directory={run}", "--training=meta"
    )
    assert "meta on " in evaluated.stdout
    launch.run_well("export", *arguments[::2], "--training=meta", f"--output={tmp_path}/meta.safetensors")
    launch.run_well("train", *arguments, "--run.only=meta")
    assert snapshot(run) == before and finished(run, "meta").exists()


def pack_half(tiny: Tiny, output: Path) -> None:
    """Packs the tiny images of two of the classes."""
    arguments = []
    with h5py.File(tiny.data) as file:
        for split in ("train", "validation"):
            labels = file[f"{split}/labels"][()]
            for what, values in (("images", file[f"{split}/images"][()]), ("labels", labels)):
                path = output.with_name(f"{split}-{what}.npy")
                np.save(path, values[labels < 2])
                arguments.append(f"--{split}-{what}={path}")
    launch.run_well("pack", "--format=npy", *arguments, "--class-names=night,lit_below", f"--output={output}")


def test_files_that_do_not_say(tiny: Tiny, config: Path, tmp_path: Path) -> None:
    """An older file has no mean and deviation; and a plan needs no file at all."""
    older = tmp_path / "older.h5"
    older.write_bytes(tiny.data.read_bytes())
    with h5py.File(older, "r+") as file:
        del file["mean"], file["std"]
    older.write_bytes(seal(older.read_bytes()))
    outcome = launch.run("train", str(config), f"--data.file={older}", "--run.directory=unused")
    assert (outcome.status, outcome.messages()) == (
        2,
        ["incubate: data.mean has 3 values but model.channels=1. Give one a channel."],
    )
    none = (f"--data.file={tmp_path}/none.h5", "--model.channels=1", "--model.image_size=8", "--model.classes=4")
    launch.run_well("plan", str(config), *none, "--ranks=2", "--images=512")
    outcome = launch.run("train", str(config), *none, f"--run.directory={tmp_path}/unused")
    assert outcome.status == 2 and "none.h5 cannot be read: No such file" in outcome.messages()[0]
