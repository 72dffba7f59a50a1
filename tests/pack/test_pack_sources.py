"""Tests `incubate pack` of tar archives, WebDataset shards and CSV tables against the folder with the same images."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

import launch
from tar_file import write_tar

CLASSES = ("ant", "bee", "cat")
SHARDS = "--shard-mb=0.004"  # several shards, so that ranks share the work
LONG = "n" * 110  # no old header has room for such a name
HUGE = 9 << 30  # more bytes than the old header of a size can state

Members = list[tuple[str, bytes]]


def image(seed: int) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (8 + seed % 5, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, format="PNG" if seed % 4 == 0 else "JPEG")
    return file.getvalue()


def name_of(seed: int) -> str:
    return f"{LONG if seed == 1 else 'image'}_{seed}.{'png' if seed % 4 == 0 else 'JPEG'}"


def images_of(split: str) -> Members:
    """CLASS/NAME and content of a split's images, by class and name."""
    first, count = (0, 8) if split == "train" else (100, 3)
    return sorted(
        (f"{label}/{name_of(seed)}", image(seed))
        for i, label in enumerate(CLASSES)
        for seed in range(first + i * count, first + (i + 1) * count)
    )


def write_folder(place: Path) -> Path:
    for split in ("train", "validation"):
        for name, content in images_of(split):
            path = place / split / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return place


def pack(form: str, train: str | Path, validation: str | Path, output: str | Path, *options: str | Path) -> list[str]:
    files = [f"--train-files={train}", f"--validation-files={validation}"]
    return ["pack", f"--format={form}", *files, f"--output={output}", SHARDS, *map(str, options)]


def read_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images in a folder; its set lies beside, in `set`."""
    place = tmp_path_factory.mktemp("folder")
    images = write_folder(place / "images")
    launch.run_well("pack", "--format=folder", f"--folder={images}", f"--output={place / 'set' / 'F.h5'}", SHARDS)
    return images


def assert_same_set(one: Path, other: Path) -> None:
    """Asserts that the sets are the same, but for the times of files, which a shard's digest is made of."""
    assert one.read_bytes() == other.read_bytes()
    names = sorted(path.name for path in other.parent.glob("F-*-*.h5"))
    assert sorted(path.name for path in one.parent.glob("F-*-*.h5")) == names
    assert len(names) > 4
    for name in names:
        here, there = h5py.File(one.parent / name), h5py.File(other.parent / name)
        assert set(here) == set(there)
        for column in here:
            assert np.array_equal(here[column][()], there[column][()]), column


def whole_tar(split: str, place: Path) -> str:
    return str(write_tar(place / f"{split}.tar", images_of(split)))


def gnu_tar(split: str, place: Path) -> str:
    """Below one folder, with a file beside the classes that is longer than old headers can state."""
    path = place / f"{split}.tar"
    with path.open("wb") as file:
        for form, content in (
            (tarfile.GNU_FORMAT, images_of(split)[::2]),
            (tarfile.PAX_FORMAT, images_of(split)[1::2]),
        ):
            big = tarfile.TarInfo(f"./all/{split}/huge_{form}.bin")
            big.size = HUGE
            file.write(big.tobuf(form))  # type: ignore[arg-type]
            file.seek(HUGE, io.SEEK_CUR)
            part = io.BytesIO()
            with tarfile.open(fileobj=part, mode="w", format=form) as archive:
                for name, data in content:
                    member = tarfile.TarInfo(f"./all/{split}/{name}")
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
            file.write(part.getvalue())  # with the mark of an end: archives may be joined by cat
    return str(path)


def ustar_tar(split: str, place: Path) -> str:
    members = [(f"{'d' * 90}/{name}".replace(LONG, "n" * 60), content) for name, content in images_of(split)]
    return str(write_tar(place / f"{split}.tar", members, tarfile.USTAR_FORMAT))


def tar_of_each_class(split: str, place: Path) -> str:
    (place / split).mkdir()
    for label in CLASSES:
        members = [(n.split("/")[1], content) for n, content in images_of(split) if n.startswith(label)]
        write_tar(place / split / f"{label}.tar", members)
    return f"{place}/{split}/*.tar"


