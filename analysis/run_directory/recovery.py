"""Loads the intact files of a run, and names files that are missing or damaged.

Every HDF5 file of a run begins with a block that has the length and a checksum of the rest (src/checkpoint/FORMAT.md).
"""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xxhash

from run_directory.data import (
    CONTENT_ERRORS,
    Config,
    Metrics,
    NotARunError,
    Round,
    Run,
    Training,
    check_columns,
    load_metrics,
    make_run,
    read_config,
)
from run_directory.methods import OLDER_TABLE

FIRST_BLOCK_BYTES = 512


class DamagedFileError(Exception):
    """A file is damaged; the message says how."""


class LoadedRun(NamedTuple):
    run: Run
    problems: list[str]  # a sentence for each file that is missing or damaged
    has_weights: bool  # False: no checkpoints/, as in runs of keep_results.py


def load_what_is_there(directory: Path) -> LoadedRun:
    """Returns what can be loaded. Raises NotARunError if `directory` holds no part of a run."""
    if not any((directory / name).exists() for name in ("summary.json", "config.ini", "metrics")):
        raise NotARunError(
            f"{directory} is not a run directory: it has no summary.json, config.ini or metrics. "
            "Give run.directory of a training."
        )
    problems: list[str] = []
    config = _load_config(directory / "config.ini", problems)
    summary = _read_summary(
        directory / "summary.json"
    )  # first, so that metrics of a running job can only be newer than the summary
    metrics = _load_all_metrics(directory / "metrics", problems)
    if summary is None:
        problems.append("summary.json is missing: there is no result table, and what follows is from the metrics.")
        run = _make_run_of_metrics(directory, config, metrics)
    else:
        try:
            run = make_run(directory, json.loads(summary), config, metrics)
        except CONTENT_ERRORS as error:
            if not config and not metrics:
                raise NotARunError(
                    f"{directory / 'summary.json'} is not the summary of a run ({error!r}). Check the path."
                ) from error
            problems.append("summary.json is damaged: there is no result table, and what follows is from the metrics.")
            run = _make_run_of_metrics(directory, config, metrics)
    problems += _find_missing_files(run, tuple(problems))
    return LoadedRun(run, problems, (directory / "checkpoints").is_dir())


def check_first_block(path: Path) -> None:
    """Reads a file's first block and length. Raises DamagedFileError, OSError."""
    with path.open("rb") as file:  # one open file, even if another one replaces it meanwhile
        _read_digest(file.read(FIRST_BLOCK_BYTES), os.fstat(file.fileno()).st_size)


def check_whole_file(path: Path) -> None:
    """Reads the whole file. Raises DamagedFileError, OSError."""
    content = memoryview(path.read_bytes())
    digest = _read_digest(content[:FIRST_BLOCK_BYTES], len(content))
    if xxhash.xxh3_64_intdigest(content[FIRST_BLOCK_BYTES:]) != digest:
        raise DamagedFileError("its checksum is not that which was written")


def _read_digest(first_block: bytes | memoryview, num_bytes: int) -> int:
    """Returns the checksum that a file of `num_bytes` should have. Raises DamagedFileError."""
    if len(first_block) < FIRST_BLOCK_BYTES:
        raise DamagedFileError("it is cut short")
    magic, _, length, digest = struct.unpack_from("<8sQQQ", first_block)
    if magic != b"INCUBATE":
        raise DamagedFileError("it does not begin as a file of this program does")
    if length != num_bytes - FIRST_BLOCK_BYTES:
        raise DamagedFileError("its length is not that which was written")
    return int(digest)


