"""A mistake of the user is reported in one line with status 2, and nothing on disk changes.

Each case runs alone and on 3 ranks: one rank prints one message, and no rank waits for another.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import struct
import subprocess
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

import launch
from launch import Outcome
from run_files import copy_run, finished, flip_byte, snapshot, write_lock
from tiny import CONFIG, Tiny
from tiny_data import CLASSES, pack_arguments


@dataclass(frozen=True)
class Given:
    """What a case may use; it writes below `folder` only."""

    tiny: Tiny
    finished_run: Path
    folder: Path

    def train(self, *settings: str, data: Path | None = None, run: Path | None = None) -> list[str]:
        data_file = data or self.tiny.data
        arguments = ["train", f"--config={CONFIG}", f"--data.file={data_file}"]
        return [*arguments, f"--run.directory={run or self.folder / 'run'}", *settings]

    def copy_data(self) -> Path:
        path = self.folder / "data.h5"
        path.write_bytes(self.tiny.data.read_bytes())
        return path

    def pack(self, **changes: str) -> list[str]:
        """Returns arguments of a correct `pack`, with changed values."""
        arguments = dict(a.split("=", 1) for a in pack_arguments(self.tiny.idx, self.folder / "packed" / "out.h5")[1:])
        arguments |= {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
        return ["pack", *(f"{name}={value}" for name, value in arguments.items())]


@dataclass(frozen=True)
class Case:
    name: str
    prepare: Callable[[Given], list[str]]  # makes files and returns arguments
    message: str  # regular expression for the whole message; {folder} and {tiny} are paths
    ranks: tuple[int, ...] = (1, 3)  # (1,) if another case takes the same way to the other ranks


def cut_data(given: Given) -> list[str]:
    path = given.copy_data()
    path.write_bytes(path.read_bytes()[:20_000])
    return given.train(data=path)


def cut_data_to_a_stub(given: Given) -> list[str]:
    path = given.copy_data()
    path.write_bytes(path.read_bytes()[:100])
    return given.train(data=path)


def use_text_as_data(given: Given) -> list[str]:
    path = given.folder / "data.h5"
    path.write_text("image,label\n" * 100)
    return given.train(data=path)


def damage_data(given: Given) -> list[str]:
    path = given.copy_data()
    flip_byte(path)
    return given.train(data=path)


def use_checkpoint_as_data(given: Given) -> list[str]:
    return given.train(data=finished(given.finished_run, "meta"))


def swap_images_and_labels(given: Given) -> list[str]:
    return given.pack(train_images=f"{given.tiny.idx}/train-labels.gz")


def cut_gzip(given: Given) -> list[str]:
    path = given.folder / "cut.gz"
    path.write_bytes((given.tiny.idx / "train-images.gz").read_bytes()[:10_000])
    return given.pack(train_images=str(path))


def cut_idx(given: Given) -> list[str]:
    path = given.folder / "cut.idx"
    path.write_bytes(gzip.decompress((given.tiny.idx / "train-images.gz").read_bytes())[:1016])
    return given.pack(train_images=str(path))


def lengthen_labels(given: Given) -> list[str]:
    path = given.folder / "labels.idx"
    path.write_bytes(struct.pack(">HBBI", 0, 8, 1, 513) + bytes(513))
    return given.pack(train_labels=str(path))


def forget_a_class(given: Given) -> list[str]:
    return given.pack(class_names=",".join(CLASSES[:-1]))


def use_bad_config(given: Given) -> list[str]:
    path = given.folder / "run.ini"
    path.write_text("[meta]\nepocs = 3\n")
    return ["train", f"--config={path}", f"--run.directory={given.folder / 'run'}"]


def use_folder_as_data(given: Given) -> list[str]:
    (given.folder / "pictures").mkdir()
    return given.train(data=given.folder / "pictures")


def use_place_below_a_file(given: Given) -> list[str]:
    (given.folder / "file").write_text("not a folder\n")
    return given.train(run=given.folder / "file" / "run")


def change_a_setting(given: Given) -> list[str]:
    run = copy_run(given.finished_run, given.folder / "run", without=["end_to_end"])
    return given.train("--meta.learning_rate=0.2", run=run)


def change_the_data(given: Given) -> list[str]:
    folder = given.folder / "idx"
    folder.mkdir()
    for path in given.tiny.idx.glob("*.gz"):
        (folder / path.name).write_bytes(path.read_bytes())
    labels = bytearray(gzip.decompress((folder / "train-labels.gz").read_bytes()))
    labels[-1] = (labels[-1] + 1) % len(CLASSES)
    (folder / "train-labels.gz").write_bytes(gzip.compress(bytes(labels), mtime=0))
    launch.run_well(*pack_arguments(folder, given.folder / "other.h5"))
    run = copy_run(given.finished_run, given.folder / "run", without=[])
    return given.train(run=run, data=given.folder / "other.h5")


def damage_a_checkpoint(given: Given) -> list[str]:
    run = copy_run(given.finished_run, given.folder / "run", without=["end_to_end"])
    flip_byte(finished(run, "stage_1"))
    return given.train(run=run)


def damage_every_state(given: Given) -> list[str]:
    run = copy_run(given.finished_run, given.folder / "run", without=["end_to_end"])
    states = run / "checkpoints" / "end_to_end"
    states.mkdir()
    for step in (5, 10):
        (states / f"step_{step:07}.h5").write_bytes(finished(run, "meta").read_bytes()[:600])
    return given.train(run=run)


def remove_a_parent(given: Given) -> list[str]:
    """Removes a parent's weights but not its figures, which show that it was done."""
    run = copy_run(given.finished_run, given.folder / "run", without=["finetuned"])
    finished(run, "stage_2").unlink()
    return given.train(run=run)


