"""What a user sees: help, the effective configuration, progress, and a run that is started again when all is done."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import launch
from conftest import FinishedRun, Tiny
from run_files import TRAININGS, copy_run, read_summary, snapshot

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


def test_messages_name_settings_that_exist() -> None:
    """In the source: what looks like a setting of a section is one."""
    known = set(re.findall(r"^  --([a-z_]+\.[a-z_0-9]+)", launch.run_well("train", "--help").stdout, re.M))
    sections = "|".join({name.split(".")[0] for name in known})
    for path in (launch.REPOSITORY / "src").rglob("*.cpp"):
        for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', re.sub("#include.*", "", path.read_text())):
            named = re.findall(rf"(?<![\w./])(?:{sections})\.[a-z_0-9]+", literal)
            assert set(named) <= known, (path, literal)


def test_a_recipe_that_the_file_overrules_is_said(tiny: Tiny, tmp_path: Path) -> None:
    """On stderr, so that what is printed can be read by programs."""
    arguments = tiny.arguments(tmp_path / "run", "--recipe.learning_rate=0.3", "--print-config")
    outcome = launch.run_well(*arguments, num_ranks=2)
    (warning,) = outcome.messages()
    assert warning.startswith("incubate: warning: --recipe.learning_rate=0.3 has no effect on meta.learning_rate=0.1, ")
    assert "warning" not in outcome.stdout
    plan = launch.run_well("plan", *arguments[1:-1], "--ranks=2", "--json")
    assert plan.messages() == [warning]
    json.loads(plan.stdout)
    assert (
        launch.run_well(*tiny.arguments(tmp_path / "run", "--recipe.layer_decay=0.5", "--print-config")).messages()
        == []
    )


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


def test_finished_run_started_again(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    run = copy_run(finished_run, tmp_path / "run", without=[])
    before = {name: snapshot(run / name) for name in ("checkpoints", "metrics")}
    start_s = launch.run_well("--version", num_ranks=2).elapsed_s  # MPI's, which depends on the machine
    outcome = launch.run_well(*tiny.arguments(run), num_ranks=2)
    assert f"All is done in {run}." in outcome.stdout
    assert outcome.elapsed_s - start_s < 3
    assert {name: snapshot(run / name) for name in before} == before
    summary, first = read_summary(run), read_summary(finished_run)
    assert summary["state"] == "done"
    assert summary["rounds"] == first["rounds"]  # what earlier starts spent is not forgotten
    for row, first_row in zip(summary["results"], first["results"], strict=True):
        for name in ("method", "top1", "top5", "loss", "block_flops", "wall_s"):
            assert row[name] == first_row[name]
