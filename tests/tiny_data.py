"""A data set that is learnt in seconds: 4 patterns of 8x8 grey pixels under noise, as gzip'ed IDX files."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NUM_TRAIN = 512
NUM_VALIDATION = 100
SIDE = 8
CLASSES = ["dot", "bar", "ring", "star"]


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes(), mtime=0))


def write_tiny_idx(folder: Path) -> None:
    generator = np.random.default_rng(1)
    patterns = generator.integers(30, 226, (len(CLASSES), SIDE, SIDE))
    for split, count in (("train", NUM_TRAIN), ("validation", NUM_VALIDATION)):
        labels = generator.integers(0, len(CLASSES), count)
        images = patterns[labels] + generator.normal(0, 70, (count, SIDE, SIDE))
        write_idx(folder / f"{split}-images.gz", np.clip(images, 0, 255).astype(np.uint8))
        write_idx(folder / f"{split}-labels.gz", labels.astype(np.uint8))


def pack_arguments(folder: Path, output: Path) -> list[str]:
    return [
        "pack",
        "--format=idx",
        *(
            f"--{split}-{what}={folder}/{split}-{what}.gz"
            for split in ("train", "validation")
            for what in ("images", "labels")
        ),
        f"--class-names={','.join(CLASSES)}",
        f"--output={output}",
    ]
