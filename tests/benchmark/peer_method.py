"""Runs one process of a training of the whole method in PyTorch, as a user's script does it, for whole_method.py.

    peer_method.py JOB.json

Reads images by a DataLoader, evaluates at the end and saves the weights. An incubation begins with the meta model's
weights, finetuning with those of the four stages.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import torch
from networks import Network, stage_index
from peer_model import (
    ALL_BUT_TARGET,
    PeerSetting,
    autocast,
    begin_processes,
    copy_stages,
    end_processes,
    make_network,
    make_optimizer,
    rank_and_size,
    read_job,
    wrap,
)
from torch import distributed
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, DistributedSampler


@dataclass(frozen=True)
class MethodJob:
    """Everything that a process must know."""

    network: Network
    training: str
    setting: PeerSetting
    data: str  # paths
    folder: str
    output: str
    batch: int  # per process
    learning_rate: float
    weight_decay: float

    def weights(self, training: str) -> Path:
        return Path(self.folder) / f"{training}.pt"


class PackedImages(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """A split of a packed file, in memory."""

    def __init__(self, path: str, split: str):
        with h5py.File(path, "r") as file:
            self.images = torch.from_numpy(file[f"{split}/images"][()]).permute(0, 3, 1, 2).contiguous()
            self.labels = torch.from_numpy(file[f"{split}/labels"][()])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return (self.images[index].float() / 255 - 0.5) / 0.25, self.labels[index]


def make_loader(job: MethodJob, split: str) -> DataLoader[Any]:
    """Returns a loader of this process's images. Workers would take cores from the computing processes."""
    dataset = PackedImages(job.data, split)
    rank, size = rank_and_size()
    is_training = split == "train"
    sampler: Any = DistributedSampler(dataset, size, rank, shuffle=is_training, drop_last=is_training)
    return DataLoader(dataset, batch_size=job.batch, sampler=sampler, drop_last=is_training)


def load_start_weights(model: torch.nn.Module, job: MethodJob) -> None:
    state, network = model.state_dict(), job.network
    depths, stages = network.depths_of(job.training), range(len(network.depths))
    if job.training.startswith("stage_"):
        others = [i for i in stages if i != stage_index(job.training)]
        copy_stages(torch.load(job.weights("meta")), network.depths_of("meta"), state, depths, others)
    elif job.training == "finetuned":
        for i in stages:
            parent = f"stage_{i}"
            copy_stages(torch.load(job.weights(parent)), network.depths_of(parent), state, depths, [i])


def evaluate(model: torch.nn.Module, job: MethodJob) -> float:
    """Returns top-1 accuracy on all validation images; each process counts its part. REQUIRES: the parts are equal."""
    model.eval()
    loader = make_loader(job, "validation")
    with torch.no_grad(), autocast(job.setting):
        hits = torch.cat([model(images).argmax(1) == labels for images, labels in loader])
    share = hits.float().mean()
    if distributed.is_initialized():
        distributed.all_reduce(share)
    return float(share) / rank_and_size()[1]


def main() -> None:
    """Runs the command line."""
    job = MethodJob(**read_job(Path(sys.argv[1])))
    begin_processes()
    rank, _ = rank_and_size()
    torch.manual_seed(0)
    depths = job.network.depths_of(job.training)
    model = make_network(job.network, job.training, job.setting)
    load_start_weights(model, job)
    wrapped = wrap(model, depths, job.training, job.setting, ALL_BUT_TARGET)
    optimizer = make_optimizer(model, depths, job.training, job.learning_rate, job.weight_decay)
    loader = make_loader(job, "train")
    begin = time.perf_counter()
    for images, labels in loader:
        optimizer.zero_grad(set_to_none=True)
        with autocast(job.setting):
            loss = functional.cross_entropy(wrapped(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    top1 = evaluate(model, job)
    if rank == 0:
        torch.save(model.state_dict(), job.weights(job.training))
        result = {"steps": len(loader), "loop_s": time.perf_counter() - begin, "top1": top1}
        Path(job.output).write_text(json.dumps(result))
    end_processes()


if __name__ == "__main__":
    main()
