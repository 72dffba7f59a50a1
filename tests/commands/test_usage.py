"""Tests help, the effective configuration, progress, and a run that is started again after its end."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import launch
from conftest import FinishedRun
from launch import Outcome
from run_files import TRAININGS, copy_run, finished, read_summary, snapshot
from tiny import CONFIG, Tiny

# "--section.key  [unit]" and its meaning stay on lines of their own; paths of the user may be longer.
NUM_COLUMNS = 80


COMMANDS = ["train", "plan", "status", "pack", "evaluate", "predict", "export", "import", "inspect"]


@pytest.mark.parametrize("arguments", [[], ["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help(arguments: list[str]) -> None:
    outcome = launch.run_well(*arguments)
    assert outcome.stdout.startswith("incubate ")
    assert [line for line in outcome.stdout.splitlines() if len(line) > NUM_COLUMNS] == []


@pytest.mark.parametrize("name", ["", "train", "inspect"])
def test_other_ways_to_ask_for_help(name: str) -> None:
    words = [name] if name else []
    help_text = launch.run_well(*words, "--help").stdout
    ways = [["help", *words], ["-h", *words], [*words, "-h"], [*words, "help"]]
    for outcome in [launch.run(*way) for way in ways]:
        assert (outcome.status, outcome.stdout, outcome.stderr) == (0, help_text, "")


def test_help_of_a_section() -> None:
    ways = [["train", "--help", "meta"], ["help", "train", "meta"], ["train", "-h", "meta"], ["train", "--help=meta"]]
    texts = {launch.run_well(*way).stdout for way in ways}
    (text,) = texts
    assert set(re.findall(r"^  --([a-z]+)\.", text, re.MULTILINE)) == {"meta"}
    outcome = launch.run("train", "--help", "mta")
    assert outcome.status == 2
    assert outcome.messages()[0].startswith("incubate: --help mta: there is no such section. Give one of model, data, ")


def test_help_of_what_is_no_command() -> None:
    outcome = launch.run("help", "trian")
    assert outcome.status == 2
    assert outcome.messages()[0].startswith("incubate: unknown command 'trian'. Give train, plan, ")


@pytest.mark.parametrize("command", ["train", "plan"])
def test_the_input_file_needs_no_option(tiny: Tiny, command: str) -> None:
    texts = [
        launch.run_well(command, *words, f"--data.file={tiny.data}", "--print-config", "--run.seed=7").stdout
        for words in (["--config", str(CONFIG)], [str(CONFIG)])
    ]
    assert texts[0] == texts[1]
    assert "\nseed = 7" in texts[0] and "\nwidth = 16" in texts[0]
    assert command == "plan" or "\ndirectory = runs/tiny" in texts[1]


@pytest.fixture(scope="module")
def calls_without_mpi(tiny: Tiny, finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Returns one call of each kind; the last one writes a file."""
    settings = tiny.arguments(finished_run)[1:]
    return [
        ["--help"],
        ["--version"],
        ["train", "--help"],
        ["pack", "--help"],
        ["import", *settings, "--print-config"],
        ["train", *settings, "--print-config"],
        ["plan", *settings, "--ranks=4"],
        ["plan", *settings, "--ranks=4", "--json"],
        ["inspect", str(tiny.data)],
        ["export", *settings, "--training=meta", f"--output={tmp_path_factory.mktemp('export') / 'meta.safetensors'}"],
    ]


@pytest.fixture(scope="module")
def outside(calls_without_mpi: list[list[str]], pool: ThreadPoolExecutor) -> list[Outcome]:
    """Returns the results of these calls outside any job."""
    return list(pool.map(lambda call: launch.run_well(*call), calls_without_mpi))


