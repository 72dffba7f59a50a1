"""Runs commands of jobscripts/README.md as they are written there, on small images and 2 ranks instead of 16."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import launch
from run_files import finished
from tiny import CONFIG, Tiny

CLASSES = ("n01440764", "n01443537")
SLURM = {"sbatch", "srun", "scontrol"}


def read_commands(heading: str) -> list[str]:
    """Returns the indented lines of a section of jobscripts/README.md."""
    text = (launch.REPOSITORY / "jobscripts" / "README.md").read_text().replace("\\\n      ", "")
    section = text.split(f"# {heading}\n")[1].split("\n#")[0]
    return [line.strip() for line in section.splitlines() if line.startswith("    ")]


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
    with tarfile.open(place / "ILSVRC2012_img_train.tar", "w") as whole:
        for label in CLASSES:
            content = io.BytesIO()
            with tarfile.open(fileobj=content, mode="w") as archive:
                for path in sorted((imagenet / "train" / label).iterdir()):
                    archive.add(path, path.name)
            member = tarfile.TarInfo(f"{label}.tar")
            member.size = len(content.getvalue())
            content.seek(0)
            whole.addfile(member, content)
    for split, names in (
        ("train", [f"train-{i:03}.tar" for i in range(4)]),
        ("val", ["val-000.tar", "val-001.tar"]),
    ):
        paths = sorted((imagenet / split).rglob("*.JPEG"))
        for k, name in enumerate(names):
            with tarfile.open(place / name, "w") as archive:
                for path in paths[k :: len(names)]:
                    archive.add(path, f"{path.stem}.jpg")
                    answer = tarfile.TarInfo(f"{path.stem}.cls")
                    answer.size = 1
                    archive.addfile(answer, io.BytesIO(str(CLASSES.index(path.parent.name)).encode()))
        rows = [f"{path.relative_to(place)},{path.parent.name}\n" for path in paths]
        (place / f"{split}.csv").write_text("path,label\n" + "".join(rows))


def test_large_image_sets(place: Path) -> None:
    """All formats make a set of the same images, which --verify finds whole."""
    imagenet = place / "path" / "to" / "imagenet"
    write_images(imagenet)
    write_archives(imagenet, place)
    execute(f"tar -cf val.tar -C {imagenet}/val .", place)
    *packs, verify = read_commands("Large image sets")
    indices = {}
    for command in packs:
        execute(command.replace("/path/to", "path/to"), place)
        [form] = [word.removeprefix("--format=") for word in command.split() if word.startswith("--format=")]
        indices[form] = (place / "data" / "imagenet.h5").read_bytes()
        assert "is whole: 8 training and 2 validation images" in execute(verify, place)
    assert set(indices) == {"folder", "tar", "webdataset", "csv"}
    assert indices["tar"] == indices["folder"]


def test_seeds_and_grids(place: Path, tiny: Tiny, finished_run: Path) -> None:
    """Without Slurm, where sweep.sh prints the commands."""
    (place / "input").mkdir()
    (place / "input" / "NAME.ini").write_text(
        CONFIG.read_text().replace("[data]\n", f"[data]\nfile = {tiny.data}\n", 1)
    )
    shutil.copytree(finished_run, place / "runs" / "NAME")
    seeds, rates, comparison = read_commands("Seeds and grids")
    printed = execute(seeds, place).splitlines()
    assert [line.split()[0] for line in printed] == [str(launch.EXECUTABLE)] * 3
    for command in execute(rates, place).splitlines():
        assert "taken over from runs/NAME: meta, stage_0" in execute(command, place)
    runs = sorted(path.name for path in (place / "runs" / "rates").glob("[!.]*"))
    assert runs == [f"finetuning.learning_rate={rate}" for rate in ("1e-4", "2e-4", "4e-4")]
    for run in runs:
        meta = finished(place / "runs" / "rates" / run, "meta")
        assert os.path.samefile(meta, finished(place / "runs" / "NAME", "meta"))
    assert "Deep Incubation" in execute(comparison, place)
