"""Reads the files of a run, and compares runs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import struct
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xxhash
from numpy.typing import NDArray

STAGES = ["stage_0", "stage_1", "stage_2", "stage_3"]
TRAININGS = ["meta", *STAGES, "finetuned", "end_to_end"]
FIRST_BLOCK_BYTES = 512
NUM_STEPS = 20  # of each training but end_to_end, whose number is matched


def finished(run: Path, training: str) -> Path:
    return run / "checkpoints" / f"{training}.h5"


def resume_points(run: Path, training: str) -> list[Path]:
    """Returns the checkpoints to resume from, in the order of their steps."""
    return sorted((run / "checkpoints" / training).glob("step_*.h5"))


def step_of(resume_point: Path) -> int:
    return int(resume_point.stem.removeprefix("step_"))


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Returns a file's weights by '<stage>/<parameter>'."""
    with h5py.File(path, "r") as file:
        return {f"{i}/{name}": data[()] for i, stage in file["stages"].items() for name, data in stage.items()}


def read_figures(path: Path) -> dict[str, float]:
    with h5py.File(path, "r") as file:
        return {name: float(value[0]) for name, value in file["figures"].items()}


def read_columns(run: Path, training: str, group: str) -> dict[str, NDArray[Any]]:
    with h5py.File(run / "metrics" / f"{training}.h5", "r") as file:
        return {name: column[()] for name, column in file[group].items()}


def read_summary(run: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((run / "summary.json").read_text())
    return summary


def write_summary(run: Path, summary: dict[str, Any]) -> None:
    (run / "summary.json").write_text(json.dumps(summary))


def find_differing(weights: dict[str, NDArray[np.float32]], other: dict[str, NDArray[np.float32]]) -> list[str]:
    """Returns the names of parameters whose bits differ or that only one side has."""
    names = sorted(weights.keys() | other.keys())
    return [n for n in names if n not in weights or n not in other or weights[n].tobytes() != other[n].tobytes()]


def assert_same_weights(run: Path, other: Path, trainings: list[str]) -> None:
    for training in trainings:
        weights = read_weights(finished(run, training))
        assert weights, f"{training} of {run} holds no weights"
        assert find_differing(weights, read_weights(finished(other, training))) == [], training


def assert_same_trainings(run: Path, other: Path, trainings: list[str]) -> None:
    """Fails unless weights are equal, and figures are equal without a gap or an extra row."""
    assert_same_weights(run, other, trainings)
    for training in trainings:
        for group, names in (("steps", ["step", "loss", "gradient_norm"]), ("epochs", ["step", "train_loss", "loss"])):
            columns, expected = (read_columns(r, training, group) for r in (other, run))
            for name in names:
                assert columns[name].tolist() == expected[name].tolist(), f"{training}: {group}/{name}"


def copy_run(run: Path, to: Path, without: list[str]) -> Path:
    """Copies a run, leaving out the results of the trainings `without`."""
    shutil.copytree(run, to)
    for training in without:
        finished(to, training).unlink()
        (to / "metrics" / f"{training}.h5").unlink()
    return to


def snapshot(folder: Path) -> dict[str, str]:
    """Maps every path below `folder` to its modification time and content."""
    state = {}
    for path in sorted(folder.rglob("*")):
        is_file = path.is_file()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if is_file else "folder"
        state[str(path.relative_to(folder))] = f"{path.stat().st_mtime_ns} {digest}" if is_file else digest
    return state


def verify_file(path: Path) -> None:
    """Checks the first block against the rest (see src/hdf5/verified_file.h), and that HDF5 opens the file."""
    content = path.read_bytes()
    magic, version, length, digest = struct.unpack_from("<8sQQQ", content)
    assert (magic, version) == (b"INCUBATE", 1), path
    assert length == len(content) - FIRST_BLOCK_BYTES, path
    assert digest == xxhash.xxh3_64_intdigest(content[FIRST_BLOCK_BYTES:]), path
    with h5py.File(path, "r") as file:
        assert "filetype" in file.attrs, path


def verify_files(run: Path) -> int:
    """Checks every HDF5 file of a run, wherever it stopped. Returns the number of files."""
    paths = list(run.rglob("*.h5"))
    for path in paths:
        verify_file(path)
    return len(paths)


def seal(path: Path) -> None:
    """Makes the first block of a file match the rest."""
    content = path.read_bytes()
    rest = content[FIRST_BLOCK_BYTES:]
    head = struct.pack("<8sQQQ", b"INCUBATE", 1, len(rest), xxhash.xxh3_64_intdigest(rest))
    path.write_bytes(head + content[len(head) :])


def flip_byte(path: Path) -> None:
    """Damages the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def write_lock(path: Path, pid: int) -> None:
    """Writes a lock as a job on this host does."""
    namespace = os.readlink("/proc/self/ns/pid").removeprefix("pid:[").removesuffix("]")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    start = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[19]
    process = f"{socket.gethostname()}.{namespace}.{boot}.{pid}.{start}"
    holder = {"token": "tests", "host": socket.gethostname(), "pid": pid, "process": process, "heartbeat": time.time()}
    path.write_text(json.dumps(holder))
