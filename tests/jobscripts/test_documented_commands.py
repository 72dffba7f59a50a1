"""Runs commands of README files as they are written there, on small images and 2 ranks instead of 16."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnxruntime import InferenceSession
from PIL import Image

import launch
from readme import read_commands
from run_files import finished
from tar_file import write_tar
from tiny import CONFIG, Tiny

CLASSES = ("n01440764", "n01443537")
SLURM = {"sbatch", "srun", "scontrol"}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with what the commands name: the program, scripts and programs of analysis/. There is no Slurm."""
    (tmp_path / "bin").mkdir()
    for program in Path("/usr/bin").iterdir():
        if program.name not in SLURM:
            (tmp_path / "bin" / program.name).symlink_to(program)
    (tmp_path / "bin" / "python").unlink(missing_ok=True)
    (tmp_path / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "bin" / "python").chmod(0o755)
    (tmp_path / "build").symlink_to(launch.BUILD)
    for folder in ("jobscripts", "analysis"):
        (tmp_path / folder).symlink_to(launch.REPOSITORY / folder)
    return tmp_path


def execute(command: str, place: Path) -> str:
    """Returns what a command prints."""
    done = subprocess.run(
        ["bash", "-c", command.replace("mpirun -n 16", "mpirun -n 2 --oversubscribe --bind-to none --timeout 100")],
        cwd=place,
        env=launch.make_environment() | {"PATH": str(place / "bin"), "INCUBATE_BUILD": str(launch.BUILD)},
        capture_output=True,
        text=True,
        timeout=2 * launch.TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, (command, done)
    return done.stdout


def write_images(imagenet: Path) -> None:
    for split, count in ("train", 4), ("val", 1):
        for i, label in enumerate(CLASSES):
            (imagenet / split / label).mkdir(parents=True)
            for k in range(count):
                pixels = np.random.default_rng(10 * i + k + count).integers(0, 256, (9, 12, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(imagenet / split / label / f"{label}_{k}.JPEG")


def write_archives(imagenet: Path, place: Path) -> None:
    """Archives as ImageNet has them, WebDataset shards, and tables of the same images."""
    for label in CLASSES:
        images = sorted((imagenet / "train" / label).iterdir())
        write_tar(place / f"{label}.tar", [(path.name, path.read_bytes()) for path in images])
    archives = [(f"{label}.tar", (place / f"{label}.tar").read_bytes()) for label in CLASSES]
    write_tar(place / "ILSVRC2012_img_train.tar", archives)
    for split, num_shards in ("train", 4), ("val", 2):
        images = sorted((imagenet / split).rglob("*.JPEG"))
        for k in range(num_shards):
            members = []
            for path in images[k::num_shards]:
                label = str(CLASSES.index(path.parent.name))
                members += [(f"{path.stem}.jpg", path.read_bytes()), (f"{path.stem}.cls", label.encode())]
            write_tar(place / f"{split}-{k:03}.tar", members)
        rows = [f"{path.relative_to(place)},{path.parent.name}\n" for path in images]
        (place / f"{split}.csv").write_text("path,label\n" + "".join(rows))


def test_large_image_sets(place: Path) -> None:
    """All formats make a set of the same images, which --verify finds whole."""
    imagenet = place / "path" / "to" / "imagenet"
    write_images(imagenet)
    write_archives(imagenet, place)
    execute(f"tar -cf val.tar -C {imagenet}/val .", place)
    *packs, share, verify = read_commands("Large image sets", "jobscripts")
    indices = {}
    for command in packs:
        execute(command.replace("/path/to", "path/to"), place)
        [form] = [word.removeprefix("--format=") for word in command.split() if word.startswith("--format=")]
        indices[form] = (place / "data" / "imagenet.h5").read_bytes()
        assert "is whole: 8 training and 2 validation images" in execute(verify, place)
    assert set(indices) == {"folder", "tar", "webdataset", "csv"}
    assert indices["tar"] == indices["folder"]
    execute(share, place)
    assert "is whole: 6 training and 2 validation images" in execute(verify, place)


def test_folders_for_timm_and_onnx(place: Path, finished_run: Path) -> None:
    (place / "runs").mkdir()
    (place / "runs" / "NAME").symlink_to(finished_run)
    for command in read_commands("Folders for timm, and ONNX"):
        execute(command, place)
    assert json.loads((place / "vit-b" / "config.json").read_text())["num_classes"] == 4
    assert InferenceSession(place / "vit-b.onnx").get_outputs()[0].shape[-1] == 4


def test_seeds_and_grids(place: Path, tiny: Tiny, finished_run: Path) -> None:
    """Without Slurm, where sweep.sh prints the commands."""
    (place / "input").mkdir()
    (place / "input" / "NAME.ini").write_text(
        CONFIG.read_text().replace("[data]\n", f"[data]\nfile = {tiny.data}\n", 1)
    )
    shutil.copytree(finished_run, place / "runs" / "NAME")
    seeds, rates, comparison = read_commands("Seeds and grids", "jobscripts")
    printed = execute(seeds, place).splitlines()
    assert [line.split()[0] for line in printed] == [str(launch.EXECUTABLE)] * 3
    for command in execute(rates, place).splitlines():
        assert "taken over from runs/NAME: meta, stage_0" in execute(command, place)
    runs = sorted(path.name for path in (place / "runs" / "rates").glob("[!.]*"))
    assert runs == [f"finetuning.learning_rate={rate}" for rate in ("1e-4", "2e-4", "4e-4")]
    for run in runs:
        meta = finished(place / "runs" / "rates" / run, "meta")
        assert os.path.samefile(meta, finished(place / "runs" / "NAME", "meta"))
    assert execute(comparison, place).count("Deep Incubation") >= len(runs)
