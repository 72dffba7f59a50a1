"""Compares runs of several seeds and settings: figures computed by hand, in every format."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from math import sqrt
from pathlib import Path

import h5py
import numpy as np
import pytest

import plot_run
import report
import watch
from compare import main
from comparisons.cost_axes import FLOPS, RANK_HOURS
from comparisons.learning_curve import Curve, find_crossing, make_curve
from comparisons.run_groups import OPERATION
from launch import REPOSITORY, Outcome, call
from made_up_run import T_2, MadeUp, deep_incubation, end_to_end, write_run
from report_page.marks import label_of
from run_directory.data import load_run
from run_directory.methods import OLDER_TABLE, MethodTable
from run_directory.metric import Metric
from run_files import read_summary, seal


def compare(*arguments: str | Path) -> Outcome:
    return call(main, *arguments)


def read_csv(outcome: Outcome) -> dict[tuple[str, str, str, str], dict[str, str]]:
    """Returns values by settings, method, the other method and quantity."""
    assert outcome.status == 0, outcome.stderr
    rows = list(csv.DictReader(io.StringIO(outcome.stdout)))
    figures = {(row["settings"], row["method"], row["against"], row["quantity"]): row for row in rows}
    assert len(figures) == len(rows)
    return figures


def read_table(lines: list[str], first: str) -> list[list[str]]:
    """Returns the cells of the text's table whose header begins with `first`."""
    begin = next(i for i, line in enumerate(lines) if line.startswith(first))
    end = next(i for i, line in enumerate(lines) if i > begin and not line)
    return [re.split(r"  +", line) for line in lines[begin + 1 : end]]


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Deep Incubation is better by 2, 3 and 4 points."""
    folder = tmp_path_factory.mktemp("seeds")
    finals = [(0.80, 0.78), (0.82, 0.79), (0.84, 0.80)]
    return [
        write_run(folder / f"seed_{i}", deep_incubation(0.5, 0.7, mine) + end_to_end(0.4, 0.6, others), seed=i)
        for i, (mine, others) in enumerate(finals)
    ]


def test_figures(seeds: list[Path]) -> None:
    outcome = compare(*seeds, "--format=csv")
    figures = read_csv(outcome)
    top1 = figures["", "Deep Incubation", "", "top1"]
    assert [float(top1[name]) for name in ("mean", "std")] == pytest.approx([0.82, 0.02])
    assert (top1["count"], top1["unit"]) == ("3", "fraction")
    top1 = figures["", "end to end", "", "top1"]
    assert [float(top1[name]) for name in ("mean", "std")] == pytest.approx([0.79, 0.01])
    for method, flops, rank_s in (
        ("Deep Incubation", 600, 120),
        ("end to end", 600, 240),
        ("stage_0, hybrid", 200, 40),
    ):
        assert float(figures["", method, "", "block_flops"]["mean"]) == pytest.approx(flops)
        assert float(figures["", method, "", "rank_hours"]["mean"]) == pytest.approx(rank_s / 3600)

    difference = figures["", "Deep Incubation", "end to end", "top1_difference"]
    half = T_2 * 0.01 / sqrt(3)
    assert half == pytest.approx(0.024841, abs=1e-6)  # the tables' t is 4.3027
    expected = [0.03, 0.01, 0.03 - half, 0.03 + half]
    assert [float(difference[name]) for name in ("mean", "std", "low", "high")] == pytest.approx(expected)

    # Finetuning begins at 300 and is at 0.7 at 500: it is at the other's top-1 where a straight line to 600 is.
    at = [500 + 100 * part for part in (0.08 / 0.10, 0.09 / 0.12, 0.10 / 0.14)]
    factor = np.prod([600 / flops for flops in at]) ** (1 / 3)
    speedup = figures["", "Deep Incubation", "end to end", "speedup_to_others_top1_by_block_flops"]
    assert float(speedup["mean"]) == pytest.approx(factor)
    assert (speedup["bound"], speedup["count"]) == ("", "3")
    # End to end has twice the ranks.
    speedup = figures["", "Deep Incubation", "end to end", "speedup_to_others_top1_by_rank_hours"]
    assert float(speedup["mean"]) == pytest.approx(2 * factor)
    for cost in ("block_flops", "rank_hours"):
        assert figures["", "Deep Incubation", "end to end", f"speedup_to_own_top1_by_{cost}"]["mean"] == ""
    assert outcome.stderr.splitlines() == [
        "note: end to end never gets to the final top-1 of Deep Incubation, as far as its metrics say, in 3 of 3 "
        "pairs: no speed-up there"
    ]


def test_text(seeds: list[Path]) -> None:
    outcome = compare(*seeds)
    assert outcome.status == 0, outcome.stderr
    lines = outcome.stdout.splitlines()
    assert lines[0] == "one setting: 3 runs, seeds 0, 1, 2"
    assert read_table(lines, "method ") == [
        ["Deep Incubation", "3", "82.00 ± 2.00", "6.000e+02", "0.0333 ± 0.0000"],
        ["end to end", "3", "79.00 ± 1.00", "6.000e+02", "0.0667 ± 0.0000"],
        ["meta model alone", "3", "30.00 ± 0.00", "1.000e+02", "0.0056 ± 0.0000"],
        ["stage_0, hybrid", "3", "35.00 ± 0.00", "2.000e+02", "0.0111 ± 0.0000"],
    ]
    assert read_table(lines, "pair ") == [
        ["Deep Incubation - end to end", "3", "3.00 ± 1.00", "[0.52, 5.48]", "1.04", "2.09", "undefined", "undefined"]
    ]
    assert sum(line.startswith("note: end to end never gets to") for line in lines) == 1


def test_latex(seeds: list[Path]) -> None:
    """Every row has as many cells as its tabular has columns, and no cell contains TeX's special characters."""
    outcome = compare(*seeds, "--format=latex")
    assert outcome.status == 0, outcome.stderr
    text = "\n".join(line for line in outcome.stdout.splitlines() if not line.startswith("%"))
    tables = re.findall(r"\\begin\{tabular\}\{(\w+)\}\n(.*?)\\end\{tabular\}", text, flags=re.DOTALL)
    assert [columns for columns, _ in tables] == ["lrrrr", "lrrrrrrr"]
    for columns, body in tables:
        rows = [line for line in body.splitlines() if line != r"\hline"]
        assert len(rows) > 1
        for row in rows:
            assert row.endswith(r" \\")
            assert len(re.split(r"(?<!\\)&", row)) == len(columns)
            assert not re.search(r"(?<!\\)[%_#]|±|>=|<=", row)
    assert r"Deep Incubation & 3 & 82.00 $\pm$ 2.00 & 6.000e+02 & 0.0333 $\pm$ 0.0000 \\" in text


