"""Draws the plot of a run as a user does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import h5py
import pytest
import torch
from safetensors.torch import save_file

import compare
import keep_results
import plot_run
import quote_results
import report
import to_tensorboard
import watch
from launch import REPOSITORY, Outcome, call
from made_up_run import MadeUp, deep_incubation, write_run
from page_reader import read_png_size
from run_files import copy_run, finished


def plot(*arguments: str | Path) -> Outcome:
    return call(plot_run.main, *arguments)


def test_finished_run(finished_run: Path, tmp_path: Path) -> None:
    script = REPOSITORY / "analysis" / "plot_run.py"
    command = [sys.executable, str(script), str(finished_run), "--output", str(tmp_path / "curves.png")]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert outcome.returncode == 0, outcome.stderr
    width, height = read_png_size(tmp_path / "curves.png")
    assert width > height > 500
    assert (tmp_path / "curves.png").stat().st_size > 20_000
    table = outcome.stdout.split("\n\n")[0]
    assert [line[:16].strip() for line in table.splitlines()[1:]] == [
        *("Deep Incubation", "end to end", "meta model alone")
    ]
    assert table in (finished_run / "log.txt").read_text()  # it is the program's own


def test_speeds_are_means_over_the_time_of_steps(finished_run: Path, tmp_path: Path) -> None:
    """The table is right for figures set here. It leaves out figures that an older program did not measure."""
    run = copy_run(finished_run, tmp_path / "run", without=["stage_3", "finetuned", "end_to_end"])
    nan = float("nan")
    columns = {  # steps of 1, 2 and 1 s, of 32 images each
        "images_per_s": [32.0, 16.0, 32.0],
        "model_flops_utilisation": [0.4, 0.1, 0.4],
        "data_wait_s": [0.0, 0.5, 0.1],
        "communication_wait_s": [0.3, 0.3, nan],
        "memory_peak_bytes": [1e9, 2e9, 2.5e9],
    }
    for training in ("meta", "stage_0"):
        with h5py.File(run / "metrics" / f"{training}.h5", "r+") as file:
            steps = file["steps"]
            for name in list(steps):
                length = len(columns["images_per_s"])
                values = columns.get(name, steps[name][:length])
                del steps[name]
                if training == "meta" or name not in columns or name == "images_per_s":
                    steps[name] = values
    lines = plot(run).stdout.split("\n\n")[1].splitlines()
    assert lines[0] == ("training           images/s  utilisation  data wait  rank wait  memory a rank")
    assert lines[1] == ("meta                     24        25.0%      15.0%      20.0%        2.50 GB")
    assert lines[2] == ("stage_0                  24            -          -          -              -")
    assert [line.split()[0] for line in lines[3:]] == ["stage_1", "stage_2"]


def test_unfinished_run(finished_run: Path, tmp_path: Path) -> None:
    """A run with only some files draws what it can."""
    run = copy_run(finished_run, tmp_path / "run", without=["stage_3", "finetuned", "end_to_end"])
    assert not finished(run, "finetuned").exists()
    outcome = plot(run)
    assert outcome.status == 0, outcome.stderr
    assert read_png_size(run / "curves.png")[0] > 500


@pytest.mark.parametrize("program", [plot_run, report], ids=["plot_run", "report"])
@pytest.mark.parametrize("what", ["empty", "missing", "not a summary"])
def test_not_a_run(tmp_path: Path, program: ModuleType, what: str) -> None:
    folder, output = tmp_path / what, tmp_path / "output"
    if what != "missing":
        folder.mkdir()
    if what == "not a summary":
        (folder / "summary.json").write_text('{"state": 1}')
    outcome = call(program.main, folder, "--output", output)
    assert outcome.status == 2
    (line,) = outcome.stderr.splitlines()
    assert line.startswith(f"{program.__name__}: ") and str(folder) in line
    assert not output.exists()


# --- Files that are damaged or strange --------------------------------------------------------------------------------


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2500])


def without_a_column(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["steps/loss"]


def of_different_lengths(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["epochs/top1"]
        file["epochs/top1"] = [0.5, 0.5, 0.5]


def replace(text: str, other: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        before = path.read_text()
        assert text in before
        path.write_text(before.replace(text, other))

    return change


DAMAGE: list[tuple[str, Callable[[Path], object]]] = [
    ("metrics/stage_0.h5", cut_short),
    ("metrics/meta.h5", lambda path: path.write_text("step,loss")),
    ("metrics/finetuned.h5", without_a_column),
    ("metrics/finetuned.h5", of_different_lengths),
    ("config.ini", lambda path: path.write_bytes(b"[run]\nseed \xff\xfe\n")),
    ("config.ini", lambda path: path.write_bytes(b"[run]\nseed = \xff\xfe\n")),
    ("config.ini", lambda path: path.write_text("seed = 0")),
    ("config.ini", replace("global = 32", "global = many")),
    ("summary.json", lambda path: path.write_text(path.read_text()[:200])),
    ("summary.json", lambda path: path.write_bytes(b'{"state": "\xff"}')),
    ("summary.json", lambda path: path.write_text("[]")),
    ("summary.json", lambda path: path.write_text("[" * 100_000)),
    ("summary.json", replace("2026-01-31T12:00:00Z", "today")),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGE)
def test_messages_name_the_file(tmp_path: Path, name: str, damage: Callable[[Path], object]) -> None:
    """The message names the damaged file and no other, on one line."""
    run = write_run(tmp_path / "run", deep_incubation(0.5, 0.7))
    others = {str(path.relative_to(run)) for path in run.rglob("*.*")} - {name}
    damage(run / name)
    arguments: dict[ModuleType, list[str | Path]]
    arguments = {plot_run: [], compare: [], watch: ["--once"], to_tensorboard: ["--output", tmp_path / "out"]}
    for program, more in arguments.items():
        outcome = call(program.main, run, *more)
        assert outcome.status == 2
        (line,) = outcome.stderr.splitlines()
        assert line.startswith(f"{program.__name__}: {run / name} cannot be read as the ")
        assert [other for other in others if other in line] == []
    assert not (tmp_path / "out").exists() and not (run / "curves.png").exists()


def test_what_another_program_added(tmp_path: Path) -> None:
    """An unknown phase and an unknown time are left out."""
    trainings = [*deep_incubation(0.5), MadeUp("other", "dreaming", (0.5,), block_flops=1, elapsed_s=1)]
    run = write_run(tmp_path / "run", trainings)
    replace('"wall_s": 60', '"wall_s": Infinity')(run / "summary.json")
    outcome = plot(run)
    assert outcome.status == 0, outcome.stderr
    assert re.search(r"^Deep Incubation .* - +1:00$", outcome.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("metrics/meta.h5", lambda path: path.write_text("step,loss"), "is damaged: it is cut short. "),
        ("config.ini", lambda path: path.write_text("seed = 0"), "cannot be read as the settings of a run ("),
    ],
)
def test_what_keep_results_cannot_read(
    tmp_path: Path, name: str, damage: Callable[[Path], object], message: str
) -> None:
    run = shutil.copytree(REPOSITORY / "analysis" / "results" / "quickstart", tmp_path / "run")
    damage(run / name)
    outcome = call(keep_results.main, run, "--output", tmp_path / "out")
    assert outcome.status == 2
    (line,) = outcome.stderr.splitlines()
    assert line.startswith(f"keep_results: {run / name} {message}")


def test_what_quote_results_cannot_read(tmp_path: Path) -> None:
    results = shutil.copytree(REPOSITORY / "analysis" / "results", tmp_path / "results")
    readme = Path(shutil.copy(REPOSITORY / "README.md", tmp_path))
    (results / "quickstart-dark.png").write_text("no picture")
    outcome = call(quote_results.main, "--check", f"--readme={readme}", f"--results={results}")
    assert outcome.status == 1 and f"{results}/quickstart-dark.png: not of the run" in outcome.stdout
    readme.write_bytes(b"\xff")
    outcome = call(quote_results.main, "--check", f"--readme={readme}", f"--results={results}")
    assert outcome.status == 2
    assert outcome.stderr.startswith(f"quote_results: {readme} is no text in UTF-8 (")


# --- Locales ----------------------------------------------------------------------------------------------------------

# Runs programs as a user starts them, one after the other: NAME ARGUMENT ..., one a line.
START = """
import os, runpy, sys
sys.path.insert(0, sys.argv[1])
for line in open(sys.argv[2], "rb").read().splitlines():
    sys.argv = [os.fsdecode(word) for word in line.split(b" ")]
    try:
        runpy.run_path(os.path.join(sys.path[0], sys.argv[0] + ".py"), run_name="__main__")
    except SystemExit as end:
        print(f"{sys.argv[0]}: status {end.code}", flush=True)
