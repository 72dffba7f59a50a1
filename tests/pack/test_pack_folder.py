"""Tests `incubate pack --format folder`: shards are the same on any ranks, killed or not; and `--verify`."""

from __future__ import annotations

import io
import itertools
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
import xxhash
from numpy.typing import NDArray
from PIL import Image

import launch
from make_image_folder import Layout, write_image_folder
from run_files import seal, snapshot, verify_file, write_lock
from small_disk import small_disk

NUM_TRAIN = 180
NUM_VALIDATION = 60
NUM_ODD = 12  # training images that add_odd_files() adds
REDUCED = ("--shorter-side=120", "--quality=85", "--shard-mb=0.06")
NUM_ATTEMPTS = 3  # to kill in time

JPEG = {"format": "JPEG"}


def pack_arguments(folder: Path, output: Path, *options: str) -> list[str]:
    shards = [] if any(option.startswith("--shard-mb") for option in options) else ["--shard-mb=0.4"]
    return ["pack", "--format=folder", f"--folder={folder}", f"--output={output}", *shards, *options]


def read_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def photo(height: int = 40, width: int = 60) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([4 * x % 256, 5 * y % 256, (x + y) % 256], axis=-1).astype(np.uint8))


def add_odd_files(folder: Path) -> dict[str, str]:
    """Adds files that a folder may hold besides plain JPEGs. Returns the log's lines about them, by file."""
    place = folder / "train" / "class_0001"
    whole = io.BytesIO()
    photo().save(whole, **JPEG)
    (place / "truncated.JPEG").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    photo().save(place / "disguised.JPEG", format="PNG")
    photo().save(place / "really_a_jpeg.png", **JPEG)
    (place / "empty.JPEG").write_bytes(b"")
    (place / "notes.txt").write_text("no image\n")
    (place / "folder.JPEG").mkdir()
    (folder / "val" / "list.csv").write_text("a,b\n")
    shutil.copytree(place, folder / "test" / "class_0001")
    shutil.copytree(place, folder / "train" / ".ipynb_checkpoints")
    shutil.copy(place / "disguised.JPEG", place / "._disguised.JPEG")
    (place / "map.tif").write_bytes(b"II*\0" + bytes(100))
    photo().convert("L").convert("I;16").save(place / "16_bits.png")
    # These are as good as others:
    photo().convert("CMYK").save(place / "cmyk.JPEG", **JPEG)
    for i, mode in enumerate(("RGB", "RGBA", "L", "P", "1")):
        photo().convert(mode).save(place / f"{i}.png")
    photo().convert("L").save(place / "grey.JPEG", **JPEG)
    photo().save(place / "progressive.JPEG", progressive=True, **JPEG)
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: to be turned by 90 degrees, which torchvision does not do either
    photo().save(place / "turned.JPEG", exif=exif, **JPEG)
    photo(1, 1).save(place / "one_pixel.JPEG", **JPEG)
    return {
        "test": "left out: only train/ and validation/ (or val/) are packed",
        "train/.ipynb_checkpoints": "left out: it is hidden",
        "train/class_0001/16_bits.png": "left out: it has 16 bits a channel, of which image files keep 8. Convert it "
        "to 8 bits; 'incubate pack --format=npy' keeps 16",
        "train/class_0001/._disguised.JPEG": "left out: it is hidden",
        "train/class_0001/disguised.JPEG": "misnamed: a PNG",
        "train/class_0001/empty.JPEG": "left out: it is empty",
        "train/class_0001/folder.JPEG": "left out: it is not a class's file",
        "train/class_0001/map.tif": "left out: it is neither a JPEG nor a PNG",
        "train/class_0001/notes.txt": "left out: it is neither a JPEG nor a PNG",
        "train/class_0001/really_a_jpeg.png": "misnamed: a JPEG",
        "train/class_0001/truncated.JPEG": "left out: the file ends early",
        "val/list.csv": "left out: it is not a class's file",
    }


@dataclass(frozen=True)
class Packed:
    folder: Path  # the images' files
    problems: dict[str, str]
    output: Path  # the index, in a folder of its own
    stdout: str


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """240 images in 3 classes and some odd files, packed by one rank. Tests copy what they change."""
    place = tmp_path_factory.mktemp("packed")
    write_image_folder(Layout(place / "images", NUM_TRAIN, NUM_VALIDATION, 3, 250), num_processes=1)
    problems = add_odd_files(place / "images")
    output = place / "set" / "F.h5"
    outcome = launch.run_well(*pack_arguments(place / "images", output))
    return Packed(place / "images", problems, output, outcome.stdout)