def test_worse_method(tmp_path: Path) -> None:
    """A figure that one method never reaches, the other reached earlier; one pair has no interval."""
    run = write_run(tmp_path / "run", deep_incubation(0.5, 0.54) + end_to_end(0.4, 0.5, 0.7, 0.8))
    outcome = compare(run, "--format=csv")
    figures = read_csv(outcome)
    difference = figures["", "Deep Incubation", "end to end", "top1_difference"]
    assert float(difference["mean"]) == pytest.approx(-0.26)
    assert (difference["std"], difference["low"], difference["high"], difference["count"]) == ("", "", "", "1")
    assert figures["", "Deep Incubation", "end to end", "speedup_to_others_top1_by_block_flops"]["mean"] == ""
    # 0.54 lies one fifth of the way from 0.5 at 300 to 0.7 at 450.
    speedup = figures["", "Deep Incubation", "end to end", "speedup_to_own_top1_by_block_flops"]
    assert float(speedup["mean"]) == pytest.approx(330 / 600)
    assert "Deep Incubation and end to end have one pair: no interval, which needs two" in outcome.stderr
    assert "Deep Incubation never gets to the final top-1 of end to end" in outcome.stderr
    assert "in 1 of 1 pairs" in outcome.stderr
    (cells,) = read_table(compare(run).stdout.splitlines(), "pair ")
    assert cells[2:] == ["-26.00", "none", "undefined", "undefined", "0.55", "1.10"]
    assert " & $-$26.00 & none & " in compare(run, "--format=latex").stdout


