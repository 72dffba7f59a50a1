"""Compares twenty steps of every training with a loop in plain PyTorch over timm's network: losses and weights.

There is no random augmentation and no stochastic depth. Each loop begins with the first weights and the batches that
the program states, and has its own schedule, optimizer, smoothing and clipping. One training also has SGD, layer-wise
learning rates and an average of the weights.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from timm.scheduler.cosine_lr import CosineLRScheduler
from timm.utils.model_ema import ModelEmaV2
from torch.nn import functional

from exact_run import CLIP_NORM, NUM_STEPS, PEAK, WARMUP_STEPS, WEIGHT_DECAY, ExactRun, make_run
from parity import (
    Tensors,
    decay_groups,
    largest_error,
    layer_decay_groups,
    make_tiny_vit,
    relative_error,
    split_key_bias,
)
from run_files import STAGES, TRAININGS, read_columns
from tiny import Tiny

LOSS_TOLERANCE = 1e-4
WEIGHT_TOLERANCE = 1e-3
DEPTHS = [2, 1, 3, 2]


@dataclass(frozen=True)
class Options:
    """Options of a recipe besides AdamW."""

    momentum: float = 0  # of SGD with Nesterov's momentum; 0: AdamW
    layer_decay: float = 1
    ema_decay: float = 0
    peak: dict[str, float] = field(default_factory=lambda: PEAK)

    def settings(self, phase: str) -> list[str]:
        sgd = ["--optimizer.name=sgd", f"--optimizer.momentum={self.momentum}"] if self.momentum > 0 else []
        decays = [f"--{phase}.layer_decay={self.layer_decay}", f"--{phase}.ema_decay={self.ema_decay}"]
        return [*sgd, *decays, f"--{phase}.learning_rate={self.peak[phase]}"]


ADAMW = Options()
OPTIONS = {
    "sgd": Options(momentum=0.8, peak={"meta": 2.0}),
    "sgd, layer decay, average": Options(momentum=0.8, layer_decay=0.7, ema_decay=0.9, peak={"meta": 4.0}),
}


@pytest.fixture(scope="module")
def exact_run(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> ExactRun:
    settings = [f"--finetuning.learning_rate={PEAK['finetuned']}"]
    return make_run(tiny, tmp_path_factory.mktemp("exact") / "run", settings)


def depths_of(training: str) -> list[int]:
    if training in STAGES:
        return [DEPTHS[i] if i == STAGES.index(training) else 1 for i in range(4)]
    return [1, 1, 1, 1] if training == "meta" else DEPTHS


def learning_prefixes(training: str) -> tuple[str, ...]:
    """Returns the prefixes of the names of learning parameters."""
    if training not in STAGES:
        return ("",)
    index, depths = STAGES.index(training), depths_of(training)
    first = sum(depths[:index])
    blocks = [f"blocks.{first + i}." for i in range(depths[index])]
    ends = {0: ["patch_embed.", "cls_token", "pos_embed"], 3: ["norm.", "head."]}
    return (*blocks, *ends.get(index, []))


def make_model(training: str, weights: Tensors) -> VisionTransformer:
    model = make_tiny_vit(sum(depths_of(training)))
    model.load_state_dict(weights, strict=True)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith(learning_prefixes(training)))
    return model


def make_optimizer(
    model: VisionTransformer, training: str, options: Options
) -> tuple[torch.optim.Optimizer, CosineLRScheduler]:
    groups: Any = decay_groups(model, WEIGHT_DECAY)
    if options.layer_decay < 1:
        groups = layer_decay_groups(model, WEIGHT_DECAY, options.layer_decay)
    rate = options.peak[training] * 32 / 512
    optimizer: torch.optim.Optimizer = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.999), eps=1e-8)
    if options.momentum > 0:
        optimizer = torch.optim.SGD(groups, lr=rate, momentum=options.momentum, nesterov=True)
    scheduler = CosineLRScheduler(
        optimizer,
        t_initial=NUM_STEPS,
        lr_min=1e-5,
        warmup_t=WARMUP_STEPS[training],
        warmup_lr_init=1e-6,
        t_in_epochs=False,
    )
    return optimizer, scheduler


def train(
    training: str, weights: Tensors, batches: Tensors, options: Options = ADAMW
) -> tuple[list[float], list[float], Tensors]:
    """Returns losses, gradient norms and the final weights, or their average."""
    model = make_model(training, weights)
    average = ModelEmaV2(model, options.ema_decay)
    optimizer, scheduler = make_optimizer(model, training, options)
    learning = [p for p in model.parameters() if p.requires_grad]
    losses, norms = [], []
    for step, (images, labels) in enumerate(zip(batches["images"], batches["labels"], strict=True)):
        scheduler.step_update(step)
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(images), labels.long(), label_smoothing=0.1)
        loss.backward()  # type: ignore[no-untyped-call]
        norms.append(float(torch.nn.utils.clip_grad_norm_(learning, CLIP_NORM[training])))
        optimizer.step()
        average.update(model)
        losses.append(float(loss.detach()))
    return losses, norms, {name: p.detach() for name, p in average.module.named_parameters()}


def assert_is_that_of_a_plain_loop(run: ExactRun, training: str, options: Options = ADAMW) -> None:
    initial = run.initial(training)
    losses, norms, theirs = train(training, initial, run.batches(training), options)
    steps = read_columns(run.path, training, "steps")
    assert len(losses) == NUM_STEPS
    assert max(norms) > CLIP_NORM[training]  # clipping had something to do
    loss_error = max(abs(ours / loss - 1) for ours, loss in zip(steps["loss"], losses, strict=True))
    ours = run.final(training)
    learnt = {name: tensor for name, tensor in ours.items() if name.startswith(learning_prefixes(training))}
    weight_error, where = largest_error(
        split_key_bias(learnt)[0], split_key_bias({name: theirs[name] for name in learnt})[0]
    )
    print(f"{training}: largest relative errors {loss_error:.1e} of losses, {weight_error:.1e} of {where}")
    assert loss_error <= LOSS_TOLERANCE
    assert steps["gradient_norm"] == pytest.approx(norms, rel=LOSS_TOLERANCE)
    assert weight_error <= WEIGHT_TOLERANCE, where
    for name in ours.keys() - learnt.keys():
        assert torch.equal(ours[name], initial[name]), name
    assert all(relative_error(learnt[name], initial[name]) > 0 for name in learnt if initial[name].norm() > 0)


@pytest.mark.parametrize("training", TRAININGS)
def test_training_is_that_of_a_plain_loop(exact_run: ExactRun, training: str) -> None:
    assert_is_that_of_a_plain_loop(exact_run, training)


@pytest.fixture(scope="module")
def option_runs(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ExactRun]:
    """Runs the meta model's training with each of OPTIONS."""
    folder = tmp_path_factory.mktemp("options")
    return {
        name: make_run(tiny, folder / str(i), options.settings("meta"), only="meta")
        for i, (name, options) in enumerate(OPTIONS.items())
    }