"""


def test_an_ascii_locale(tmp_path: Path) -> None:
    """Output goes into a pipe and names have other letters: UTF-8 and, as long ago, Latin-1."""
    folder = tmp_path / "läufe"
    trainings = deep_incubation(0.5, 0.7)
    runs = [write_run(folder / f"ü{i}", trainings, seed=i, settings={"data.file": "ö.h5"}) for i in range(2)]
    old = Path(os.fsdecode(os.fsencode(tmp_path) + b"/f\xfcr"))
    shutil.copytree(runs[0], old)
    kept = shutil.copytree(REPOSITORY / "analysis" / "results" / "quickstart", folder / "gehört")
    save_file({"stages.0.cls_token": torch.zeros(3)}, folder / "ä.safetensors")
    lines: list[list[str | Path]] = [
        ["compare", *runs],
        ["plot_run", runs[0]],
        ["plot_run", old],
        ["report", runs[0], "--output", folder / "ß.html"],
        ["watch", old, "--once"],
        ["to_tensorboard", *runs, "--output", folder / "é"],
        ["keep_results", kept, "--output", folder / "è"],
        ["convert_pth", folder / "ä.safetensors", folder / "ä.pth"],
        ["convert_pth", folder / "ä.pth", folder / "ö.safetensors"],
        ["compare", folder / "nö"],
        ["quote_results", f"--readme={folder / 'nö'}"],
    ]
    commands = tmp_path / "commands"
    commands.write_bytes(b"\n".join(b" ".join(os.fsencode(word) for word in line) for line in lines))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "-c", START, str(REPOSITORY / "analysis"), str(commands)],
        env=environment
        | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii:strict"},
        capture_output=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    statuses = re.findall(rb"^\w+: status (.*)$", done.stdout, re.MULTILINE)
    assert statuses == [b"0"] * 9 + [b"2"] * 2, done.stderr
    assert b"Traceback" not in done.stderr
    text = done.stdout
    assert re.search(rb"Deep Incubation +2  70\.00 \+- 0\.00 ", text)
    for path in (runs[0] / "curves.png", old / "curves.png", folder / "ß.html", folder / "ö.safetensors"):
        assert os.fsencode(path) + b" written" in text
        assert path.is_file()
    assert os.fsencode(folder / "é" / "ü1") + b": 3 trainings" in text
    assert (folder / "è" / "gehört" / "log.txt").is_file()
    assert os.fsencode(folder / "nö") + b" is not a run directory" in done.stderr
    assert "läufe/ü0" in (folder / "ß.html").read_text(encoding="utf-8")


def test_names_that_look_like_formulas(tmp_path: Path) -> None:
    """In Matplotlib and HTML a name is a name."""
    run = write_run(tmp_path / r"a$\frac{$ & <b> ~^\c{", deep_incubation(0.5, 0.6))
    assert plot(run, "--output", tmp_path / "curves.png").status == 0
    assert call(report.main, run, "--output", tmp_path / "page.html").status == 0
    assert r"a$\frac{$ &amp; &lt;b&gt; ~^\c{" in (tmp_path / "page.html").read_text()