def tar_of_tars(split: str, place: Path) -> str:
    """With a text beside the archives."""
    tar_of_each_class(split, place)
    members = [(path.name, path.read_bytes()) for path in sorted((place / split).iterdir())]
    members.append(("terms.txt", b"For research only."))
    return str(write_tar(place / f"all_{split}.tar", members))


def several_tars(split: str, place: Path) -> str:
    for i in range(4):
        write_tar(place / f"{split}-{i + 8:03}.tar", images_of(split)[i::4])
    return f"{place}/{split}-{{008..011}}.tar"


def table(split: str, place: Path, header: str = "path,label\n") -> str:
    rows = [f'"{split}/{name}",{name.split("/")[0]}\r\n' for name, _ in reversed(images_of(split))]
    (place / f"{split}.csv").write_text(header + "\n" + "".join(rows), newline="")
    return str(place / f"{split}.csv")


TARS = [whole_tar, gnu_tar, ustar_tar, tar_of_each_class, tar_of_tars, several_tars]


@pytest.mark.parametrize("write", TARS)
def test_tars_make_the_folders_set(folder: Path, tmp_path: Path, write: Callable[[str, Path], str]) -> None:
    if write is ustar_tar:
        folder = write_folder(tmp_path / "images")
        for path in list(folder.glob("*/*/n*")):
            path.rename(path.with_name(path.name.replace(LONG, "n" * 60)))
        output = tmp_path / "set" / "F.h5"
        launch.run_well("pack", "--format=folder", f"--folder={folder}", f"--output={output}", SHARDS)
    files = [write(split, tmp_path) for split in ("train", "validation")]
    output = tmp_path / "packed" / "F.h5"
    outcome = launch.run_well(*pack("tar", *files, output))
    assert_same_set(output, folder.parent / "set" / "F.h5")
    problems = output.parent / "F-problems.txt"
    if write is gnu_tar:
        assert "4 files left out, 0 misnamed: " in outcome.stdout
        assert "train.tar/all/train/huge_1.bin: left out: it is not a class's file\n" in problems.read_text()
    elif write is tar_of_tars:
        assert "2 files left out, 0 misnamed: " in outcome.stdout
        reason = "left out: it is no archive, as others beside it are"
        assert f"all_train.tar/terms.txt: {reason}\n" in problems.read_text()
    else:
        assert not problems.exists()


def test_a_table_makes_the_folders_set(tmp_path: Path) -> None:
    """Paths in the table begin at its folder, as names in a packed folder do at the split's."""
    write_folder(tmp_path)
    rows = [f"{name}, {name.split('/')[0]}\n" for name, _ in images_of("train")]
    (tmp_path / "train" / "list.csv").write_text("".join(rows))
    rows = [f'cc0,"{name.split("/")[0]}","{name}"\r\n' for name, _ in images_of("validation")]
    (tmp_path / "validation" / "list.csv").write_text("licence,label,path\r\n\r\n" + "".join(reversed(rows)))
    tables = [tmp_path / split / "list.csv" for split in ("train", "validation")]
    launch.run_well(*pack("csv", *tables, tmp_path / "table" / "F.h5"))
    for path in tables:
        path.unlink()
    output = tmp_path / "set" / "F.h5"
    images = tmp_path / "images"
    images.mkdir()
    for split in ("train", "validation"):
        (tmp_path / split).rename(images / split)
    launch.run_well("pack", "--format=folder", f"--folder={images}", f"--output={output}", SHARDS)
    assert read_files(tmp_path / "table") == read_files(output.parent)  # also the times are the same


def write_shards(place: Path, more: Iterable[tuple[str, bytes]] = ()) -> list[str]:
    """WebDataset shards, with more members in the first one."""
    patterns = []
    for split in ("train", "validation"):
        samples = [
            [(f"./s/{i:03}.{name.rsplit('.')[-1]}", content), (f"./s/{i:03}.cls", b" %d\n" % CLASSES.index(name[:3]))]
            for i, (name, content) in enumerate(images_of(split))
        ]
        half = len(samples) // 2
        for i, part in enumerate((samples[:half], samples[half:])):
            members = [member for sample in part for member in reversed(sample)]
            write_tar(place / f"{split}-{i:06}.tar", [*members, *(more if i == 0 and split == "train" else ())])
        patterns.append(f"{place}/{split}-{{000000..000001}}.tar")
    return patterns


