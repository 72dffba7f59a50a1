"""Shows the progress of a run while its job goes on.

    python analysis/watch.py runs/fashion-mnist [--once] [--every SECONDS] [--serve [PORT]]

Steps and states come from summary.json, a few seconds old. Loss, top-1, speed and waits come from the last checkpoint
(checkpoint.every_minutes); speed and waits cover the 20 steps before it. Before the first checkpoint the speed is that
of the round so far. The program reads only files that the job replaces as a whole, and takes no lock. So it does not
disturb a job, and never reads a partial file. It ends with the run, or on Ctrl-C.

With --serve, the run's report (report.py) is also a page for browsers on this machine, until Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import socket
import sys
import threading
import time
from math import isnan, nan
from pathlib import Path
from typing import TextIO

from command_line.any_locale import start
from report_page.server import HOST, PageServer, PortError
from run_directory.data import (
    Column,
    Job,
    Metrics,
    NotARunError,
    Run,
    Speed,
    Training,
    format_clock,
    load_run,
    measure_speed,
    parse_time,
)

RECENT_STEPS = 20
LOOKS_PER_PAGE = 4  # a page takes seconds to make


def format_run(run: Run, now_s: float) -> str:
    """Returns a line for the run, each job and each training. `now_s` is Unix time."""
    titles = [f"{run.directory}: {run.state}", *(_describe_job(job, now_s) for job in run.jobs)]
    header = ("training", "state", "step", "loss", run.metrics[0].title, "images/s", "data wait", "rank wait", "left")
    rows = [header, *(_make_row(run, training) for training in run.trainings)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
    return "\n".join([*titles, *lines])


def _describe_job(job: Job, now_s: float) -> str:
    """Returns a line on a job."""
    age = format_clock(now_s - parse_time(job.updated))
    reason = f" ({job.reason})" if job.reason else ""
    return f"job {job.name}: {job.state}{reason}, {job.num_ranks} ranks, written {age} ago"


def _make_row(run: Run, training: Training) -> tuple[str, ...]:
    speed = _measure_recent(run, training)
    left_s = (training.total_steps - training.step) * run.global_batch / speed.images_per_s
    figure = _last(training.metrics, "epochs", run.metrics[0].name)
    return (
        training.name,
        training.state,
        f"{training.step}/{training.total_steps}",
        _format(_last(training.metrics, "steps", "loss"), "{:.4f}"),
        "-" if isnan(figure) and not training.is_done else run.metrics[0].format(figure),
        _format(speed.images_per_s, "{:.0f}"),
        _format(100 * speed.data_wait, "{:.1f}%"),
        _format(100 * speed.communication_wait, "{:.1f}%"),
        format_clock(left_s) if training.state == "running" else "-",
    )


def _measure_recent(run: Run, training: Training) -> Speed:
    if training.metrics is not None and len(training.metrics.steps["step"]):
        recent = {name: column[-RECENT_STEPS:] for name, column in training.metrics.steps.items()}
        return measure_speed(Metrics(steps=recent, epochs={}), run.global_batch)
    # Nothing is saved yet, so the training began in its last round.
    elapsed_s = next((r.elapsed_s for r in reversed(run.rounds) if training.name in r.trainings), 0.0)
    images_per_s = training.step * run.global_batch / elapsed_s if training.step and elapsed_s else nan
    return Speed(images_per_s, nan, nan, nan, nan)


def _last(metrics: Metrics | None, table: str, name: str) -> float:
    """Returns the last value; NaN if there is none yet."""
    if metrics is None:
        return nan
    column: Column = getattr(metrics, table)[name]
    return float(column[-1]) if len(column) else nan


def _format(value: float, pattern: str) -> str:
    return "-" if isnan(value) else pattern.format(value)


def watch(directory: Path, every_s: float, stream: TextIO) -> None:
    """Shows the table until the run ends, on a terminal in place. Raises NotARunError."""
    num_drawn = 0
    while True:
        run = load_run(directory)
        lines = format_run(run, time.time()).splitlines()
        if stream.isatty():
            if num_drawn:
                stream.write(f"\033[{num_drawn}A\033[J")
            columns = shutil.get_terminal_size().columns
            lines = [line[:columns] for line in lines]  # a wrapped line would take two
        print("\n".join(lines), file=stream, flush=True)
        num_drawn = len(lines)
        if run.state != "running":
            return
        time.sleep(every_s)


def watch_and_serve(directory: Path, every_s: float, port: int) -> None:
    """Shows the table and serves the report, until KeyboardInterrupt. Raises NotARunError or PortError."""
    with PageServer(port) as server:
        from report_page.live_report import LiveReport  # imported late: matplotlib takes a second to load

        report = LiveReport(directory, LOOKS_PER_PAGE * every_s)
        with server.serving(report.answer), contextlib.closing(report):
            tunnel = f"ssh -L {server.port}:{HOST}:{server.port} {socket.gethostname()}"
            print(f"report: {server.address} (from elsewhere: {tunnel})")
            try:
                watch(directory, every_s, sys.stdout)
            except NotARunError as error:  # perhaps a damaged file: the page shows the intact ones
                print(f"watch: {error}", file=sys.stderr)
            print("The report is served until Ctrl-C.", flush=True)
            threading.Event().wait()


def find_mistake(options: argparse.Namespace) -> str:
    """Returns the mistake; empty if there is none."""
    if not options.every > 0:
        return f"--every {options.every:g} is no time to wait. Give a number above 0."
    if options.serve is not None and not (options.serve.isdecimal() and int(options.serve) < 65536):
        return f"--serve {options.serve} is no port. Give one from 1 to 65535, or none for a free one."
    if options.serve is not None and options.once:
        return "--once ends at once, and --serve goes on. Give one of them."
    return ""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Shows how a run stands while its job goes on.")
    parser.add_argument("run", type=Path, metavar="RUN", help="run directory, such as runs/fashion-mnist")
    parser.add_argument("--once", action="store_true", help="show it once, for scripts")
    parser.add_argument("--every", type=float, default=5, metavar="SECONDS", help="between two looks (default: 5)")
    parser.add_argument(
        "--serve",
        nargs="?",
        const="0",
        metavar="PORT",
        help="serve the report to browsers on this machine (default: a free port)",
    )
    options = parser.parse_args(arguments)
    problem = find_mistake(options)
    if problem:
        print(f"watch: {problem}", file=sys.stderr)
        return 2
    try:
        if options.once:
            print(format_run(load_run(options.run), time.time()))
        elif options.serve is not None:
            watch_and_serve(options.run, options.every, int(options.serve))
        else:
            watch(options.run, options.every, sys.stdout)
    except (NotARunError, PortError) as error:
        print(f"watch: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass  # the user has seen enough
    return 0


if __name__ == "__main__":
    start(main)
