"""How many training images the data of each file in input/ have."""

from __future__ import annotations

from pathlib import Path

NUM_IMAGES = {
    "imagenet-50": 640583,
    "imagenet-25": 320292,
    "imagenet": 1281167,
    "cifar100": 50000,
    "fashion-mnist": 60000,
}


def images_of(file: Path) -> int:
    return next(count for name, count in NUM_IMAGES.items() if file.name.startswith(name))
