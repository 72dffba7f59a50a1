"""Faults of real machines in the middle of a run: killed processes, full and read-only disks, lost permissions, stopped
ranks, damaged files, trainings that diverge. The message names the fault, and files on disk stay good. The same command
resumes on any number of ranks, and ends bit-identical.

Every session has a few faults of each kind; with INCUBATE_FAULTS=long (see faults.sh) there are many.
"""

from __future__ import annotations

import contextlib
import gzip
import itertools
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import launch
import tiny_resnet
from conftest import IS_LONG, only_long
from killed_runs import OFTEN, Point, make_killed_run
from launch import Outcome
from permissions import OBEYING_PERMISSIONS, unwritable
from run_files import (
    FIRST_BLOCK_BYTES,
    STAGES,
    TRAININGS,
    assert_same_trainings,
    assert_same_weights,
    copy_run,
    finished,
    read_columns,
    read_figures,
    read_summary,
    resume_points,
    verify_files,
)
from small_disk import read_only, resize, small_disk
from tiny import Tiny
from tiny_data import SIDE, pack_arguments, write_idx, write_tiny_idx

NO_HANG_S = 60.0
PAGE_BYTES = 4096
TIMEOUT_S = 2  # run.timeout_s of runs whose ranks are stopped

Tell = Callable[[str], None]


def choose(short: int, long: int) -> int:
    return long if IS_LONG else short


def spread_moments(count: int, chance: random.Random) -> list[float]:
    """Returns values in [0, 1), one in each of `count` equal parts, shuffled."""
    moments = [(i + chance.random()) / count for i in range(count)]
    chance.shuffle(moments)
    return moments


def num_finished(run: Path) -> int:
    return sum(finished(run, training).exists() for training in TRAININGS)


def describe(counts: Counter[int]) -> str:
    """Returns where runs were hit, by the number of finished trainings."""
    return ", ".join(f"{counts[n]} with {n}" for n in sorted(counts)) + " of 7 trainings done"


# --- Killed at any moment ---------------------------------------------------------------------------------------------


def kill_one_rank(process: subprocess.Popen[str], ranks: list[int], chance: random.Random) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(chance.choice(ranks), signal.SIGKILL)


def kill_all_ranks(process: subprocess.Popen[str], ranks: list[int], chance: random.Random) -> None:
    launch.kill_ranks(process)


def kill_mpirun(process: subprocess.Popen[str], ranks: list[int], chance: random.Random) -> None:
    """Kills mpirun only. Its ranks find out."""
    process.kill()


def test_killed_at_random_moments(tiny: Tiny, finished_run: Path, tmp_path: Path, tell: Tell) -> None:
    """Kills one rank, all ranks, mpirun, in turns; each start has another number of ranks."""
    chance = random.Random(5)
    count = choose(short=4, long=50)
    moments = spread_moments(count, chance)
    kills = itertools.cycle([kill_one_rank, kill_all_ranks, kill_mpirun])
    nums_ranks = itertools.cycle([3, 2, 4])
    whole_s = 3.0  # for a whole run; measured below if it is shorter
    longest_s, num_runs, hit = 0.0, 0, Counter[int]()
    while moments:
        run = tmp_path / f"run_{num_runs}"
        is_done = False
        while moments and not is_done:
            is_fresh = not run.exists()
            process, ranks = launch.start_ranks(tiny.arguments(run, OFTEN), next(nums_ranks))
            began = time.monotonic()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(moments[-1] * whole_s)
            if process.poll() is None:
                killed = time.monotonic()
                next(kills)(process, ranks, chance)
                launch.finish(process, NO_HANG_S)
                launch.wait_until_gone(ranks, NO_HANG_S)
                longest_s = max(longest_s, time.monotonic() - killed)
                moments.pop()
                hit[num_finished(run)] += 1
            elif is_fresh:
                whole_s = min(whole_s, time.monotonic() - began)
            is_done = process.returncode == 0
            verify_files(run)
        launch.run_well(*tiny.arguments(run, OFTEN), num_ranks=next(nums_ranks))
        assert_same_trainings(finished_run, run, TRAININGS)
        assert list(run.rglob("*.tmp")) == []
        num_runs += 1
        shutil.rmtree(run)
    tell(f"killed at {count} moments ({describe(hit)}); {num_runs} runs; all was over {longest_s:.1f} s later at most")


