"""Runs one process of a training in PyTorch, timed step by step. peers.py starts it and states the job.

peer_training.py JOB.json
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch
from networks import Network
from peer_clock import CpuClock, GpuClock
from peer_model import (
    PeerSetting,
    autocast,
    begin_processes,
    end_processes,
    make_network,
    make_optimizer,
    rank_and_size,
    read_job,
    wrap,
)
from torch import distributed
from torch.nn import functional

from parity import read


@dataclass(frozen=True)
class PeerJob:
    """Everything that a process must know."""

    network: Network
    training: str
    setting: PeerSetting
    frozen: str
    weights: str  # paths
    batches: str
    output: str
    learning_rate: float
    weight_decay: float
    device: str  # cpu or cuda
    num_steps: int


Batch = tuple[torch.Tensor, torch.Tensor]  # images, labels


def read_batches(path: Path, rank: int, size: int) -> Iterator[Batch]:
    """Yields a process's part of each step's batch. Reads it before the step's time begins, and keeps no other."""
    with h5py.File(path, "r") as file:
        for step in range(len(file["labels"])):
            images, labels = (np.array_split(file[name][step], size)[rank] for name in ("images", "labels"))
            yield torch.from_numpy(images), torch.from_numpy(labels)


def repeat_batches(path: Path, rank: int, size: int, device: torch.device) -> Iterator[Batch]:
    """Repeats the stored batches for ever. On a GPU they are there from the start, so that no step waits for a copy."""
    if device.type == "cuda":
        batches = read_batches(path, rank, size)
        yield from itertools.cycle([(images.to(device), labels.to(device)) for images, labels in batches])
    while True:
        yield from read_batches(path, rank, size)


def main() -> None:
    """Runs the command line."""
    job = PeerJob(**read_job(Path(sys.argv[1])))
    device = begin_processes(job.device)
    if job.setting.precision == "fp32":
        torch.backends.cudnn.allow_tf32 = False  # convolutions would round to 10 bits
    rank, size = rank_and_size()
    depths = job.network.depths_of(job.training)
    model = make_network(job.network, job.training, job.setting)
    model.load_state_dict(read(Path(job.weights)), strict=True)
    model.to(device)
    wrapped = wrap(model, depths, job.training, job.setting, job.frozen)
    optimizer = make_optimizer(model, depths, job.training, job.learning_rate, job.weight_decay)
    batches = repeat_batches(Path(job.batches), rank, size, device)
    clock = GpuClock() if device.type == "cuda" else CpuClock()
    losses = []
    for images, labels in itertools.islice(batches, job.num_steps):
        clock.begin_step()
        optimizer.zero_grad(set_to_none=True)
        with autocast(job.setting, device.type):
            loss = functional.cross_entropy(wrapped(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        clock.end_step()
        losses.append(loss.detach())
    figures = torch.tensor([float(clock.peak_bytes())], dtype=torch.float64, device=device)
    means = torch.stack(losses) / size
    if size > 1:
        distributed.all_reduce(means)
        distributed.all_reduce(figures, op=distributed.ReduceOp.MAX)
    if rank == 0:
        result = {"step_s": clock.step_s(), "losses": means.tolist(), "peak_bytes": int(figures[0])}
        Path(job.output).write_text(json.dumps(result))
    end_processes()


if __name__ == "__main__":
    main()
