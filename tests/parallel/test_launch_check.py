"""Ranks that were started by a launcher that MPI does not know."""

from __future__ import annotations

from pathlib import Path

import pytest

import launch
from tiny import Tiny


@pytest.mark.parametrize("task", [0, 2])
def test_ranks_that_do_not_find_each_other_are_told(tiny: Tiny, tmp_path: Path, task: int) -> None:
    """As srun without PMIx leaves them: four tasks, each to be a world of one rank. The first speaks for all."""
    environment = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": str(task)}
    outcome = launch.finish(launch.start(tiny.arguments(tmp_path / "run"), 1, environment))
    assert outcome.status == 2
    assert [line.split(". ")[0] for line in outcome.messages()] == (
        ["incubate: srun started 4 tasks without a way for MPI to connect them"] if task == 0 else []
    )
    assert not (tmp_path / "run").exists()
