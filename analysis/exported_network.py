"""Loads the folder that `incubate export --output=FOLDER` writes, as a PyTorch network ready for evaluation.

    from exported_network import load_network, load_transform

    network = load_network("vit-b")
    logits = network(load_transform("vit-b")(image)[None])

Needs PyTorch and timm. Vision transformers are timm's own, as timm.create_model("local-dir:vit-b", pretrained=True)
makes them; the residual network, which timm has not, is that of residual_network.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import timm
from safetensors.torch import load_file
from torch import nn

from residual_network import ResNet, depths_of, load_state


def read_config(folder: Path | str) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    return config


def load_network(folder: Path | str) -> nn.Module:
    config = read_config(folder)
    if config["architecture"] != "incubate_resnet":
        network: nn.Module = timm.create_model(f"local-dir:{folder}", pretrained=True)
        return network.eval()
    weights = load_file(Path(folder) / "model.safetensors")
    arguments = config["model_args"]
    residual = ResNet(depths=depths_of(weights, len(arguments["widths"])), **arguments)
    load_state(residual, weights)
    return residual.eval()


def load_transform(folder: Path | str) -> Any:
    """Returns what makes a network's input of a PIL image, as the program's evaluation does: timm's transform."""
    how = read_config(folder)["pretrained_cfg"]
    names = ("input_size", "interpolation", "mean", "std", "crop_pct", "crop_mode")
    return timm.data.create_transform(**{name: how[name] for name in names})