def test_bound_where_a_curve_begins_above(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", deep_incubation(0.7, 0.8) + end_to_end(0.5, 0.6))
    speedup = read_csv(compare(run, "--format=csv"))[
        "", "Deep Incubation", "end to end", "speedup_to_others_top1_by_block_flops"
    ]
    assert float(speedup["mean"]) == pytest.approx(600 / 450)
    assert speedup["bound"] == ">="
    (cells,) = read_table(compare(run).stdout.splitlines(), "pair ")
    assert cells[4] == ">= 1.33"


def test_undefined_for_one_pair_is_undefined(tmp_path: Path) -> None:
    """A mean over the pairs that get there would flatter."""
    runs = [
        write_run(tmp_path / "a", deep_incubation(0.5, 0.8) + end_to_end(0.5, 0.7), seed=0),
        write_run(tmp_path / "b", deep_incubation(0.5, 0.6) + end_to_end(0.5, 0.7), seed=1),
    ]
    outcome = compare(*runs, "--format=csv")
    key = ("", "Deep Incubation", "end to end", "speedup_to_others_top1_by_block_flops")
    assert read_csv(outcome)[key]["mean"] == ""
    assert outcome.stderr.count("in 1 of 2 pairs: no speed-up there") == 2


def test_groups(tmp_path: Path) -> None:
    """Settings that affect a result make groups; the seed, the directory and the display of progress do not."""
    runs = []
    for rate in ("0.1", "0.2"):
        for seed in (0, 1):
            name = f"rate_{rate}_{seed}"
            settings = {"meta.learning_rate": rate, "run.progress": f"{seed}", "run.directory": name, "meta.micro": "8"}
            method = deep_incubation(0.5, 0.6 + float(rate) + 0.1 * seed)
            runs.append(write_run(tmp_path / name, method, seed, settings))
    figures = read_csv(compare(*runs, "--format=csv"))
    for rate, mean in (("0.1", 0.75), ("0.2", 0.85)):
        row = figures[f"meta.learning_rate={rate}", "Deep Incubation", "", "top1"]
        assert float(row["mean"]) == pytest.approx(mean)
        assert row["count"] == "2"
    outcome = compare(*runs, "--format=csv", "--by=run.seed")
    figures = read_csv(outcome)
    for text, mean in (("0", 0.75), ("1", 0.85)):
        row = figures[f"run.seed={text}", "Deep Incubation", "", "top1"]
        assert float(row["mean"]) == pytest.approx(mean)
        assert row["count"] == "2"
    assert "note: runs that differ in meta.learning_rate are taken for repeats of each other" in outcome.stderr


def test_methods_in_runs_of_their_own(tmp_path: Path) -> None:
    """Runs pair by their seed, not their directory."""
    runs = [write_run(tmp_path / f"mine_{i}", deep_incubation(0.5, 0.7 + 0.1 * i), seed=i) for i in (0, 1, 2)]
    runs += [write_run(tmp_path / f"others_{i}", end_to_end(0.5, 0.6 + 0.1 * i), seed=i) for i in (2, 1, 5)]
    row = read_csv(compare(*runs, "--format=csv"))["", "Deep Incubation", "end to end", "top1_difference"]
    assert [float(row[name]) for name in ("mean", "std", "count")] == pytest.approx([0.1, 0, 2])


def test_what_is_left_out(tmp_path: Path) -> None:
    """An unfinished method and a copy of a run are left out; a copy is no second seed."""
    done = write_run(tmp_path / "done", deep_incubation(0.5, 0.7))
    copy = write_run(tmp_path / "copy", deep_incubation(0.5, 0.9))
    unfinished = write_run(tmp_path / "unfinished", deep_incubation(0.5, 0.9, state="running"), seed=1, state="stopped")
    outcome = compare(done, copy, unfinished, "--format=csv")
    row = read_csv(outcome)["", "Deep Incubation", "", "top1"]
    assert (float(row["mean"]), row["std"], row["count"]) == (0.7, "", "1")
    assert (
        f"note: {unfinished}: Deep Incubation is left out, which is not done (finetuned is running at step 20 of 40, "
        "the run is stopped)"
    ) in outcome.stderr.splitlines()
    assert f"note: {copy}: Deep Incubation is left out, which {done} has with the same seed" in outcome.stderr


def test_a_training_whose_ranks_changed(tmp_path: Path) -> None:
    """The cost along a curve uses each round's ranks: 1 in the first 10 steps, then 3."""
    run = write_run(tmp_path / "run", [MadeUp("end_to_end", "end_to_end", (0.5, 0.7), 100, elapsed_s=20)])
    with h5py.File(run / "metrics" / "end_to_end.h5", "r+") as file:
        for name, values in (("first_step", [0, 10]), ("last_step", [10, 20]), ("num_ranks", [1, 3])):
            del file[f"rounds/{name}"]
            file[f"rounds/{name}"] = np.array(values)
    loaded = load_run(run)
    curve = make_curve(loaded, loaded.trainings[0], RANK_HOURS)
    assert curve is not None
    assert curve.cost.tolist() == pytest.approx([10 / 3600, 40 / 3600])


def test_crossing() -> None:
    curve = Curve(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.2, 0.4, 0.3, 0.6]))
    assert find_crossing(curve, 0.3).cost == pytest.approx(1.5)  # the first time, not the second
    assert find_crossing(curve, 0.6) == (4, True)
    assert find_crossing(curve, 0.2) == (1, False)  # it may have been there before
    assert find_crossing(Curve(curve.cost[:1], curve.value[:1]), 0.2) == (1, True)  # that is its end
    assert find_crossing(curve, 0.1) == (1, False)
    assert np.isnan(find_crossing(curve, 0.61).cost)


