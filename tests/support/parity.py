"""Compares the program's results with timm, an independent implementation (Wightman, "PyTorch image models")."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from timm.models.vision_transformer import VisionTransformer
from timm.optim._param_groups import param_groups_layer_decay, param_groups_weight_decay
from torch.nn import functional

Tensors = dict[str, torch.Tensor]


def make_tiny_vit(depth: int, side: int = 8) -> VisionTransformer:
    """Returns timm's network of the tiny one."""
    return VisionTransformer(
        img_size=side, patch_size=4, in_chans=1, num_classes=4, embed_dim=16, depth=depth, num_heads=2
    )


def relative_error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Returns the error relative to `theirs`, in L2 norms, in double precision."""
    assert ours.shape == theirs.shape
    theirs = theirs.double()
    return float((ours.double() - theirs).norm() / theirs.norm())


def split_key_bias(tensors: Tensors) -> tuple[Tensors, Tensors]:
    """Returns the biases of keys and all other tensors. Softmax cancels these biases: their true gradient is 0, and the
    computed one is rounding error."""
    others: Tensors = {}
    keys: Tensors = {}
    for name, tensor in tensors.items():
        if name.endswith("attn.qkv.bias"):
            queries, keys[name], values = tensor.chunk(3)
            others |= {f"{name} of queries": queries, f"{name} of values": values}
        else:
            others[name] = tensor
    return others, keys


def largest_error(ours: Tensors, theirs: Tensors) -> tuple[float, str]:
    assert ours.keys() == theirs.keys()
    return max((relative_error(ours[name], theirs[name]), name) for name in theirs)


def decay_groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Returns parameter groups by timm's rule of weight decay, for learning parameters only."""
    groups: list[dict[str, object]] = param_groups_weight_decay(
        model,
        weight_decay,
        no_weight_decay_list=model.no_weight_decay(),  # type: ignore[operator]
    )
    return groups


def layer_decay_groups(model: torch.nn.Module, weight_decay: float, layer_decay: float) -> list[dict[str, object]]:
    """Returns groups by timm's rule of layer-wise rates, each with its "lr_scale"."""
    groups: list[dict[str, object]] = param_groups_layer_decay(
        model,
        weight_decay,
        no_weight_decay_list=model.no_weight_decay(),  # type: ignore[operator]
        layer_decay=layer_decay,
    )
    return groups


def read(path: Path) -> Tensors:
    tensors: Tensors = load_file(path)
    return tensors


def write(path: Path, tensors: Tensors) -> None:
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, path)


def evaluate(data: Path, model: torch.nn.Module) -> tuple[float, int]:
    """Returns loss and number of hits on the tiny data's validation images, normalised as in tiny.ini."""
    with h5py.File(data, "r") as file:
        images = torch.from_numpy(file["validation/images"][..., 0].astype(np.float32))[:, None]
        labels = torch.from_numpy(file["validation/labels"][()].astype(np.int64))
    with torch.no_grad():
        logits = model((images / 255 - 0.5) / 0.3)
    return float(functional.cross_entropy(logits, labels)), int((logits.argmax(1) == labels).sum())
