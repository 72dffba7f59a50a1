"""Compares the learning rate of every step and layer, and weight decay, with timm's scheduler and rules."""

from __future__ import annotations

import json
from typing import Any

import pytest
import timm
import torch
from timm.scheduler.cosine_lr import CosineLRScheduler

import launch
from parity import decay_groups, layer_decay_groups

STEPS_PER_EPOCH = 7
EPOCHS = 30
PEAK = 5e-4 * 2048 / 512
IMAGES = f"--images={7 * 2048 + 100}"  # whole steps only
PHASE_OF = {"meta": "meta", "stage_1": "incubation", "finetuned": "finetuning", "end_to_end": "end_to_end"}
WARMUP_EPOCHS = {"meta": 20, "stage_1": 20, "finetuned": 0, "end_to_end": 20}


def read_recipe(training: str, *settings: str) -> dict[str, Any]:
    recipe: dict[str, Any] = json.loads(launch.probe("recipe", f"--training={training}", IMAGES, *settings))
    return recipe


def make_scheduler(length: int, warmup: int, **options: Any) -> tuple[CosineLRScheduler, torch.optim.Optimizer]:
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=PEAK)
    scheduler = CosineLRScheduler(
        optimizer, t_initial=length, lr_min=1e-5, warmup_t=warmup, warmup_lr_init=1e-6, **options
    )
    return scheduler, optimizer


def rate(optimizer: torch.optim.Optimizer) -> float:
    return float(optimizer.param_groups[0]["lr"])


@pytest.mark.parametrize("training", PHASE_OF)
def test_rate_of_every_step(training: str) -> None:
    ours = read_recipe(training, f"--{PHASE_OF[training]}.epochs={EPOCHS}")["learning_rates"]
    warmup = WARMUP_EPOCHS[training] * STEPS_PER_EPOCH
    scheduler, optimizer = make_scheduler(EPOCHS * STEPS_PER_EPOCH, warmup, t_in_epochs=False)
    theirs = []
    for step in range(EPOCHS * STEPS_PER_EPOCH):
        scheduler.step_update(step)
        theirs.append(rate(optimizer))
    assert ours == pytest.approx(theirs, rel=1e-12)
    assert max(ours) <= PEAK
    assert len(set(ours)) == len(ours)


@pytest.mark.parametrize("training", PHASE_OF)
def test_rate_of_every_epoch_lags_by_one(training: str) -> None:
    """The rate lags as in DeiT's and the method's reference loops, which step the scheduler after each epoch."""
    phase = PHASE_OF[training]
    settings = [f"--{phase}.epochs={EPOCHS}", f"--{phase}.granularity=epoch_lagged"]
    ours = read_recipe(training, *settings)["learning_rates"]
    scheduler, optimizer = make_scheduler(EPOCHS, WARMUP_EPOCHS[training])
    theirs = []
    for epoch in range(EPOCHS):
        theirs += [rate(optimizer)] * STEPS_PER_EPOCH
        scheduler.step(epoch)
    assert ours == pytest.approx(theirs, rel=1e-12)
    assert ours[0] == ours[2 * STEPS_PER_EPOCH - 1] == (1e-6 if WARMUP_EPOCHS[training] else PEAK)


NETWORK = ["--model.preset=deit_ti", "--model.depths=2,1,3,2"]
OPTIONS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "plain": ([], {}),
    "layer scale": (["--model.layer_scale=0.1"], {"init_values": 0.1}),
    "no qkv bias": (["--model.qkv_bias=false"], {"qkv_bias": False}),
}


# For each training: depth of its model, the blocks that learn, and other learning parts.
LEARNING: dict[str, tuple[int, range, list[str]]] = {
    "meta": (4, range(4), ["patch_embed.", "cls_token", "pos_embed", "norm.", "head."]),
    "stage_0": (5, range(2), ["patch_embed.", "cls_token", "pos_embed"]),
    "stage_2": (6, range(2, 5), []),
    "stage_3": (5, range(3, 5), ["norm.", "head."]),
    "end_to_end": (8, range(8), ["patch_embed.", "cls_token", "pos_embed", "norm.", "head."]),
}


def make_model(training: str, **arguments: Any) -> torch.nn.Module:
    """Returns timm's model with the training's frozen parts frozen."""
    depth, blocks, rest = LEARNING[training]
    model: torch.nn.Module = timm.create_model("deit_tiny_patch16_224", pretrained=False, depth=depth, **arguments)
    learning = (*rest, *(f"blocks.{i}." for i in blocks))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith(learning))
    return model


def by_name(model: torch.nn.Module, groups: list[dict[str, Any]], key: str) -> dict[str, float]:
    """Returns an option of timm's groups for each of their parameters."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {names[id(parameter)]: group[key] for group in groups for parameter in group["params"]}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("training", LEARNING)
def test_parameter_groups(training: str, options: str) -> None:
    settings, arguments = OPTIONS[options]
    ours = read_recipe(training, *NETWORK, *settings)["decays"]
    model = make_model(training, **arguments)
    theirs = {name: decay == 0.05 for name, decay in by_name(model, decay_groups(model, 0.05), "weight_decay").items()}
    assert ours == theirs
    assert set(ours.values()) == {True, False}


@pytest.mark.parametrize("training", ["stage_0", "stage_2", "stage_3", "end_to_end"])
def test_layer_decay(training: str) -> None:
    """Layers count through the training's whole model, frozen stages included."""
    phase = "incubation" if training.startswith("stage_") else training
    recipe = read_recipe(training, *NETWORK, "--model.layer_scale=0.1", f"--{phase}.layer_decay=0.75")
    model = make_model(training, init_values=0.1)
    groups: Any = layer_decay_groups(model, 0.05, 0.75)
    theirs = by_name(model, groups, "lr_scale")
    assert recipe["rate_factors"] == pytest.approx(theirs, rel=1e-12)
    assert recipe["decays"] == {n: d == 0.05 for n, d in by_name(model, groups, "weight_decay").items()}
    depth, blocks, rest = LEARNING[training]
    assert len(set(theirs.values())) == len(blocks) + ("cls_token" in rest) + ("head." in rest)
    assert min(theirs.values()) == pytest.approx(0.75 ** (depth + 1 - (blocks.start + ("cls_token" not in rest))))


def test_without_layer_decay_all_layers_have_one_rate() -> None:
    assert set(read_recipe("end_to_end", *NETWORK)["rate_factors"].values()) == {1.0}
