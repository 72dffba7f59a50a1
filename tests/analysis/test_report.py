"""Tests the report of a run: whole, unfinished, damaged; several runs; its page in a browser."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from comparisons.cost_axes import FLOPS, ActiveClock
from comparisons.learning_curve import Curve, find_crossing, value_at
from comparisons.methods import compare_curves, ratio_of_costs
from comparisons.paper import find_experiment
from launch import REPOSITORY, Outcome, call
from made_up_run import MadeUp, write_run
from page_reader import read_page, read_png_size
from report import main
from report_page.charts import all_charts, lay_out_with_legend, thin_out
from report_page.headless_browser import find_browser, open_page
from report_page.svg import style
from run_directory.data import Round, load_run, read_config
from run_directory.log import read_log
from run_files import TRAININGS, copy_run, flip_byte, read_summary, seal, write_summary

SECTIONS = [
    *("results", "comparison", "curves", "timeline", "speed", "steps", "warnings", "environment", "configuration")
]
NUM_FIGURES = 14  # accuracy and loss on four axes, timeline, two of speed, three of steps; waits are looked for apart


def report(*arguments: str | Path) -> Outcome:
    return call(main, *arguments)


def test_whole_run(finished_run: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    command = [sys.executable, str(REPOSITORY / "analysis" / "report.py"), str(finished_run), f"--output={output}"]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert outcome.stdout == f"{finished_run}: done, 7 of 7 trainings done\n{output} written\n"
    page, text = read_page(output)
    assert [name for name in SECTIONS if f"run0-{name}" not in page.ids] == []
    assert page.tags["svg"] >= NUM_FIGURES
    assert output.stat().st_size < 2_000_000
    for row in read_summary(finished_run)["results"]:
        assert row["method"] in text and f"{100 * row['top1']:.2f} %" in text
    assert "Deep Incubation against end to end" in text
    assert "grown from the meta model, shallow for the whole budget" in text  # controls that are not there
    assert "global = 32" in text and "HDF5" in text
    assert "missing or damaged" not in text and "not done yet" not in text and "unfinished" not in text
    assert "run0-paper" not in page.ids
    assert all(name in text for name in TRAININGS)


def test_unfinished_run(finished_run: Path, tmp_path: Path) -> None:
    """A run that was stopped in the incubations shows what exists."""
    left = ["stage_3", "finetuned", "end_to_end"]
    run = copy_run(finished_run, tmp_path / "run", without=left)
    summary = read_summary(run)
    summary["state"] = "stopped"
    summary["results"] = summary["results"][2:]
    summary["rounds"] = summary["rounds"][:2]
    summary["jobs"]["all"] |= {"state": "stopped", "reason": "asked to by a signal"}
    for training in summary["trainings"]:
        if training["name"] in left:
            training |= {"state": "waiting", "step": 0, "block_flops": 0.0, "elapsed_s": 0.0, "rank_s": 0.0}
    write_summary(run, summary)
    outcome = report(run)
    assert outcome.status == 0, outcome.stderr
    assert outcome.stdout.splitlines()[0] == f"{run}: stopped, 4 of 7 trainings done"
    page, text = read_page(run / "report.html")
    assert page.tags["svg"] >= NUM_FIGURES
    assert "finetuned: waiting, 0 of 20 steps" in text
    assert "job all stopped: asked to by a signal" in text
    assert "Nothing to compare" in text
    assert "missing or damaged" not in text


def test_damaged_run(finished_run: Path, tmp_path: Path) -> None:
    """Each file that is damaged or missing is named, and the others are reported."""
    run = shutil.copytree(finished_run, tmp_path / "run")
    flip_byte(run / "metrics" / "stage_1.h5")
    (run / "metrics" / "stage_2.h5").write_bytes(b"")
    (run / "metrics" / "stage_3.h5").unlink()
    (run / "checkpoints" / "meta.h5").unlink()
    os.truncate(run / "checkpoints" / "finetuned.h5", 2000)
    (run / "config.ini").write_bytes(b"\xff[batch\nglobal")
    (run / "log.txt").unlink()
    outcome = report(run)
    assert outcome.status == 0, outcome.stderr
    line, *problems = outcome.stdout.splitlines()
    assert line == f"{run}: done, 7 of 7 trainings done, 7 files missing or damaged"
    _, text = read_page(run / "report.html")
    for sentence in (
        "metrics/stage_1.h5 is damaged (its checksum is not that which was written): its figures are left out.",
        "metrics/stage_2.h5 is damaged (it is cut short): its figures are left out.",
        "metrics/stage_3.h5 is missing: stage_3 has made steps, but its figures are not there.",
        "checkpoints/meta.h5 is missing: meta is done, but its weights are not there.",
        "checkpoints/finetuned.h5 is damaged (its length is not that which was written).",
        "config.ini is damaged: settings are unknown, and so are parts of the steps' time.",
        "log.txt is missing: environment and warnings are unknown.",
    ):
        assert sentence in text and f"  {sentence}" in problems
    assert "Deep Incubation against end to end" in text


def test_figures_without_weights(finished_run: Path, tmp_path: Path) -> None:
    """The page of a copy without any checkpoint says so, and reports no file as missing."""
    run = tmp_path / "run"
    shutil.copytree(finished_run, run, ignore=shutil.ignore_patterns("checkpoints"))
    assert report(run).status == 0
    _, text = read_page(run / "report.html")
    assert f"{run}: figures alone, without checkpoints/" in text
    assert "missing or damaged" not in text


@pytest.mark.parametrize("what", ["missing", "of another kind"])
def test_without_a_summary(finished_run: Path, tmp_path: Path, what: str) -> None:
    """The metrics tell what the trainings did, and whether Deep Incubation paid."""
    run = shutil.copytree(finished_run, tmp_path / "run")
    path = run / "summary.json"
    if what == "missing":
        path.unlink()
    else:
        path.write_text('{"trainings": [{"name": 1}], "state": 3}')
    outcome = report(run)
    assert outcome.status == 0, outcome.stderr
    page, text = read_page(run / "report.html")
    assert f"summary.json is {'missing' if what == 'missing' else 'damaged'}: there is no result table" in text
    assert page.tags["svg"] >= NUM_FIGURES
    assert "Deep Incubation against end to end" in text


def test_two_runs(finished_run: Path, tmp_path: Path) -> None:
    output = tmp_path / "both.html"
    paths = [finished_run, shutil.copytree(finished_run, tmp_path / "other")]
    summary = read_summary(paths[1])
    summary["results"][0]["top1"] = 0.1234
    write_summary(paths[1], summary)
    folder = tmp_path / "figures"
    outcome = report(*paths, "--output", output, "--figures", folder, "--format", "png")
    assert outcome.status == 0, outcome.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["0-ranks_2", "1-other"]
    for path in folder.rglob("*.png"):
        assert read_png_size(path)[0] > 900
    assert len(outcome.stdout.splitlines()) == 3
    page, text = read_page(output)
    assert [name for run in ("run0", "run1") for name in SECTIONS if f"{run}-{name}" not in page.ids] == []
    assert page.tags["svg"] >= 2 * NUM_FIGURES
    assert all(path.name in text for path in paths)
    assert "overview" in page.ids
    assert text.count("12.34 %") == 3  # of all runs, and in the table and on the card of its own
    assert f"{100 * read_summary(finished_run)['results'][0]['top1']:.2f} %" in text


def test_names_are_escaped(finished_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run, tmp_path / "a<b>&")
    assert report(run).status == 0
    page, text = read_page(run / "report.html")
    assert "a<b>&" in text
    assert page.tags["b"] == len(read_summary(run)["results"]) + 3  # those of the cards


def test_figures(finished_run: Path, tmp_path: Path) -> None:
    output, folder = tmp_path / "report.html", tmp_path / "figures"
    outcome = report(finished_run, "--output", output, "--figures", folder)
    assert outcome.status == 0, outcome.stderr
    files = sorted(folder.iterdir())
    assert len(files) >= NUM_FIGURES
    assert {"top1-flops", "loss-wall-hours", "timeline", "gradient-norm"} <= {path.stem for path in files}
    for path in files:
        assert path.read_text().startswith("<?xml") and "#010203" not in path.read_text()


def test_beside_the_paper(finished_run: Path, tmp_path: Path) -> None:
    """A run with the network and images of an experiment is compared, whatever its settings."""
    run = shutil.copytree(finished_run, tmp_path / "run")
    config = (run / "config.ini").read_text()
    (run / "config.ini").write_text(config.replace("preset = custom", "preset = deit_t32"))
    log = (run / "log.txt").read_text()
    changed = log.replace("data: 512 training and 100", "data: 50000 training and 100").replace(
        "4 classes", "100 classes"
    )
    (run / "log.txt").write_text(changed)
    assert report(run).status == 0
    page, text = read_page(run / "report.html")
    assert "run0-paper" in page.ids
    for published in ("75.3 %", "72.8 %", "InfoPro", "73.3 %", "DGL", "72.0 %"):
        assert published in text
    top1 = read_summary(run)["results"][0]["top1"]
    assert f"{100 * top1 - 75.3:+.2f}" in text
    assert "these settings are not those of input/cifar100-deit-t-32.ini" in text
    assert "meta.epochs" in text and "incubation.repeated_augmentation" in text
    assert find_experiment(read_config(run / "config.ini"), read_log(run / "log.txt").data) == "cifar100-deit-t-32"
    (run / "log.txt").write_text(log)  # 512 images of 4 classes
    assert find_experiment(read_config(run / "config.ini"), read_log(run / "log.txt").data) is None


def test_skipped_steps(finished_run: Path, tmp_path: Path) -> None:
    """Skipped steps are counted, and marked in the figure of gradient norms."""
    run = shutil.copytree(finished_run, tmp_path / "run")
    num_marks = []
    for skipped in ([], [3, 4, 50]):
        path = run / "metrics" / "end_to_end.h5"
        with h5py.File(path, "r+") as file:
            for name in ("loss", "gradient_norm"):
                column = file["steps"][name]
                column[...] = [math.nan if i in skipped else value for i, value in enumerate(column[()])]
        seal(path)
        summary = read_summary(run)
        summary["trainings"][-1]["skipped_steps"] = len(skipped)
        write_summary(run, summary)
        assert report(run).status == 0
        page, text = read_page(run / "report.html")
        assert "damaged" not in text
        assert re.search(rf"\b{len(skipped)} skipped steps", text)
        num_marks.append(sum("var(--end-to-end)" in style for style in page.mark_styles))
    assert num_marks[1] == num_marks[0] + 3


def test_spikes_do_not_set_the_axis(tmp_path: Path) -> None:
    """The axis of utilisation ends near what the steps reach, and a text says how far single ones go."""
    run = write_run(tmp_path / "run", [MadeUp("end_to_end", "end_to_end", (0.1,) * 5, block_flops=1e9, elapsed_s=1)])
    (chart,) = [chart for chart in all_charts(load_run(run)) if chart.name == "model-flops-utilisation"]
    for spike, end, said in ((0.5, 60, []), (40.0, 80, ["single steps: up to 4e+03"])):
        with h5py.File(run / "metrics" / "end_to_end.h5", "r+") as file:
            file["steps/model_flops_utilisation"][-1] = spike
        seal(run / "metrics" / "end_to_end.h5")
        figure = chart.draw(load_run(run))
        assert figure is not None
        assert 50 < figure.axes[0].get_ylim()[1] < end
        assert [text.get_text() for text in figure.axes[0].texts] == said


def test_margins_hold_the_longest_numbers(tmp_path: Path) -> None:
    """Nothing crosses the edge, and no number touches the name of its axis."""
    long = MadeUp("end_to_end", "end_to_end", (0.1234, 0.1235), block_flops=1.5e21, elapsed_s=1e-3)  # 640000 images/s
    run = load_run(write_run(tmp_path / "run", [long]))
    for chart in all_charts(run):
        with style():
            figure = chart.draw(run)
        assert figure is not None
        lay_out_with_legend(figure)
        figure.draw_without_rendering()
        (axes,) = figure.axes
        whole = figure.bbox.padded(1)
        for axis in (axes.xaxis, axes.yaxis):
            low, high = axis.get_view_interval()
            ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
            numbers = [label.get_window_extent() for place, label in ticks if low <= place <= high]
            names = [axis.label.get_window_extent()] if axis.label.get_text() else []
            boxes = [*numbers, *names, *(legend.get_window_extent() for legend in figure.legends)]
            assert [box for box in boxes if not (whole.contains(*box.min) and whole.contains(*box.max))] == []
            assert [box for box in numbers if names and box.overlaps(names[0])] == [], chart.name


def test_long_trainings_are_thinned_out() -> None:
    """Points are the means of neighbours, without values that are not numbers."""
    steps = np.arange(3000.0)
    places, values = thin_out(steps, np.where(steps % 3 == 0, np.nan, 2 * steps))
    assert len(places) == 150
    assert values.tolist() == (2 * places).tolist()
    assert [places[0], places[-1]] == pytest.approx([0, 2999], abs=20)


def test_accuracy_at_equal_cost_and_cost_of_equal_accuracy() -> None:
    """Values are known in closed form, from straight lines."""
    ours = Curve(np.array([4.0, 6.0, 8.0]), np.array([0.5, 0.7, 0.8]))
    theirs = Curve(np.array([2.0, 6.0, 10.0]), np.array([0.2, 0.6, 0.7]))
    assert value_at(theirs, 8.0) == pytest.approx(0.65)
    assert math.isnan(value_at(ours, 3.9)) and math.isnan(value_at(ours, 8.1))
    assert find_crossing(ours, 0.6).cost == pytest.approx(5.0)
    assert find_crossing(ours, 0.4) == (4.0, False)
    assert math.isnan(find_crossing(theirs, 0.71).cost)
    both = compare_curves(FLOPS, ours, theirs)
    assert (both.common_cost, both.common_value) == (8.0, 0.7)
    assert [both.value, both.other_value] == pytest.approx([0.8, 0.65])
    assert [both.cost_to_value, both.other_cost_to_value] == pytest.approx([6.0, 10.0])
    early = Curve(np.array([1.0, 3.0]), np.array([0.75, 0.75]))  # may have had it before 1
    ratios = [ratio_of_costs(compare_curves(FLOPS, *pair)) for pair in ((ours, theirs), (ours, early), (early, ours))]
    assert [bound for bound, _ in ratios] == ["", "at most ", "at least "]
    assert [ratio for _, ratio in ratios] == pytest.approx([10 / 6, 1 / 7, 7.0])
    bound, ratio = ratio_of_costs(compare_curves(FLOPS, early, early))
    assert bound == "" and math.isnan(ratio)


def test_time_between_jobs_does_not_count() -> None:
    rounds = [Round("meta", ["meta"], 2, "all", began_s, 10.0, 0.0) for began_s in (100.0, 105.0, 200.0)]
    clock = ActiveClock(rounds)
    assert clock.active_s(np.array([90.0, 100.0, 110.0, 150.0, 205.0, 300.0])).tolist() == [0, 0, 10, 15, 20, 25]


@pytest.mark.skipif(find_browser() is None, reason="there is no chromium (jobscripts/setup.sh --tests installs it)")
def test_in_a_browser(finished_run: Path, tmp_path: Path) -> None:
    """On a telephone and a desktop, in light and dark, nothing overflows, loads from elsewhere or causes complaints."""
    browser, output = find_browser(), tmp_path / "report.html"
    assert browser is not None
    assert report(finished_run, "--output", output).status == 0
    profile = tmp_path / "profile"
    profile.mkdir()
    grounds = set()
    with open_page(browser, profile) as page:
        for width in (360, 1280):
            for scheme in ("light", "dark"):
                page.show(output, width, scheme)
                assert page.evaluate("innerWidth") == width
                root = "document.documentElement"
                assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") == 0
                assert page.evaluate("[...document.querySelectorAll('svg')].every(s => s.clientHeight > 100)")
                assert page.requested_urls() == [output.resolve().as_uri()]
                assert page.complaints() == []
                hint = "getComputedStyle(document.querySelector('.wide figcaption'), '::after').content"
                assert ("scroll" in str(page.evaluate(hint))) == (width == 360)
                grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
                page.screenshot(tmp_path / f"{width}-{scheme}.png")
                assert read_png_size(tmp_path / f"{width}-{scheme}.png")[0] == width
        page.print_pdf(tmp_path / "report.pdf")
    assert len(grounds) == 2
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
