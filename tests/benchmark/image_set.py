"""Measures how fast images come from storage: from shards of `incubate pack`, and from one file per image.

    tests/benchmark/image_set.py [--repeats 3] [--images 4000] [--folder FOLDER]

Makes a folder of JPEG files like ImageNet's (support/make_image_folder.py), packs it on 1 and 2 ranks, and reads all
training images in random order by 1 and 2 threads. Shards are read with each image's checksum compared, files as
torchvision's ImageFolder reads them, without PIL's decoding. Cold reads first drop the system's page cache, but not
caches of the disk or the file system. Repeats alternate; medians are compared. Prints a table and appends to
runs/benchmark.json. FOLDER is the place of the files, by default the system's temporary folder.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import launch
from make_image_folder import Layout, write_image_folder
from results import RESULTS, append_results

PROGRAM = launch.BUILD / "tests" / "read_image_set"
MEGABYTE = 1e6
NUM_CLASSES = 10


def drop_from_memory(paths: list[Path]) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.fdatasync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def read_files(paths: list[Path], num_threads: int, is_cold: bool) -> float:
    """Returns MB/s."""
    order = random.Random(0).sample(paths, len(paths))
    if is_cold:
        drop_from_memory(paths)
    begin = time.perf_counter()
    with ThreadPoolExecutor(num_threads) as executor:
        num_bytes = sum(executor.map(lambda path: len(path.read_bytes()), order))
    return num_bytes / MEGABYTE / (time.perf_counter() - begin)


def read_shards(index: Path, num_threads: int, is_cold: bool) -> float:
    """Returns MB/s."""
    command = [str(PROGRAM), str(index), str(num_threads), *(["cold"] if is_cold else [])]
    _, num_bytes, seconds = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(num_bytes) / MEGABYTE / float(seconds)


def pack(tree: Path, index: Path, num_ranks: int) -> float:
    """Returns images per second, including the program's start."""
    shutil.rmtree(index.parent, ignore_errors=True)
    begin = time.perf_counter()
    arguments = ["pack", "--format=folder", f"--folder={tree}", f"--output={index}", "--shard-mb=100"]
    launch.run_well(*arguments, num_ranks=num_ranks)
    count = sum(1 for _ in tree.rglob("*.JPEG"))
    return count / (time.perf_counter() - begin)


def alternate(repeats: int, *measures: Callable[[], float]) -> list[float]:
    """Runs the measures in turn and returns the median of each."""
    rounds = [[measure() for measure in measures] for _ in range(repeats)]
    return [statistics.median(values) for values in zip(*rounds, strict=True)]


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    results: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        tree, index = Path(folder) / "tree", Path(folder) / "set" / "photos.h5"
        write_image_folder(Layout(tree, given.images, NUM_CLASSES, NUM_CLASSES, 500))
        for num_ranks in (1, 2):
            [rate] = alternate(given.repeats, lambda n=num_ranks: pack(tree, index, n))  # type: ignore[misc]
            print(f"packing, {num_ranks} ranks: {rate:.0f} images/s")
            results.append(
                {"work": f"pack images/s, {num_ranks} ranks", "ours": rate, "peer": None, "peer_setting": ""}
            )
        paths = sorted((tree / "train").rglob("*.JPEG"))
        for is_cold in (True, False):
            for threads in (1, 2):
                ours, peer = alternate(
                    given.repeats,
                    lambda c=is_cold, n=threads: read_shards(index, n, c),  # type: ignore[misc]
                    lambda c=is_cold, n=threads: read_files(paths, n, c),  # type: ignore[misc]
                )
                name = f"{'cold' if is_cold else 'warm'}, {threads} threads"
                print(f"reading, {name}: shards {ours:.0f} MB/s, files {peer:.0f} MB/s, ratio {ours / peer:.2f}")
                row = {"work": f"read MB/s, {name}", "ours": ours, "peer": peer, "peer_setting": "a file an image"}
                results.append({**row, "ratio": ours / peer})
    append_results(RESULTS, results)


if __name__ == "__main__":
    main()