def test_real_run(finished_run: Path) -> None:
    """The end of each curve equals the program's result table."""
    run = load_run(finished_run)
    assert len(run.results) == 3
    for result in run.results:
        (name,) = (row.training for row in run.table.methods if row.title == result.method)
        (training,) = (t for t in run.trainings if t.name == name)
        flops, rank_hours = (make_curve(run, training, axis) for axis in (FLOPS, RANK_HOURS))
        assert flops is not None and rank_hours is not None
        assert flops.cost[-1] == pytest.approx(result.block_flops, rel=1e-12)
        assert 3600 * rank_hours.cost[-1] == pytest.approx(result.rank_s, rel=0.05)  # which has the training's end too
        assert flops.value[-1] == rank_hours.value[-1] == result.figures["top1"]
    assert set(run.settings) >= OPERATION
    command = [sys.executable, str(REPOSITORY / "analysis" / "compare.py"), str(finished_run)]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout == compare(finished_run).stdout


def test_methods_are_the_programs(finished_run: Path) -> None:
    """This program has the methods of those before it, and later ones, and says so in each summary."""
    table = load_run(finished_run).table
    assert table == MethodTable.make(read_summary(finished_run)["methods"])
    assert table.rows[: len(OLDER_TABLE.rows)] == OLDER_TABLE.rows