def copy_set(packed: Packed, to: Path) -> Path:
    shutil.copytree(packed.output.parent, to)
    return to / packed.output.name


def test_what_is_said(packed: Packed) -> None:
    lines = packed.stdout.splitlines()
    assert f"--folder={packed.folder}: test/ left out: only train/ and validation/ (or val/) are packed" in lines
    assert f"10 files left out, 2 misnamed: {packed.output.parent}/F-problems.txt" in lines
    num_shards = len(list(packed.output.parent.glob("F-*-*.h5")))
    assert num_shards >= 8
    num_train = NUM_TRAIN + NUM_ODD
    assert lines[-1] == (
        f"{packed.output} written: {num_train} training and {NUM_VALIDATION} validation images in {num_shards} shards, "
        "3 classes"
    )
    (progress,) = (line for line in lines if re.match(r"pack +\[#{20}\] 100%  image \d+/\d+  \d+ images/s  ", line))
    assert progress.endswith(" 0:00 left")
    expected = [f"{file}: {reason}" for file, reason in sorted(packed.problems.items())]
    assert (packed.output.parent / "F-problems.txt").read_text().splitlines() == expected


def test_every_image_comes_back(packed: Packed) -> None:
    """h5py reads every image without the program: JPEGs and PNGs of every kind, byte for byte."""
    classes = [f"class_{i:04}" for i in range(3)]
    for split, folder in (("train", packed.folder / "train"), ("validation", packed.folder / "val")):
        seen: set[str] = set()
        for path in sorted(packed.output.parent.glob(f"F-{split}-*.h5")):
            verify_file(path)
            shard = h5py.File(path)
            assert [name.decode() for name in shard["class_names"]] == classes
            assert shard.attrs["split"] == split
            for i, name in enumerate(name.decode() for name in shard["files"]):
                begin, end = shard["offsets"][i : i + 2]
                data = shard["bytes"][begin:end].tobytes()
                assert shard["checksums"][i] == xxhash.xxh3_64_intdigest(data)
                assert classes[shard["labels"][i]] == name.split("/")[0]
                assert Image.open(io.BytesIO(data)).size == (shard["widths"][i], shard["heights"][i])
                assert data == (folder / name).read_bytes(), name
                assert name not in seen
                seen.add(name)
        left_out = {p for p, reason in packed.problems.items() if reason.startswith("left out")}
        files = {str(p.relative_to(folder)) for p in folder.glob("[!.]*/*") if p.is_file()}
        assert seen == {name for name in files if f"{folder.name}/{name}" not in left_out}


def test_neighbours_are_of_mixed_classes(packed: Packed) -> None:
    labels = h5py.File(packed.output)["train/labels"][:]
    assert (labels[1:] != labels[:-1]).mean() > 0.5  # 2/3 in random order, near 0 in that of the folders


def test_the_index_has_all_tables(packed: Packed) -> None:
    verify_file(packed.output)
    index = h5py.File(packed.output)
    for split in ("train", "validation"):
        first_image = index[f"{split}/shard_first_image"][:]
        for i, name in enumerate(name.decode() for name in index[f"{split}/shards"]):
            path = packed.output.parent / name
            shard = h5py.File(path)
            images = slice(first_image[i], first_image[i + 1])
            assert index[f"{split}/shard_lengths"][i] == path.stat().st_size
            assert np.array_equal(index[f"{split}/offsets"][images], shard["offsets"][:-1])
            assert np.array_equal(index[f"{split}/lengths"][images], np.diff(shard["offsets"][:]))
            for column in ("labels", "heights", "widths", "checksums"):
                assert np.array_equal(index[f"{split}/{column}"][images], shard[column][:])
            begin = index[f"{split}/shard_first_byte"][i]
            assert path.read_bytes()[begin:][: shard["bytes"].size] == shard["bytes"][:].tobytes()
        assert first_image[-1] == len(index[f"{split}/labels"])


