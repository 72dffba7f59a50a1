"""Measures whole training steps of ViT-B, L and H at 224 pixels in bfloat16 on GPUs, beside timm's networks in PyTorch.

One process per GPU. Both sides begin with the same weights and see the same images, one micro-batch per step. incubate
runs as a user runs it, from images in its memory. PyTorch takes batches that are already on the GPU (autocast, fused
scaled_dot_product_attention, fused AdamW, with several GPUs DistributedDataParallel over NCCL; with and without
torch.compile). So only incubate reads, normalises and copies images. It is measured with exact sums, too.

Speeds are medians of a training's later steps, the best of several micro-batches and settings on each side. Model FLOPs
(networks.py: attention and the last block in full) are divided by what torch.mm reaches on this GPU, and by the peak of
its data sheet. Memory is the most that PyTorch's allocator handed out, on both sides, without PyTorch's batches beyond
the first.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import peers
import program
import torch
from gpu_part import PartFailed, Place, knows
from matrix_peak import measure_peaks
from measurement import Failure, Measure, Measurement, Outcome, interleave
from networks import SMALL, VIT_B, VIT_H, VIT_L, Network
from peer_model import PeerSetting
from workload import Size, Workload

MIN_RATIO = 1.1  # relative to PyTorch
TARGET_PEAK_FRACTION = 0.4  # share of the data sheet's peak
# Dense bfloat16 peak of SXM cards: NVIDIA's data sheets of H100 and H200 (1,979 TFLOP/s "with sparsity").
DATA_SHEET_FLOPS = {"H100 80GB HBM3": 989.4e12, "H200": 989.4e12}
LEARNING_RATE = 1e-5  # in every step: large networks without warm-up
NUM_STATED = 3  # batches that PyTorch repeats
NUM_IMAGES = 6144  # per training
LEAST_STEPS, FIRST_STEPS = 18, 6
MOST_S = 400.0  # per training, including torch.compile
# Relative tolerance of losses: in fp32 for the first 3 steps, in bfloat16 for the first, before weights differ.
LOSS_TOLERANCE = {"fp32": (3, 1e-3), "bf16": (1, 1e-2)}
PEERS = {
    s.name: s
    for s in (
        PeerSetting("bf16", is_compiled=True),
        PeerSetting("bf16"),
        PeerSetting("bf16", is_compiled=True, compile_mode="max-autotune-no-cudagraphs"),
    )
}
DEFAULT_PEERS = list(PEERS)[:2]


@dataclass(frozen=True)
class Aim:
    """A network, micro-batches to try (the likeliest first), and the images per second that one H100 should reach."""

    network: Network
    micro_batches: list[int]
    images_per_s: float


AIMS = {
    "vit_b": Aim(VIT_B, [256, 128, 512], 3750),
    "vit_l": Aim(VIT_L, [128, 64, 256], 1070),
    "vit_h": Aim(VIT_H, [64, 32, 128], 394),
}
QUICK_AIMS = {"small": Aim(SMALL, [8], 0)}


class OutOfTime(subprocess.SubprocessError):
    """The part's time is over, so it measures no more networks."""


def run_speed(place: Place) -> str:
    aims = QUICK_AIMS if place.is_quick else AIMS
    names = place.options.get("networks") or list(aims)
    peer_names = place.options.get("peers") or (["bf16-fused"] if place.is_quick else DEFAULT_PEERS)
    if unknown := [n for n in names if n not in aims] + [n for n in peer_names if n not in PEERS]:
        raise PartFailed(f"unknown: {', '.join(unknown)}. Networks: {', '.join(aims)}. Peers: {', '.join(PEERS)}.")
    benchmark = Benchmark(place, [PEERS[name] for name in peer_names])
    for name in names:
        benchmark.measure(name, aims[name])
    if benchmark.mistakes:
        raise PartFailed("; ".join(benchmark.mistakes))
    return ", ".join(f"{name}: {row}" for name, row in benchmark.summary.items())