def test_methods_are_those_of_the_run(tmp_path: Path) -> None:
    """An unknown control is compared too. A run without a table has the methods of older programs."""
    trainings = [*deep_incubation(0.7), MadeUp("stacked", "stacking", (0.6,), block_flops=600, elapsed_s=60)]
    run = write_run(tmp_path / "run", trainings)
    assert "Deep Incubation - stacked up" not in compare(run).stdout
    summary = read_summary(run)
    rows = [row._asdict() for row in OLDER_TABLE.rows]
    control = {"phase": "stacking", "training": "stacked", "title": "stacked up", "place": 8, "section": "stacking"}
    summary["methods"] = [*rows, rows[4] | control]
    summary["results"].append(summary["results"][0] | {"method": "stacked up", "top1": 0.6})
    (run / "summary.json").write_text(json.dumps(summary))
    outcome = compare(run)
    assert re.search(r"^Deep Incubation - stacked up +1 +10\.00 ", outcome.stdout, re.MULTILINE), outcome.stdout
    assert load_run(run).table.lineage_of("stacking") == ["meta", "stacking"]
    assert label_of(load_run(run).table, "stacking", 1) == "stacked up"


def test_a_task_of_its_own_metrics(tmp_path: Path) -> None:
    """With lower-is-better metrics the first metric of the file decides."""
    run = write_run(tmp_path / "run", deep_incubation(3.0, 2.0) + end_to_end(4.0, 2.5))
    for path in (run / "metrics").iterdir():
        with h5py.File(path, "r+") as file:
            file["epochs/error"] = file["epochs/top1"][()]
            del file["epochs/top1"], file["epochs/top5"], file["epochs/loss"]
            file["metrics/name"], file["metrics/title"], file["metrics/unit"] = ["error"], ["error"], ["pixels"]
            file["metrics/higher_is_better"] = [0]
        seal(path)
    summary = json.loads((run / "summary.json").read_text().replace('"top1"', '"error"'))
    (run / "summary.json").write_text(json.dumps(summary))
    assert load_run(run).metrics == (Metric("error", "error", "pixels", False),)
    outcome = compare(run)
    assert outcome.status == 0, outcome.stderr
    assert "error (pixels)" in outcome.stdout and "top-1" not in outcome.stdout
    figures = read_csv(compare(run, "--format=csv"))
    assert figures["", "Deep Incubation", "", "error"]["mean"] == "2.0"
    assert figures["", "Deep Incubation", "", "error"]["unit"] == "pixels"
    assert figures["", "Deep Incubation", "end to end", "error_difference"]["mean"] == "-0.5"
    # Finetuning begins at 300 and is at 3 at 450: it is at 2.5 half-way from there to its end at 600.
    speedup = figures["", "Deep Incubation", "end to end", "speedup_to_others_error_by_block_flops"]
    assert float(speedup["mean"]) == pytest.approx(600 / 525)
    for program in (plot_run, report, watch):
        outcome = call(program.main, run, *(["--once"] if program is watch else []))
        assert outcome.status == 0, outcome.stderr
    text = (run / "report.html").read_text()
    assert "Deep Incubation ended 0.5000 pixels below end to end (2.0000 against 2.5000)" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{run}/metrics"], "{run}/metrics is not a run directory: it has no summary.json."),
        (["{run}", "{run}/../run"], "{run}/../run is given twice, which would count its seed twice. Give it once."),
        (["{run}", "--by=meta.epoch"], "--by meta.epoch: no run has this setting. Give a SECTION.KEY of config.ini,"),
    ],
    ids=["not a run", "twice", "unknown setting"],
)
def test_bad_input_of_compare(tmp_path: Path, arguments: list[str], message: str) -> None:
    run = write_run(tmp_path / "run", end_to_end(0.5))
    outcome = compare(*(argument.format(run=run) for argument in arguments))
    assert outcome.status == 2
    assert outcome.stdout == ""
    (line,) = outcome.stderr.splitlines()
    assert line.startswith(f"compare: {message.format(run=run)}")
