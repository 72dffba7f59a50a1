"""A residual network for small images in plain PyTorch, with torchvision's names (He et al., CVPR 2016, section 4.2).

Basic blocks in groups; every group except the first begins with a block of stride 2. Its shortcut is option A: every
second pixel, and zeros as additional channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional


class BasicBlock(nn.Module):
    def __init__(self, in_width: int, width: int, stride: int) -> None:
        super().__init__()
        self.stride, self.added = stride, width - in_width
        self.conv1 = nn.Conv2d(in_width, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branch = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        shortcut = functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))
        return functional.relu(shortcut + branch)


class ResNet(nn.Module):
    """Groups have `depths` blocks of these `widths`; the first depth may be 0."""

    def __init__(self, widths: Sequence[int], depths: Sequence[int], channels: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, widths[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        in_width = widths[0]
        self.groups = []
        for group, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            blocks = nn.Sequential()
            for block in range(depth):
                blocks.append(BasicBlock(in_width, width, 2 if group > 0 and block == 0 else 1))
                in_width = width
            self.groups.append(f"layer{group + 1}")
            self.add_module(self.groups[-1], blocks)
        self.fc = nn.Linear(widths[-1], classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.bn1(self.conv1(images)))
        for group in self.groups:
            x = self.get_submodule(group)(x)
        return self.fc(x.mean((2, 3)))  # type: ignore[no-any-return]


def depths_of(weights: dict[str, torch.Tensor], num_groups: int) -> list[int]:
    """Returns the depths of the groups in a file of weights."""
    names = [name.split(".") for name in weights if name.startswith("layer")]
    return [len({parts[1] for parts in names if parts[0] == f"layer{g + 1}"}) for g in range(num_groups)]


def load_state(model: nn.Module, state: dict[str, torch.Tensor]) -> None:
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