class Benchmark:
    """Measures networks one after the other and keeps figures after each."""

    def __init__(self, place: Place, settings: list[PeerSetting]):
        self.place, self.settings = place, settings
        self.peaks = measure_peaks(place.is_quick, place.device)
        self.sheet_flops = data_sheet_flops(place.device)
        self.figures: dict[str, object] = {"torch.mm, FLOP/s": self.peaks, "data sheet, FLOP/s": self.sheet_flops}
        self.mistakes: list[str] = []
        self.summary: dict[str, str] = {}
        print(
            f"torch.mm reaches {self.peaks['bf16'] / 1e12:.1f} TFLOP/s in bf16, {self.peaks['fp32'] / 1e12:.1f} in fp32"
        )

    def measure(self, name: str, aim: Aim) -> None:
        if name == "vit_b":  # the others differ only in widths and depths
            self.compare_in_fp32(name, aim.network)
        micro_batches = [int(m) for m in self.place.options.get("micro", [])] or aim.micro_batches
        ours: dict[str, Outcome] = {}
        theirs: dict[str, Outcome] = {}
        for micro in micro_batches:
            work = self.make_work(aim.network, micro, max(LEAST_STEPS, NUM_IMAGES // micro), f"{name}_{micro}")
            ways = list_ways(self.place, is_largest=micro == max(micro_batches))
            outcomes = self.take_turns(work, "bf16", ways, self.settings)
            ours |= {f"{way}, micro-batch {micro}": o for (side, way), o in outcomes.items() if side == "ours"}
            theirs |= {f"{way}, micro-batch {micro}": o for (side, way), o in outcomes.items() if side == "peer"}
            self.check_losses(f"{name}, micro-batch {micro}", "bf16", outcomes)
        self.conclude(name, aim, ours, theirs)

    def make_work(self, network: Network, micro: int, num_steps: int, name: str) -> Workload:
        if self.place.is_quick:
            num_steps = 4
        first = FIRST_STEPS if num_steps >= LEAST_STEPS else 1
        work = Workload(
            network,
            Size(micro, num_steps, first),
            self.place.num_devices,
            self.place.folder / name,
            device=self.place.device,
            num_workers=max(1, min(12, (os.cpu_count() or 1) // self.place.num_devices - 2)),
            num_stated=NUM_STATED,
            learning_rate=LEARNING_RATE,
        )
        work.prepare()
        return work

    def take_turns(
        self, work: Workload, precision: str, ways: dict[str, list[str]], settings: list[PeerSetting]
    ) -> dict[tuple[str, str], Outcome]:
        def within_time(measure: Callable[..., Measurement]) -> Measurement:
            if self.place.remaining_s() < 0:
                raise OutOfTime("left out: no time left")
            return measure(timeout_s=max(10.0, min(MOST_S, self.place.remaining_s())))

        def measure_peer(setting: PeerSetting, timeout_s: float) -> Measurement:
            taken = peers.measure(work, "end_to_end", setting, timeout_s=timeout_s)
            return replace(taken, peak_bytes=taken.peak_bytes - bytes_of_other_batches(work))

        measures: dict[tuple[str, str], Measure] = {
            ("ours", way): partial(within_time, partial(program.measure, work, precision, *options))
            for way, options in ways.items()
        }
        for setting in settings:
            measures["peer", setting.name] = partial(within_time, partial(measure_peer, setting))
        return interleave(1, measures)

    def compare_in_fp32(self, name: str, network: Network) -> None:
        """Checks that both sides compute the same, in a few steps with a small batch."""
        work = self.make_work(network, 8, 4, f"{name}_fp32")
        outcomes = self.take_turns(work, "fp32", {"fp32": []}, [PeerSetting("fp32")])
        self.check_losses(f"{name}, fp32", "fp32", outcomes)

    def check_losses(self, what: str, precision: str, outcomes: dict[tuple[str, str], Outcome]) -> None:
        """Compares the losses of both sides' first steps. Skips unmeasured sides, which conclude() counts."""
        num_losses, tolerance = LOSS_TOLERANCE[precision]
        losses = {
            side: [o.losses[:num_losses] for (s, _), o in outcomes.items() if s == side and isinstance(o, Measurement)]
            for side in ("ours", "peer")
        }
        errors = [
            abs(our / their - 1)
            for ours in losses["ours"]
            for theirs in losses["peer"]
            for our, their in zip(ours, theirs, strict=True)
        ]
        if not errors:
            failures = [f"{side} {way}: {o.reason}" for (side, way), o in outcomes.items() if isinstance(o, Failure)]
            print(f"{what}: no losses to compare ({'; '.join(failures)})", flush=True)
            if precision == "fp32":
                self.mistakes.append(f"{what}: nothing to compare")
            return
        print(f"{what}: losses of {num_losses} steps agree to {max(errors):.1e}", flush=True)
        if not max(errors) <= tolerance:
            self.mistakes.append(f"{what}: losses differ by {max(errors):.1e}")

    def conclude(self, name: str, aim: Aim, ours: dict[str, Outcome], theirs: dict[str, Outcome]) -> None:
        flops = aim.network.training_flops("end_to_end") / self.place.num_devices
        print(f"{name}, {self.place.num_devices} process(es), bf16:")
        for side, outcomes in (("incubate", ours), ("PyTorch", theirs)):
            for way, outcome in outcomes.items():
                print(f"  {side + ' ' + way:66}{self.describe(outcome, flops)}")
        best_of_ours, best_of_theirs = (best(outcomes) for outcomes in (ours, theirs))
        self.figures[name] = {
            f"{side} {way}": vars(o) for side, of in (("incubate", ours), ("PyTorch", theirs)) for way, o in of.items()
        }
        if best_of_ours is None or best_of_theirs is None:
            self.mistakes.append(f"{name}: one side was not measured")
        else:
            ratio = best_of_ours.images_per_s / best_of_theirs.images_per_s
            self.summary[name] = f"{best_of_ours.images_per_s:.0f} images/s, {ratio:.2f} times PyTorch"
            print(f"  best of each side: {self.summary[name]}", flush=True)
            self.check_aims(name, aim, best_of_ours.images_per_s, ratio, flops)
        self.place.keep("benchmark", self.figures)

    def describe(self, outcome: Outcome, flops: float) -> str:
        if isinstance(outcome, Failure):
            return f"failed: {outcome.reason}"
        of_sheet = (
            "" if self.sheet_flops is None else f"{outcome.images_per_s * flops / self.sheet_flops:8.1%} of sheet"
        )
        return (
            f"{outcome.images_per_s:10.1f} images/s{outcome.images_per_s * flops / self.peaks['bf16']:8.1%} of torch.mm"
            f"{of_sheet}{outcome.peak_bytes / 2**30:8.2f} GiB"
        )

    def check_aims(self, name: str, aim: Aim, images_per_s: float, ratio: float, flops: float) -> None:
        """Checks a GPU whose data sheet is known, others only by the ratio. The CPU and small sizes have no aims."""
        if self.place.device == "cpu" or self.place.is_quick:
            return
        if ratio < MIN_RATIO:
            self.mistakes.append(f"{name}: {ratio:.2f} times PyTorch, aim {MIN_RATIO}")
        if self.sheet_flops is None:
            return
        speed = images_per_s / self.place.num_devices
        fraction = images_per_s * flops / self.sheet_flops
        if speed < aim.images_per_s or fraction < TARGET_PEAK_FRACTION:
            self.mistakes.append(
                f"{name}: {speed:.0f} images/s a GPU, {fraction:.1%} of the data sheet's peak; "
                f"aims {aim.images_per_s:.0f} and {TARGET_PEAK_FRACTION:.0%}"
            )


def list_ways(place: Place, is_largest: bool) -> dict[str, list[str]]:
    """Returns names and settings of the ways in which incubate trains, as far as this build supports them."""
    ways: dict[str, list[str]] = {"bf16": []}
    if place.device == "cuda" and knows("run.cuda_graph"):
        ways = {"bf16, graph": ["--run.cuda_graph=true"], "bf16, no graph": ["--run.cuda_graph=false"]}
    way, settings = next(iter(ways.items()))
    if not place.is_quick:
        ways[f"{way}, exact sums"] = [*settings, "--run.sums=exact"]  # the cost of exact sums
    if place.num_devices > 1 and knows("run.shard_optimizer"):
        ways[f"{way}, shards"] = [*settings, "--run.shard_optimizer=true"]
    if is_largest and not place.is_quick and knows("run.recompute"):
        ways[f"{way}, recompute"] = [*settings, "--run.recompute=blocks"]
    return ways


def bytes_of_other_batches(work: Workload) -> int:
    """Returns the bytes on PyTorch's GPU beyond one batch."""
    if work.device == "cpu":
        return 0
    n = work.network
    return (NUM_STATED - 1) * work.size.batch_per_process * n.channels * n.image_size**2 * 4


def best(outcomes: dict[str, Outcome]) -> Measurement | None:
    return max((o for o in outcomes.values() if isinstance(o, Measurement)), key=lambda m: m.images_per_s, default=None)


def data_sheet_flops(device: str) -> float | None:
    if device == "cpu":
        return None
    name = torch.cuda.get_device_name()
    return next((flops for part, flops in DATA_SHEET_FLOPS.items() if part in name), None)
