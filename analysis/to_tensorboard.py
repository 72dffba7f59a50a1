"""Writes runs as TensorBoard event files.

    python analysis/to_tensorboard.py runs/a runs/b --output tensorboard
    tensorboard --logdir tensorboard

A TensorBoard run is one training, RUN/TRAINING, with the figures of each step (from 0) and of each evaluation (by
completed steps). Unknown values are left out, such as the loss of a skipped step. Wall times are the times of the
steps. A second call replaces the files of the first, so that a run in progress can be converted again.
"""

from __future__ import annotations

import argparse
import math
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from command_line.any_locale import start
from command_line.progress_line import ProgressLine
from run_directory.data import Column, Metrics, NotARunError, load_run
from run_directory.wall_time import wall_times

SUFFIX = ".incubate"  # marks files of this program, which may be replaced
EVENTS_PER_LOOK = 4096
# Columns of /steps to names in TensorBoard, which groups them by what is before the slash.
STEP_TAGS = {
    "loss": "training/loss",
    "learning_rate": "training/learning_rate",
    "gradient_norm": "training/gradient_norm",
    "images_per_s": "speed/images_per_s",
    "model_flops_utilisation": "speed/utilisation",
    "data_wait_s": "speed/data_wait_s",
    "communication_wait_s": "speed/communication_wait_s",
}


class Point(NamedTuple):
    """The known values of one step or evaluation."""

    wall_s: float  # Unix time
    step: int
    values: dict[str, float]  # by tag


def list_points(metrics: Metrics) -> list[Point]:
    """Returns the points in order of time; an evaluation follows its step."""
    times = wall_times(metrics)
    tags = {metric.name: f"validation/{metric.name}" for metric in metrics.evaluated}
    points = [*_read_rows(metrics.steps, times.steps, STEP_TAGS), *_read_rows(metrics.epochs, times.epochs, tags)]
    return sorted(points, key=lambda point: (point.wall_s, point.step))


def _read_rows(columns: dict[str, Column], times: Column, tags: dict[str, str]) -> Iterator[Point]:
    found = {tag: columns[name].tolist() for name, tag in tags.items() if name in columns}
    for wall_s, step, *values in zip(times.tolist(), columns["step"].tolist(), *found.values(), strict=True):
        known = {tag: value for tag, value in zip(found, values, strict=True) if math.isfinite(value)}
        if known and math.isfinite(wall_s):
            yield Point(wall_s, int(step), known)


def write_events(metrics: Metrics, folder: Path) -> Iterator[float]:
    """Writes one event file in `folder` and removes those of earlier calls. Yields each part that is being written."""
    for old in folder.glob(f"events.out.tfevents.*{SUFFIX}"):
        old.unlink()
    points = list_points(metrics)
    folder.mkdir(parents=True, exist_ok=True)
    # (TensorBoard's EventFileWriter cannot write below a folder whose name is no text in this locale.)
    with (folder / f"events.out.tfevents.{time.time():010.0f}.{socket.gethostname()}{SUFFIX}").open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())
        for i, point in enumerate(points):
            values = [Summary.Value(tag=tag, simple_value=value) for tag, value in point.values.items()]
            event = Event(wall_time=point.wall_s, step=point.step, summary=Summary(value=values))
            writer.write(event.SerializeToString())
            if i % EVENTS_PER_LOOK == 0:
                yield i / len(points)
    yield 1.0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Writes runs as TensorBoard event files.")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run directory")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for tensorboard --logdir")
    options = parser.parse_args(arguments)
    names = [directory.resolve().name for directory in options.runs]
    if len(set(names)) < len(names):
        given = ", ".join(map(str, options.runs))
        print(f"to_tensorboard: two runs have the same name. Write to folders of their own: {given}.", file=sys.stderr)
        return 2
    lines = []
    try:
        runs = [load_run(directory) for directory in options.runs]
        with ProgressLine("to_tensorboard") as progress:
            for name, run in zip(names, runs, strict=True):
                measured = [(training.name, training.metrics) for training in run.trainings if training.metrics]
                for training, metrics in measured:
                    folder = options.output / name / training
                    for part in write_events(metrics, folder):
                        progress.show(f"{folder}: {part:.0%}")
                lines.append(f"{options.output / name}: {len(measured)} trainings")
    except NotARunError as error:
        print(f"to_tensorboard: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        problem = f"{options.output} cannot be written: {error.strerror or error}. Choose another --output."
        print(f"to_tensorboard: {problem}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    start(main)
