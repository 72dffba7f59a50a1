"""Makes a data set that is learnt in 20 steps, as IDX files: 8x8 grey pixels, bright above and below or not, with
noise."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NUM_TRAIN = 512
NUM_VALIDATION = 100
SIDE = 8
CLASSES = ["night", "lit_below", "lit_above", "day"]


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes(), mtime=0))


def write_tiny_idx(folder: Path) -> None:
    generator = np.random.default_rng(1)
    patterns = np.full((len(CLASSES), SIDE, SIDE), 80.0)
    patterns[[2, 3], : SIDE // 2] = 170
    patterns[[1, 3], SIDE // 2 :] = 170
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
