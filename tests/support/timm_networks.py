"""Reads timm's name for the network of each preset from the table in analysis/README.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch.nn import LayerNorm

from analysis_readme import read_section

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
