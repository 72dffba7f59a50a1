"""Pure functions that tell which runs are done, which one is started next, and whether it ends before a deadline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path

from study_runs.run import StudyRun

MARGIN = 1.3
START_S = 30.0  # of a run besides its steps: start, evaluation of the exported weights, commit
FIRST_GUESS = 1.2e10  # block FLOPs a second of a run on a core that is shared with other work
NUM_REMEMBERED = 4


def list_done(committed: Iterable[str]) -> set[str]:
    """Returns the runs whose figures are among the committed paths."""
    return {Path(path).parent.name for path in committed if path.endswith("/summary.json")}


def expected_s(run: StudyRun, speed: float) -> float:
    """Returns the seconds until `run` is done, with a margin. `speed` is in block FLOPs a second."""
    return MARGIN * run.block_flops / speed + START_S


def slowest_recent(speeds: Sequence[float]) -> float:
    """Returns the slowest recent speed, or a guess if none was measured."""
    return min(speeds[-NUM_REMEMBERED:], default=FIRST_GUESS)


def choose_next(
    runs: Sequence[StudyRun], not_to_start: Set[str], left_s: float, speeds: Mapping[str, Sequence[float]]
) -> StudyRun | None:
    """Returns the first run that ends within `left_s` and whose name is not in `not_to_start`.

    `speeds` has block FLOPs a second of finished runs by input file, the latest last.
    """
    for run in runs:
        if run.name in not_to_start:
            continue
        if expected_s(run, slowest_recent(speeds.get(run.config, []))) <= left_s:
            return run
    return None
