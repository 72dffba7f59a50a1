"""Synthetic images as `incubate pack` writes those of one size (src/vision/FORMAT.md), of any size and in colour."""

from __future__ import annotations

import struct
from pathlib import Path

import h5py
import numpy as np
import xxhash
from numpy.typing import NDArray

FIRST_BLOCK_BYTES = 512


def make_images(count: int, side: int, channels: int, labels: NDArray[np.int64], classes: int) -> NDArray[np.uint8]:
    """Returns count x side x side x channels: a bright bar in noise, whose height tells the class."""
    images = np.random.default_rng(count).integers(0, 100, (count, side, side, channels), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[label * side // classes] += 100
    return images


def write_packed(path: Path, side: int, channels: int, classes: int, num_train: int, num_validation: int) -> None:
    with h5py.File(path, "w", userblock_size=FIRST_BLOCK_BYTES) as file:
        file.attrs.update({"filetype": "incubate dataset", "version": np.int64(1), "source": "synthetic"})
        file["class_names"] = np.array([str(i) for i in range(classes)], h5py.string_dtype())
        for split, count in (("train", num_train), ("validation", num_validation)):
            labels = np.random.default_rng(count + 1).integers(0, classes, count)
            file[f"{split}/images"] = make_images(count, side, channels, labels, classes)
            file[f"{split}/labels"] = labels
    content = bytearray(path.read_bytes())
    digest = xxhash.xxh3_64_intdigest(memoryview(content)[FIRST_BLOCK_BYTES:])
    struct.pack_into("<8sQQQ", content, 0, b"INCUBATE", 1, len(content) - FIRST_BLOCK_BYTES, digest)
    path.write_bytes(content)
