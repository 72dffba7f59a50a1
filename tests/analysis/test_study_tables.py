"""Tests the study's tables and figure by `analysis/quote_results.py` against sums by hand."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from pathlib import Path

import pytest

from made_up_run import T_2, deep_incubation, write_run
from report_page.picture import read_source
from study_runs.all_runs import list_runs
from study_runs.figure import draw_depth
from study_runs.results import Kept, Study, load_study
from study_runs.run import StudyRun
from study_runs.tables import (
    NOT_YET,
    choose_at_depth,
    judge,
    quote_study,
    tabulate_controls,
    tabulate_depth,
    tabulate_dose,
    tabulate_path,
    tabulate_rates,
    tabulate_resnet,
    tell_state,
)

VALIDATION_LESS_TEST = 0.01


def make_study(test_top1: Callable[[StudyRun], float], is_done: Callable[[StudyRun], bool] = lambda run: True) -> Study:
    """Returns a study with all of its runs, in which finished runs have that top-1 on the test images."""
    study = Study({}, set(), 1.5, ["EPYC (avx2)"], ["incubate 0.1.0"])
    while True:
        new = [run for run in list_runs(study.top1) if run.name not in study.kept and is_done(run)]
        if not new:
            return study
        for run in new:
            top1 = test_top1(run)
            path = run.block_flops * (0.7 if run.training == "finetuned" else 1)
            study.kept[run.name] = Kept(top1 + VALIDATION_LESS_TEST, 0.3, 0.25, top1, 0.5, run.block_flops, path)


def by_arm(run: StudyRun) -> float:
    """Returns top-1 with which Deep Incubation is 3, 2 and 1 points better than the rest, and 2e-3 is the best rate."""
    ours = 0.03 - 0.01 * run.seed if run.training == "finetuned" else 0
    return 0.8 + ours - 0.001 * (run.rate not in (2e-3, 0.4))


def test_rates_are_those_of_validation_images() -> None:
    rows = tabulate_rates(make_study(by_arm)).splitlines()
    assert rows[0] == "| blocks | validation top-1 (%) | 0.001 | 0.002 | 0.004 | 0.008 |"
    assert rows[2] == "| 12 | end to end | 80.90 | **81.00** | 80.90 |  |"
    assert rows[-1] == "| 48 | Deep Incubation | 83.90 | **84.00** | 83.90 |  |"


def test_controls_have_the_best_rate_so_far() -> None:
    """The better rate is 2e-3. At 24 blocks one method lacks its second try, at 48 another its third."""
    missing = ("depth-24-shallow-0.002-seed-0", "depth-48-grown-0.001-seed-0")
    rows = tabulate_controls(make_study(by_arm, lambda run: run.name not in missing)).splitlines()
    assert rows == [
        "| blocks | end to end | end to end, zero branches | grown | shallow | Deep Incubation |",
        "|---|---|---|---|---|---|",
        "| 12 | 81.00 | 81.00 | 81.00 | 81.00 | 84.00 |",
        "| 48 | 81.00 | 81.00 | 81.00 | 81.00 | 84.00 |",
    ]
    assert tabulate_controls(make_study(by_arm, lambda run: run.rate == 4e-3)) == NOT_YET


def test_depth_has_means_over_seeds_and_paired_intervals() -> None:
    rows = tabulate_depth(make_study(by_arm)).splitlines()
    half = T_2 / sqrt(3)  # of points with a standard deviation of 1
    assert rows[2] == (
        "| 12 | end to end | 0.002 | 80.00 | 80.00 | 80.00 | 80.00 | 0.5000 | 0.2500 "
        f"| +2.00 ({2 - half:+.2f} to {2 + half:+.2f}) |"
    )
    assert rows[-1] == "| 48 | Deep Incubation | 0.002 | 83.00 | 82.00 | 81.00 | 82.00 | 0.5000 | 0.2500 |  |"
    assert len(rows) == 2 + 3 * 5


def test_no_test_figure_is_shown_before_the_last_choice_of_its_cell() -> None:
    """One rate of one arm is missing at 24 blocks, and everything that depends on it."""
    missing = "depth-24-shallow-0.001-seed-0"
    study = make_study(by_arm, lambda run: run.name != missing)
    assert {row.split(" | ")[0] for row in tabulate_depth(study).splitlines()[2:]} == {"| 12", "| 48"}
    assert tabulate_path(study) == NOT_YET
    early = make_study(by_arm, lambda run: run.rate == 4e-3)
    assert tabulate_depth(early) == tabulate_dose(early) == tabulate_path(early) == tabulate_resnet(early) == NOT_YET


def test_dose_has_costs_and_differences_to_grown() -> None:
    rows = tabulate_dose(make_study(by_arm)).splitlines()
    assert [row.split(" | ")[0] for row in rows[2:]] == [
        "| grown",
        *(f"| Deep Incubation, dose {dose}" for dose in (12, 25, 50)),
        "| Deep Incubation, two stages dose 25",
    ]
    assert rows[2].endswith("| 3.751e+13 | 100 % |  |")
    assert " | 70 % | +2.50 (" in rows[3]
    assert rows[-1].endswith("| +3.00 |")  # one seed has no interval


def test_path_has_all_that_was_tried_and_the_claim() -> None:
    text = tabulate_path(make_study(lambda run: by_arm(run) + 0.05 * ("micro-16" in run.name)))
    assert text.count("| grown, batch 1024 |") == 3 and text.count("| Deep Incubation, split") == 3
    assert "Claim 3 is refuted: Deep Incubation, split 25 less grown, micro 16 is -3.00 (" in text


def test_residual_networks_have_their_screen_and_claims() -> None:
    text = tabulate_resnet(make_study(by_arm))
    assert "Screen: shallow has 81.00 % of the validation images right after half of its length, 81.00 %" in text
    assert "So all arms have 100 training images a class." in text
    assert "Claim 1 is undecided: Deep Incubation as published less end to end is +2.00 (" in text
    assert "Claim 2 is confirmed" in text and text.endswith("Its critical path is 1.43 times shorter.")


@pytest.mark.parametrize("ours, verdict", [(0.83, "confirmed"), (0.80, "refuted"), (0.79, "refuted")])
def test_verdicts(ours: float, verdict: str) -> None:
    study = make_study(lambda run: ours if run.training == "finetuned" else 0.80)
    runs = choose_at_depth(study, 24)
    assert judge(study, "Claim", runs["incubated"], runs["grown"], 0).startswith(f"Claim is {verdict}: ")


def test_figure_says_what_it_was_drawn_from(tmp_path: Path) -> None:
    draw_depth(make_study(by_arm), "dark", tmp_path / "depth.png", "a table")
    assert read_source(tmp_path / "depth.png") == "a table"


def test_study_is_read_from_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    write_run(folder / "depth-12-incubated-0.004-seed-0", deep_incubation(0.6, 0.7))
    (folder / "log.csv").write_text(
        "run,outcome,cpu_s,processor,features,program\n"
        "depth-12-incubated-0.004-seed-0,stopped,1800,EPYC,avx2,incubate 0.1.0\n"
        "depth-12-incubated-0.004-seed-0,done,1800,EPYC,avx2,incubate 0.1.0\n"
        "depth-48-grown-0.004-seed-0,diverged,3600,EPYC,avx2,incubate 0.1.0\n"
    )
    (folder / "test.csv").write_text("run,images,right,loss\ndepth-12-incubated-0.004-seed-0,10000,6543,0.5\n")
    study = load_study(folder)
    assert study.top1 == {"depth-12-incubated-0.004-seed-0": 0.7, "depth-48-grown-0.004-seed-0": 0}
    kept = study.kept["depth-12-incubated-0.004-seed-0"]
    assert (kept.test_top1, kept.test_loss, kept.block_flops, kept.path_flops) == (0.6543, 0.5, 600, 600)
    assert "2 of the 32 runs that are known so far are done, 1 of which diverged, for 2.00 hours" in tell_state(study)
    assert "diverged" in quote_study(tmp_path)["rates"]
