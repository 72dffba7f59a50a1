"""Scripts that do everything from images to results, on small data: quickstart.sh and imagenet_like.sh."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np

import launch
from run_files import assert_same_weights, read_summary, snapshot
from tiny_data import write_idx

FINAL = ["finetuned", "end_to_end"]


def write_images(folder: Path) -> None:
    """Writes noise under the names of Fashion-MNIST's files."""
    generator = np.random.default_rng(1)
    folder.mkdir()
    for split, count in (("train", 1024), ("t10k", 200)):
        write_idx(folder / f"{split}-images-idx3-ubyte.gz", generator.integers(0, 256, (count, 28, 28), dtype=np.uint8))
        write_idx(folder / f"{split}-labels-idx1-ubyte.gz", (np.arange(count) % 10).astype(np.uint8))


def copy_scripts(repository: Path) -> Path:
    """Copies what quickstart.sh uses. Setting up and building only note that they were called."""
    for folder in ("jobscripts", "input"):
        shutil.copytree(launch.REPOSITORY / folder, repository / folder)
    for name in ("setup.sh", "build.sh"):
        (repository / "jobscripts" / name).write_text(f'#!/bin/bash\necho "{name} $*" >>{repository}/called\n')
    return repository / "jobscripts" / "quickstart.sh"


def call(script: Path, folder: Path, *settings: str, **variables: str) -> str:
    """Calls a script in `folder` and returns what it printed."""
    done = subprocess.run(
        [str(script), *settings],
        cwd=folder,
        env=launch.make_environment() | {"INCUBATE_BUILD": str(launch.BUILD)} | variables,
        capture_output=True,
        text=True,
        timeout=3 * launch.TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done
    return done.stdout


def test_quickstart(tmp_path: Path) -> None:
    """Every step is done once, the results are printed, and other rank counts give the same weights."""
    script = copy_scripts(tmp_path / "repository")
    write_images(tmp_path / "images")
    user = tmp_path / "user"
    user.mkdir()
    images = str(tmp_path / "images")
    said = call(script, user, "--run.directory=two", FASHION_MNIST=images, RANKS="2")
    assert (tmp_path / "repository" / "called").read_text() == "setup.sh \nbuild.sh incubate\n"
    assert "data/fashion-mnist.h5 written: 1024 training and 200 validation images of 28x28x1, 10 classes" in said
    assert read_summary(user / "two")["state"] == "done"
    for method in ("Deep Incubation", "end to end"):
        assert any(line.startswith(method) for line in said.splitlines()), said
    before = snapshot(user)
    again = call(script, user, "--run.directory=two", FASHION_MNIST=images, RANKS="2")
    assert "data/fashion-mnist.h5 is complete: " in again
    assert snapshot(user) == before
    call(script, user, "--run.directory=one", FASHION_MNIST=images, RANKS="1")
    assert_same_weights(user / "one", user / "two", FINAL)


def test_imagenet_like(tmp_path: Path) -> None:
    script = launch.REPOSITORY / "tests" / "imagenet_like.sh"
    said = call(script, tmp_path, IMAGES="400", CLASSES="4", TMPDIR=str(tmp_path))
    assert said.splitlines()[-1] == "imagenet_like: passed"
    for training in ("meta", *FINAL):
        assert f"imagenet_like: {training}: top-1 " in said
    assert os.listdir(tmp_path) == []