def forget_the_parents(given: Given) -> list[str]:
    return given.train("--run.only=finetuned")


def hold_a_lock(given: Given) -> list[str]:
    """Locks the third training as if these tests were a job; the first two are free."""
    run = given.folder / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "metrics").mkdir()
    write_lock(run / "checkpoints" / "stage_1.lock", os.getpid())
    return given.train(run=run)


NUMBER = r"\d+"
DIGEST = "[0-9a-f]{16}"
AGAIN = r"Make or copy it again\."
CASES = [
    Case(
        "missing data",
        lambda given: given.train(data=given.folder / "none.h5"),
        r"{folder}/none\.h5 cannot be read: No such file or directory\. Check the path\.",
    ),
    Case(
        "truncated data",
        cut_data,
        rf"{{folder}}/data\.h5 has {20_000 - 512} bytes after its first block but states {NUMBER}: "
        rf"it is truncated or not completely copied\. {AGAIN}",
    ),
    Case(
        "stub of data",
        cut_data_to_a_stub,
        rf"{{folder}}/data\.h5 is truncated: it has 100 bytes, fewer than its first block of 512\. {AGAIN}",
        ranks=(1,),
    ),
    Case(
        "text as data",
        use_text_as_data,
        r"{folder}/data\.h5 is not a file of this program \(it does not begin with INCUBATE\)\. Check the path\.",
    ),
    Case(
        "damaged data",
        damage_data,
        rf"{{folder}}/data\.h5 is damaged: its content has the checksum {DIGEST} but states {DIGEST}\. {AGAIN}",
    ),
    Case(
        "checkpoint as data",
        use_checkpoint_as_data,
        r".*/meta\.h5 has the file type 'incubate checkpoint', not 'incubate dataset'\. "
        r"Name a file written by 'incubate pack'\.",
        ranks=(1,),
    ),
    Case(
        "wrong IDX magic",
        swap_images_and_labels,
        r"{tiny}/train-labels\.gz begins with 00000801, not 00000803 \(IDX bytes of 3 dimensions\)\. "
        r"Check that the file is the right one\.",
    ),
    Case(
        "truncated gzip",
        cut_gzip,
        rf"{{folder}}/cut\.gz is truncated: it has {NUMBER} bytes of data, its header states {512 * 64}\. "
        r"Get or copy it again\.",
    ),
    Case(
        "truncated IDX",
        cut_idx,
        rf"{{folder}}/cut\.idx is truncated: it has 1000 bytes of data, its header states {512 * 64}\. "
        r"Get or copy it again\.",
        ranks=(1,),
    ),
    Case(
        "labels of other images",
        lengthen_labels,
        r"{folder}/labels\.idx has 513 labels but {tiny}/train-images\.gz has 512 images\. "
        r"Give the files that belong together\.",
        ranks=(1,),
    ),
    Case(
        "label out of range",
        forget_a_class,
        rf"{{tiny}}/train-labels\.gz: label 3 of image {NUMBER} is not below the number of classes, 3\. "
        r"Give a name for every class\.",
    ),
    Case(
        "missing images",
        lambda given: given.pack(validation_images=str(given.folder / "none.gz")),
        r"{folder}/none\.gz cannot be read: No such file or directory\. Check the path\.",
        ranks=(1,),
    ),
    Case(
        "batch not divisible",
        lambda given: given.train("--batch.global=100", "--meta.micro=32"),
        r"batch\.global=100 is not a multiple of meta\.micro=32 \(every micro-batch has the same size\)\. "
        r"Use a multiple of 32, such as 128\.",
    ),
    Case(
        "batch not divisible for a parent",
        lambda given: given.train("--method.trainings=end_to_end_high_resolution", "--end_to_end.micro=12"),
        r"batch\.global=32 is not a multiple of end_to_end\.micro=12 \(every micro-batch has the same size\)\. "
        r"Use a multiple of 12, such as 36\.",
    ),
    Case(
        "variable that is not set",
        lambda given: given.train(run=Path("$INCUBATE_TEST_UNSET/run")),
        r"run\.directory=\$INCUBATE_TEST_UNSET/run has the variable INCUBATE_TEST_UNSET, which is not set\. "
        r"Set it, or give the path in full\.",
    ),
    Case(
        "folder as data",
        use_folder_as_data,
        r"{folder}/pictures cannot be read: Is a directory\. Check the path\.",
        ranks=(1,),
    ),
    Case(
        "name too long",
        lambda given: given.train(run=given.folder / ("a" * 256) / "run"),
        r"run\.directory=/.*\.\.\. is too long: a name in it has 256 bytes \(file systems take 255\)\. "
        r"Give a shorter one\.",
    ),
    Case(
        "unknown key",
        lambda given: given.train("--meta.learning_rat=0.1"),
        r"command line: unknown setting 'meta\.learning_rat'\. Did you mean 'meta\.learning_rate'\? --help lists all\.",
    ),
    Case(
        "unknown key in file",
        use_bad_config,
        r"{folder}/run\.ini: unknown setting 'meta\.epocs'\. Did you mean 'meta\.epochs'\? --help lists all\.",
        ranks=(1,),
    ),
    Case(
        "text for a number",
        lambda given: given.train("--batch.global=many"),
        r"batch\.global=many is not a whole number\. Give a whole number\.",
    ),
    Case(
        "not a choice",
        lambda given: given.train("--run.sums=quick"),
        r"run\.sums=quick is not one of its values\. Give auto, exact or fast\.",
        ranks=(1,),
    ),
    Case(
        "not finite",
        lambda given: given.train("--meta.learning_rate=nan"),
        r"meta\.learning_rate=nan is not finite\. Give a finite number\.",
        ranks=(1,),
    ),
    Case(
        "given twice",
        lambda given: given.train("--run.seed=1", "--run.seed=2"),
        r"command line: 'run\.seed' is given twice \('1' and '2'\)\. Give it once\.",
        ranks=(1,),
    ),
    Case(
        "missing config",
        lambda given: ["train", f"--config={given.folder}/none.ini"],
        r"{folder}/none\.ini cannot be read: No such file or directory\. Check the path\.",
        ranks=(1,),
    ),
    Case(
        "unwritable run directory",
        use_place_below_a_file,
        r"run\.directory={folder}/file/run cannot be made: {folder}/file/run/checkpoints: Not a directory\. "
        r"Choose another place\.",
    ),
    Case(
        "changed setting",
        change_a_setting,
        r"{folder}/run/checkpoints/meta\.h5 was made with other settings "
        r"\('meta\.learning_rate=0\.1' there, 'meta\.learning_rate=0\.2' here\)\. "
        r"Give another run\.directory, or that setting back\.",
    ),
    Case(
        "changed data",
        change_the_data,
        rf"{{folder}}/run/checkpoints/meta\.h5 was made with other settings \('data {DIGEST}' there, "
        rf"'data {DIGEST}' here \(the content of data\.file\)\)\. Give another run\.directory, or that setting back\.",
        ranks=(1,),
    ),
    Case(
        "damaged checkpoint",
        damage_a_checkpoint,
        rf"{{folder}}/run/checkpoints/stage_1\.h5 is damaged: "
        rf"its content has the checksum {DIGEST} but states {DIGEST}\. {AGAIN}",
    ),
    Case(
        "every state damaged",
        damage_every_state,
        r"{folder}/run/checkpoints/end_to_end/step_0000010\.h5 has 88 bytes after its first block but "
        rf"states {NUMBER}: it is truncated or not completely copied\. {AGAIN} "
        r"No other checkpoint of end_to_end is intact \(2 of 2 are damaged or unreadable\), "
        r"and it does not begin again at step 0 unasked\. "
        r"Put a copy of one in its place, or remove {folder}/run/checkpoints/end_to_end to begin again\.",
    ),
    Case(
        "removed parent",
        remove_a_parent,
        r"{folder}/run/checkpoints/stage_2\.h5 is missing, and finetuned cannot start without it\. stage_2 was done "
        r"before \(summary\.json says so\), and is not trained again unasked\. "
        r"Put the file back, or train it again with --run\.only=stage_2\.",
    ),
    Case(
        "image size does not fit",
        lambda given: given.train("--model.image_size=12"),
        r"{tiny}/tiny\.h5 has images of 8x8 pixels but model\.image_size=12\. "
        r"Set it to the images' size, or meta\.crop=resized\.",
    ),
    Case(
        "batch larger than the data",
        lambda given: given.train("--batch.global=1024"),
        r"{tiny}/tiny\.h5 has 512 training images, fewer than batch\.global=1024 "
        r"\(an epoch is a number of whole batches\)\. Use a batch of 512 or less\.",
        ranks=(1,),
    ),
    Case(
        "parents not done",
        forget_the_parents,
        r"run\.only=finetuned needs stage_0, which is not done in {folder}/run\. Run that first\.",
    ),
    Case(
        "no such training",
        lambda given: given.train("--run.only=stage_4"),
        r"run\.only=stage_4 is not a training of this method\. "
        r"Give one of meta, stage_0, stage_1, stage_2, stage_3, finetuned, end_to_end, grown, shallow, "
        r"high_resolution, end_to_end_high_resolution, transfer\.",
        ranks=(1,),
    ),
    Case(
        "unknown command",
        lambda given: ["trian"],
        r"unknown command 'trian'\. Give .*train.*; --help tells more\.",
    ),
    Case(
        "locked",
        hold_a_lock,
        rf"{{folder}}/run/checkpoints/stage_1\.lock says that another job works on this training: "
        rf"process {os.getpid()} on {re.escape(socket.gethostname())}\. Wait for it, or stop it\.",
    ),
]


