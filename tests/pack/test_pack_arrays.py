"""Tests `incubate pack` of NumPy's and HDF5's arrays: every value comes back, and mistakes are named."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.lib.format import write_array
from numpy.typing import NDArray
from PIL import Image

import launch
from run_files import finished, read_weights
from tiny import Tiny

SPLITS = ("train", "validation")
NAMES = "--class-names=ant,bee,cat"
Array = NDArray[Any]
Arrays = dict[str, Array]


def make_arrays(shape: tuple[int, ...] = (9, 5), kind: str = "|u1", label_kind: str = "<i8", count: int = 12) -> Arrays:
    """Noise of the whole range, with labels 0, 1, 2, 0, ...; by names such as `train-images`."""
    generator = np.random.default_rng(1)
    arrays: Arrays = {}
    for split, size in zip(SPLITS, (count, count // 2), strict=True):
        most = np.iinfo(kind).max
        arrays[f"{split}-images"] = generator.integers(0, most, (size, *shape), endpoint=True).astype(kind)
        arrays[f"{split}-labels"] = (np.arange(size) % 3).astype(label_kind)
    return arrays


def write_npy(folder: Path, arrays: Arrays, version: tuple[int, int] = (1, 0)) -> list[str]:
    for name, array in arrays.items():
        with (folder / f"{name}.npy").open("wb") as file:
            write_array(file, array, version)
    return ["--format=npy", *(f"--{name}={folder / name}.npy" for name in arrays)]


def write_hdf5(folder: Path, arrays: Arrays, **options: Any) -> list[str]:
    """Writes a file for each split, with the datasets that are looked for if none is named."""
    for split in SPLITS:
        with h5py.File(folder / f"{split}.h5", "w") as file:
            for what in ("images", "labels"):
                file.create_dataset(what, data=arrays[f"{split}-{what}"], **options)
    return ["--format=hdf5", *(f"--{split}-images={folder / split}.h5" for split in SPLITS)]


def pack(folder: Path, *words: str) -> h5py.File:
    output = folder / "packed" / "F.h5"
    launch.run_well("pack", *words, NAMES, f"--output={output}")
    return h5py.File(output)


def refused(folder: Path, *words: str) -> str:
    outcome = launch.run("pack", *words, NAMES, f"--output={folder}/packed.h5")
    assert outcome.status == 2
    assert not (folder / "packed.h5").exists()
    [message] = outcome.messages()
    return message.removeprefix("incubate: ").replace(f"{folder}/", "")


def assert_packed(file: h5py.File, arrays: Arrays) -> None:
    for split in SPLITS:
        images, packed = arrays[f"{split}-images"], file[split]["images"]
        assert packed.dtype == images.dtype.newbyteorder("=")
        assert packed.shape == (images.shape if images.ndim == 4 else (*images.shape, 1))
        assert np.array_equal(packed[()].reshape(images.shape), images)
        assert np.array_equal(file[split]["labels"][()], arrays[f"{split}-labels"])
    train = arrays["train-images"]
    shares = train.reshape(-1, train.shape[3] if train.ndim == 4 else 1) / np.iinfo(train.dtype).max
    assert file["mean"][()] == pytest.approx(shares.mean(0), rel=1e-12)
    assert file["std"][()] == pytest.approx(shares.std(0), rel=1e-12)


@pytest.mark.parametrize(
    ("version", "shape", "kind", "label_kind"),
    [
        ((1, 0), (9, 5), "|u1", "<i8"),
        ((2, 0), (9, 5, 1), "<u2", "|u1"),
        ((3, 0), (4, 9, 3), ">u2", ">i2"),
        ((1, 0), (3, 9, 4), "|u1", ">u8"),
    ],
)
def test_npy_arrays_come_back(
    version: tuple[int, int], shape: tuple[int, ...], kind: str, label_kind: str, tmp_path: Path
) -> None:
    arrays = make_arrays(shape, kind, label_kind)
    assert_packed(pack(tmp_path, *write_npy(tmp_path, arrays, version)), arrays)


@pytest.mark.parametrize(("kind", "options"), [("|u1", {}), (">u2", {"compression": "gzip", "shuffle": True})])
def test_hdf5_datasets_come_back(kind: str, options: dict[str, Any], tmp_path: Path) -> None:
    arrays = make_arrays((9, 5, 3), kind, ">i4")
    assert_packed(pack(tmp_path, *write_hdf5(tmp_path, arrays, **options)), arrays)


def test_datasets_of_hdf5_are_named(tmp_path: Path) -> None:
    """All in one file, strongly compressed: many more values than bytes."""
    arrays = make_arrays((200, 200))
    for split in SPLITS:
        arrays[f"{split}-images"][:] = 7
    with h5py.File(tmp_path / "all.h5", "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name.replace("-", "/"), data=array, compression="gzip")
    assert (tmp_path / "all.h5").stat().st_size < 30_000
    words = [f"--{name}={tmp_path}/all.h5:/{name.replace('-', '/')}" for name in arrays]
    assert_packed(pack(tmp_path, "--format=hdf5", *words), arrays)
    again = launch.run_well("pack", "--format=hdf5", *words, NAMES, f"--output={tmp_path}/packed/F.h5")
    assert "is complete" in again.stdout + again.stderr
    words[2:] = [word.replace("train-", "validation-") for word in words[:2]]  # other datasets of the same file
    assert pack(tmp_path, "--format=hdf5", *words)["validation/labels"].shape == (12,)


def test_shares_choose_as_of_other_formats(tmp_path: Path) -> None:
    arrays = make_arrays()
    words = write_npy(tmp_path, arrays)[:3]
    file = pack(tmp_path, *words, "--validation-share=0.25", "--subset=0.5")
    assert file["validation/labels"].shape == (3,)
    assert file["train/labels"].shape == (6,)
    rows = {image.tobytes() for image in arrays["train-images"]}
    assert {image.tobytes() for split in SPLITS for image in file[split]["images"]} <= rows


Change = Callable[[Arrays], object]


def of(name: str, change: Callable[[Array], Array]) -> Change:
    """Returns a change of one array."""
    return lambda arrays: arrays.update({name: change(arrays[name])})


ANY_FORMAT: list[tuple[Change, str]] = [
    (
        of("train-images", lambda a: a.astype("<f4")),
        "{train-images} has values of type <f4, not unsigned integers of 8 or 16 bits (|u1, <u2, >u2). Convert "
        "them, such as by numpy.round(65535 * images).astype(numpy.uint16) if they are 0 .. 1.",
    ),
    (
        of("train-images", lambda a: a[..., None].repeat(2, 3)),
        "{train-images} has the shape 12x9x5x2, 2 channels; images have 1, 3 or 4, last. Take such channels.",
    ),
    (
        of("train-images", lambda a: a[:, None].repeat(3, 1)),
        "{train-images} has the shape 12x3x9x5, channels first; they must be last. Save numpy.moveaxis(images, 1, "
        "-1).copy().",
    ),
    (
        of("train-images", lambda a: a.reshape(12, -1)),
        "{train-images} has the shape 12x45; images have images x height x width, or images x height x width x "
        "channels. Reshape it.",
    ),
    (
        of("train-images", lambda a: a[:, :0]),
        "{train-images} has the shape 12x0x5, which is empty. Name a file with images.",
    ),
    (
        of("train-labels", lambda a: a.astype("<f8")),
        "{train-labels} has values of type <f8; labels are integers. Convert them.",
    ),
    (
        of("train-labels", lambda a: np.eye(3, dtype=np.uint8)[a]),
        "{train-labels} has the shape 12x3; labels are one integer an image. Save labels.reshape(-1), or "
        "labels.argmax(1) if they are 0 and 1 for each class.",
    ),
    (
        of("validation-labels", lambda a: a[:-1]),
        "{validation-labels} has 5 labels but {validation-images} has 6 images. Give the files that belong together.",
    ),
    (
        of("train-labels", lambda a: a - 1),
        "{train-labels}: label -1 of image 0 is negative (labels count classes from 0). Number the classes anew.",
    ),
    (
        of("train-labels", lambda a: np.where(a == 1, 0, a)),
        "{origin}: no image has the label 1, but 3 classes have names (labels count from 0 without a gap). "
        "Number the classes anew, or leave out the name 'bee'.",
    ),
    (
        of("train-labels", lambda a: a + 1),
        "{train-labels}: label 3 of image 2 is not below the number of classes, 3. Give a name for every class.",
    ),
    (
        of("validation-images", lambda a: a[:, :8]),
        "training images are 9x5 but validation images 8x5. Give files that belong together.",
    ),
    (
        of("validation-images", lambda a: a.astype("<u2")),
        "training images have 1 channels of 8 bits but validation images 1 of 16. Give files that belong together.",
    ),
    (
        of("validation-images", lambda a: a[..., None].repeat(3, 3)),
        "training images have 1 channels of 8 bits but validation images 3 of 8. Give files that belong together.",
    ),
]


@pytest.mark.parametrize("number", range(len(ANY_FORMAT)))
def test_mistakes_are_named(number: int, tmp_path: Path) -> None:
    change, expected = ANY_FORMAT[number]
    arrays = make_arrays()
    change(arrays)
    is_npy = number % 2 == 0
    words = (write_npy if is_npy else write_hdf5)(tmp_path, arrays)
    names = {name: f"{name}.npy" if is_npy else name.replace("-", ".h5:/") for name in arrays}
    names["origin"] = "train-labels.npy" if is_npy else "train.h5"
    assert refused(tmp_path, *words) == expected.format_map(names)


def test_fortran_order_is_refused(tmp_path: Path) -> None:
    arrays = make_arrays()
    arrays["train-images"] = np.asfortranarray(arrays["train-images"])
    assert refused(tmp_path, *write_npy(tmp_path, arrays)) == (
        "train-images.npy is in Fortran order (its first index varies fastest), not in C order. Save "
        "numpy.ascontiguousarray(array)."
    )


def test_mistakes_in_hdf5_files_are_named(tmp_path: Path) -> None:
    words = write_hdf5(tmp_path, make_arrays())
    with h5py.File(tmp_path / "train.h5", "a") as file:
        file.move("labels", "answers")
    assert refused(tmp_path, *words) == (
        "train.h5 has no dataset /labels (but answers, images). Name one: train.h5:/DATASET."
    )
    (tmp_path / "train.h5").write_bytes(b"text")
    assert refused(tmp_path, *words) == (
        "train.h5: cannot open train.h5: file signature not found. Name an HDF5 file and a dataset in it, or copy it "
        "again."
    )


@pytest.mark.parametrize("kind", ["names", "12 bits"])
def test_other_types_of_hdf5_are_no_pixels(kind: str, tmp_path: Path) -> None:
    """Both have the size of pixels."""
    arrays = make_arrays(kind="<u2")
    words = write_hdf5(tmp_path, arrays)
    with h5py.File(tmp_path / "train.h5", "a") as file:
        del file["images"]
        if kind == "names":
            stored = h5py.h5t.py_create(h5py.enum_dtype({"dark": 0, "lit": 1}, basetype="u2"), logical=True)
        else:
            stored = h5py.h5t.STD_U16LE.copy()
            stored.set_precision(12)
        h5py.h5d.create(file.id, b"images", stored, h5py.h5s.create_simple(arrays["train-images"].shape))
    message = "train.h5:/images has values of type non-numeric, not unsigned integers of 8 or 16 bits (|u1, <u2, >u2). "
    assert refused(tmp_path, *words).startswith(message)


def train(folder: Path, data: Path, *settings: str, channels: int = 4, num_ranks: int = 1) -> launch.Outcome:
    """Trains the tiny network of these images, with all changes of images that 16 bits allow."""
    mean, std = (",".join([number] * channels) for number in ("0.5", "0.3"))
    pixels = (f"--model.channels={channels}", f"--data.mean={mean}", f"--data.std={std}")
    network = ("--model.classes=3", "--method.trainings=end_to_end", "--end_to_end.epochs=3")
    changes = ("--recipe.random_erasing=0.5", "--recipe.mixup=0.8", "--recipe.cutmix=1")
    words = Tiny(folder, data).arguments(folder / f"run-{data.stem}", *network, *pixels, *changes, *settings)
    return launch.run(*words, num_ranks=num_ranks)


def test_16_bits_train_as_8_bits_of_the_same_share(tmp_path: Path) -> None:
    """257 times a byte is the same share of the largest value: the weights are the same, bit for bit, and results."""
    arrays = make_arrays((8, 8, 4), count=64)
    weights, predictions = [], set()
    for bits in (8, 16):
        data, run = tmp_path / f"{bits}.h5", tmp_path / f"run-{bits}"
        launch.run_well("pack", *write_npy(tmp_path, arrays), NAMES, f"--output={data}")
        outcome = train(tmp_path, data, num_ranks=bits // 8)
        assert outcome.status == 0, outcome.stderr
        weights.append(read_weights(finished(run, "end_to_end")))
        with h5py.File(finished(run, "end_to_end")) as checkpoint, h5py.File(data) as packed:
            assert checkpoint["data/value_bytes"][0] == bits // 8
            assert packed.attrs["version"] == bits // 8
            for name in ("mean", "std"):
                assert np.array_equal(checkpoint[f"data/{name}"][()], packed[name][()])
        network = (f"--config={run}/config.ini", "--training=end_to_end", f"--data.file={data}")
        predictions.add(launch.run_well("predict", *network).stdout)
        assert "top-1" in launch.run_well("evaluate", *network).stdout
        arrays |= {name: array.astype(">u2") * 257 for name, array in arrays.items() if name.endswith("images")}
    assert weights[0].keys() == weights[1].keys()
    for name in weights[0]:
        assert np.array_equal(weights[0][name], weights[1][name]), name
    assert len(predictions) == 1
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    outcome = launch.run("predict", f"--config={run}/config.ini", "--training=end_to_end", f"{tmp_path}/a.png")
    assert outcome.status == 2
    assert "takes images of 4 channels, but image files are grey or in colour." in outcome.stderr


@pytest.mark.parametrize("setting", ["rand_augment=rand-m9-n2", "color_jitter=0.4"])
def test_changes_of_8_bit_colours_are_refused(setting: str, tmp_path: Path) -> None:
    arrays = make_arrays((8, 8, 3), "<u2", count=64)
    data = tmp_path / "16.h5"
    launch.run_well("pack", *write_npy(tmp_path, arrays), NAMES, f"--output={data}")
    outcome = train(tmp_path, data, f"--end_to_end.{setting}", channels=3)
    name = setting.split("=")[0]
    assert outcome.status == 2
    assert outcome.messages() == [
        f"incubate: {data} has images of 16 bits but end_to_end.{name} knows 8-bit colours only. Switch it off."
    ]
    outcome = train(tmp_path, data, f"--end_to_end.{setting}")
    assert outcome.messages() == [
        f"incubate: model.channels=4 but end_to_end.{name} knows grey and colour images only. Switch it off."
    ]


def test_the_documented_example_runs_as_written(tmp_path: Path) -> None:
    """The code blocks of src/pack/README.md."""
    text = (launch.REPOSITORY / "src/pack/README.md").read_text()
    script, command = re.findall(r"```(?:python)?\n(.*?)```", text, re.DOTALL)
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    assert command.startswith("build/incubate pack ")
    command = command.replace("build/incubate", str(launch.EXECUTABLE))
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True, env=launch.make_environment())
    with h5py.File(tmp_path / "data/bands.h5") as file:
        assert np.array_equal(file["train/images"][()], np.load(tmp_path / "train-images.npy"))
        assert file["train/images"].shape[1:] == (32, 32, 4)
