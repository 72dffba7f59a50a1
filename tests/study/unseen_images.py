"""Evaluates a trained network of the study on images that no training has read, by timm or plain PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import timm
import torch
from safetensors.torch import load_file
from torch.nn import functional

from reference_resnet import ResNet, depths_of, load_state

BATCH = 500
RESNET_WIDTHS = [16, 32, 64]


@dataclass(frozen=True)
class Outcome:
    num_images: int
    num_right: int
    loss: float  # mean cross entropy


def load_network(weights: Path, num_heads: int = 4) -> torch.nn.Module:
    """Returns the network of an exported file, a vision transformer or a ResNet. Shapes determine all but the heads."""
    state = load_file(weights)
    if "conv1.weight" in state:
        classes, channels = len(state["fc.bias"]), state["conv1.weight"].shape[1]
        network = ResNet(RESNET_WIDTHS, depths_of(state, len(RESNET_WIDTHS)), channels, classes)
        load_state(network, state)
        return network.eval()
    width, channels, patch, _ = state["patch_embed.proj.weight"].shape
    side = round((state["pos_embed"].shape[1] - 1) ** 0.5)
    vit = timm.models.VisionTransformer(
        img_size=side * patch,
        patch_size=patch,
        in_chans=channels,
        num_classes=len(state["head.bias"]),
        embed_dim=width,
        depth=sum(name.endswith("norm1.weight") for name in state),
        num_heads=num_heads,
    )
    vit.load_state_dict(state)
    return vit.eval()  # type: ignore[no-any-return]


def evaluate(network: torch.nn.Module, split: Path, mean: list[float], std: list[float]) -> Outcome:
    """Evaluates a network on the images of a file of study_data.py."""
    content = np.load(split)
    labels = torch.from_numpy(content["labels"].astype(np.int64))
    scale, shift = (torch.tensor(values).reshape(1, -1, 1, 1) for values in (std, mean))
    num_right, loss = 0, 0.0
    with torch.inference_mode():
        for begin in range(0, len(labels), BATCH):
            images = torch.from_numpy(content["images"][begin : begin + BATCH]).float() / 255
            logits = network((images - shift) / scale)
            targets = labels[begin : begin + BATCH]
            num_right += int((logits.argmax(1) == targets).sum())
            loss += float(functional.cross_entropy(logits.double(), targets, reduction="sum"))
    return Outcome(len(labels), num_right, loss / len(labels))
