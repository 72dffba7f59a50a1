"""Writes small labelled images as gzip'ed IDX files: each class is a bright bar in its own row, with noise."""

import argparse
import gzip
import random
import struct
from pathlib import Path


def make_image(label: int, classes: int, side: int, generator: random.Random) -> bytes:
    """Returns an image of side x side bytes; the bar's row tells the class."""
    pixels = [generator.randrange(64) for _ in range(side * side)]
    row = label * side // classes
    for column in range(side):
        pixels[row * side + column] = 192 + generator.randrange(64)
    return bytes(pixels)


def write_split(folder: Path, split: str, count: int, classes: int, side: int, generator: random.Random) -> None:
    """Writes <split>-images.gz and <split>-labels.gz."""
    labels = bytes(generator.randrange(classes) for _ in range(count))
    images = b"".join(make_image(label, classes, side, generator) for label in labels)
    with gzip.open(folder / f"{split}-images.gz", "wb") as file:
        file.write(struct.pack(">IIII", 0x803, count, side, side) + images)
    with gzip.open(folder / f"{split}-labels.gz", "wb") as file:
        file.write(struct.pack(">II", 0x801, count) + labels)


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=int, default=512)
    parser.add_argument("--validation", type=int, default=100)
    parser.add_argument("--side", type=int, default=8)
    parser.add_argument("--classes", type=int, default=4)
    arguments = parser.parse_args()
    generator = random.Random(0)
    write_split(arguments.folder, "train", arguments.train, arguments.classes, arguments.side, generator)
    write_split(arguments.folder, "validation", arguments.validation, arguments.classes, arguments.side, generator)


if __name__ == "__main__":
    main()
