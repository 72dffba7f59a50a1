"""The residual network in plain PyTorch, which analysis/ has for exported weights, and its states in tests."""

from __future__ import annotations

import torch
from torch import nn

from residual_network import ResNet as ResNet
from residual_network import depths_of as depths_of
from residual_network import load_state as load_state


def state_of(model: nn.Module) -> dict[str, torch.Tensor]:
    """Returns the state that the program has too, without the counts of batches."""
    return {name: t.detach().clone() for name, t in model.state_dict().items() if "num_batches" not in name}


def make_resnet110() -> ResNet:
    """With statistics and norms away from the special values at which initialisation leaves them."""
    torch.manual_seed(1)
    model = ResNet([16, 32, 64], [18, 18, 18], channels=3, classes=100)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if ".running_" in name or "bn" in name:
                tensor.copy_(tensor + 0.2 * torch.rand_like(tensor.float()))
    return model
