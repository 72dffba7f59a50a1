"""What a user sees: help, the effective configuration, progress, and a run that is started again when all is done."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import launch
from conftest import FinishedRun, Tiny
from launch import Outcome
from run_files import TRAININGS, copy_run, finished, read_summary, snapshot

# "--section.key  [unit]" and its meaning stay on lines of their own; paths of the user may be longer.
NUM_COLUMNS = 80


@pytest.mark.parametrize(
    "arguments", [[], ["--help"], *([name, "--help"] for name in ("train", "plan", "pack", "export", "import"))]
)
def test_help(arguments: list[str]) -> None:
    outcome = launch.run_well(*arguments)
    assert outcome.stdout.startswith("incubate ")
    assert [line for line in outcome.stdout.splitlines() if len(line) > NUM_COLUMNS] == []


def test_train_help_names_every_setting(finished_run: Path) -> None:
    text = launch.run_well("train", "--help").stdout
    section = ""
    for line in (finished_run / "config.ini").read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line:
            assert f"--{section}.{line.split(' = ')[0]}" in text


def test_version() -> None:
    assert launch.run_well("--version").stdout.startswith("incubate 0.")


def test_print_config_does_nothing_else(tiny: Tiny, tmp_path: Path) -> None:
    outcome = launch.run_well(*tiny.arguments(tmp_path / "run", "--print-config", "--batch.global=64"))
    assert "global = 64" in outcome.stdout  # the command line beats the file
    assert "width = 16" in outcome.stdout  # the file beats the default
    assert "beta2 = 0.999" in outcome.stdout
    assert list(tmp_path.iterdir()) == []


def test_print_config_is_printed_once(tiny: Tiny, tmp_path: Path) -> None:
    outcome = launch.run_well(*tiny.arguments(tmp_path / "run", "--print-config"), num_ranks=2)
    assert outcome.stdout.count("[model]") == 1


def is_progress(line: str) -> bool:
    return "] " in line and " images/s " in line


def test_progress_as_lines(finished_runs: dict[int, FinishedRun]) -> None:
    lines = finished_runs[1].outcome.stdout.splitlines()
    assert "\033" not in finished_runs[1].outcome.stdout
    assert {line.split()[0] for line in lines if is_progress(line)} <= set(TRAININGS)
    assert sum(is_progress(line) for line in lines) >= 1


def test_progress_as_bar(finished_runs: dict[int, FinishedRun]) -> None:
    assert "\033[" in finished_runs[2].outcome.stdout
    assert any(is_progress(line) for line in finished_runs[2].outcome.stdout.splitlines())


def test_no_progress(finished_runs: dict[int, FinishedRun]) -> None:
    lines = finished_runs[3].outcome.stdout.splitlines()
    assert "\033" not in finished_runs[3].outcome.stdout
    assert [line for line in lines if is_progress(line)] == []
    assert [line.split()[0] for line in lines if " is done: top-1 " in line] != []


def test_automatic_progress_is_lines_under_mpirun(finished_runs: dict[int, FinishedRun]) -> None:
    assert "\033" not in finished_runs[4].outcome.stdout
    assert any(is_progress(line) for line in finished_runs[4].outcome.stdout.splitlines())


@pytest.mark.parametrize("num_ranks", [1, 2, 3, 4])
def test_every_training_is_announced_once(finished_runs: dict[int, FinishedRun], num_ranks: int) -> None:
    outcome = finished_runs[num_ranks].outcome
    done = [
        re.sub("\033\\[[0-9]*[A-Z]", "", line).split()[0]
        for line in outcome.stdout.splitlines()
        if " is done: " in line
    ]
    assert sorted(done) == sorted(TRAININGS)
    table = outcome.stdout[outcome.stdout.index("\nmethod ") :].split("\n")
    assert [row[:17].strip() for row in table[2:5]] == ["Deep Incubation", "end to end", "meta model alone"]
    assert outcome.messages() == []


def table_of(outcome: Outcome) -> str:
    return outcome.stdout[outcome.stdout.index("\nmethod ") :]


@pytest.mark.parametrize("kept", [TRAININGS, ["finetuned", "end_to_end"]])
def test_finished_run_started_again(tiny: Tiny, run_on_two: FinishedRun, tmp_path: Path, kept: list[str]) -> None:
    """It changes nothing and prints the same table, also where parents were removed to save room."""
    run = copy_run(run_on_two.path, tmp_path / "run", without=[])
    removed = [finished(run, training) for training in TRAININGS if training not in kept]
    for path in removed:
        path.unlink()
    before = snapshot(run)
    start_s = launch.run_well("--version", num_ranks=2).elapsed_s  # MPI's, which depends on the machine
    outcome = launch.run_well(*tiny.arguments(run), num_ranks=2)
    assert f"All is done in {run}." in outcome.stdout
    assert table_of(outcome) == table_of(run_on_two.outcome)
    assert snapshot(run) == before
    assert outcome.elapsed_s - start_s < 3
    warnings = [line for line in outcome.stdout.splitlines() if line.startswith("warning: ")]
    assert warnings == [
        f"warning: {path} is missing. It is not needed: what starts from {path.stem} is done." for path in removed
    ]


def test_a_run_that_was_killed_at_its_end_is_recorded_by_the_next_start(
    tiny: Tiny, finished_run: Path, tmp_path: Path
) -> None:
    """Between the last weights and the last word."""
    run = copy_run(finished_run, tmp_path / "run", without=[])
    first = read_summary(run)
    text = (run / "summary.json").read_text()
    (run / "summary.json").write_text(text.replace('"state": "done"', '"state": "running"'))
    launch.run_well(*tiny.arguments(run))
    summary = read_summary(run)
    assert summary["state"] == "done"
    assert summary["rounds"] == first["rounds"]  # what earlier starts spent is not forgotten
    for row, first_row in zip(summary["results"], first["results"], strict=True):
        for name in ("method", "top1", "top5", "loss", "block_flops", "wall_s"):
            assert row[name] == first_row[name]