@pytest.mark.parametrize("name", OPTIONS)
def test_options_are_those_of_a_plain_loop(option_runs: dict[str, ExactRun], name: str) -> None:
    assert_is_that_of_a_plain_loop(option_runs[name], "meta", OPTIONS[name])


def test_other_options_show(exact_run: ExactRun, option_runs: dict[str, ExactRun]) -> None:
    """The comparison can fail: by a little less momentum, layer decay or average."""
    initial, batches = exact_run.initial("meta"), exact_run.batches("meta")
    options = OPTIONS["sgd, layer decay, average"]
    ours = split_key_bias(option_runs["sgd, layer decay, average"].final("meta"))[0]
    others = [replace(options, momentum=0.79), replace(options, layer_decay=0.71), replace(options, ema_decay=0.89)]
    for other in others:
        theirs = split_key_bias(train("meta", initial, batches, other)[2])[0]
        assert largest_error(ours, theirs)[0] > WEIGHT_TOLERANCE, other


@pytest.mark.parametrize("training", ["meta", "finetuned"])
def test_another_recipe_shows(exact_run: ExactRun, monkeypatch: pytest.MonkeyPatch, training: str) -> None:
    """The comparison can fail: by a tenth of the weight decay, by clipping, or by one step of warm-up."""
    initial, batches = exact_run.initial(training), exact_run.batches(training)
    ours = split_key_bias(exact_run.final(training))[0]
    changes: dict[str, Any] = {
        "WEIGHT_DECAY": 0.9 * WEIGHT_DECAY,
        "CLIP_NORM": {training: 100.0},
        "WARMUP_STEPS": {training: WARMUP_STEPS[training] + 1},
    }
    for name, value in changes.items():
        with monkeypatch.context() as changed:
            changed.setattr(f"{__name__}.{name}", value)
            theirs = split_key_bias(train(training, initial, batches)[2])[0]
        assert largest_error(ours, theirs)[0] > WEIGHT_TOLERANCE, name