def test_webdataset_shards_have_the_folders_images(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "packed" / "F.h5"
    launch.run_well(*pack("webdataset", *write_shards(tmp_path), output, f"--class-names={','.join(CLASSES)}"))
    here, there = h5py.File(output), h5py.File(folder.parent / "set" / "F.h5")
    assert np.array_equal(here["class_names"], there["class_names"])
    for split in ("train", "validation"):
        for column in ("labels", "checksums", "heights", "widths", "lengths"):
            assert np.array_equal(here[f"{split}/{column}"][()], there[f"{split}/{column}"][()])
    names = {name.decode() for path in output.parent.glob("F-train-*.h5") for name in h5py.File(path)["files"][()]}
    extensions = [name.rsplit(".")[-1] for name, _ in images_of("train")]
    assert names == {f"train-{i // 12:06}.tar/s/{i:03}.{extension}" for i, extension in enumerate(extensions)}


@pytest.mark.parametrize("form", ["tar", "nested", "webdataset", "csv"])
def test_the_same_bytes_on_any_ranks(tmp_path: Path, form: str) -> None:
    if form == "webdataset":
        files = write_shards(tmp_path)
    elif form == "csv":
        write_folder(tmp_path)
        files = [table(split, tmp_path) for split in ("train", "validation")]
    else:
        files = [(tar_of_tars if form == "nested" else whole_tar)(split, tmp_path) for split in ("train", "validation")]
    made = []
    for num_ranks in (1, 2, 3):
        output = tmp_path / f"on_{num_ranks}" / "F.h5"
        launch.run_well(*pack("tar" if form == "nested" else form, *files, output), num_ranks=num_ranks)
        made.append(read_files(output.parent))
    assert made[0] == made[1] == made[2]
    output.unlink()
    assert " shards to make" not in launch.run_well(*pack("tar" if form == "nested" else form, *files, output)).stdout
    assert read_files(output.parent) == made[0]


def test_what_is_left_out_of_a_tar(folder: Path, tmp_path: Path) -> None:
    odd = [
        ("ant/._image.JPEG", image(1)),
        ("__MACOSX/ant/image.JPEG", image(1)),
        (".git/config", b"x"),
        ("LICENSE", b"free"),
        ("ant/sub/1.JPEG", image(1)),
        ("bee/notes.txt", b"no image"),
        ("bee/half.JPEG", image(2)[:300]),
        ("bee/inner.tar", bytes(1024)),
    ]
    train = write_tar(tmp_path / "train.tar", [*images_of("train"), *odd])
    with tarfile.open(train, "a") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
            link = tarfile.TarInfo(f"cat/link{kind.decode()}.JPEG")
            link.type, link.linkname = kind, "../../../etc/passwd"
            archive.addfile(link)
        link.name, link.type = "cat/empty", tarfile.DIRTYPE
        archive.addfile(link)
    output = tmp_path / "set" / "F.h5"
    outcome = launch.run_well(*pack("tar", train, whole_tar("validation", tmp_path), output), num_ranks=2)
    assert "11 files left out, 0 misnamed: " in outcome.stdout
    assert (output.parent / "F-problems.txt").read_text().splitlines() == [
        "train.tar/.git/config: left out: it is hidden",
        "train.tar/LICENSE: left out: it is not a class's file",
        "train.tar/__MACOSX/ant/image.JPEG: left out: it is hidden",
        "train.tar/ant/._image.JPEG: left out: it is hidden",
        "train.tar/ant/sub/1.JPEG: left out: it is not a class's file",
        "train.tar/cat/link1.JPEG: left out: it is a link, or no file",
        "train.tar/cat/link2.JPEG: left out: it is a link, or no file",
        "train.tar/cat/link6.JPEG: left out: it is a link, or no file",
        "train/bee/half.JPEG: left out: the file ends early",
        "train/bee/inner.tar: left out: it is neither a JPEG nor a PNG",
        "train/bee/notes.txt: left out: it is neither a JPEG nor a PNG",
    ]
    there = h5py.File(folder.parent / "set" / "F.h5")
    assert sorted(h5py.File(output)["train/checksums"][()]) == sorted(there["train/checksums"][()])


def test_what_is_left_out_of_a_webdataset(tmp_path: Path) -> None:
    more = [
        ("no_label.jpg", image(1)),
        ("s/no_image.cls", b"1"),
        ("a.json", b"{}"),
        ("s/._b.jpg", b""),
        ("c.seg.png", b""),
    ]
    files = write_shards(tmp_path, [*more, ("half.jpg", image(2)[:300]), ("half.cls", b"002")])
    output = tmp_path / "set" / "F.h5"
    outcome = launch.run_well(*pack("webdataset", *files, output))
    assert " written: 24 training and 9 validation images " in outcome.stdout
    assert (output.parent / "F-problems.txt").read_text().splitlines() == [
        "train-000000.tar/no_label.jpg: left out: its sample has no .cls",
        "train-000000.tar/s/._b.jpg: left out: it is hidden",
        "train-000000.tar/s/no_image.cls: left out: its sample has no .jpg, .jpeg or .png",
        "train/train-000000.tar/half.jpg: left out: the file ends early",
    ]
    assert [name.decode() for name in h5py.File(output)["class_names"]] == ["0", "1", "2"]


def test_a_share_for_validation(tmp_path: Path) -> None:
    """The same images of each class whatever the format, on any ranks; none is in both splits."""
    (write_folder(tmp_path / "splits") / "train").rename(tmp_path / "images")  # class folders alone
    rows = [f"images/{name},{name[:3]}\n" for name, _ in images_of("train")]
    (tmp_path / "all.csv").write_text("".join(rows))
    share = ("--validation-share=0.25", SHARDS)
    sources = {
        "folder": ("--format=folder", f"--folder={tmp_path / 'images'}"),
        "tar": ("--format=tar", f"--train-files={whole_tar('train', tmp_path)}"),
        "csv": ("--format=csv", f"--train-files={tmp_path / 'all.csv'}"),
        "webdataset": ("--format=webdataset", f"--train-files={write_shards(tmp_path)[0]}"),
    }
    checksums = {}
    for form, source in sources.items():
        output = tmp_path / form / "F.h5"
        outcome = launch.run_well("pack", *source, *share, f"--output={output}", num_ranks=2 if form == "tar" else 1)
        said = "6 of 24 training images become the validation split (--validation-share=0.25 of each class, --seed=0)"
        assert said in outcome.stdout
        assert " written: 18 training and 6 validation images " in outcome.stdout
        index = h5py.File(output)
        assert np.bincount(index["validation/labels"][()]).tolist() == [2, 2, 2]
        checksums[form] = [index[f"{split}/checksums"][()].tolist() for split in ("train", "validation")]
    assert all(found == checksums["folder"] for found in checksums.values())
    assert len({*checksums["tar"][0], *checksums["tar"][1]}) == 24
    outcome = launch.run_well("pack", *sources["tar"], *share, "--seed=1", f"--output={output}")
    assert sorted(h5py.File(output)["validation/checksums"][()]) != sorted(checksums["tar"][1])


# --- Mistakes ---------------------------------------------------------------------------------------------------------


def refusal(num_ranks: int, arguments: list[str]) -> str:
    outcome = launch.run(*arguments, num_ranks=num_ranks)
    assert outcome.status == 2, outcome
    (message,) = outcome.messages()
    (output,) = (a.removeprefix("--output=") for a in arguments if a.startswith("--output="))
    assert not Path(output).exists()
    return message.removeprefix("incubate: ")


def spoil(path: Path, place: int, content: bytes) -> None:
    data = bytearray(path.read_bytes())
    data[place : place + len(content)] = content
    path.write_bytes(data)


def compress(path: Path) -> None:
    path.write_bytes(gzip.compress(path.read_bytes()))


def cut(path: Path, end: int) -> None:
    path.write_bytes(path.read_bytes()[:end])


def cut_between_members(path: Path) -> None:
    with tarfile.open(path) as archive:
        end = archive.getmembers()[3].offset
    cut(path, end)


ONE = ("ant/1.JPEG", image(1))
CUT = r"train\.tar is cut short: it ends at byte \d+, within a member or without the mark of an end\. Get or copy it"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            compress,
            r"train\.tar is compressed \(gzip\): its images cannot be read one by one\. .*: gunzip .*train\.tar$",
        ),
        (lambda path: path.write_bytes(b"PK\3\4" + bytes(600)), r"train\.tar is compressed \(zip\): .*: unzip "),
        (lambda path: path.write_bytes(b""), CUT),
        (lambda path: cut(path, 3000), CUT),
        (lambda path: cut(path, 2 * 512 + 100), CUT),
        (cut_between_members, CUT),
        (
            lambda path: spoil(path, 5, b"x"),
            r"train\.tar is no tar archive, or damaged: the header at byte 0 has anoth",
        ),
        (lambda path: path.write_bytes(image(1)), r"train\.tar (is no tar archive, or damaged|is cut short)"),
        (Path.unlink, r"train\.tar cannot be read: No such file or directory\. "),
        (
            lambda path: write_tar(path, [("../1.JPEG", b"x")]),
            r"has the member '\.\./1\.JPEG', whose path leaves the arc",
        ),
        (
            lambda path: write_tar(path, [("a/../../1", b"x")]),
            r"has the member 'a/\.\./\.\./1', whose path leaves the ar",
        ),
        (
            lambda path: write_tar(path, [("/etc/x.JPEG", b"")]),
            r"has the member '/etc/x\.JPEG', whose path leaves the ",
        ),
        (
            lambda path: write_tar(path, [ONE, ONE]),
            r"ant/1\.JPEG is in .*train\.tar and again in .*train\.tar \(an imag",
        ),
        (
            lambda path: write_tar(path, [ONE]),
            r"the class 'bee' is in validation/ but not in train/ \(1 classes in train",
        ),
        (
            lambda path: write_tar(path, []),
            r"train\.tar has no images in folders for each class, directly below one fol",
        ),
        (
            lambda path: write_tar(path, [(f"{split}/{n}", i) for split in "tv" for n, i in images_of("train")]),
            r"train\.tar has no images in folders for each class, directly below one folder, only files such as t/ant/",
        ),
    ],
)
def test_mistakes_in_a_tar(tmp_path: Path, change: Callable[[Path], object], message: str) -> None:
    files = [whole_tar(split, tmp_path) for split in ("train", "validation")]
    change(Path(files[0]))
    assert re.search(message, refusal(1, pack("tar", *files, tmp_path / "set" / "F.h5")))


