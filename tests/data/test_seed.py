"""Order and augmentation of the images follow the seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

import exchange
import launch
from tiny import Tiny
from tiny_data import NUM_TRAIN


def read_epoch(tiny: Tiny, folder: Path, seed: int) -> NDArray[np.float32]:
    """Images x height x width, in the order that the meta model sees them, mirrored or not."""
    output = folder / f"{seed}.safetensors"
    settings = ["--data.crop_padding=0", "--meta.epochs=1", f"--run.seed={seed}"]
    launch.probe("batches", *exchange.arguments("", tiny, folder, "meta")[1:], *settings, f"--output={output}")
    return load_file(output)["images"].reshape(NUM_TRAIN, *load_file(output)["images"].shape[-2:])


def test_order_and_augmentation_follow_the_seed(tiny: Tiny, tmp_path: Path) -> None:
    orders, mirrored = [], []
    for seed in (0, 1):
        images = read_epoch(tiny, tmp_path, seed)
        assert images.tobytes() == read_epoch(tiny, tmp_path, seed).tobytes()
        # One of an image and its mirror image stands for both.
        both = [(image.tobytes(), image[:, ::-1].tobytes()) for image in images]
        orders.append([min(pair) for pair in both])
        mirrored.append({min(pair): pair[0] > pair[1] for pair in both})
    assert sorted(orders[0]) == sorted(orders[1])
    assert len(set(orders[0])) == NUM_TRAIN  # each image once
    assert sum(a == b for a, b in zip(*orders, strict=True)) < 10  # one in the mean
    agreeing = sum(mirrored[0][image] == mirrored[1][image] for image in mirrored[0])
    assert 0.4 * NUM_TRAIN < agreeing < 0.6 * NUM_TRAIN
