"""Ranks that differ in program, data or run directory are refused at the start, with the host; those whose arithmetic
differs are warned of. Hosts are rank folders here: each rank starts in one of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import h5py
import pytest

import launch
from launch import Outcome
from run_files import assert_same_weights, find_differing, finished, flip_byte, read_summary, read_weights
from tiny import CONFIG, Tiny
from tiny_data import NUM_TRAIN, pack_arguments, write_tiny_idx

META = "--run.only=meta"
OLD = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "COMPATIBLE"}
CAPPED = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"}
HAS_AVX512 = "avx512bw" in Path("/proc/cpuinfo").read_text()
needs_avx512 = pytest.mark.skipif(not HAS_AVX512, reason="this processor has one kind of instructions less")


def start_apart(
    folder: Path,
    arguments: list[str],
    *ranks: tuple[str, Path, Mapping[str, str]],
) -> Outcome:
    """Starts a rank for each of (folder, program, environment), in that folder below `folder`."""
    command = ["mpirun", "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"]
    for i, (place, program, environment) in enumerate(ranks):
        (folder / place).mkdir(parents=True, exist_ok=True)
        variables = [word for name, value in environment.items() for word in ("-x", f"{name}={value}")]
        command += [":"] * (i > 0) + ["-n", "1", "-wdir", str(folder / place), *variables, str(program), *arguments]
    done = subprocess.run(
        command, env=launch.make_environment(), capture_output=True, text=True, timeout=launch.TIMEOUT_S, check=False
    )
    return Outcome(done.returncode, done.stdout, done.stderr, 0)


def here(place: str, environment: Mapping[str, str] | None = None) -> tuple[str, Path, Mapping[str, str]]:
    return place, launch.EXECUTABLE, environment or {}


def train(data: str | Path, run: str | Path, *settings: str) -> list[str]:
    return ["train", f"--config={CONFIG}", f"--data.file={data}", f"--run.directory={run}", *settings]


def refusal(outcome: Outcome) -> str:
    """The one message of a start that was refused before any work."""
    assert outcome.status == 2, outcome
    [message] = outcome.messages()
    assert "is done" not in outcome.stdout
    assert f" on {os.uname().nodename.split('.')[0]}" in message  # the host's name
    return message


def pack_other(tiny: Tiny, folder: Path, num_train: int = NUM_TRAIN, label_shift: int = 0) -> Path:
    """Other training images or labels than those of `tiny`, in a file of that name."""
    import gzip
    import struct

    folder.mkdir(parents=True)
    write_tiny_idx(folder)
    for what, size in (("images", 64), ("labels", 1)):
        path = folder / f"train-{what}.gz"
        content = gzip.decompress(path.read_bytes())
        header = 4 + 4 * content[3]
        values = bytearray(content[header : header + num_train * size])
        if what == "labels":
            values = bytearray((value + label_shift) % 4 for value in values)
        path.write_bytes(gzip.compress(content[:4] + struct.pack(">I", num_train) + content[8:header] + values))
    launch.run_well(*pack_arguments(folder, folder / "data.h5"))
    return folder / "data.h5"


def test_ranks_that_agree_get_no_warning(tiny: Tiny, tmp_path: Path) -> None:
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        shutil.copy(tiny.data, tmp_path / place / "data.h5")  # the same data in two files are the same
    outcome = start_apart(tmp_path, train("data.h5", tmp_path / "run", META), here("a"), here("b"))
    assert outcome.status == 0, outcome
    assert "warning" not in outcome.stdout + outcome.stderr
    assert "warning" not in (tmp_path / "run" / "log.txt").read_text()


def test_other_data_on_one_rank(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    shutil.copy(tiny.data, tmp_path / "a" / "data.h5")
    pack_other(tiny, tmp_path / "labels", label_shift=1)
    pack_other(tiny, tmp_path / "fewer", num_train=256)
    (tmp_path / "damaged").mkdir()
    shutil.copy(tiny.data, tmp_path / "damaged" / "data.h5")
    flip_byte(tmp_path / "damaged" / "data.h5")
    arguments = train("data.h5", tmp_path / "run", META)
    for place, reason in (
        ("labels", "data.h5 has the checksum [0-9a-f]{16} there, but [0-9a-f]{16} for rank 0 on "),
        ("fewer", "data.h5 has the checksum [0-9a-f]{16} there, but [0-9a-f]{16} for rank 0 on "),
        ("damaged", "data.h5 is damaged"),
        ("missing", "data.h5"),
    ):
        message = refusal(start_apart(tmp_path, arguments, here("a"), here("a"), here(place)))
        assert re.search(f"rank 2 on .* has other data than rank 0 on .*: {reason}", message), message


def test_another_build_on_one_rank(tiny: Tiny, tmp_path: Path) -> None:
    version = launch.run_well("--version").stdout
    commit = re.search(r"\(([0-9a-f]{40})\)", version)
    assert commit
    other = tmp_path / "incubate"
    other.write_bytes(launch.EXECUTABLE.read_bytes().replace(commit[1].encode(), b"0" * 40))
    other.chmod(0o755)
    arguments = train(tiny.data, tmp_path / "run", META)
    message = refusal(start_apart(tmp_path, arguments, here("a"), ("a", other, {})))
    assert re.search(f"rank 1 on .* runs another build of the program: '.*{'0' * 40}.*{commit[1]}", message), message
    assert not (tmp_path / "run").exists()
    pack = pack_arguments(tiny.idx, tmp_path / "x.h5")
    assert "another build" in refusal(start_apart(tmp_path, pack, here("a"), ("a", other, {})))


def copy_images(source: Path, place: Path, *, lacking: str = "", added: str = "", changed: str = "") -> Path:
    """Copies a folder of images, with their times, and makes one change."""
    folder = place / "images"
    shutil.copytree(source, folder)
    if lacking:
        (folder / lacking).unlink()
    if added:
        (folder / added).parent.mkdir(exist_ok=True)
        shutil.copy2(source / "train" / "cat" / "1.png", folder / added)
    if changed:
        (folder / changed).write_bytes((folder / changed).read_bytes() + b"more")
    return folder


def test_another_folder_to_pack_on_one_rank(tmp_path: Path) -> None:
    """Each host may have a copy of its own, if it has the same files with the same times."""
    images = tmp_path / "a" / "images"
    image = launch.REPOSITORY / "analysis" / "results" / "quickstart-dark.png"
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            (images / split / name).mkdir(parents=True)
            for i in (1, 2):
                shutil.copy(image, images / split / name / f"{i}.png")
    pack = ["pack", "--format=folder", "--folder=images", "--shard-mb=0.001", f"--output={tmp_path}/set/x.h5"]
    copy_images(images, tmp_path / "lacks", lacking="train/dog/2.png")
    copy_images(images, tmp_path / "more", added="val/dog/3.png")
    copy_images(images, tmp_path / "class", added="train/cow/1.png")
    copy_images(images, tmp_path / "larger", changed="train/cat/1.png")
    os.utime(copy_images(images, tmp_path / "touched") / "val/cat/2.png")
    for place, reason in (
        ("lacks", "it lacks train/dog/2.png."),
        ("more", "it has val/dog/3.png as well."),
        ("class", "--folder=images: the class 'cow' is in train/ but not in val/ "),
        ("larger", r"its train/cat/1.png has \d+ bytes, not \d+\."),
        ("touched", "its val/cat/2.png was changed at another time."),
        ("nothing", "--folder=images is no folder."),
    ):
        message = refusal(start_apart(tmp_path, pack, here("a"), here("a"), here(place)))
        assert re.search(f"rank 2 on .* sees another --folder=images than rank 0 on .*: {reason}", message), message
        assert not (tmp_path / "set").exists()
    copy_images(images, tmp_path / "copy")
    made = {}
    for ranks in ([here("a")], [here("a"), here("copy"), here("copy")]):
        outcome = start_apart(tmp_path, pack, *ranks)
        assert outcome.status == 0, outcome
        made[len(ranks)] = {path.name: path.read_bytes() for path in (tmp_path / "set").iterdir()}
        shutil.rmtree(tmp_path / "set")
    assert len(made[1]) == 9
    assert made[1] == made[3]


def test_a_run_directory_of_each_nodes_own(tiny: Tiny, tmp_path: Path) -> None:
    arguments = train(tiny.data, "run", "--run.timeout_s=3")
    message = refusal(start_apart(tmp_path, arguments, here("a"), here("b")))
    assert re.search("rank 1 on .* does not see what rank 0 on .* writes to run.directory=run ", message), message
    assert list((tmp_path / "a" / "run" / "checkpoints").iterdir()) == []  # no lock is left
    folder = ["pack", "--format=folder", f"--folder={tmp_path / 'images'}", "--output=x.h5"]
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            (tmp_path / "images" / split / name).mkdir(parents=True)
            source = launch.REPOSITORY / "analysis" / "results" / "quickstart-dark.png"
            shutil.copy(source, tmp_path / "images" / split / name / "1.png")
    message = refusal(start_apart(tmp_path, folder, here("a"), here("b")))
    assert re.search("rank 1 on .* does not see what rank 0 on .* writes to --output=x.h5 ", message), message


def test_another_kind_of_arithmetic_is_warned_of_and_recorded(tiny: Tiny, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = train(tiny.data, run, META)
    outcome = start_apart(tmp_path, [*arguments, "--checkpoint.every_steps=10"], here("a"), here("a", OLD))
    assert outcome.status == 0, outcome
    [warning] = [line for line in outcome.stdout.splitlines() if "not reproducible" in line]
    assert re.search("rank 0 on [^:]*: ATen [^;]*; results [0-9a-f]{8}; rank 1 on [^:]*: ATen default,", warning)
    kinds = read_summary(run)["jobs"]["meta"]["arithmetic"]
    assert len(kinds) == 2
    with h5py.File(finished(run, "meta")) as file:
        assert [kind.decode() for kind in file["arithmetic"][()]] == kinds
    told = launch.run_well("inspect", str(finished(run, "meta"))).stdout
    assert "not reproducible" in told
    assert all(kind in told for kind in kinds)
    # Those that go on from it hear of it too.
    later = start_apart(tmp_path, train(tiny.data, run, "--run.only=stage_0"), here("a"))
    assert re.search("warning: meta was computed with another kind of arithmetic ", later.stdout), later


@needs_avx512
def test_a_cap_gives_the_same_bits_by_setting_and_by_environment(tiny: Tiny, tmp_path: Path) -> None:
    cap = "--run.instructions=avx2"
    runs = {name: tmp_path / name for name in ("free", "setting", "environment", "some", "alone")}
    for name, settings, ranks in (
        ("free", [], [here("a"), here("a")]),
        ("setting", [cap], [here("a"), here("a")]),
        ("environment", [], [here("a", CAPPED), here("a", CAPPED)]),
        ("some", [cap], [here("a"), here("a", CAPPED), here("a", {"ATEN_CPU_CAPABILITY": "avx2"})]),
        ("alone", [cap], [here("a")]),
    ):
        outcome = start_apart(tmp_path, train(tiny.data, runs[name], META, *settings), *ranks)
        assert outcome.status == 0, outcome
        assert "warning" not in outcome.stdout, outcome.stdout
    for name in ("environment", "some", "alone"):
        assert_same_weights(runs[name], runs["setting"], ["meta"])
    free, capped = (read_weights(finished(runs[name], "meta")) for name in ("free", "setting"))
    assert find_differing(free, capped)
    kinds = [read_summary(runs[name])["jobs"]["meta"]["arithmetic"] for name in ("setting", "environment", "some")]
    assert kinds[0] == kinds[1] == kinds[2]
    assert "ATen avx2, oneDNN avx2, MKL avx2, kernels avx2" in kinds[0][0]


@needs_avx512
def test_bf16_that_is_slower_is_warned_of(tiny: Tiny, tmp_path: Path) -> None:
    arguments = train(tiny.data, tmp_path / "run", META, "--run.precision=bf16", "--run.instructions=avx2")
    outcome = start_apart(tmp_path, arguments, here("a"))
    assert re.search("warning: run.precision=bf16 makes this run slower: .* GFLOP/s in bf16 and ", outcome.stdout)