@dataclass(frozen=True)
class Tried:
    folder: Path
    outcome: Outcome
    before: dict[str, str]  # what was in the case's folder
    after: dict[str, str]


def try_case(given: Given, case: Case, num_ranks: int) -> Tried:
    given.folder.mkdir()
    arguments = case.prepare(given)
    before = snapshot(given.folder)
    outcome = launch.run(*arguments, num_ranks=num_ranks, timeout_s=60)
    return Tried(given.folder, outcome, before, snapshot(given.folder))


@pytest.fixture(scope="module")
def tried(
    request: pytest.FixtureRequest,
    tiny: Tiny,
    finished_run: Path,
    pool: ThreadPoolExecutor,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[tuple[str, int], Future[Tried]]:
    """Starts every case to be tested, a few at a time: they spend most of their time waiting."""
    root = tmp_path_factory.mktemp("bad_input")
    futures = {}
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.function is test_bad_input:
            case = cast(Case, item.callspec.params["case"])
            num_ranks = cast(int, item.callspec.params["num_ranks"])
            given = Given(tiny, finished_run, root / f"{case.name.replace(' ', '_')}_{num_ranks}")
            futures[case.name, num_ranks] = pool.submit(try_case, given, case, num_ranks)
    return futures


@pytest.mark.parametrize(
    ("case", "num_ranks"),
    [pytest.param(case, n, id=f"{case.name} on {n}") for case in CASES for n in case.ranks],
)
def test_bad_input(tiny: Tiny, tried: dict[tuple[str, int], Future[Tried]], case: Case, num_ranks: int) -> None:
    result = tried[case.name, num_ranks].result()
    assert result.outcome.status == 2, result.outcome
    messages = result.outcome.messages()
    assert len(messages) == 1, result.outcome.stderr
    places = {"{folder}": re.escape(str(result.folder)), "{tiny}": re.escape(str(tiny.idx))}
    pattern = re.sub(r"\{folder\}|\{tiny\}", lambda match: places[match[0]], case.message)
    assert re.fullmatch(f"incubate: {pattern}", messages[0])
    assert result.after == result.before
    assert result.outcome.stdout == ""
    assert "terminate called" not in result.outcome.stderr  # an uncaught exception prints this


@pytest.mark.parametrize("state", ["gone", "zombie"])
def test_a_dead_jobs_lock_is_taken_over(tiny: Tiny, tmp_path: Path, state: str) -> None:
    """A lock of a process that has ended does not stop a job, unlike the lock in the case above.

    A killed rank stays a zombie if nobody waits for it, as in a container whose first process does not.
    """
    process = subprocess.Popen(["true"])
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    write_lock(run / "checkpoints" / "meta.lock", process.pid)
    if state == "gone":
        process.wait()
    outcome = launch.run(*tiny.arguments(run, "--run.only=meta"))
    process.wait()
    assert outcome.status == 0, outcome.stderr
    assert finished(run, "meta").exists()
    assert not (run / "checkpoints" / "meta.lock").exists()


def test_failure_while_running(tiny: Tiny, tmp_path: Path) -> None:
    """A later error ends all ranks with a reason, which the summary contains."""
    settings = ["--meta.learning_rate=1e9", "--meta.warmup_epochs=0", "--meta.clip_norm=0", "--run.only=meta"]
    outcome = launch.run(*tiny.arguments(tmp_path / "run", *settings), num_ranks=2, timeout_s=60)
    assert outcome.status not in (0, 2)
    assert any("meta: step 1 has a loss or gradient that is not finite" in line for line in outcome.messages())
    assert not finished(tmp_path / "run", "meta").exists()
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["state"] == "failed"
