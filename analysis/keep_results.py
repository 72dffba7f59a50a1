"""Copies the figures of finished runs, small enough for a repository.

    python analysis/keep_results.py runs/seed-0 runs/seed-1 --output analysis/results [--most-steps=N]

A kept run is a run directory without weights, profiles and states to resume from. It has config.ini, summary.json,
log.txt, metrics.h5 and metrics/*.h5, which every program of this folder reads. HDF5 files are copied byte for byte,
with their checksums. With --most-steps the files of metrics/ are rewritten with at most N steps of each training. Texts
lose what only one machine has: absolute paths keep only their last part, and hosts become node-0, node-1, ... A run
that is not finished, or whose summary and metrics disagree, is not kept.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

import h5py

from command_line.any_locale import start
from run_directory.data import NotARunError, load_run
from run_directory.log import HOST, LINE
from run_directory.recovery import DamagedFileError, check_whole_file
from run_directory.thin_metrics import thin_metrics

FILETYPES = ("incubate metrics", "incubate metrics index")
TEXTS = ("config.ini", "summary.json", "log.txt")
MOST_BYTES = 500_000  # for each run
RUN_MARK = "# Written by incubate: the settings of the run in this folder"  # a run goes on where this lies
ABSOLUTE_PATH = re.compile(r"(?<![\w.~:/-])(?:/[\w.~+-]+)*/([\w.~+-]+)")


class NotKeptError(Exception):
    """A run cannot be kept. The message names the run, the reason and what to do."""


def read_figures(directory: Path, most_steps: int | None = None) -> dict[str, bytes]:
    """Returns the files to keep, by path within the run, with at most `most_steps` steps. Raises NotKeptError."""
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
    texts["config.ini"] = texts["config.ini"].replace(RUN_MARK, "# Kept of a run", 1)
    # config.ini has paths as a whole, whatever signs they have.
    paths = {value for value in load_run(directory).settings.values() if value.startswith("/")}
    for path in sorted(paths, key=len, reverse=True):
        texts = {name: text.replace(path, Path(path).name) for name, text in texts.items()}
    contents = {name: ABSOLUTE_PATH.sub(r"\1", text).encode(errors="surrogateescape") for name, text in texts.items()}
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
    """Returns the text of a file. Raises NotKeptError."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise NotKeptError(f"{path} cannot be read as text ({error}). Copy the run again.") from error


def check_metrics_file(path: Path) -> None:
    """Raises NotKeptError unless the file is complete and holds no weights."""
    try:
        check_whole_file(path)
        with h5py.File(path, "r", locking=False) as file:
            filetype = file.attrs.get("filetype")
    except (DamagedFileError, OSError) as error:
        raise NotKeptError(f"{path} is damaged: {error}. Copy the run again.") from error
    if filetype not in FILETYPES:
        raise NotKeptError(f"{path} is of type {filetype!r}: of HDF5 files only metrics are kept. Move it away.")


def check_summary(directory: Path) -> None:
    """Raises NotKeptError unless the run is finished and the summary agrees with the metrics."""
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
    """Replaces the hosts on which the log places ranks."""
    lines = map(LINE.fullmatch, log.split("\n"))
    found = [HOST.fullmatch(line[3]) for line in lines if line]
    for index, host in enumerate(dict.fromkeys(match[1] for match in found if match)):
        log = re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", f"node-{index}", log)
    return log


def check_place(directory: Path, runs: list[Path]) -> None:
    """That figures kept earlier are all that would be replaced. Raises NotKeptError, OSError."""
    if not directory.exists():
        return
    if not directory.is_dir():
        raise NotKeptError(f"{directory} is no folder, and would be replaced by one. Choose another --output.")
    if any(run.exists() and directory.samefile(run) for run in runs):
        raise NotKeptError(f"{directory} is a run that is to be kept, and would be replaced. Choose another --output.")
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory)
        is_ours = (
            path.is_dir()
            if str(name) == "metrics"
            else str(name) in (*TEXTS, "metrics.h5") or (name.parent == Path("metrics") and name.suffix == ".h5")
        )
        if not is_ours or path.is_symlink():
            raise NotKeptError(
                f"{directory} has {name}, which this program did not write, and would be replaced. Choose another "
                "--output, or move that folder away."
            )


def write_figures(contents: dict[str, bytes], directory: Path) -> None:
    """Replaces the kept run in `directory`. Raises OSError."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".keep_results-", dir=directory.parent) as drafts:
        draft = Path(drafts) / "new"
        for name, content in contents.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).write_bytes(content)
        old = Path(drafts) / "old"
        if directory.exists():
            directory.rename(old)
        try:
            draft.rename(directory)
        except OSError:
            if old.exists():
                old.rename(directory)
            raise


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Keeps the figures of finished runs, without weights.")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run directory, such as runs/fashion-mnist")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="gets a folder for each run")
    parser.add_argument("--most-steps", type=int, metavar="N", help="of each training, evenly spaced (default: all)")
    options = parser.parse_args(arguments)
    try:
        names = [directory.resolve().name for directory in options.runs]
        for name in names:
            if names.count(name) > 1:
                raise NotKeptError(f"two runs are called {name}. Keep them in folders of their own.")
            check_place(options.output / name, options.runs)
        contents = {
            name: read_figures(directory, options.most_steps)
            for name, directory in zip(names, options.runs, strict=True)
        }
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
