"""Runs that take over finished trainings of another run."""

from __future__ import annotations

from pathlib import Path

import launch
from run_files import STAGES, assert_same_trainings, copy_run, finished, read_summary, resume_points
from tiny import Tiny

SHARED = ["meta", *STAGES]
RATE = "--finetuning.learning_rate=0.02"


def file_of(run: Path, training: str) -> int:
    return finished(run, training).stat().st_ino


def test_what_is_the_same_is_taken_over(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """Another rate of finetuning leaves what comes before it as it is."""
    run, alone = tmp_path / "run", tmp_path / "alone"
    deep = ("--method.trainings=deep_incubation", RATE)
    outcome = launch.run_well(*tiny.arguments(run, *deep, f"--run.parent={finished_run}"), num_ranks=2)
    assert f"taken over from {finished_run}: meta, stage_0, stage_1, stage_2, stage_3" in outcome.stdout
    difference = "'finetuning.learning_rate=0.05' there, 'finetuning.learning_rate=0.02' here"
    assert f"{finished_run} has finetuned with other settings ({difference})" in outcome.stdout
    assert [file_of(run, name) == file_of(finished_run, name) for name in (*SHARED, "finetuned")] == [True] * 5 + [
        False
    ]
    assert not finished(run, "end_to_end").exists()  # is not chosen
    launch.run_well(*tiny.arguments(alone, *deep))
    assert_same_trainings(run, alone, [*SHARED, "finetuned"])
    rows = {
        name: {row["method"]: row for row in read_summary(path)["results"]}
        for name, path in (("r", run), ("p", finished_run))
    }
    here, there = rows["r"]["Deep Incubation"], rows["p"]["Deep Incubation"]
    assert here["block_flops"] == there["block_flops"]
    taken = [round_ for round_ in read_summary(finished_run)["rounds"] if set(round_["trainings"]) & set(SHARED)]
    assert taken and all(round_ in read_summary(run)["rounds"] for round_ in taken)
    assert here["rank_s"] > sum(
        entry["rank_s"] for entry in read_summary(finished_run)["trainings"] if entry["name"] in SHARED
    )
    # The parent is not needed any more, and nothing is taken twice.
    again = launch.run_well(*tiny.arguments(run, *deep, f"--run.parent={finished_run}"))
    assert "taken over" not in again.stdout and "All is done in " in again.stdout


def test_a_stage_alone(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """Its parent comes along, other stages do not."""
    arguments = tiny.arguments(tmp_path / "run", "--run.only=finetuned", RATE, f"--run.parent={finished_run}")
    launch.run_well(*arguments, "--method.trainings=end_to_end")
    done = {path.stem for path in (tmp_path / "run" / "checkpoints").glob("*.h5")}
    assert done == {*SHARED, "finetuned", "end_to_end"}


def test_what_has_begun_stays(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    run = copy_run(finished_run, tmp_path / "run", without=["finetuned"])
    own = finished(run, "meta").read_bytes()
    launch.run_well(*tiny.arguments(run, f"--run.parent={finished_run}", "--method.trainings=deep_incubation"))
    assert file_of(run, "meta") != file_of(finished_run, "meta") and finished(run, "meta").read_bytes() == own
    assert file_of(run, "finetuned") == file_of(finished_run, "finetuned")
    assert resume_points(run, "finetuned") == []


def test_no_parent(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    run = copy_run(finished_run, tmp_path / "run", without=["finetuned"])
    damaged = copy_run(finished_run, tmp_path / "damaged", without=[])
    finished(damaged, "finetuned").write_bytes(finished(damaged, "finetuned").read_bytes()[:-1])
    for parent, message in (
        (tmp_path, f"run.parent={tmp_path} is not the directory of a run (no run wrote a config.ini there). "),
        (tmp_path / "none", "is not the directory of a run"),
        (run, f"run.parent={run} is this run's own directory. "),
        (damaged, f"{finished(damaged, 'finetuned')} has "),
    ):
        outcome = launch.run(*tiny.arguments(run, f"--run.parent={parent}"), num_ranks=2)
        assert outcome.status == 2
        assert message in outcome.messages()[0]
        assert not finished(run, "finetuned").exists()
