"""The paper's experiments and published results (Ni et al., "Deep Incubation", ICCV 2023, arXiv 2212.04129).

The first comments of input/*.ini quote them too. A run belongs to an experiment with its network and its images.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from run_directory.data import Config, Run, read_config
from run_directory.log import DataSize

INPUT = Path(__file__).resolve().parents[2] / "input"
# Settings that the input files leave at the program's defaults, the paper's lengths.
DEFAULT_EPOCHS = {"meta": "300", "incubation": "100", "finetuning": "100"}
NOT_OF_THE_RESULT = {"data.file", "data.workers"}


class Published(NamedTuple):
    what: str
    training: str | None  # the run's training to compare with; None: other people's methods
    top1: float  # percent


class Experiment(NamedTuple):
    title: str
    preset: str
    images: tuple[int, int]  # training images: at least, at most
    num_classes: int
    published: list[Published]
    note: str


_IMAGENET = (1_268_000, 1_294_000)
_HALF = (628_000, 653_000)
_QUARTER = (311_000, 330_000)
_CIFAR = (50_000, 50_000)


def _both(ours: float, end_to_end: float, *others: tuple[str, float]) -> list[Published]:
    rows = [Published("Deep Incubation", "finetuned", ours), Published("end to end", "end_to_end", end_to_end)]
    return rows + [Published(name, None, top1) for name, top1 in others]


def _high_resolution(side: int, ours: float, end_to_end: float) -> list[Published]:
    return [
        Published(f"Deep Incubation, {side} pixels", "high_resolution", ours),
        Published(f"end to end, {side} pixels", "end_to_end_high_resolution", end_to_end),
    ]


_MAE, _DEIT3 = "end to end, recipe of MAE from scratch", "end to end, recipe of DeiT III"
EXPERIMENTS = {  # by input file
    "imagenet-vit-b": Experiment(
        "ViT-B/16 on ImageNet-1K",
        "vit_b16",
        _IMAGENET,
        1000,
        _both(82.4, 81.8, (_MAE, 82.3), (_DEIT3, 83.8)) + _high_resolution(384, 84.2, 83.1),
        "Published cost in A100 GPU hours: Deep Incubation 390, end to end 290.",
    ),
    "imagenet-vit-l": Experiment(
        "ViT-L/16 on ImageNet-1K",
        "vit_l16",
        _IMAGENET,
        1000,
        _both(83.9, 81.4, (_MAE, 82.6), (_DEIT3, 84.9)) + _high_resolution(384, 85.3, 83.3),
        "Published cost in A100 GPU hours: Deep Incubation 890 (445 for 81.4 %), end to end 1,090. In block FLOPs "
        "equal accuracy costs end to end 2.1 times as much.",
    ),
    "imagenet-vit-h": Experiment(
        "ViT-H/14 on ImageNet-1K",
        "vit_h14",
        _IMAGENET,
        1000,
        _both(84.3, 81.6, (_MAE, 83.1), (_DEIT3, 85.2)) + _high_resolution(392, 85.6, 83.4),
        "Published cost in A100 GPU hours: Deep Incubation 2,720 (1,493 for 83.4 %, 878 for 80.5 %), end to end 4,790. "
        "In block FLOPs equal accuracy costs end to end 2.6 times as much.",
    ),
    "imagenet-50-vit-b": Experiment(
        "ViT-B/16 on 50 % of ImageNet-1K", "vit_b16", _HALF, 1000, _both(78.6, 74.7), "No cost was published."
    ),
    "imagenet-25-vit-b": Experiment(
        "ViT-B/16 on 25 % of ImageNet-1K", "vit_b16", _QUARTER, 1000, _both(72.9, 65.7), "No cost was published."
    ),
    "cifar100-resnet-110": Experiment(
        "ResNet-110 on CIFAR-100",
        "resnet110",
        _CIFAR,
        100,
        _both(73.0, 71.1, ("InfoPro", 71.2), ("DGL", 69.2)),
        "The number of stages and the schedule were not published: those of the input file are this project's.",
    ),
    "cifar100-deit-t-32": Experiment(
        "DeiT-T-32 on CIFAR-100",
        "deit_t32",
        _CIFAR,
        100,
        _both(75.3, 72.8, ("InfoPro", 73.3), ("DGL", 72.0)),
        "The schedule was not published: that of the input file is this project's.",
    ),
    "cifar100-deit-t-128": Experiment(
        "DeiT-T-128 on CIFAR-100",
        "deit_t128",
        _CIFAR,
        100,
        _both(77.2, 69.4, ("InfoPro", 73.2), ("DGL", 70.9)),
        "Published wall-clock: Deep Incubation 7.2 h, end to end 6.0 h (its longest run 71.9 % after 10.8 h; Deep "
        "Incubation 72.8 % after 3.2 h). The schedule was not published: that of the input file is this project's.",
    ),
}


def find_experiment(config: Config, data: DataSize | None) -> str | None:
    """Returns the name of the input file. Compares the images' number and classes, or without a log the file's name."""
    model, file = config.get("model", {}), Path(config.get("data", {}).get("file", "")).name
    for name, experiment in EXPERIMENTS.items():
        if model.get("preset") != experiment.preset:
            continue
        if data is None:
            if file == Path(read_config(INPUT / f"{name}.ini").get("data", {}).get("file", "-")).name:
                return name
        elif (
            experiment.images[0] <= data.num_train <= experiment.images[1]
            and data.num_classes == experiment.num_classes
        ):
            return name
    return None


def find_other_settings(run: Run, name: str) -> list[tuple[str, str, str]]:
    """Returns settings of the result that differ from the input file: name, the file's value, the run's."""
    found = [run.table.find(published.training) for published in EXPERIMENTS[name].published if published.training]
    phases = [phase for row in found if row and not row.resampled for phase in run.table.lineage_of(row.phase)]
    wanted: dict[str, str] = {f"{phase}.epochs": epochs for phase, epochs in DEFAULT_EPOCHS.items()}
    wanted |= {f"{phase}.steps": "0" for phase in phases}
    file = read_config(INPUT / f"{name}.ini")
    for key, value in file.pop("recipe", {}).items():
        wanted |= {f"{phase}.{key}": value for phase in phases}
    for section in [*phases, "model", "data", "batch", "optimizer"]:
        wanted |= {f"{section}.{key}": value for key, value in file.get(section, {}).items()}
    other = []
    for key, value in wanted.items():
        section, _, setting = key.partition(".")
        actual = run.config.get(section, {}).get(setting)
        if key not in NOT_OF_THE_RESULT and actual is not None and not _is_same(value, actual):
            other.append((key, value, actual))
    return other


def _is_same(value: str, other: str) -> bool:
    try:
        return [float(part) for part in value.split(",")] == [float(part) for part in other.split(",")]
    except ValueError:
        return value.strip() == other.strip()
