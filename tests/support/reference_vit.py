"""Computes the network again in plain numpy and double precision, from checkpoint files alone."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Weights = dict[str, NDArray[np.float32]]

_erf = np.vectorize(math.erf, otypes=[np.float64])


def _linear(weights: Weights, name: str, x: Array) -> Array:
    return np.asarray(x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"])


def _norm(weights: Weights, name: str, x: Array) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6)
    return np.asarray(scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"])


def _attention(weights: Weights, name: str, x: Array, heads: int) -> Array:
    batch, tokens, width = x.shape
    q, k, v = _linear(weights, f"{name}.qkv", x).reshape(batch, tokens, 3, heads, -1).transpose(2, 0, 3, 1, 4)
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(width / heads)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = shares / shares.sum(-1, keepdims=True) @ v
    return _linear(weights, f"{name}.proj", mixed.swapaxes(1, 2).reshape(batch, tokens, width))


def _mlp(weights: Weights, name: str, x: Array) -> Array:
    hidden = _linear(weights, f"{name}.fc1", x)
    return _linear(weights, f"{name}.fc2", hidden * 0.5 * (1 + _erf(hidden / math.sqrt(2))))


def _embed(weights: Weights, images: Array, patch: int) -> Array:
    """Embeds `images` x height x width of one channel."""
    count, side = images.shape[0], images.shape[1] // patch
    patches = images.reshape(count, side, patch, side, patch).swapaxes(2, 3).reshape(count, side * side, -1)
    kernel = weights["patch_embed.proj.weight"].astype(np.float64)
    tokens = patches @ kernel.reshape(kernel.shape[0], -1).T + weights["patch_embed.proj.bias"]
    cls_token = np.broadcast_to(weights["cls_token"], (count, 1, kernel.shape[0]))
    return np.asarray(np.concatenate([cls_token, tokens], 1) + weights["pos_embed"])


def _run_stage(weights: Weights, x: Array, heads: int, patch: int) -> Array:
    if "cls_token" in weights:
        x = _embed(weights, x, patch)
    for i in range(len({name.split(".")[1] for name in weights if name.startswith("blocks.")})):
        x = x + _attention(weights, f"blocks.{i}.attn", _norm(weights, f"blocks.{i}.norm1", x), heads)
        x = x + _mlp(weights, f"blocks.{i}.mlp", _norm(weights, f"blocks.{i}.norm2", x))
    if "head.weight" in weights:
        x = _linear(weights, "head", _norm(weights, "norm", x[:, 0]))
    return x


def evaluate(weights: Weights, images: Array, labels: NDArray[np.int64], heads: int, patch: int) -> tuple[float, int]:
    """Returns mean cross-entropy and number of correct answers. Weights are named '<stage>/<parameter>'."""
    x = images
    for stage in sorted({name.split("/")[0] for name in weights}, key=int):
        own = {name.partition("/")[2]: values for name, values in weights.items() if name.startswith(f"{stage}/")}
        x = _run_stage(own, x, heads, patch)
    shifted = x - x.max(-1, keepdims=True)
    log_shares = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return float(-log_shares[np.arange(len(labels)), labels].mean()), int((x.argmax(-1) == labels).sum())
