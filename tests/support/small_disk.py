"""Makes run directories on disks that are full or turn read-only: file systems in memory, which need root."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def mount(*arguments: str) -> None:
    result = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        pytest.skip(f"mount {' '.join(arguments)} is not possible here: {result.stderr.strip()}")


def unmount(place: Path) -> None:
    subprocess.run(["umount", place], check=True)


def resize(place: Path, num_bytes: int) -> None:
    mount("-o", f"remount,size={num_bytes}", str(place))


@contextlib.contextmanager
def small_disk(place: Path, num_bytes: int) -> Iterator[Path]:
    """Mounts an empty file system of `num_bytes`, in whole pages, at `place`."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    place.mkdir()
    mount("-t", "tmpfs", "-o", f"size={num_bytes}", "tmpfs", str(place))
    try:
        yield place
    finally:
        unmount(place)


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Makes `folder` read-only for anyone who opens a path in it, including root, who ignores permissions."""
    if os.geteuid() != 0:
        pytest.skip("making a file system read-only needs root")
    mount("-o", "bind,ro", str(folder), str(folder))
    try:
        yield
    finally:
        unmount(folder)
