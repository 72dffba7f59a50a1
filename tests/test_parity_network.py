"""Compares logits and gradients of one batch with timm's, for every preset, from the same weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import nn
from torch.nn import functional

import launch
from parity import Tensors, largest_error, read, relative_error, split_key_bias, write
from timm_networks import read_timm_networks

TOLERANCE = 1e-5
NUM_IMAGES = 2
LABEL_SMOOTHING = 0.1


TIMM = read_timm_networks()
SHALLOW = ["--model.depths=1,1", "--model.meta_depths=1,1"]


@dataclass(frozen=True)
class Network:
    """A preset with a network of timm, and the changes of both."""

    preset: str
    settings: list[str] = field(default_factory=list)
    arguments: dict[str, Any] = field(default_factory=dict)
    shape: tuple[int, int, int] = (3, 224, 1000)  # channels, side, classes


NETWORKS = {
    "vit_b16": Network("vit_b16"),
    "vit_l16": Network("vit_l16", SHALLOW, {"depth": 2}),
    "vit_h14": Network("vit_h14", SHALLOW, {"depth": 2}),
    "vit_b16_384": Network("vit_b16_384", SHALLOW, {"depth": 2}, (3, 384, 1000)),
    "vit_l16_384": Network("vit_l16_384", SHALLOW, {"depth": 2}, (3, 384, 1000)),
    "vit_h14_392": Network("vit_h14_392", SHALLOW, {"depth": 2}, (3, 392, 1000)),
    "deit_ti": Network("deit_ti"),
    "deit_s": Network("deit_s"),
    "deit_t32": Network("deit_t32", shape=(3, 32, 100)),
    "deit_t128": Network("deit_t128", shape=(3, 32, 100)),
    "layer_scale": Network("deit_ti", ["--model.layer_scale=0.1"], {"init_values": 0.1}),
    "grey, wide MLP": Network(
        "deit_ti",
        ["--model.channels=1", "--data.mean=0.5", "--data.std=0.5", "--model.mlp_ratio=6", "--model.norm_eps=1e-3"],
        {"in_chans": 1, "mlp_ratio": 6, "norm_layer": partial(nn.LayerNorm, eps=1e-3)},
        (1, 224, 1000),
    ),
}


def make_network(network: Network) -> nn.Module:
    """Returns the network with every weight away from the special values of initialisation."""
    torch.manual_seed(1)
    theirs = TIMM[network.preset]
    model: nn.Module = timm.create_model(theirs.name, **theirs.arguments | network.arguments)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.02)
    return model


def make_batch(network: Network) -> Tensors:
    channels, side, classes = network.shape
    torch.manual_seed(2)
    images = torch.randn(NUM_IMAGES, channels, side, side)
    return {"images": images, "labels": torch.randint(classes, (NUM_IMAGES,)).float()}


def run_timm(model: nn.Module, batch: Tensors) -> Tensors:
    logits = model(batch["images"])
    loss = functional.cross_entropy(logits, batch["labels"].long(), label_smoothing=LABEL_SMOOTHING)
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = {f"gradient.{name}": p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert len(gradients) == len(list(model.parameters()))
    return {"logits": logits.detach(), "loss": loss.detach()} | gradients


def run_probe(network: Network, model: nn.Module, batch: Tensors, folder: Path) -> Tensors:
    write(folder / "weights.safetensors", dict(model.named_parameters()))
    write(folder / "batch.safetensors", batch)
    files = [f"--{name}={folder}/{name}.safetensors" for name in ("weights", "batch", "output")]
    launch.probe("gradients", f"--model.preset={network.preset}", *network.settings, *files)
    return read(folder / "output.safetensors")


@pytest.mark.parametrize("name", NETWORKS)
def test_logits_and_gradients_are_timms(name: str, tmp_path: Path) -> None:
    network = NETWORKS[name]
    model, batch = make_network(network), make_batch(network)
    theirs, their_keys = split_key_bias(run_timm(model, batch))
    ours, our_keys = split_key_bias(run_probe(network, model, batch, tmp_path))
    error, where = largest_error(ours, theirs)
    print(f"{name}: largest relative error {error:.2e} of {where}")
    assert error <= TOLERANCE, where
    assert our_keys.keys() == their_keys.keys()
    for key, gradient in our_keys.items():  # 0 but for rounding, beside the gradients that belong to the same layer
        scale = theirs[f"{key} of values"].norm()
        assert gradient.norm() <= TOLERANCE * scale, key
        assert their_keys[key].norm() <= TOLERANCE * scale, key


def test_a_wrong_weight_shows(tmp_path: Path) -> None:
    """The comparison can fail: one weight of one block differs by a hundredth."""
    network = NETWORKS["deit_t32"]
    model, batch = make_network(network), make_batch(network)
    theirs = run_timm(model, batch)
    with torch.no_grad():
        dict(model.named_parameters())["blocks.17.mlp.fc1.weight"][3, 5] += 0.01
    ours = run_probe(network, model, batch, tmp_path)
    assert relative_error(ours["gradient.blocks.17.mlp.fc1.weight"], theirs["gradient.blocks.17.mlp.fc1.weight"]) > 1e-4