# --- Disks that fill up or turn read-only, permission lost ------------------------------------------------------------


def assert_failed_for(reason: str, outcome: Outcome, run: Path) -> None:
    assert outcome.status not in (0, 75), outcome
    messages = outcome.messages()
    assert messages, outcome
    for message in messages:
        assert reason in message, outcome.stderr
        assert str(run) in message, outcome.stderr


def num_bytes_in_pages(folder: Path) -> int:
    return sum(-(-path.stat().st_size // PAGE_BYTES) * PAGE_BYTES for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("part", [i / 20 for i in range(1, 18)] if IS_LONG else [0.55])
def test_disk_full(tiny: Tiny, finished_run: Path, tmp_path: Path, tell: Tell, part: float) -> None:
    """The disk has room for a part of a run with its states to resume from."""
    whole_bytes = 3 * num_bytes_in_pages(finished_run)  # 5 % above what was measured in a run
    with small_disk(tmp_path / "disk", int(part * whole_bytes)) as disk:
        run = disk / "run"
        hit = []
        for num_ranks in (3, 2):  # the second start finds the disk equally full
            outcome = launch.run(*tiny.arguments(run, OFTEN), num_ranks=num_ranks, timeout_s=NO_HANG_S)
            assert_failed_for("No space left on device", outcome, run)
            verify_files(run)
            hit.append(num_finished(run))
        resize(disk, 2 * whole_bytes)
        launch.run_well(*tiny.arguments(run, OFTEN), num_ranks=4)
        assert_same_trainings(finished_run, run, TRAININGS)
        assert list(run.rglob("*.tmp")) == []
    tell(f"disk full at {part:.0%} of {whole_bytes} bytes, twice: {hit[0]}, then {hit[1]} of 7 trainings done")


def start_and_wait_for(
    arguments: list[str], num_ranks: int, point: Callable[[], bool], wrapper: Sequence[str] = ()
) -> tuple[subprocess.Popen[str], list[int]]:
    """Starts a run and waits for a point. Returns mpirun and the ranks, in the order of their numbers."""
    process, ranks = launch.start_ranks(arguments, num_ranks, wrapper)
    assert launch.wait_until(point, process, NO_HANG_S), launch.finish(process)
    return process, sorted(ranks, key=launch.rank_number)


@dataclass(frozen=True)
class Loss:
    """The loss of the permission to make files in a run directory."""

    name: str
    begin: Callable[[Path], contextlib.AbstractContextManager[None]]  # until it ends
    reason: str  # in the system's words
    wrapper: Sequence[str] = ()  # for a program that must notice


LOSSES = [
    Loss("read-only", read_only, "Read-only file system"),
    Loss("permission lost", unwritable, "Permission denied", OBEYING_PERMISSIONS),
]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize(
    ("training", "num_ranks"),
    [(training, 2 + i % 3) for i, training in enumerate(TRAININGS[:-1])] if IS_LONG else [("stage_2", 3)],
)
def test_run_directory_becomes_unwritable(
    tiny: Tiny, finished_run: Path, tmp_path: Path, tell: Tell, training: str, num_ranks: int, loss: Loss
) -> None:
    run = tmp_path / "run"
    process, ranks = start_and_wait_for(
        tiny.arguments(run, OFTEN),
        num_ranks,
        lambda: len(resume_points(run, training)) > 0 or finished(run, training).exists(),
        loss.wrapper,
    )
    with loss.begin(run):
        outcome = launch.finish(process, NO_HANG_S)
        launch.wait_until_gone(ranks, NO_HANG_S)
        assert_failed_for(loss.reason, outcome, run)
        num_files = verify_files(run)
    launch.run_well(*tiny.arguments(run, OFTEN), num_ranks=num_ranks % 3 + 2)
    assert_same_trainings(finished_run, run, TRAININGS)
    assert list(run.rglob("*.tmp")) == []
    tell(f"{loss.name} in {training}: {num_files} files intact")


# --- Ranks that stop --------------------------------------------------------------------------------------------------


def assert_named(outcome: Outcome, rank: int) -> None:
    assert outcome.status != 0
    name = f"rank {rank} on {socket.gethostname()}"
    behind_the_speaker = [message.split(": ", 2)[2] for message in outcome.messages()]
    accusing = [words for words in behind_the_speaker if "(run.timeout_s=" in words and name in words]
    assert accusing, outcome.stderr


def stop_rank(process: subprocess.Popen[str], ranks: list[int], rank: int, within_s: float) -> float:
    """Stops a rank. All ranks must end within that time and name it. Returns the seconds that this took."""
    assert process.poll() is None
    began = time.monotonic()
    os.kill(ranks[rank], signal.SIGSTOP)
    outcome = launch.finish(process, NO_HANG_S)
    launch.wait_until_gone(ranks, NO_HANG_S)
    elapsed_s = time.monotonic() - began
    assert_named(outcome, rank)
    assert elapsed_s < within_s, outcome
    return elapsed_s


@contextlib.contextmanager
def hold_directory(folder: Path) -> Iterator[None]:
    """Holds the lock under which jobs on one run replace summary.json, so that they cannot take it away."""
    lock = folder / ".busy"
    while not lock.is_dir():
        with contextlib.suppress(OSError):  # the job holds it
            lock.mkdir()
    (lock / "occupied").touch()
    yield
    shutil.rmtree(lock)


# A group names its silent rank after run.timeout_s and a roll call of 3 s. Rank 0 names the leader of a group, and the
# others rank 0, 15 s later than that.
IN_GROUP_S = TIMEOUT_S + 3 + 7
IN_ROUND_S = TIMEOUT_S + 15 + 3 + 7


@pytest.mark.parametrize(
    ("training", "rank", "within_s"),
    [
        ("meta", 1, IN_GROUP_S),
        ("end_to_end", 0, IN_GROUP_S),
        ("stage_2", 0, IN_ROUND_S),  # other groups wait for its reports
        ("stage_2", 3, IN_ROUND_S),
    ][: choose(short=1, long=4)],
)
def test_stopped_rank_is_named(
    tiny: Tiny, finished_run: Path, tmp_path: Path, tell: Tell, training: str, rank: int, within_s: float
) -> None:
    undone = {"meta": TRAININGS, "stage_2": [*STAGES, "finetuned"]}.get(training, [training])
    run = copy_run(finished_run, tmp_path / "run", without=undone)
    arguments = tiny.arguments(run, f"--run.timeout_s={TIMEOUT_S}", "--checkpoint.every_steps=1")
    process, ranks = start_and_wait_for(arguments, 4, lambda: len(resume_points(run, training)) > 0)
    elapsed_s = stop_rank(process, ranks, rank, within_s)
    verify_files(run)
    launch.run_well(*tiny.arguments(run, OFTEN), num_ranks=2)
    assert_same_trainings(finished_run, run, TRAININGS)
    tell(f"rank {rank} of 4 stopped in {training}: named and ended in {elapsed_s:.1f} s")


@pytest.mark.parametrize(
    "last_words",
    [
        "round of incubation: ",  # the others are about to be split into groups
        "done: every training is done",  # they are about to leave
    ],
)
@only_long
def test_stopped_between_trainings(tiny: Tiny, finished_run: Path, tmp_path: Path, tell: Tell, last_words: str) -> None:
    """Rank 0 stops while it writes these words into log.txt and summary.json."""
    run = copy_run(finished_run, tmp_path / "run", without=["stage_2", "finetuned"])
    log = run / "log.txt"
    before = log.read_text()
    timeout_s = 5
    process, ranks = start_and_wait_for(
        tiny.arguments(run, f"--run.timeout_s={timeout_s}"), 3, lambda: log.read_text() != before
    )
    with hold_directory(run):  # rank 0 waits 2 s for it before it replaces summary.json
        while last_words not in log.read_text().removeprefix(before) and process.poll() is None:
            time.sleep(0.001)
        elapsed_s = stop_rank(process, ranks, 0, timeout_s + 3 + 7)
    tell(f"rank 0 of 3 stopped at '{last_words}': named and ended in {elapsed_s:.1f} s")


@only_long
def test_stopped_at_random_moments(tiny: Tiny, finished_run: Path, tmp_path: Path, tell: Tell) -> None:
    chance = random.Random(6)
    whole_s = 1.5
    moments = spread_moments(12, chance)
    longest_s, hit = 0.0, Counter[int]()
    for i, moment in enumerate(moments):
        run = tmp_path / f"run_{i}"
        num_ranks = 2 + i % 3
        arguments = tiny.arguments(run, OFTEN, f"--run.timeout_s={TIMEOUT_S}")
        process, ranks = start_and_wait_for(arguments, num_ranks, (run / "log.txt").exists)
        time.sleep(moment * whole_s)
        assert process.poll() is None
        longest_s = max(longest_s, stop_rank(process, ranks, chance.randrange(num_ranks), IN_ROUND_S))
        verify_files(run)
        hit[num_finished(run)] += 1
        launch.run_well(*tiny.arguments(run, OFTEN), num_ranks=num_ranks % 3 + 2)
        assert_same_trainings(finished_run, run, TRAININGS)
        shutil.rmtree(run)
    tell(f"a rank stopped at {len(moments)} moments ({describe(hit)}): named and ended in {longest_s:.1f} s at most")


# --- Damaged files ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def killed_in_meta(tiny: Tiny, finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    point = Point("meta", 2, ["meta", *STAGES, "finetuned"])
    return make_killed_run(tiny, finished_run, tmp_path_factory.mktemp("killed"), point, num_ranks=2)


FOUND = re.compile(
    r"/(?P<name>[\w.]+\.h5) (is damaged: its content has the checksum|is truncated: it has \d+ bytes|"
    r"has \d+ bytes after its first block but states \d+)"
)


def damage(path: Path, chance: random.Random) -> None:
    """Changes a byte behind the first block, or cuts off the end."""
    content = bytearray(path.read_bytes())
    place = chance.randrange(FIRST_BLOCK_BYTES, len(content))
    if chance.random() < 0.5:
        content[place] ^= chance.randrange(1, 256)
    else:
        del content[place:]
    path.write_bytes(content)


@pytest.mark.parametrize("seed", range(choose(short=1, long=5)))
@pytest.mark.parametrize("kind", ["metrics", "state", "weights", "data"][: choose(short=1, long=4)])
def test_damage_as_its_user_sees_it(
    tiny: Tiny, finished_run: Path, killed_in_meta: Path, tmp_path: Path, kind: str, seed: int
) -> None:
    run, data = tmp_path / "run", tmp_path / "tiny.h5"
    shutil.copytree(killed_in_meta, run)
    shutil.copy(tiny.data, data)
    path = {
        "state": resume_points(run, "meta")[-1],
        "weights": finished(run, "end_to_end"),
        "metrics": run / "metrics" / "meta.h5",
        "data": data,
    }[kind]
    damage(path, random.Random(seed))
    outcome = launch.run(*Tiny(tiny.idx, data).arguments(run, OFTEN, "--run.only=meta"))
    lines = [line for line in (outcome.stdout + outcome.stderr).splitlines() if FOUND.search(line)]
    assert len(lines) == 1, outcome
    assert str(path) in lines[0]
    if kind in ("state", "metrics"):  # the run can continue without these
        assert outcome.status == 0
        assert lines[0].startswith("warning: ")
        assert_same_weights(finished_run, run, ["meta"])
    else:
        assert outcome.status == 2
        assert lines[0].startswith("incubate: ")


# --- A training that diverges -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["incubation", "meta"][: choose(short=1, long=2)])
def test_diverging_training(tiny: Tiny, finished_run: Path, tmp_path: Path, tell: Tell, phase: str) -> None:
    """Checkpoints from before the divergence stay good, with several groups or all ranks."""
    undone = [*STAGES, "finetuned"] if phase == "incubation" else TRAININGS[:-1]
    run = copy_run(finished_run, tmp_path / "run", without=undone)
    settings = [f"--{phase}.learning_rate=1e9", "--checkpoint.every_steps=1"]
    process, ranks = launch.start_ranks(tiny.arguments(run, *settings), 3)
    outcome = launch.finish(process, NO_HANG_S)
    launch.wait_until_gone(ranks, NO_HANG_S)
    assert outcome.status != 0
    messages = outcome.messages()
    assert messages, outcome
    name = r"stage_\d" if phase == "incubation" else "meta"
    for message in messages:
        found = re.search(
            rf"rank \d on {socket.gethostname()}: ({name}): step (\d+) has a loss or gradient that ", message
        )
        assert found, outcome.stderr
        training, step = found[1], int(found[2])
        assert step >= 1  # the first one is taken with the initial weights
        assert [path.name for path in resume_points(run, training)][-1] == f"step_{step:07}.h5"
    num_files = verify_files(run)
    for training in undone:
        shutil.rmtree(run / "checkpoints" / training, ignore_errors=True)  # has another learning rate
        (run / "metrics" / f"{training}.h5").unlink(missing_ok=True)
    launch.run_well(*tiny.arguments(run), num_ranks=2)
    assert_same_trainings(finished_run, run, TRAININGS)
    tell(f"diverging {phase} on 3 ranks: {len(messages)} messages, {num_files} files intact, {outcome.elapsed_s:.1f} s")


# One batch in a few has an image whose batch norm statistic is out of range.
GLARING = 5


def pack_glaring(folder: Path) -> Path:
    """Packs the tiny data, very dark except for a few training images."""
    folder.mkdir()
    write_tiny_idx(folder)
    for split in ("train", "validation"):
        path = folder / f"{split}-images.gz"
        content = gzip.decompress(path.read_bytes())
        images = np.frombuffer(content[16:], dtype=np.uint8).reshape(-1, SIDE, SIDE) // 32
        if split == "train":
            images[:: len(images) // GLARING] *= 32
        write_idx(path, images)
    launch.run_well(*pack_arguments(folder, folder / "glaring.h5"))
    return folder / "glaring.h5"


def test_skipped_steps(tiny: Tiny, tmp_path: Path, tell: Tell) -> None:
    """A run stopped by such a step goes on with `skip` as if set from the start: on any ranks, killed or not."""
    glaring = Tiny(tiny.idx, pack_glaring(tmp_path / "data"))
    settings = [*tiny_resnet.NETWORK, "--data.std=2.4e-4", "--method.trainings=deep_incubation"]
    skip = "--train.on_nonfinite=skip"
    whole, run = tmp_path / "whole", tmp_path / "run"
    launch.run_well(*glaring.arguments(whole, *settings, skip), num_ranks=1)

    outcome = launch.run(*glaring.arguments(run, *settings, "--checkpoint.every_steps=1"), num_ranks=2)
    assert outcome.status not in (0, 2)
    step = int(np.flatnonzero(np.isnan(read_columns(whole, "meta", "steps")["loss"]))[0])
    assert any(f"meta: step {step} has a loss or gradient that is not finite" in m for m in outcome.messages()), outcome
    launch.run_well(*glaring.arguments(run, *settings, skip), num_ranks=3)

    trainings = tiny_resnet.TRAININGS[:-1]
    assert_same_weights(whole, run, trainings)
    counts = {}
    for training in trainings:
        columns = read_columns(run, training, "steps")
        counts[training] = int(np.isnan(columns["loss"]).sum())
        assert counts[training] < len(columns["loss"]) / 2
        assert read_figures(finished(run, training))["skipped_steps"] == counts[training]
        assert np.isnan(columns["gradient_norm"]).sum() == counts[training]
        assert np.isfinite(read_columns(run, training, "epochs")["train_loss"]).all()
    assert counts["meta"] > 0
    summary = {t["name"]: t["skipped_steps"] for t in read_summary(run)["trainings"]}
    assert {name: summary[name] for name in trainings} == counts
    warnings = (run / "log.txt").read_text().count("The step was skipped")
    assert warnings == sum(counts.values())
    tell(f"steps with a loss that is not finite: {sum(counts.values())} skipped in {len(trainings)} trainings")
