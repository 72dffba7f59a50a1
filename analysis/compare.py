"""Compares the methods over many runs: seeds, and settings.

    python analysis/compare.py runs/a-seed-0 runs/a-seed-1 runs/a-seed-2 [--by SECTION.KEY] [--format text|csv|latex]

Runs that differ only in their seed (and in settings that change no result, such as run.directory) are averaged. Runs
that differ in other settings form groups, each with its own tables. With --by, which may be repeated, only these
settings form groups. The tables of a group have:

- for each finished method (and each incubation's hybrid): final validation top-1, block FLOPs and rank-hours of the
whole method, as mean and standard deviation over seeds;
- for Deep Incubation and each control (end to end included): the difference in top-1 of runs with the same seed, with a
95 % confidence interval, and the speed-up at equal accuracy.

The docstring of comparisons/groups.py explains what these numbers mean and what they do not mean.

The means leave out runs in which a method is not finished; a note says so. Notes are below the tables. With CSV they go
to stderr, with LaTeX they are comments.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from command_line.any_locale import start
from command_line.progress_line import ProgressLine
from comparisons.groups import compare
from comparisons.run_groups import ComparisonError, group_runs
from comparisons.table import format_csv, format_latex, format_text
from run_directory.data import NotARunError, Run, load_run

FORMATS = {"text": format_text, "csv": format_csv, "latex": format_latex}


def load_runs(directories: list[Path]) -> list[Run]:
    """Returns the runs. Raises NotARunError, and ComparisonError if a run is given twice, as if two seeds."""
    seen: set[Path] = set()
    for directory in directories:
        if directory.resolve() in seen:
            raise ComparisonError(f"{directory} is given twice, which would count its seed twice. Give it once.")
        seen.add(directory.resolve())
    runs = []
    with ProgressLine("compare") as progress:
        for index, directory in enumerate(directories):
            progress.show(f"reading {directory} ({index + 1} of {len(directories)})")
            runs.append(load_run(directory))
    return runs


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Compares the methods over runs of several seeds and settings.")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run directory")
    parser.add_argument(
        "--by",
        action="append",
        default=[],
        metavar="SECTION.KEY",
        help="setting that makes groups, instead of all that differ; may be given again",
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="of the tables (default: text)")
    options = parser.parse_args(arguments)
    try:
        comparisons = [compare(group) for group in group_runs(load_runs(options.runs), options.by)]
        text = FORMATS[options.format](comparisons)
    except (NotARunError, ComparisonError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    print(text, end="")
    if options.format == "csv":
        for comparison in comparisons:
            for note in comparison.notes:
                print(f"note: {note}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    start(main)
