"""The network of each preset: timm's name for it, by the table in analysis/README.md, and how tests make it smaller."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch.nn import LayerNorm

from readme import read_section

ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| (?:`(.+)` )?\|$", re.MULTILINE)


@dataclass(frozen=True)
class TimmNetwork:
    """Arguments of timm.create_model()."""

    name: str
    arguments: dict[str, Any]


def read_timm_networks() -> dict[str, TimmNetwork]:
    names = {"partial": partial, "LayerNorm": LayerNorm}
    return {
        preset: TimmNetwork(name, eval(f"dict({arguments})", names))
        for preset, name, arguments in ROW.findall(read_section("Trained networks in timm"))
    }


SHALLOW = ["--model.depths=1,1", "--model.meta_depths=1,1"]


@dataclass(frozen=True)
class Network:
    """A preset, which has a network of timm, and what is narrowed or changed in both."""

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
        {"in_chans": 1, "mlp_ratio": 6, "norm_layer": partial(LayerNorm, eps=1e-3)},
        (1, 224, 1000),
    ),
}