LEFT_OVER = {
    "step": {"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "2", "SLURM_JOB_ID": "4711"},
    "mpirun": {
        "OMPI_COMM_WORLD_SIZE": "4",
        "OMPI_COMM_WORLD_RANK": "2",
        "OMPI_UNIVERSE_SIZE": "4",
        "PMIX_NAMESPACE": "4711",
        "PMIX_RANK": "2",
        "PMIX_SERVER_URI2": "4711.0;tcp4://127.0.0.1:9",
    },
}


@pytest.mark.parametrize("environment", LEFT_OVER.values(), ids=LEFT_OVER)
def test_what_needs_no_mpi_runs_anywhere(
    calls_without_mpi: list[list[str]], outside: list[Outcome], pool: ThreadPoolExecutor, environment: dict[str, str]
) -> None:
    """They run in a step whose tasks cannot connect, and where a launcher's variables have outlived it."""
    inside = pool.map(lambda call: launch.finish(launch.start(call, environment=environment)), calls_without_mpi)
    for call, there, here in zip(calls_without_mpi, inside, outside, strict=True):
        assert (there.status, there.stdout, there.stderr) == (0, here.stdout, ""), call


def test_the_first_rank_answers_for_all(tiny: Tiny) -> None:
    outcome = launch.run("inspect", f"{tiny.data}.none", num_ranks=3)
    assert outcome.status == 2
    assert len(outcome.messages()) == 1


def test_training_in_a_step_without_mpi_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    outcome = launch.finish(
        launch.start(tiny.arguments(tmp_path / "run"), environment=LEFT_OVER["step"] | {"SLURM_PROCID": "0"})
    )
    assert outcome.status == 2
    assert outcome.messages()[0].startswith("incubate: srun started 4 tasks without a way for MPI to connect them. ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_output_that_cannot_be_written(
    calls_without_mpi: list[list[str]], pool: ThreadPoolExecutor, redirection: str
) -> None:
    wrapper = ("sh", "-c", f'"$@" {redirection}', "sh")
    reason = "No space left on device" if "full" in redirection else "Bad file descriptor"
    outcomes = pool.map(lambda call: launch.finish(launch.start(call, wrapper=wrapper)), calls_without_mpi)
    for call, outcome in zip(calls_without_mpi, outcomes, strict=True):
        assert outcome.status == 1, call
        assert outcome.stderr == (
            f"incubate: standard output cannot be written: {reason}. Free space there, or send it elsewhere.\n"
        )


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_training_needs_no_output(tiny: Tiny, tmp_path: Path, redirection: str) -> None:
    arguments = tiny.arguments(tmp_path / "run", "--run.only=meta", "--run.progress=lines")
    outcome = launch.finish(launch.start(arguments, wrapper=("sh", "-c", f'"$@" {redirection}', "sh")))
    assert (outcome.status, outcome.stderr) == (0, "")
    assert read_summary(tmp_path / "run")["state"] == "done"


def settings_of_help() -> set[str]:
    """Returns the settings that train --help describes; a phase's settings appear once for each phase."""
    text = launch.run_well("train", "--help").stdout
    described: list[str] = re.findall(r"^  --([a-z_]+\.[a-z_0-9]+)", text, re.MULTILINE)
    assert len(described) == len(set(described))
    keys = [name.removeprefix("recipe.") for name in described if name.startswith("recipe.")]
    phases = re.findall(r"^  \[([a-z_]+)\]$", text, re.MULTILINE)
    return set(described) | {f"{phase}.{key}" for phase in phases for key in keys}


def test_train_help_names_every_setting(finished_run: Path) -> None:
    known = settings_of_help()
    section = ""
    for line in (finished_run / "config.ini").read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            assert f"{section}.{line.split(' = ')[0]}" in known


def test_messages_name_settings_that_exist() -> None:
    """Every word in the source that looks like a setting of a section is one."""
    known = settings_of_help()
    sections = "|".join({name.split(".")[0] for name in known})
    for path in (launch.REPOSITORY / "src").rglob("*.cpp"):
        for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', re.sub("#include.*", "", path.read_text())):
            named = re.findall(rf"(?<![\w./])(?:{sections})\.[a-z_0-9]+", literal)
            assert set(named) <= known | {"model.safetensors"}, (path, literal)  # timm's name of a file


def test_a_recipe_of_the_command_line_reaches_every_phase(tiny: Tiny, tmp_path: Path) -> None:
    """A recipe also reaches phases for which the file has its own value."""
    outcome = launch.run_well(*tiny.arguments(tmp_path / "run", "--recipe.learning_rate=0.3", "--print-config"))
    assert set(re.findall(r"^learning_rate = (\S+)", outcome.stdout, re.MULTILINE)) == {"0.3"}
    assert outcome.messages() == []


def test_a_preset_that_the_file_overrules_is_said(tiny: Tiny, tmp_path: Path) -> None:
    """The warning goes to stderr, so that programs can read stdout."""
    arguments = tiny.arguments(tmp_path / "run", "--print-config")
    (tmp_path / "all.ini").write_text(launch.run_well(*arguments).stdout)
    arguments = ["train", f"--config={tmp_path / 'all.ini'}", "--model.preset=vit_l16"]
    outcome = launch.run_well(*arguments, "--print-config", num_ranks=2)
    (warning,) = outcome.messages()
    assert warning.startswith("incubate: warning: --model.preset=vit_l16 has no effect on model.family=vit, ")
    assert "warning" not in outcome.stdout
    plan = launch.run_well("plan", *arguments[1:], "--ranks=2", "--json")
    assert plan.messages() == [warning]
    json.loads(plan.stdout)


def test_version() -> None:
    assert launch.run_well("--version").stdout.startswith("incubate 0.")


def test_print_config_does_nothing_else(tiny: Tiny, tmp_path: Path) -> None:
    outcome = launch.run_well(*tiny.arguments(tmp_path / "run", "--print-config", "--batch.global=64"))
    assert "global = 64" in outcome.stdout  # the command line beats the file
    assert "width = 16" in outcome.stdout  # the file beats the default
    assert "beta2 = 0.999" in outcome.stdout
    assert list(tmp_path.iterdir()) == []


def test_changed_configuration(tiny: Tiny, tmp_path: Path) -> None:
    """Settings appear with their origin, and the text is an input file too."""
    arguments = ["train", str(CONFIG), f"--data.file={tiny.data}", "--recipe.mixup=0.5"]
    changed = launch.run_well(*arguments, "--print-config=changed").stdout
    assert f"\nwidth = 16  # in {CONFIG}\n" in changed
    assert "\nmixup = 0.5  # [recipe] on the command line\n" in changed
    assert "\ndirectory = runs/tiny  # from the input file's name\n" in changed
    assert "beta2" not in changed
    (tmp_path / "changed.ini").write_text(changed)
    whole = launch.run_well(*arguments, "--print-config").stdout
    assert launch.run_well("train", str(tmp_path / "changed.ini"), "--print-config").stdout == whole
    plan = launch.run_well("plan", "--model.classes=10", "--print-config=changed").stdout
    assert plan.startswith("[model]\nclasses = 10  # on the command line\n")
    pack = launch.run_well("pack", "--quality=80", "--print-config=changed").stdout
    assert pack == "quality = 80  # on the command line\n"


def test_paths_with_home_and_variables(tiny: Tiny, tmp_path: Path) -> None:
    """Rank 0 expands them; no folder gets the name "~" or "$PLACE"."""
    (tmp_path / "tiny.ini").write_text(CONFIG.read_text() + "\ndirectory = ~/run\n")  # behind [run]
    arguments = ["train", "--config=$PLACE/tiny.ini", "--data.file=${DATA}", "--run.only=meta"]
    environment = {"HOME": str(tmp_path / "home"), "PLACE": str(tmp_path), "DATA": str(tiny.data)}
    outcome = launch.finish(launch.start(arguments, 2, environment))
    assert outcome.status == 0, outcome.stderr
    assert finished(tmp_path / "home" / "run", "meta").is_file()
    assert f"directory = {tmp_path}/home/run  # path\n" in (tmp_path / "home" / "run" / "config.ini").read_text()


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
