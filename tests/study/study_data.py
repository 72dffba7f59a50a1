"""Cuts the data files of the study: training and validation images out of the training images, test images apart.

    python tests/study/study_data.py --fashion-mnist=/usr/share/datasets/fashion-mnist --cifar100=cifar-100-binary

writes data/study/fashion-mnist.h5 (50,000 and 10,000 images, by a seeded permutation), and from CIFAR-100's train.bin
and test.bin data/study/cifar100-100.h5 and cifar100-50.h5: of each class the first 100 (50) images train, images 101 to
150 validate. Beside each lies a file for the evaluation of test images, which no training reads.
"""

from __future__ import annotations

import argparse
import gzip
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from launch import EXECUTABLE, make_environment

PERMUTATION_SEED = 34
NUM_VALIDATION = 10_000
FASHION_CLASSES = "T-shirt,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot"
VALIDATION_PER_CLASS = slice(100, 150)
PER_CLASS = (100, 50)
RECORD_BYTES = 2 + 3072  # coarse label, fine label, planes of red, green and blue

Bytes = NDArray[np.uint8]


def read_idx(path: Path) -> Bytes:
    """Returns an IDX file of bytes with 1 or 3 dimensions."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    num_dimensions = content[3]
    shape = np.frombuffer(content, ">u4", num_dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * num_dimensions).reshape(shape)


def write_idx(path: Path, values: Bytes) -> None:
    head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    path.write_bytes(head + values.tobytes())


def save_split(path: Path, images: Bytes, labels: Bytes) -> None:
    """Writes a split. `images` are count x channels x height x width."""
    np.savez_compressed(path, images=images, labels=labels)


def pack(*arguments: str) -> None:
    command = [str(EXECUTABLE), "pack", *arguments]
    subprocess.run(command, env=make_environment(), check=True)


def cut_fashion_mnist(source: Path, output: Path) -> None:
    images, labels = (read_idx(source / f"train-{kind}.gz") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"))
    order = np.random.Generator(np.random.PCG64(PERMUTATION_SEED)).permutation(len(images))
    parts = {"train": order[:-NUM_VALIDATION], "validation": order[-NUM_VALIDATION:]}
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for split, places in parts.items():
            for kind, values in (("images", images), ("labels", labels)):
                write_idx(Path(folder) / f"{split}-{kind}", values[places])
                files.append(f"--{split}-{kind}={folder}/{split}-{kind}")
        pack("--format=idx", *files, f"--class-names={FASHION_CLASSES}", f"--output={output}/fashion-mnist.h5")
    places = parts["validation"]
    save_split(output / "fashion-mnist-validation.npz", images[places][:, None], labels[places])
    images, labels = (read_idx(source / f"t10k-{kind}.gz") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"))
    save_split(output / "fashion-mnist-test.npz", images[:, None], labels)


def place_in_class(labels: Bytes) -> NDArray[np.int64]:
    """Returns for each image the number of images of its class before it."""
    places = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        places[labels == label] = np.arange(np.count_nonzero(labels == label))
    return places


def cut_cifar100(source: Path, output: Path) -> None:
    records = np.fromfile(source / "train.bin", np.uint8).reshape(-1, RECORD_BYTES)
    places = place_in_class(records[:, 1])
    validation = records[(places >= VALIDATION_PER_CLASS.start) & (places < VALIDATION_PER_CLASS.stop)]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "validation.bin").write_bytes(validation.tobytes())
        for count in PER_CLASS:
            (Path(folder) / "train.bin").write_bytes(records[places < count].tobytes())
            pack(
                "--format=cifar",
                f"--train-files={folder}/train.bin",
                f"--validation-files={folder}/validation.bin",
                f"--class-names-file={source}/fine_label_names.txt",
                f"--output={output}/cifar100-{count}.h5",
            )
    unseen = np.fromfile(source / "test.bin", np.uint8).reshape(-1, RECORD_BYTES)
    for split, rows in (("validation", validation), ("test", unseen)):
        save_split(output / f"cifar100-{split}.npz", rows[:, 2:].reshape(-1, 3, 32, 32), rows[:, 1])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Cuts the data files of the study.")
    parser.add_argument("--fashion-mnist", type=Path, metavar="FOLDER", help="with train-images-idx3-ubyte.gz, ...")
    parser.add_argument(
        "--cifar100", type=Path, metavar="FOLDER", help="with train.bin, test.bin, fine_label_names.txt"
    )
    parser.add_argument("--output", type=Path, default=Path("data/study"), metavar="FOLDER")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    if options.fashion_mnist:
        cut_fashion_mnist(options.fashion_mnist, options.output)
    if options.cifar100:
        cut_cifar100(options.cifar100, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
