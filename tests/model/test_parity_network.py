"""Compares logits and gradients of one batch with timm's, for every preset, from the same weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from torch import nn
from torch.nn import functional

import launch
from parity import Tensors, largest_error, read, relative_error, split_key_bias, write
from timm_networks import NETWORKS, Network, read_timm_networks

TOLERANCE = 1e-5
NUM_IMAGES = 2
LABEL_SMOOTHING = 0.1


TIMM = read_timm_networks()


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
