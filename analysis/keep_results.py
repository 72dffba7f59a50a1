"""Keeps of finished runs what their figures are made of, small enough for a repository.

    python analysis/keep_results.py runs/seed-0 runs/seed-1 --output analysis/results [--most-steps=N]

A kept run is a run directory without weights, profiles and states to resume from: config.ini, summary.json, log.txt,
metrics.h5 and metrics/*.h5, which every program of this folder reads. HDF5 files are copied byte for byte, checksum
and all; with --most-steps those of metrics/ are written anew with at most so many steps of each training. The texts
are copied without what only one machine has: of an absolute path the last part alone is left, and hosts become node-0,
node-1, ... Nothing is kept of a run that is not done, or whose summary does not say what its metrics say.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

import h5py

from any_locale import start
from run_data import NotARunError, load_run
from run_log import HOST, LINE
from run_recovery import DamagedFileError, check_whole_file
from thin_metrics import thin_metrics

FILETYPES = ("incubate metrics", "incubate metrics index")
TEXTS = ("config.ini", "summary.json", "log.txt")
MOST_BYTES = 500_000  # of a run
ABSOLUTE_PATH = re.compile(r"(?<![\w.~:/-])(?:/[\w.~+-]+)*/([\w.~+-]+)")


class NotKeptError(Exception):
    """The message says what of which run, why, and what to do."""


def read_figures(directory: Path, most_steps: int | None = None) -> dict[str, bytes]:
    """The files to keep, by their path within the run, with at most so many steps. Raises NotKeptError."""
    metrics = ["metrics.h5", *(f"metrics/{path.name}" for path in sorted((directory / "metrics").glob("*.h5")))]
    for name in (*TEXTS, *metrics):
        if not (directory / name).is_file():
            raise NotKeptError(
                f"{directory} has no {name}, so it is no whole run. Give run.directory of a training that is done."
            )
    for name in metrics:
        check_metrics_file(directory / name)
    check_summary(directory)
    texts = {name: read_text(directory / name) for name in TEXTS}
    texts["log.txt"] = replace_hosts(texts["log.txt"])
    contents = {name: ABSOLUTE_PATH.sub(r"\1", text).encode() for name, text in texts.items()}
    contents |= {name: (directory / name).read_bytes() for name in metrics}
    if most_steps is not None:
        contents |= {name: thin_metrics(directory / name, most_steps) for name in metrics[1:]}
    num_bytes = sum(map(len, contents.values()))
    if num_bytes > MOST_BYTES:
        raise NotKeptError(
            f"{directory} has {num_bytes / 1000:.0f} kB of figures, more than the {MOST_BYTES / 1000:.0f} kB that a "
            "repository should have of a run. Give --most-steps=100, keep a shorter one, or all of it elsewhere."
        )
    return contents


def read_text(path: Path) -> str:
    """Raises NotKeptError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotKeptError(f"{path} cannot be read as text ({error}). Copy the run again.") from error


def check_metrics_file(path: Path) -> None:
    """That it is whole and holds no weights. Raises NotKeptError."""
    try:
        check_whole_file(path)
        with h5py.File(path, "r", locking=False) as file:
            filetype = file.attrs.get("filetype")
    except (DamagedFileError, OSError) as error:
        raise NotKeptError(f"{path} is damaged: {error}. Copy the run again.") from error
    if filetype not in FILETYPES:
        raise NotKeptError(f"{path} is of type {filetype!r}: of HDF5 files only metrics are kept. Move it away.")


def check_summary(directory: Path) -> None:
    """That the run is done and the summary says what the metrics say. Raises NotKeptError."""
    try:
        run = load_run(directory)
    except NotARunError as error:
        raise NotKeptError(str(error)) from error
    num_done = sum(training.is_done for training in run.trainings)
    if run.state != "done" or num_done < len(run.trainings):
        raise NotKeptError(
            f"{directory} is {run.state}, {num_done} of {len(run.trainings)} trainings are done: figures that may "
            "change are not kept. Let the run end first."
        )
    for training in run.trainings:
        if training.is_imported:
            continue
        if training.metrics is None or not len(training.metrics.epochs["step"]):
            raise NotKeptError(f"{directory} has no metrics of {training.name}, which is done. Copy the run again.")
        said_of = {metric.name: training.figures.get(metric.name) for metric in run.metrics}
        for name, said in (said_of | {"block_flops": training.block_flops}).items():
            measured = float(training.metrics.epochs[name][-1])
            if said != measured:
                raise NotKeptError(
                    f"{directory}: {name} of {training.name} is {said} in summary.json and {measured} at the end of "
                    "its metrics, which must be equal. Copy the run again."
                )


def replace_hosts(log: str) -> str:
    """Those that the log says ranks were on."""
    lines = map(LINE.fullmatch, log.splitlines())
    found = [HOST.fullmatch(line[3]) for line in lines if line]
    for index, host in enumerate(dict.fromkeys(match[1] for match in found if match)):
        log = re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", f"node-{index}", log)
    return log


def write_figures(contents: dict[str, bytes], directory: Path) -> None:
    """In place of what is there. Raises OSError."""
    draft = directory.with_name(directory.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    for name, content in contents.items():
        (draft / name).parent.mkdir(parents=True, exist_ok=True)
        (draft / name).write_bytes(content)
    shutil.rmtree(directory, ignore_errors=True)
    draft.rename(directory)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Keeps the figures of finished runs, without weights.")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run directory, such as runs/fashion-mnist")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="gets a folder for each run")
    parser.add_argument("--most-steps", type=int, metavar="N", help="of each training, evenly spaced (default: all)")
    options = parser.parse_args(arguments)
    try:
        contents = {directory.resolve().name: read_figures(directory, options.most_steps) for directory in options.runs}
        for name, files in contents.items():
            write_figures(files, options.output / name)
            print(f"{options.output / name}: {len(files)} files, {sum(map(len, files.values())) / 1000:.0f} kB")
    except NotKeptError as error:
        print(f"keep_results: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        file = error.filename or options.output
        print(f"keep_results: {file} cannot be written: {error.strerror or error}.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    start(main)