def _read_summary(path: Path) -> bytes | None:
    """Returns the summary. None: missing. Empty: cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        return b""


def _load_config(path: Path, problems: list[str]) -> Config:
    if not path.is_file():
        problems.append("config.ini is missing: settings are unknown, and so are parts of the steps' time.")
        return {}
    try:
        config = read_config(path)
        float(config["batch"]["global"])
        return config
    except CONTENT_ERRORS:
        problems.append("config.ini is damaged: settings are unknown, and so are parts of the steps' time.")
        return {}


def _load_all_metrics(folder: Path, problems: list[str]) -> dict[str, Metrics]:
    found = {}
    for path in sorted(folder.glob("*.h5")):
        try:
            check_whole_file(path)
            metrics = load_metrics(path)
            if metrics is not None:
                if metrics.rounds:
                    check_columns(metrics, "rounds")
                found[path.stem] = metrics
        except DamagedFileError as error:
            problems.append(f"metrics/{path.name} is damaged ({error}): its figures are left out.")
        except CONTENT_ERRORS:
            problems.append(f"metrics/{path.name} is not readable as metrics: its figures are left out.")
    return found


def _find_missing_files(run: Run, known: tuple[str, ...]) -> list[str]:
    """Returns the missing files besides those `named` already."""
    problems = []
    if not (run.directory / "log.txt").is_file():
        problems.append("log.txt is missing: environment and warnings are unknown.")
    for training in run.trainings:
        name = f"metrics/{training.name}.h5"
        may_come = run.state == training.state == "running"  # will come with the first checkpoint
        is_known = any(problem.startswith(f"{name} ") for problem in known)
        if training.metrics is None and training.step > 0 and not is_known and not may_come:
            problems.append(f"{name} is missing: {training.name} has made steps, but its figures are not there.")
        if not training.is_done or not (run.directory / "checkpoints").is_dir():
            continue
        name = f"checkpoints/{training.name}.h5"
        path = run.directory / name
        try:
            if path.is_file():
                check_first_block(path)
            else:
                problems.append(f"{name} is missing: {training.name} is done, but its weights are not there.")
        except DamagedFileError as error:
            problems.append(f"{name} is damaged ({error}).")
        except OSError as error:
            problems.append(f"{name} cannot be read ({error.strerror}).")
    return problems


def _make_run_of_metrics(directory: Path, config: Config, metrics: dict[str, Metrics]) -> Run:
    """Returns what summary.json would contain, as far as the metrics know."""
    try:
        global_batch = float(config["batch"]["global"])
    except KeyError:
        global_batch = float("nan")
    trainings = [_make_training_of_metrics(directory, name, columns) for name, columns in metrics.items()]
    trainings.sort(key=_place_in_method)
    rounds = _make_rounds_of_metrics(trainings)
    return Run(directory, "unknown", global_batch, trainings, rounds=rounds, config=config)


def _place_in_method(training: Training) -> tuple[int, int]:
    order = [row.phase for row in OLDER_TABLE.rows]
    stage = training.name.removeprefix("stage_")
    place = order.index(training.phase) if training.phase in order else len(order)
    return place, int(stage) if stage.isdecimal() else 0


def _make_training_of_metrics(directory: Path, name: str, metrics: Metrics) -> Training:
    steps, row = metrics.steps, OLDER_TABLE.find(name)
    flops = metrics.epochs["block_flops"]
    is_done = (directory / "checkpoints" / f"{name}.h5").is_file()
    num_steps = int(steps["step"][-1]) + 1 if len(steps["step"]) else 0
    num_ranks = int(metrics.rounds["num_ranks"][-1]) if len(metrics.rounds.get("num_ranks", [])) else 0
    elapsed_s = float(steps["elapsed_s"][-1]) if num_steps else 0.0
    return Training(
        name=name,
        phase=row.phase if row else name,
        state="done" if is_done else "running",
        step=num_steps,
        total_steps=num_steps if is_done else 0,
        block_flops=float(flops[-1]) if len(flops) else 0.0,
        metrics=metrics,
        skipped_steps=int(np.isnan(steps["loss"]).sum()),
        num_ranks=num_ranks,
        elapsed_s=elapsed_s,
        rank_s=elapsed_s * num_ranks,
    )


def _make_rounds_of_metrics(trainings: list[Training]) -> list[Round]:
    """Returns rounds. Rounds of one phase that began within a second of each other were one round."""
    rows: list[tuple[float, float, int, Training]] = []
    for training in trainings:
        columns: dict[str, Any] = training.metrics.rounds if training.metrics else {}
        for began_s, ended_s, first, count in zip(
            *(columns.get(name, []) for name in ("began_s", "ended_s", "first_rank", "num_ranks")), strict=True
        ):
            rows.append((float(began_s), float(ended_s), int(first + count), training))
    rounds: list[Round] = []
    for began_s, ended_s, num_ranks, training in sorted(rows, key=lambda row: row[0]):
        last = rounds[-1] if rounds else None
        if last and last.phase == training.phase and began_s - last.began_s < 1 and training.name not in last.trainings:
            begin, end = last.began_s, max(last.began_s + last.elapsed_s, ended_s)
            names, ranks = [*last.trainings, training.name], max(last.num_ranks, num_ranks)
            rounds[-1] = Round(last.phase, names, ranks, "all", begin, end - begin, float("nan"))
        else:
            rounds.append(
                Round(training.phase, [training.name], num_ranks, "all", began_s, ended_s - began_s, float("nan"))
            )
    return rounds
