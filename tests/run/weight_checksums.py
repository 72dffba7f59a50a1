"""Prints the table of weight checksums in README.md: the same weights on any number of ranks, killed or not.

    .venv/bin/python tests/run/weight_checksums.py     # after jobscripts/build.sh; takes 40 s of CPU time

Each column is a run of its own: the whole method and end-to-end training of the tiny network of tests/support/tiny.ini.
A killed run loses all ranks to SIGKILL four times, and is started again each time: in the meta model's training, in an
incubation, in finetuning and in end-to-end training.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "support"))

import launch
from killed_runs import IN_FINETUNING, IN_INCUBATION, IN_META, NUM_ATTEMPTS, OFTEN, Point, kill_at
from machine import describe_processor, find_program
from run_files import TRAININGS, finished, read_weights
from tiny import Tiny
from tiny_data import pack_arguments, write_tiny_idx

BEGIN, END = "<!-- checksums, by tests/run/weight_checksums.py -->", "<!-- end of checksums -->"
NUM_RANKS = (1, 2, 4)
POINTS = (IN_META, IN_INCUBATION, IN_FINETUNING, Point("end_to_end", 1, ["end_to_end"]))
NUM_DIGITS = 8


def checksum(path: Path) -> str:
    """Returns the first digits of the SHA-256 of a file's weights: names, and bytes in fp32."""
    digest = hashlib.sha256()
    for name, values in sorted(read_weights(path).items()):
        digest.update(name.encode())
        digest.update(values.tobytes())
    return digest.hexdigest()[:NUM_DIGITS]


def train_killed(tiny: Tiny, run: Path, num_ranks: int) -> None:
    """Trains with a kill at each of POINTS. Fails if the ranks end before they can be killed, NUM_ATTEMPTS times."""
    for _ in range(NUM_ATTEMPTS):
        if all(kill_at(tiny, run, point, num_ranks) for point in POINTS):
            launch.run_well(*tiny.arguments(run, OFTEN), num_ranks=num_ranks)
            return
        shutil.rmtree(run)
    raise AssertionError(f"{NUM_ATTEMPTS} runs in a row ended a training before its ranks could be killed")


def make_table(num_ranks: Sequence[int], folder: Path) -> str:
    """Returns the table, with two columns for each number of ranks. Writes data and runs into `folder`."""
    write_tiny_idx(folder)
    tiny = Tiny(folder, folder / "tiny.h5")
    launch.run_well(*pack_arguments(folder, tiny.data))
    columns: dict[str, list[str]] = {"weights of": [f"`{training}`" for training in TRAININGS]}
    for number in num_ranks:
        run, killed = folder / f"ranks_{number}", folder / f"ranks_{number}_killed"
        launch.run_well(*tiny.arguments(run), num_ranks=number)
        train_killed(tiny, killed, number)
        for name, path in ((f"{number} rank{'s' if number > 1 else ''}", run), (f"{number}, killed", killed)):
            columns[name] = [f"`{checksum(finished(path, training))}`" for training in TRAININGS]
    head, *rows = (f"| {' | '.join(cells)} |" for cells in (columns, *zip(*columns.values(), strict=True)))
    return "\n".join([head, "|---" * len(columns) + "|", *rows])


def read_table(text: str) -> dict[str, list[str]]:
    """Returns the cells of the table in `text` by training, first digits of checksums alone."""
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {training: cells for training, *cells in rows[2:]}


def main() -> None:
    processor, features = describe_processor()
    with tempfile.TemporaryDirectory() as folder:
        table = make_table(NUM_RANKS, Path(folder))
    machine = f"{processor} ({features}), {os.cpu_count()} cores"
    program = re.sub(r"([0-9a-f]{7})[0-9a-f]{33}", r"\1", find_program())
    print(f"{BEGIN}\n{table}\n\n{date.today()}, {machine}; {program}\n{END}")


if __name__ == "__main__":
    main()
