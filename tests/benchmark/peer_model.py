"""The same networks in PyTorch: timm's vision transformer, DistributedDataParallel over gloo or NCCL, fused AdamW."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from timm.layers.config import set_fused_attn
from timm.models.vision_transformer import VisionTransformer
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from networks import Network, names_of_stage, stage_index

from parity import Tensors, decay_groups

ALL_BUT_TARGET = "all but the target"
PREFIX_AFTER_WRAPPING = "the prefix, after wrapping"


@dataclass(frozen=True)
class PeerSetting:
    """How PyTorch computes."""

    precision: str  # fp32, or bf16: autocast
    has_fused_attention: bool = True  # scaled_dot_product_attention; else timm's two products and a softmax
    is_compiled: bool = False
    compile_mode: str = "default"  # of torch.compile

    @property
    def name(self) -> str:
        attention = "-fused" if self.has_fused_attention else "-explicit"
        mode = "" if self.compile_mode == "default" else f"{self.compile_mode}-"
        prefix = f"compile-{mode}" if self.is_compiled else ""
        return prefix + self.precision + (attention if self.precision == "bf16" else "")


SETTINGS = [
    PeerSetting("fp32"),
    PeerSetting("bf16"),
    PeerSetting("bf16", has_fused_attention=False),
    PeerSetting("fp32", is_compiled=True),
    PeerSetting("bf16", is_compiled=True),
    PeerSetting("bf16", has_fused_attention=False, is_compiled=True),
]


def write_job(job: Any, path: Path) -> None:
    """Writes what a process must know, a dataclass with a network and a setting, for read_job()."""
    path.write_text(json.dumps(asdict(job)))


def read_job(path: Path) -> dict[str, Any]:
    """Returns the fields of the dataclass."""
    job: dict[str, Any] = json.loads(path.read_text())
    network = Network(**{**job["network"], "depths": tuple(job["network"]["depths"])})
    return job | {"network": network, "setting": PeerSetting(**job["setting"])}


def begin_processes(device: str = "cpu") -> torch.device:
    """Joins the process group if torchrun started one; uses one thread. Returns the device."""
    torch.set_num_threads(1)
    if "WORLD_SIZE" in os.environ:
        distributed.init_process_group("gloo" if device == "cpu" else "nccl")
    if device == "cpu":
        return torch.device("cpu")
    torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cuda", torch.cuda.current_device())


def end_processes() -> NoReturn:
    """Waits for all processes and exits without destructors. gloo's destructor would wait, holding the interpreter's
    lock, for a thread that may wait for this lock."""
    if distributed.is_initialized():
        distributed.barrier()
    os._exit(0)


def rank_and_size() -> tuple[int, int]:
    return (distributed.get_rank(), distributed.get_world_size()) if distributed.is_initialized() else (0, 1)


def make_network(network: Network, training: str, setting: PeerSetting) -> VisionTransformer:
    set_fused_attn(setting.has_fused_attention)
    return VisionTransformer(
        img_size=network.image_size,
        patch_size=network.patch,
        in_chans=network.channels,
        num_classes=network.classes,
        embed_dim=network.width,
        depth=sum(network.depths_of(training)),
        num_heads=network.heads,
    )


def freeze(model: VisionTransformer, depths: tuple[int, ...], stages: range) -> None:
    prefixes = tuple(name for stage in stages for name in names_of_stage(depths, stage))
    for name, parameter in model.named_parameters():
        if name.startswith(prefixes):
            parameter.requires_grad_(False)


def wrap(model: VisionTransformer, depths: tuple[int, ...], training: str, setting: PeerSetting, frozen: str) -> Any:
    """Returns the model to call. ALL_BUT_TARGET freezes everything except the target before wrapping, as an incubation
    should. PREFIX_AFTER_WRAPPING is the reference's way: it wraps a model that learns everywhere, then freezes only the
    stages before the target. Gradients behind the target are then computed and reduced too. DistributedDataParallel
    must look for parameters without a gradient in each step."""
    is_incubation = training.startswith("stage_")
    is_well_done = frozen == ALL_BUT_TARGET
    target = stage_index(training) if is_incubation else 0
    if is_incubation and is_well_done:
        freeze(model, depths, range(target))
        freeze(model, depths, range(target + 1, len(depths)))
    wrapped: Any = model
    if distributed.is_initialized():
        wrapped = DistributedDataParallel(
            model,
            gradient_as_bucket_view=True,
            find_unused_parameters=not is_well_done,
            static_graph=is_well_done and not setting.is_compiled,  # torch.compile refuses it
        )
    if is_incubation and not is_well_done:
        freeze(model, depths, range(target))
    return torch.compile(wrapped, mode=setting.compile_mode) if setting.is_compiled else wrapped


def make_optimizer(
    model: VisionTransformer, depths: tuple[int, ...], training: str, rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Returns the optimizer of the learning parameters; the reference's skips stages behind the target too."""
    groups: Any = decay_groups(model, weight_decay)
    if training.startswith("stage_"):
        target = tuple(names_of_stage(depths, stage_index(training)))
        learning = {id(p) for name, p in model.named_parameters() if name.startswith(target)}
        for group in groups:
            group["params"] = [p for p in group["params"] if id(p) in learning]
        groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.999), eps=1e-8, fused=True)


def autocast(setting: PeerSetting, device: str = "cpu") -> contextlib.AbstractContextManager[Any]:
    if setting.precision == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(device, dtype=torch.bfloat16)


def copy_stages(
    source: Tensors, source_depths: tuple[int, ...], target: Tensors, target_depths: tuple[int, ...], stages: list[int]
) -> None:
    """Copies stages into the state `target`. REQUIRES: they have the same depth in both."""
    for stage in stages:
        names = zip(names_of_stage(source_depths, stage), names_of_stage(target_depths, stage), strict=True)
        for from_prefix, to_prefix in names:
            for name, tensor in source.items():
                if name.startswith(from_prefix):
                    target[to_prefix + name.removeprefix(from_prefix)].copy_(tensor)
