"""Trains from encoded images. The result does not depend on readers and places; damage is found and named."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

import launch
from make_image_folder import Layout, write_image_folder
from run_files import (
    assert_same_trainings,
    assert_same_weights,
    find_differing,
    finished,
    flip_byte,
    read_columns,
    read_summary,
    read_weights,
    resume_points,
    step_of,
    verify_files,
)

NUM_TRAIN = 120
NUM_VALIDATION = 30
NUM_CLASSES = 4
TRAININGS = ["meta", "stage_0", "stage_1", "finetuned"]
CONFIG = Path(__file__).with_name("small_photos.ini")
META = "--run.only=meta"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the index of a set in a few shards."""
    folder = tmp_path_factory.mktemp("photos")
    write_image_folder(Layout(folder / "tree", NUM_TRAIN, NUM_VALIDATION, NUM_CLASSES, 100), num_processes=1)
    return pack(folder / "tree", folder / "set" / "photos.h5")


def pack(tree: Path, index: Path, shard_mb: float = 0.2) -> Path:
    launch.run_well(
        "pack", "--format=folder", f"--folder={tree}", f"--output={index}", f"--shard-mb={shard_mb}", num_ranks=2
    )
    return index


@pytest.fixture(scope="module")
def reference(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs one rank, which reads its images itself."""
    run = tmp_path_factory.mktemp("reference") / "run"
    launch.run_well(*arguments(photos, run), num_ranks=1)
    return run


def arguments(index: Path, run: Path, *settings: str) -> list[str]:
    chosen = [] if META in settings else ["--method.trainings=deep_incubation"]
    return ["train", f"--config={CONFIG}", f"--data.file={index}", f"--run.directory={run}", *chosen, *settings]


def copy_set(index: Path, folder: Path) -> Path:
    shutil.copytree(index.parent, folder)
    return folder / index.name


def train_shards(index: Path) -> list[Path]:
    shards = sorted(index.parent.glob("*-train-*.h5"))
    assert len(shards) > 1
    return shards


def damage_image(shard: Path, image: int) -> None:
    """Flips one bit in the middle of an encoded image."""
    with h5py.File(shard, "r") as file:
        first = file["bytes"].id.get_offset()
        middle = (int(file["offsets"][image]) + int(file["offsets"][image + 1])) // 2
    content = bytearray(shard.read_bytes())
    content[first + middle] ^= 1
    shard.write_bytes(content)


@pytest.mark.parametrize(("num_ranks", "workers"), [(1, 3), (2, 1), (3, 0)])
def test_same_whatever_reads_ahead(photos: Path, reference: Path, tmp_path: Path, num_ranks: int, workers: int) -> None:
    launch.run_well(*arguments(photos, tmp_path / "run", f"--data.workers={workers}"), num_ranks=num_ranks)
    assert_same_trainings(reference, tmp_path / "run", TRAININGS)
    verify_files(tmp_path / "run")


def test_pngs_among_jpegs(photos: Path, tmp_path: Path) -> None:
    """Sets with PNG and JPEG files give the same result on any number of ranks."""
    shutil.copytree(photos.parent.parent / "tree", tmp_path / "tree")
    for path in sorted((tmp_path / "tree").rglob("*.JPEG"))[::3]:
        Image.open(path).save(path.with_suffix(".png"))
        path.unlink()
    index = pack(tmp_path / "tree", tmp_path / "set" / "photos.h5")
    launch.run_well(*arguments(index, tmp_path / "one", META), num_ranks=1)
    launch.run_well(*arguments(index, tmp_path / "two", META, "--data.workers=2"), num_ranks=2)
    assert_same_trainings(tmp_path / "one", tmp_path / "two", ["meta"])


def test_waiting_for_data_is_told(reference: Path) -> None:
    steps = read_columns(reference, "meta", "steps")
    step_s = 24 / steps["images_per_s"]
    assert ((steps["data_wait_s"] > 0) & (steps["data_wait_s"] < step_s)).all()


def test_copies_on_the_node(photos: Path, reference: Path, tmp_path: Path) -> None:
    """Shards are copied once, and not again if the copies exist."""
    index = copy_set(photos, tmp_path / "set")
    cache = ["--data.cache=node", f"--data.cache_directory={tmp_path / 'node'}"]
    launch.run_well(*arguments(index, tmp_path / "run", META, *cache), num_ranks=2)
    assert_same_weights(reference, tmp_path / "run", ["meta"])
    [folder] = (tmp_path / "node").iterdir()
    shards = sorted(path for path in index.parent.glob("*-*.h5"))
    assert sorted(path.name for path in folder.iterdir()) == [path.name for path in shards]
    for shard in shards:
        flip_byte(shard)  # no process reads these
    launch.run_well(*arguments(index, tmp_path / "again", META, *cache), num_ranks=2)
    assert_same_weights(reference, tmp_path / "again", ["meta"])


def test_a_damaged_copy_on_the_node_is_no_damage(photos: Path, reference: Path, tmp_path: Path) -> None:
    """As a node leaves it that was switched off: its shard is read from the source, and copied anew by the next job."""
    cache = ["--data.cache=node", f"--data.cache_directory={tmp_path / 'node'}"]
    launch.run_well(*arguments(photos, tmp_path / "run", META, *cache))
    copy = sorted((tmp_path / "node").rglob("*-train-*.h5"))[0]
    whole = copy.read_bytes()
    copy.write_bytes(bytes(len(whole)))
    outcome = launch.run_well(*arguments(photos, tmp_path / "again", META, *cache, "--data.on_error=skip"), num_ranks=2)
    assert "stands in" not in outcome.stdout
    assert_same_weights(reference, tmp_path / "again", ["meta"])
    assert not copy.exists()
    launch.run_well(*arguments(photos, tmp_path / "third", META, *cache))
    assert copy.read_bytes() == whole


def test_a_set_behind_a_link_and_few_open_files(photos: Path, reference: Path, tmp_path: Path) -> None:
    """Its shards are beside the file that the link leads to, and more than may be open at once."""
    link = tmp_path / "data" / "photos.h5"
    link.parent.mkdir()
    link.symlink_to(photos)
    limited = ["bash", "-c", 'ulimit -n 40; exec "$@"', "sh"]
    for words in (["pack", f"--verify={link}"], ["inspect", str(link)], arguments(link, tmp_path / "run", META)):
        outcome = launch.finish(launch.start(words, wrapper=limited))
        assert outcome.status == 0, outcome
    assert_same_weights(reference, tmp_path / "run", ["meta"])


def test_any_name_of_a_class(photos: Path, tmp_path: Path) -> None:
    """Lists of names, as ImageNet has them, are names on every rank."""
    tree = shutil.copytree(photos.parent.parent / "tree", tmp_path / "tree")
    for split in tree.iterdir():
        for folder, name in zip(sorted(split.iterdir()), ("tench, Tinca tinca", 'a "b", c', "$d$ #e"), strict=False):
            folder.rename(split / name)
    index = pack(tree, tmp_path / "set" / "photos.h5")
    launch.run_well(*arguments(index, tmp_path / "one", META), num_ranks=1)
    launch.run_well(*arguments(index, tmp_path / "two", META), num_ranks=2)
    assert_same_weights(tmp_path / "one", tmp_path / "two", ["meta"])


def test_blocks(photos: Path, reference: Path, tmp_path: Path) -> None:
    """The order of blocks differs, and is the same on any number of ranks."""
    settings = [META, "--data.shuffle=block", "--data.shuffle_block=10"]
    launch.run_well(*arguments(photos, tmp_path / "one", *settings), num_ranks=1)
    launch.run_well(*arguments(photos, tmp_path / "two", *settings, "--data.workers=2"), num_ranks=2)
    assert_same_trainings(tmp_path / "one", tmp_path / "two", ["meta"])
    in_blocks, anywhere = (read_weights(finished(run, "meta")) for run in (tmp_path / "one", reference))
    assert find_differing(in_blocks, anywhere) != []


def test_damaged_image_ends_the_run(photos: Path, tmp_path: Path) -> None:
    index = copy_set(photos, tmp_path / "set")
    shard = train_shards(index)[1]
    damage_image(shard, 2)
    outcome = launch.run(*arguments(index, tmp_path / "run", META, "--data.workers=1"), num_ranks=2)
    assert outcome.status not in (0, 2)
    message = f"{shard}: image 2 of it is damaged: its checksum is not the one stated."
    assert any(message in line for line in outcome.messages()), outcome
    assert message in (tmp_path / "run" / "log.txt").read_text().splitlines()[-1]
    assert read_summary(tmp_path / "run")["state"] == "failed"


def test_damaged_image_is_replaced(photos: Path, reference: Path, tmp_path: Path) -> None:
    """The next image replaces a damaged one, the same on any number of ranks. Each rank reports it once."""
    index = copy_set(photos, tmp_path / "set")
    shard = train_shards(index)[1]
    damage_image(shard, 2)
    skip = [META, "--data.on_error=skip", "--recipe.epochs=3"]
    launch.run_well(*arguments(index, tmp_path / "one", *skip), num_ranks=1)
    launch.run_well(*arguments(index, tmp_path / "two", *skip, "--data.workers=2"), num_ranks=2)
    assert_same_trainings(tmp_path / "one", tmp_path / "two", ["meta"])
    for run, most in (("one", 1), ("two", 2)):
        log = (tmp_path / run / "log.txt").read_text()
        told = log.count(f"{shard}: image 2 of it is damaged: its checksum is not the one stated.")
        assert 1 <= told <= most, log
        assert log.count("The next one stands in for it.") == told
    launch.run_well(*arguments(photos, tmp_path / "intact", *skip), num_ranks=1)
    weights = [finished(tmp_path / run, "meta").read_bytes() for run in ("one", "intact")]
    assert weights[0] != weights[1]


def test_damaged_validation_image_is_replaced(photos: Path, reference: Path, tmp_path: Path) -> None:
    """Weights do not change, and figures are the same on any number of ranks."""
    index = copy_set(photos, tmp_path / "set")
    shard = sorted(index.parent.glob("photos-validation-*.h5"))[0]
    damage_image(shard, 1)
    for num_ranks in (1, 2):
        run = tmp_path / str(num_ranks)
        launch.run_well(*arguments(index, run, META, "--data.on_error=skip"), num_ranks=num_ranks)
        assert f"{shard}: image 1 of it is damaged" in (run / "log.txt").read_text()
    assert_same_trainings(tmp_path / "1", tmp_path / "2", ["meta"])
    assert_same_weights(reference, tmp_path / "1", ["meta"])


def kill_at_a_checkpoint(run: Path, words: list[str]) -> None:
    process = launch.start(words, num_ranks=2)
    assert launch.wait_until(lambda: len(resume_points(run, "meta")) > 0, process)
    launch.kill_ranks(process)
    launch.finish(process)
    assert not finished(run, "meta").exists()


def test_damaged_images_are_replaced_after_a_stop_too(photos: Path, tmp_path: Path) -> None:
    index = copy_set(photos, tmp_path / "set")
    for shard in train_shards(index):
        damage_image(shard, 0)
    skip = [META, "--data.on_error=skip", "--recipe.epochs=4", "--data.workers=1"]
    launch.run_well(*arguments(index, tmp_path / "whole", *skip))
    run = tmp_path / "stopped"
    kill_at_a_checkpoint(run, arguments(index, run, *skip, "--checkpoint.every_steps=1"))
    launch.run_well(*arguments(index, run, *skip), num_ranks=3)
    assert_same_trainings(tmp_path / "whole", run, ["meta"])


def fill_with_zeros(shard: Path) -> int:
    """Makes a shard's images zeros, as a storage target that is lost may read. Returns their number."""
    with h5py.File(shard, "r") as file:
        begin = file["bytes"].id.get_offset()
        length, num_images = len(file["bytes"]), len(file["labels"])
    content = bytearray(shard.read_bytes())
    content[begin : begin + length] = bytes(length)
    shard.write_bytes(content)
    return num_images


@pytest.mark.parametrize("cache", ["none", "node"])
def test_shards_of_zeros_are_replaced(photos: Path, tmp_path: Path, cache: str) -> None:
    """Each rank names each image once. The result is the same on any ranks, killed or not, with copies or without."""
    index = pack(photos.parent.parent / "tree", tmp_path / "set" / "photos.h5", shard_mb=0.05)
    lost = [train_shards(index)[1], sorted(index.parent.glob("photos-validation-*.h5"))[0]]
    expected = {f"{shard}: image {i}" for shard in lost for i in range(fill_with_zeros(shard))}
    skip = [META, "--data.on_error=skip", "--recipe.epochs=3", "--data.workers=1", f"--data.cache={cache}"]
    skip.append(f"--data.cache_directory={tmp_path / 'node'}")
    for num_ranks in (1, 2):
        run = tmp_path / str(num_ranks)
        launch.run_well(*arguments(index, run, *skip), num_ranks=num_ranks)
        told = re.findall(
            r"(\S+: image \d+) of it is damaged: .* The next one stands in", (run / "log.txt").read_text()
        )
        assert set(told) == expected
        assert all(told.count(image) <= num_ranks for image in expected)
    assert_same_trainings(tmp_path / "1", tmp_path / "2", ["meta"])
    run = tmp_path / "killed"
    kill_at_a_checkpoint(run, arguments(index, run, *skip, "--checkpoint.every_steps=1"))
    launch.run_well(*arguments(index, run, *skip), num_ranks=3)
    assert_same_trainings(tmp_path / "1", run, ["meta"])


LONG = [META, "--recipe.epochs=40"]
EPOCH_STEPS = NUM_TRAIN // 24  # in which every rank has read some image of every shard


def lose_on_the_way(
    run: Path, words: list[str], num_ranks: int, choose: Callable[[set[str]], list[Path]]
) -> tuple[launch.Outcome, list[Path]]:
    """Removes files after the first epoch of a run that cannot keep all shards open: what `choose` makes of the open
    ones. Returns how the run ended, and the files."""
    limited = ["bash", "-c", 'ulimit -n 64; exec "$@"', "sh"]
    process = launch.start([*words, "--checkpoint.every_steps=1"], num_ranks, wrapper=limited)
    launch.wait_until(lambda: any(step_of(point) > EPOCH_STEPS for point in resume_points(run, "meta")), process)
    opened = [path for rank in launch.find_ranks(process) for path in Path(f"/proc/{rank}/fd").iterdir()]
    lost = choose({os.readlink(path) for path in opened if path.is_symlink()})
    for path in lost:
        path.unlink()
    assert not finished(run, "meta").exists()
    return launch.finish(process), lost


@pytest.mark.parametrize("num_ranks", [1, 2])
def test_a_shard_lost_on_the_way(photos: Path, tmp_path: Path, num_ranks: int) -> None:
    """Each of its images is named and replaced."""
    index = pack(photos.parent.parent / "tree", tmp_path / "set" / "photos.h5", shard_mb=0.01)
    num_images = {}
    for path in train_shards(index):
        with h5py.File(path) as file:
            num_images[path] = len(file["labels"])

    def choose(opened: set[str]) -> list[Path]:
        return [path for path in num_images if str(path) not in opened][:1]

    words = arguments(index, tmp_path / "run", *LONG, "--data.on_error=skip")
    outcome, [shard] = lose_on_the_way(tmp_path / "run", words, num_ranks, choose)
    assert outcome.status == 0, outcome
    missing = rf"{shard}: image (\d+) of it cannot be read: the file is missing\. .* The next one stands in for it\."
    told = re.findall(missing, (tmp_path / "run" / "log.txt").read_text())
    assert {int(image) for image in told} == set(range(num_images[shard]))
    assert len(told) <= num_ranks * num_images[shard]


def test_copies_lost_on_the_way(photos: Path, tmp_path: Path) -> None:
    """As a node's cleaning leaves them: the shards themselves are read, and nothing is replaced."""
    index = pack(photos.parent.parent / "tree", tmp_path / "set" / "photos.h5", shard_mb=0.01)
    launch.run_well(*arguments(index, tmp_path / "whole", *LONG))
    cache = ["--data.cache=node", f"--data.cache_directory={tmp_path / 'node'}", "--data.on_error=skip"]
    words = arguments(index, tmp_path / "run", *LONG, *cache)
    outcome, lost = lose_on_the_way(tmp_path / "run", words, 2, lambda _: list((tmp_path / "node").rglob("*.h5")))
    assert outcome.status == 0, outcome
    assert len(lost) > 16  # as many stay open
    assert "stands in" not in outcome.stdout
    assert_same_weights(tmp_path / "whole", tmp_path / "run", ["meta"])


def test_a_hundred_damaged_images_in_a_row_end_the_run(photos: Path, tmp_path: Path) -> None:
    index = copy_set(photos, tmp_path / "set")
    for shard in train_shards(index):
        with h5py.File(shard, "r") as file:
            num_images = len(file["labels"])
        for image in range(num_images):
            damage_image(shard, image)
    outcome = launch.run(*arguments(index, tmp_path / "run", META, "--data.on_error=skip"), num_ranks=2)
    assert outcome.status not in (0, 2)
    assert any("is damaged: its checksum is not the one stated." in line for line in outcome.messages()), outcome
    assert read_summary(tmp_path / "run")["state"] == "failed"


def break_missing(shard: Path) -> str:
    shard.unlink()
    return rf"{shard}.*(cannot be read|missing|no such file)"


def break_truncated(shard: Path) -> str:
    content = shard.read_bytes()
    shard.write_bytes(content[:-10])
    return rf"{shard}.*{len(content) - 10}.*{len(content)}"


@pytest.mark.parametrize("break_shard", [break_missing, break_truncated])
def test_shard_that_is_not_whole(photos: Path, tmp_path: Path, break_shard: object) -> None:
    """A broken shard is found before anything is written."""
    assert callable(break_shard)
    index = copy_set(photos, tmp_path / "set")
    expected = break_shard(train_shards(index)[-1])
    outcome = launch.run(*arguments(index, tmp_path / "run"), num_ranks=2)
    assert outcome.status == 2
    [message] = outcome.messages()
    assert re.search(expected, message, re.I), message
    assert not (tmp_path / "run").exists()


def test_shard_replaced_while_it_is_read(photos: Path, tmp_path: Path) -> None:
    """A shard replaced by another one of the same length never gives wrong pixels."""
    index = copy_set(photos, tmp_path / "set")
    shard = train_shards(index)[0]
    content = np.frombuffer(shard.read_bytes(), dtype=np.uint8).copy()
    content[len(content) // 2 :] = content[len(content) // 2 :][::-1]
    shard.write_bytes(content.tobytes())
    outcome = launch.run(*arguments(index, tmp_path / "run", META))
    assert outcome.status not in (0, 2)
    assert any(f"{shard}: image " in line and "is damaged" in line for line in outcome.messages()), outcome


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["--recipe.crop=none"], "has images of different sizes but meta.crop=none. Set it to resized, which makes"),
        (["--data.cache=node", "--data.cache_directory=/dev/null/x"], "data.cache_directory: /dev/null/x/incubate-"),
        (["--data.shuffle=block", "--recipe.repeated_augmentation=3"], "does not go with data.shuffle=block"),
    ],
)
def test_bad_settings(photos: Path, tmp_path: Path, settings: list[str], message: str) -> None:
    outcome = launch.run(*arguments(photos, tmp_path / "run", *settings), num_ranks=2)
    assert outcome.status == 2
    [line] = outcome.messages()
    assert message in line
