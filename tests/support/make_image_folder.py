#!/usr/bin/env python3
"""Makes a folder of JPEG files laid out and sized as ImageNet's: train/CLASS/*.JPEG and val/CLASS/*.JPEG.

Each image is a piece of a cloudy, grainy texture under faint stripes. The direction and colour of the stripes tell the
class. Place and size of the piece are random. The same arguments make the same pixels.

    make_image_folder.py FOLDER --images 20000 --classes 100
"""

from __future__ import annotations

import argparse
import colorsys
import functools
import multiprocessing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NUM_TEXTURES = 16
NUM_DIRECTIONS = 10
TEXTURE_SIDE = 1024  # no image is larger
STRIPES_PERIOD = 24.0
SHARE_OF_STRIPES = 80  # of 256
QUALITY = 90

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Layout:
    """What to make."""

    folder: Path
    num_train: int
    num_validation: int
    num_classes: int
    longer_side: int


@functools.cache
def make_textures() -> list[Pixels]:
    """Returns noise of all scales, coarse scales strongest, as in photographs. Each process makes it once."""
    textures = []
    for index in range(NUM_TEXTURES):
        generator = np.random.default_rng([1, index])
        texture = np.full((TEXTURE_SIDE, TEXTURE_SIDE, 3), 128.0, dtype=np.float32)
        for cells, strength in ((4, 50), (16, 40), (64, 25), (256, 15), (TEXTURE_SIDE, 12)):
            noise = Image.fromarray(generator.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
            smooth = np.asarray(noise.resize((TEXTURE_SIDE, TEXTURE_SIDE), Image.Resampling.BILINEAR), dtype=np.float32)
            texture += (smooth - 128) * (strength / 64)
        textures.append(np.clip(texture, 0, 255).astype(np.uint8))
    return textures


@functools.cache
def make_stripes() -> list[Pixels]:
    """Returns waves in each direction, one channel."""
    y, x = np.mgrid[0:TEXTURE_SIDE, 0:TEXTURE_SIDE].astype(np.float32)
    angles = np.pi * np.arange(NUM_DIRECTIONS) / NUM_DIRECTIONS
    waves = [np.sin((x * np.cos(a) + y * np.sin(a)) * (2 * np.pi / STRIPES_PERIOD)) for a in angles]
    return [(127.5 + 127.5 * wave).astype(np.uint8) for wave in waves]


def draw_size(generator: np.random.Generator, longer_side: int) -> tuple[int, int]:
    """Returns height and width: mostly 3:4, landscape or portrait, else any shape."""
    kind = generator.random()
    shorter_side = longer_side * 3 // 4
    if kind < 0.6:
        return shorter_side, longer_side
    if kind < 0.8:
        return longer_side, shorter_side
    height, width = generator.integers(longer_side // 3, longer_side * 3 // 2, 2)
    return int(height), int(width)


def make_image(label: int, num_classes: int, longer_side: int, generator: np.random.Generator) -> Pixels:
    """Returns an image of height x width x 3."""
    height, width = draw_size(generator, longer_side)

    def cut(picture: Pixels) -> Pixels:
        top, left = generator.integers(0, TEXTURE_SIDE - height), generator.integers(0, TEXTURE_SIDE - width)
        return picture[top : top + height, left : left + width]

    background = cut(make_textures()[generator.integers(NUM_TEXTURES)])
    stripes = cut(make_stripes()[label % NUM_DIRECTIONS])
    colour = colorsys.hsv_to_rgb((label // NUM_DIRECTIONS) / max(1, -(-num_classes // NUM_DIRECTIONS)), 0.8, 1.0)
    shares = (np.array(colour) * SHARE_OF_STRIPES).astype(np.uint16)
    mixed = background * np.uint16(256 - SHARE_OF_STRIPES) + stripes[:, :, None] * shares
    return (mixed >> 8).astype(np.uint8)


def write_class(layout: Layout, label: int) -> None:
    """Writes the images of one class, numbered through the whole split."""
    for split, name, count in ((0, "train", layout.num_train), (1, "val", layout.num_validation)):
        folder = layout.folder / name / f"class_{label:04}"
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(label, count, layout.num_classes):
            generator = np.random.default_rng([2, split, label, index])
            pixels = make_image(label, layout.num_classes, layout.longer_side, generator)
            Image.fromarray(pixels).save(folder / f"{name}_{index:08}.JPEG", format="JPEG", quality=QUALITY)


def write_image_folder(layout: Layout, num_processes: int = 2) -> None:
    """Writes the whole folder. With `num_processes` = 1 this process does all work."""
    if num_processes == 1:
        for label in range(layout.num_classes):
            write_class(layout, label)
        return
    with multiprocessing.Pool(num_processes) as pool:
        pool.map(functools.partial(write_class, layout), range(layout.num_classes), chunksize=1)


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=20_000, help="to train on")
    parser.add_argument("--validation-images", type=int, default=2_000)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--longer-side", type=int, default=500, help="of most images, in pixels; at most 680")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    layout = Layout(given.folder, given.images, given.validation_images, given.classes, given.longer_side)
    write_image_folder(layout, given.processes)


if __name__ == "__main__":
    main()