def test_mistakes_in_one_of_many_on_ranks(tmp_path: Path) -> None:
    """One rank finds each of these; all tell of it once."""
    files = [several_tars(split, tmp_path) for split in ("train", "validation")]
    arguments = pack("tar", *files, tmp_path / "set" / "F.h5")
    cut(tmp_path / "train-010.tar", 4000)
    assert re.search(r"train-010\.tar is cut short", refusal(3, arguments))
    write_tar(tmp_path / "train-010.tar", images_of("train")[1::4])
    assert re.match(r".* is in .*train-0(09|10)\.tar and again in .*train-0(09|10)\.tar ", refusal(3, arguments))


@pytest.mark.parametrize(
    ("more", "options", "message"),
    [
        (
            [("x.jpg", b"x"), ("x.cls", b"cat")],
            (),
            r"train-000000\.tar: x\.cls has the label 'cat', which is no number ",
        ),
        ([("x.jpg", b"x"), ("x.cls", b"-1")], (), r"x\.cls has the label '-1', which is no number of a class "),
        ([("x.jpg", b"x"), ("x.cls", b"")], (), r"x\.cls has the label '', which is no number of a class "),
        (
            [("x.jpg", b"x"), ("x.PNG", b"x")],
            (),
            r"train-000000\.tar has both x\.jpg and x\.PNG: a sample has one image",
        ),
        (
            [("x.jpg", b"x"), ("x.jpg", b"x")],
            (),
            r"train-000000\.tar has both x\.jpg and x\.jpg: a sample has one image",
        ),
        (
            [("x.jpg", b"x"), ("x.cls", b"4")],
            (),
            r"the class '4' is in train/ but not in validation/ \(4 classes in tr",
        ),
        (
            [],
            ("--class-names=a,b",),
            r": label 2 of train-0.*\.tar/s/.* is not below the number of classes, 2\. Give a ",
        ),
        (
            [],
            ("--class-names=a,b,c,d",),
            r": no image is of class 3, but 4 names are given\. Give one for each class\.",
        ),
    ],
)
def test_mistakes_in_a_webdataset(tmp_path: Path, more: Members, options: tuple[str, ...], message: str) -> None:
    arguments = pack("webdataset", *write_shards(tmp_path, more), tmp_path / "set" / "F.h5", *options)
    assert re.search(message, refusal(1, arguments))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("train/none.jpg,ant", r"train\.csv line 27: \S+/train/none\.jpg cannot be read: No such file or directory\. "),
        ("train/ant,ant", r"train\.csv line 27: train/ant is no file\. Name an image\."),
        ("train/x.jpg", r"train\.csv line 27: 'train/x\.jpg' is no row of 2 values, a path and a label among them\. "),
        ("train/x,y.jpg,ant", r"train\.csv line 27: 'train/x,y\.jpg,ant' is no row of 2 values, "),
        ("train/x.jpg,", r"train\.csv line 27: 'train/x\.jpg,' is no row of 2 values, "),
        ('"train/x.jpg,ant', r"train\.csv line 27=.* has a quote that does not end before a comma\. "),
        (
            "./train/ant/../ant/image_2.JPEG,bee",
            r"train/ant/image_2\.JPEG is in .*train\.csv and again in .*train\.csv ",
        ),
        (
            "validation/ant/image_101.JPEG,dog",
            r"the class 'dog' is in train/ but not in validation/ \(4 classes in tra",
        ),
    ],
)
def test_mistakes_in_a_table(tmp_path: Path, row: str, message: str) -> None:
    write_folder(tmp_path)
    files = [table(split, tmp_path) for split in ("train", "validation")]
    with Path(files[0]).open("a") as file:
        file.write(row + "\n")
    assert re.search(message, refusal(1, pack("csv", *files, tmp_path / "set" / "F.h5")))