def test_mean_and_deviation_are_of_all_training_pixels(packed: Packed) -> None:
    pixels: list[NDArray[np.uint8]] = []
    for path in packed.output.parent.glob("F-train-*.h5"):
        shard = h5py.File(path)
        for begin, end in itertools.pairwise(shard["offsets"]):
            image = Image.open(io.BytesIO(shard["bytes"][begin:end].tobytes())).convert("RGB")
            pixels.append(np.asarray(image).reshape(-1, 3))
    values = np.concatenate(pixels) / 255
    index = h5py.File(packed.output)
    assert index["mean"][:] == pytest.approx(values.mean(0), rel=1e-4)  # Pillow converts CMYK in another way
    assert index["std"][:] == pytest.approx(values.std(0), rel=1e-4)
    said = ", ".join(
        f"{name} {','.join(f'{x:.4f}' for x in index[key])}" for name, key in (("mean", "mean"), ("deviation", "std"))
    )
    assert f"pixels to train on: {said}" in packed.stdout.splitlines()
    assert f"  pixels       {said}\n" in launch.run_well("inspect", str(packed.output)).stdout


def test_the_example_in_the_readme(packed: Packed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (launch.REPOSITORY / "analysis" / "README.md").read_text()
    (example,) = (code for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "bytes" in code)
    shutil.copy(packed.output.parent / "F-train-00003.h5", tmp_path / "shard.h5")
    monkeypatch.chdir(tmp_path)
    exec(example.replace("data/imagenet-train-00003.h5", "shard.h5"), {})
    shard = h5py.File("shard.h5")
    assert Image.open("image.jpg").size == (shard["widths"][7], shard["heights"][7])


@pytest.mark.parametrize("num_ranks", [2, 3])
def test_the_same_bytes_on_any_ranks(packed: Packed, tmp_path: Path, num_ranks: int) -> None:
    launch.run_well(*pack_arguments(packed.folder, tmp_path / "F.h5"), num_ranks=num_ranks)
    assert read_files(tmp_path) == read_files(packed.output.parent)


def kill_when_begun(packed: Packed, arguments: list[str], output: Path, num_ranks: int) -> bool:
    """Kills the ranks when the first shard exists. Returns whether shards were missing; then there is no index."""
    output.parent.mkdir()
    shutil.copy(packed.output, output)  # the index of other images
    process = launch.start(arguments, num_ranks)
    launch.wait_until(lambda: any(output.parent.glob("F-*-*.h5")), process)
    launch.kill_ranks(process)
    launch.finish(process)
    return not output.exists()


def test_reduced_killed_and_started_again_on_other_ranks(packed: Packed, tmp_path: Path) -> None:
    """Complete shards stay, and in the end everything is as if it had never been killed."""
    arguments = pack_arguments(packed.folder, tmp_path / "whole" / "F.h5", *REDUCED)
    launch.run_well(*arguments)
    whole = read_files(tmp_path / "whole")
    for attempt in range(NUM_ATTEMPTS):
        output = tmp_path / f"attempt_{attempt}" / "F.h5"
        arguments = pack_arguments(packed.folder, output, *REDUCED)
        if kill_when_begun(packed, arguments, output, 2):
            break
    else:
        raise AssertionError(f"{NUM_ATTEMPTS} times all was packed before the ranks could be killed")
    done = {path: path.stat().st_mtime_ns for path in output.parent.glob("F-*-?????.h5")}
    assert 0 < len(done) < len(whole) - 2
    outcome = launch.run_well(*arguments, num_ranks=3)
    assert f"{len(whole) - 2 - len(done)} of {len(whole) - 2} shards to make, of " in outcome.stdout
    assert read_files(output.parent) == whole
    assert {path: path.stat().st_mtime_ns for path in done} == done
    for path in output.parent.glob("F-train-*.h5"):
        shard = h5py.File(path)
        assert (np.minimum(shard["heights"][:], shard["widths"][:]) <= 120).all()
    image = Image.open(io.BytesIO(shard["bytes"][: shard["offsets"][1]].tobytes()))
    assert image.size == (shard["widths"][0], shard["heights"][0])


def test_killed_between_the_last_shard_and_the_index(packed: Packed, tmp_path: Path) -> None:
    output = copy_set(packed, tmp_path / "set")
    whole = read_files(output.parent)
    output.unlink()
    shards = {path: path.stat().st_mtime_ns for path in output.parent.glob("*-?????.h5")}
    launch.run_well(*pack_arguments(packed.folder, output), num_ranks=2)
    assert read_files(output.parent) == whole
    assert {path: path.stat().st_mtime_ns for path in shards} == shards


def test_asked_to_stop(packed: Packed, tmp_path: Path) -> None:
    """SIGTERM ends it like a kill; the next start completes the set."""
    output = tmp_path / "set" / "F.h5"
    arguments = pack_arguments(packed.folder, output)
    process = launch.start(arguments, num_ranks=2)
    launch.wait_until(lambda: len(list(output.parent.glob("F-*-?????.h5"))) > 0, process)
    process.terminate()
    assert launch.finish(process).status != 0 or output.exists()
    launch.run_well(*arguments)
    assert read_files(output.parent) == read_files(packed.output.parent)


def test_again_only_what_changed(packed: Packed, tmp_path: Path) -> None:
    output = copy_set(packed, tmp_path / "set")
    before = snapshot(output.parent)
    outcome = launch.run_well(*pack_arguments(packed.folder, output), num_ranks=2)
    assert outcome.stdout.splitlines()[-1].startswith(f"{output} is complete: ")
    after = snapshot(output.parent)
    assert {name: after[name] for name in before if name != "F-problems.txt"} == {
        name: before[name] for name in before if name != "F-problems.txt"
    }
    # A touched file and another damaged shard: both shards are made again, with the same bytes.
    folder = tmp_path / "images"
    shutil.copytree(packed.folder, folder, copy_function=os.link)
    damaged = output.parent / "F-train-00002.h5"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    outcome = launch.run_well(*pack_arguments(folder, output))
    assert re.search(r"^1 of \d+ shards to make", outcome.stdout, re.MULTILINE)
    assert read_files(output.parent) == read_files(packed.output.parent)
    name = h5py.File(output.parent / "F-train-00004.h5")["files"][0].decode()
    (folder / "train" / name).unlink()
    shutil.copy(packed.folder / "train" / name, folder / "train" / name)
    outcome = launch.run_well(*pack_arguments(folder, output))
    assert re.search(r"^1 of \d+ shards to make", outcome.stdout, re.MULTILINE)
    index = "F.h5"
    assert output.read_bytes() == (packed.output.parent / index).read_bytes()  # it tells of images, not of times


def test_pngs_are_reduced_without_loss(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "images")
    photo().save(folder / "train" / "a" / "large.png")
    launch.run_well(*pack_arguments(folder, tmp_path / "F.h5", "--shorter-side=20"))
    shard = h5py.File(tmp_path / "F-train-00000.h5")
    i = [name.decode() for name in shard["files"]].index("a/large.png")
    begin, end = shard["offsets"][i : i + 2]
    image = Image.open(io.BytesIO(shard["bytes"][begin:end].tobytes()))
    assert image.format == "PNG"
    assert image.tobytes() == photo().resize((30, 20), Image.Resampling.BICUBIC).tobytes()


def test_sets_of_version_1(tmp_path: Path) -> None:
    """Sets of JPEGs keep version 1, so older packs stay valid; shards with converted images do not."""
    folder = tiny_folder(tmp_path / "images")
    output = tmp_path / "set" / "F.h5"
    launch.run_well(*pack_arguments(folder, output))
    assert h5py.File(output).attrs["version"] == 1
    shards = [output.parent / f"F-{split}-00000.h5" for split in ("train", "validation")]
    with h5py.File(shards[0], "r+") as file:
        file.create_dataset("problems/kinds", data=["converted"], dtype=h5py.string_dtype())
        file.create_dataset("problems/files", data=["train/a/0.jpg"], dtype=h5py.string_dtype())
        file.create_dataset("problems/reasons", data=["a PNG"], dtype=h5py.string_dtype())
    seal(shards[0])
    assert "problems     1" in launch.run_well("inspect", str(shards[0])).stdout
    outcome = launch.run_well(*pack_arguments(folder, output))
    assert "\n1 of 2 shards to make, of 4 images " in outcome.stdout
    assert "problems" not in h5py.File(shards[0])


def test_inspect(packed: Packed) -> None:
    shard = packed.output.parent / "F-train-00000.h5"
    text = launch.run_well("inspect", str(packed.output), str(shard)).stdout
    assert f"{packed.output}: incubate image set, version 2, " in text
    assert re.search(rf"  train +{NUM_TRAIN + NUM_ODD} images in \d+ shards of \d+ bytes together\n", text)
    assert f"{shard}: incubate image shard, version 1, " in text
    assert re.search(r"  images +\d+ of train, shard 0\n", text)
    assert re.search(r"  classes +3: class_0000, class_0001, class_0002\n", text)


# --- Damage -----------------------------------------------------------------------------------------------------------


def test_verify_a_whole_set(packed: Packed) -> None:
    outcome = launch.run_well("pack", f"--verify={packed.output}", num_ranks=2)
    num_train = NUM_TRAIN + NUM_ODD
    pattern = rf"{packed.output} is whole: {num_train} training and {NUM_VALIDATION} validation images in \d+ shards"
    assert re.search(pattern, outcome.stdout)


def test_verify_names_every_damage(packed: Packed, tmp_path: Path) -> None:
    output = copy_set(packed, tmp_path / "set")
    index = h5py.File(output)
    flipped, missing, truncated = (output.parent / f"F-train-{i:05}.h5" for i in range(3))
    content = bytearray(flipped.read_bytes())
    content[index["train/shard_first_byte"][0] + index["train/offsets"][3]] ^= 1
    flipped.write_bytes(content)
    missing.unlink()
    length = truncated.stat().st_size
    os.truncate(truncated, length - 100)
    for num_ranks in (1, 3):
        outcome = launch.run("pack", f"--verify={output}", num_ranks=num_ranks)
        assert outcome.status == 2
        assert re.search(rf"^{flipped} is damaged: its content has the checksum ", outcome.stdout, re.MULTILINE)
        assert f"\n{flipped}: image 3 of it is damaged: its checksum is not the one stated. " in outcome.stdout
        assert f"\n{missing} cannot be read: No such file or directory. " in outcome.stdout
        assert f"\n{truncated} has {length - 100} bytes but the index states {length}: " in outcome.stdout
        num_shards = len(list(packed.output.parent.glob("F-*-?????.h5")))
        (message,) = outcome.messages()
        assert message == f"incubate: {output}: 3 of its {num_shards} shards are damaged or missing, as listed."


def change(path: Path, name: str, place: int, value: int) -> None:
    """Changes a file consistently, as a person who knows the format could."""
    with h5py.File(path, "r+") as file:
        file[name][place] = value
    seal(path)


@pytest.mark.parametrize(
    ("file", "column", "place", "value", "message"),
    [
        ("F.h5", "train/labels", 5, 3, r"F\.h5/train: label 3 of image 5 is not below the number of classes, 3\. "),
        ("F.h5", "validation/offsets", 1, 2**50, r"F\.h5/validation: image 1 has \d+ bytes from byte 2\*\*50 on, "),
        ("F.h5", "train/heights", 7, 0, r"F\.h5/train: the height of image 7, 0, is not in 1\.\.65535\. "),
        ("F-train-00001.h5", "labels", 5, 9, r"F-train-00001\.h5: label 9 of image 5 is not below "),
        ("F-train-00001.h5", "offsets", 5, 2**50, r"F-train-00001\.h5: image 5 begins at byte 2\*\*50 and ends at "),
    ],
)
def test_verify_trusts_no_table(
    packed: Packed, tmp_path: Path, file: str, column: str, place: int, value: int, message: str
) -> None:
    output = copy_set(packed, tmp_path / "set")
    change(output.parent / file, column, place, value)
    outcome = launch.run("pack", f"--verify={output}")
    assert outcome.status == 2
    assert re.search(message.replace(r"2\*\*50", str(2**50)), outcome.stdout + outcome.stderr)


def test_a_full_disk(packed: Packed, tmp_path: Path) -> None:
    """A full disk is reported once, with status 1. With room, the next start goes on."""
    whole = sum(path.stat().st_size for path in packed.output.parent.iterdir())
    with small_disk(tmp_path / "disk", whole // 2) as disk:
        outcome = launch.run(*pack_arguments(packed.folder, disk / "F.h5"), num_ranks=2)
        assert outcome.status == 1
        messages = [line for line in outcome.messages() if "No space left on device" in line]
        assert messages, outcome
        assert not (disk / "F.h5").exists()
        for path in disk.glob("F-*-?????.h5"):
            verify_file(path)


# --- Mistakes ---------------------------------------------------------------------------------------------------------


def tiny_folder(place: Path) -> Path:
    """Makes two classes of two images."""
    for split in ("train", "val"):
        for name in ("a", "b"):
            (place / split / name).mkdir(parents=True)
            for i in range(2):
                photo(8, 8).save(place / split / name / f"{i}.jpg")
    return place


def drop_class(folder: Path) -> str:
    shutil.rmtree(folder / "val" / "b")
    return (
        rf"--folder={folder}: the class 'b' is in train/ but not in val/ \(2 classes in train/, 1 in val/; they must "
        r"be the same\)\. Add it there, or take it away\."
    )


def empty_class(folder: Path) -> str:
    for path in (folder / "val" / "b").iterdir():
        path.unlink()
    return rf"{folder}/val/b has no files \(those in its folders do not count\)\. Fill it, or take the class away\."


def ruin_class(folder: Path) -> str:
    for path in (folder / "train" / "a").iterdir():
        path.write_text("no image")
    return (
        rf"--folder={folder}: none of the 2 files of train/a can be used \({folder.parent}/set/F-problems\.txt says "
        r"why\)\. Mend them, or take the class away\."
    )


def break_link(folder: Path) -> str:
    (folder / "val" / "b" / "2.jpg").symlink_to("nowhere")
    return rf"{folder}/val/b/2\.jpg cannot be read: No such file or directory\. Mend it or take it away\."


def fail_to_read(folder: Path) -> str:
    """The rank that packs a file finds the mistake while others work: byte 0 of this file cannot be read."""
    (folder / "val" / "b" / "2.jpg").symlink_to("/proc/self/mem")
    return rf"{folder}/val/b/2\.jpg cannot be read: Input/output error\. Mend it or take it away, and start again\."


def name_nothing(folder: Path) -> str:
    shutil.rmtree(folder)
    return rf"--folder={folder} is no folder\. Name one with train/ and validation/ in it; archives need --format=tar\."


@pytest.mark.parametrize(
    ("spoil", "num_ranks"),
    [(drop_class, 1), (empty_class, 2), (ruin_class, 2), (break_link, 1), (fail_to_read, 3), (name_nothing, 1)],
)
def test_mistakes(tmp_path: Path, spoil: Callable[[Path], str], num_ranks: int) -> None:
    folder = tiny_folder(tmp_path / "images")
    message = spoil(folder)
    outcome = launch.run(*pack_arguments(folder, tmp_path / "set" / "F.h5"), num_ranks=num_ranks)
    assert outcome.status == 2
    (said,) = outcome.messages()
    assert re.fullmatch(f"incubate: {message}", said)
    assert not (tmp_path / "set" / "F.h5").exists()
    assert not (tmp_path / "set" / "F.h5.lock").exists()


def test_a_second_pack_into_the_same_output_is_refused(tmp_path: Path) -> None:
    """The second pack is refused: these tests hold the lock that a first pack would hold."""
    folder = tiny_folder(tmp_path / "images")
    output = tmp_path / "set" / "F.h5"
    output.parent.mkdir()
    lock = output.parent / "F.h5.lock"
    write_lock(lock, os.getpid())
    outcome = launch.run(*pack_arguments(folder, output))
    assert outcome.status == 2
    assert re.fullmatch(
        rf"incubate: {lock} says that another job works on {output}: process {os.getpid()} on \S+\. "
        r"Wait for it, or stop it\.",
        outcome.messages()[0],
    )
    assert [path.name for path in output.parent.iterdir()] == ["F.h5.lock"]


def test_ranks_that_do_not_find_each_other_are_told(tmp_path: Path) -> None:
    """A launcher of another MPI library leaves ranks alone: each would write all shards, into the same files."""
    arguments = pack_arguments(tiny_folder(tmp_path / "images"), tmp_path / "set" / "F.h5")
    outcome = launch.finish(launch.start(arguments, 1, {"PMI_SIZE": "4", "PMI_RANK": "0"}))
    assert outcome.status == 2
    assert outcome.messages()[0].startswith("incubate: mpiexec started 4 tasks but MPI sees 1 rank in each (")
    assert not (tmp_path / "set").exists()


def test_names_of_classes_a_share_of_the_images_and_many_left_out(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "images")
    (folder / "val" / "b" / "1.jpg").write_text("no image")
    names = tmp_path / "names.txt"
    names.write_text("tench\ngold fish\n")
    options = [f"--class-names-file={names}", "--subset=0.5"]
    outcome = launch.run_well(*pack_arguments(folder, tmp_path / "F.h5", *options))
    assert f"val/b: 1 of 2 files are left out ({tmp_path}/F-problems.txt says why)" in outcome.stdout
    index = h5py.File(tmp_path / "F.h5")
    assert [name.decode() for name in index["class_names"]] == ["tench", "gold fish"]
    assert sorted(index["train/labels"][:]) == [0, 1]
    assert sorted(index["validation/labels"][:]) == [0, 0, 1]
    names.write_text("tench\n")
    outcome = launch.run(*pack_arguments(folder, tmp_path / "F.h5", *options))
    (message,) = outcome.messages()
    advice = "Give one for each, in the sorted order of the folders."
    assert message == f"incubate: {names} has 1 names for 2 classes in --folder={folder}. {advice}"
