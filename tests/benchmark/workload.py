"""A training for both sides: data, settings, first weights and batches, as files in a folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import h5py
from networks import Network
from packed_images import write_packed

import launch
from parity import read

LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.05
PHASES = ("meta", "incubation", "finetuning", "end_to_end")


@dataclass(frozen=True)
class Size:
    """Size of a training."""

    batch_per_process: int
    num_steps: int
    num_first: int  # steps left out of speeds


@dataclass(frozen=True)
class Workload:
    """`training` (or several, in one group) of a network on synthetic images, each seen once."""

    network: Network
    size: Size
    num_processes: int
    folder: Path
    trainings: tuple[str, ...] = ("end_to_end",)
    num_validation: int = 16
    device: str = "cpu"  # or "cuda": one per process
    num_workers: int = 0  # threads per rank that make batches
    num_stated: int = 0  # first steps whose batches are stored; 0: all
    learning_rate: float = LEARNING_RATE  # in every step, without a schedule

    @property
    def global_batch(self) -> int:
        return self.size.batch_per_process * self.num_processes

    @property
    def are_incubations(self) -> bool:
        return self.trainings[0].startswith("stage_")

    @property
    def data(self) -> Path:
        return self.folder / "images.h5"

    def weights(self, training: str) -> Path:
        return self.folder / f"{training}.safetensors"

    @property
    def batches(self) -> Path:
        """Returns the file of the steps' "images" (steps x global batch x channels x side x side, normalised, fp32) and
        "labels"."""
        return self.folder / "batches.h5"

    def settings(self, run: Path, precision: str = "fp32", num_steps: int = 0) -> list[str]:
        """Returns the program's settings for `num_steps` steps, or all. Only the order of images is random."""
        recipe = {
            "epochs": (num_steps or self.size.num_steps) / self.size.num_steps,
            "micro": self.size.batch_per_process,
            "learning_rate": self.learning_rate * 512 / self.global_batch,
            "min_learning_rate": self.learning_rate,
            "warmup_epochs": 0,
            "weight_decay": WEIGHT_DECAY,
            "drop_path": 0,
            "label_smoothing": 0,
            "clip_norm": 0,
        }
        return [
            *self.network.settings(),
            f"--data.file={self.data}",
            *normalisation_settings(self.network.channels),
            f"--batch.global={self.global_batch}",
            *(f"--{phase}.{key}={value}" for phase in PHASES for key, value in recipe.items()),
            f"--method.trainings={','.join(self.trainings)}",
            f"--run.directory={run}",
            "--run.progress=none",
            # The default needs no setting, and older builds do not know it.
            *([] if precision == "fp32" else [f"--run.precision={precision}"]),
            *([] if self.device == "cpu" else [f"--run.device={self.device}"]),
            *([] if self.num_workers == 0 else [f"--data.workers={self.num_workers}"]),
        ]

    def write_data(self) -> None:
        """Writes the data into a new folder."""
        self.folder.mkdir()
        images = self.global_batch * self.size.num_steps
        n = self.network
        write_packed(self.data, n.image_size, n.channels, n.classes, images, self.num_validation)

    def prepare(self) -> None:
        """Writes all files. The program provides its first weights and batches. The meta model has random weights,
        because its quality does not change speeds."""
        self.write_data()
        settings = self.settings(self.folder / "run")
        if self.are_incubations:
            launch.probe("initial", *settings, "--training=meta", f"--output={self.weights('meta')}")
        self.new_run("fp32")
        for training in self.trainings:
            launch.probe("initial", *settings, f"--training={training}", f"--output={self.weights(training)}")
        stated = self.folder / "batches.safetensors"
        first = self.settings(self.folder / "run", num_steps=self.num_stated)
        launch.probe("batches", *first, f"--training={self.trainings[0]}", f"--output={stated}")
        with h5py.File(self.batches, "w") as file:
            for name, tensor in read(stated).items():
                file[name] = tensor.numpy().astype("f4" if name == "images" else "i8")
        stated.unlink()

    def new_run(self, precision: str) -> Path:
        """Returns an empty run directory, replacing the previous one; the parents of incubations are done."""
        run = self.folder / "run"
        shutil.rmtree(run, ignore_errors=True)
        if self.are_incubations:
            settings = self.settings(run, precision)
            launch.run_well("import", *settings, "--training=meta", f"--input={self.weights('meta')}")
        return run


def normalisation_settings(channels: int) -> list[str]:
    return [f"--data.{name}={','.join([value] * channels)}" for name, value in (("mean", "0.5"), ("std", "0.25"))]