def test_labels_of_a_table(tmp_path: Path) -> None:
    """Names with commas, numbers in order of their values, and numbers with a gap."""
    write_folder(tmp_path)
    output = tmp_path / "set" / "F.h5"

    def pack_labels(labels: tuple[str, ...], *options: str) -> list[str]:
        files = []
        for split in ("train", "validation"):
            rows = [f"{split}/{name},{labels[CLASSES.index(name[:3])]}\n" for name, _ in images_of(split)]
            (tmp_path / f"{split}.csv").write_text("".join(rows))
            files.append(f"{tmp_path}/{split}.csv")
        return pack("csv", *files, output, *options)

    launch.run_well(*pack_labels(('"tench, Tinca tinca"', "goldfish", "a b")))
    assert [name.decode() for name in h5py.File(output)["class_names"]] == ["a b", "goldfish", "tench, Tinca tinca"]
    launch.run_well(*pack_labels(("2", "0", "1"), "--class-names=x,y,z"))
    assert [name.decode() for name in h5py.File(output)["class_names"]] == ["x", "y", "z"]
    checksums = h5py.File(output)["train/checksums"][()], h5py.File(output)["train/labels"][()]
    assert np.bincount(checksums[1]).tolist() == [8, 8, 8]
    output.unlink()
    message = refusal(1, pack_labels(("1", "2", "3")))
    assert re.search(
        r": train/ant/.* has the label 1, but no image has 0 \(labels that are numbers count from 0 ", message
    )
    message = refusal(1, pack_labels(("a", "b", "c"), "--class-names=x,y,z"))
    assert re.search(
        r": class names are given, but its labels are names already, such as 'c'\. Leave one out\.", message
    )
