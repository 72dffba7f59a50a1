"""Tests the controls: the grown and the shallow network, and other first weights. Each one is an ordinary training."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest

import launch
from killed_runs import Point, make_killed_run
from run_files import (
    STAGES,
    TRAININGS,
    assert_same_trainings,
    assert_same_weights,
    copy_run,
    find_differing,
    finished,
    read_figures,
    read_summary,
    read_weights,
)
from tiny import Tiny, learn_nothing

CONTROLS = ["grown", "shallow"]
ALL = [*TRAININGS, *CONTROLS]
METHODS = {  # a method's name: its training and costs
    "Deep Incubation": ("finetuned", ["meta", *STAGES, "finetuned"]),
    "end to end": ("end_to_end", ["end_to_end"]),
    "grown from the meta model": ("grown", ["meta", "grown"]),
    "shallow for the whole budget": ("shallow", ["shallow"]),
    "meta model alone": ("meta", ["meta"]),
}
CHOOSE_ALL = "--method.trainings=deep_incubation,end_to_end,grown,shallow"
OTHER_INITS = ["--method.trainings=stage_2,end_to_end", "--incubation.init=meta", "--end_to_end.init=zero_branches"]
DEPTHS = [2, 1, 3, 2]


def names_of_trainings(run: Path) -> list[str]:
    return [entry["name"] for entry in read_summary(run)["trainings"]]


def is_last_projection(name: str) -> bool:
    return ".attn.proj." in name or ".mlp.fc2." in name


@pytest.fixture(scope="module")
def runs(
    tiny: Tiny, finished_run: Path, pool: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory
) -> dict[int, Path]:
    """Runs all methods: on 3 ranks in one run, and on 2 ranks added to a finished run of the default."""
    folder = tmp_path_factory.mktemp("controls")
    copy_run(finished_run, folder / "ranks_2", without=[])

    def train(num_ranks: int) -> Path:
        run = folder / f"ranks_{num_ranks}"
        launch.run_well(*tiny.arguments(run, CHOOSE_ALL), num_ranks=num_ranks)
        return run

    return dict(zip((2, 3), pool.map(train, (2, 3)), strict=True))


def test_same_on_any_ranks_and_whenever_added(runs: dict[int, Path]) -> None:
    assert_same_weights(runs[2], runs[3], ALL)
    for training in ALL:
        loss = {read_figures(finished(run, training))["loss"] for run in runs.values()}
        assert len(loss) == 1


def test_what_is_not_chosen_is_left_out(finished_run: Path, runs: dict[int, Path]) -> None:
    assert names_of_trainings(finished_run) == TRAININGS
    for run in runs.values():
        assert names_of_trainings(run) == ALL
        with h5py.File(run / "metrics.h5", "r") as file:
            assert set(file) == set(ALL)


def test_table(runs: dict[int, Path]) -> None:
    for run in runs.values():
        entries = {entry["name"]: entry for entry in read_summary(run)["trainings"]}
        rows = {row["method"]: row for row in read_summary(run)["results"]}
        assert list(rows) == list(METHODS)
        for method, (result, paid) in METHODS.items():
            assert rows[method]["top1"] == entries[result]["top1"]
            assert rows[method]["block_flops"] == sum(entries[name]["block_flops"] for name in paid)
            assert rows[method]["rank_s"] == pytest.approx(sum(entries[name]["rank_s"] for name in paid))


def test_block_flops_are_matched(runs: dict[int, Path]) -> None:
    entries = {entry["name"]: entry for entry in read_summary(runs[3])["trainings"]}
    rows = {row["method"]: row for row in read_summary(runs[3])["results"]}
    spent = rows["Deep Incubation"]["block_flops"]
    for method, (result, _) in list(METHODS.items())[1:4]:
        per_step = entries[result]["block_flops"] / entries[result]["total_steps"]
        assert abs(rows[method]["block_flops"] - spent) <= per_step / 2


def test_something_is_learnt(runs: dict[int, Path]) -> None:
    """Guessing gives 25 % of 4 classes."""
    for training in CONTROLS:
        assert read_figures(finished(runs[3], training))["top1"] > 0.5
    grown = read_weights(finished(runs[3], "grown"))
    assert all(values.any() for values in grown.values())  # the added projections too


def test_growth_is_exact(tiny: Tiny, runs: dict[int, Path], tmp_path: Path) -> None:
    """Before it learns, the grown network equals the meta model: weights to the last bit, the loss up to rounding.
    Rounding of products depends on the number of rows (a last block computes one token, others all).
    """
    run = copy_run(runs[3], tmp_path / "run", without=["grown"])
    launch.run_well(*tiny.arguments(run, "--run.only=grown", *learn_nothing("grown")))
    meta = read_weights(finished(run, "meta"))
    grown = read_weights(finished(run, "grown"))
    assert find_differing(meta, {name: grown[name] for name in meta}) == []
    added = grown.keys() - meta.keys()
    assert {int(name.split(".")[1]) for name in added} == {1, 2}  # blocks beyond the meta model's only one
    for name in added:
        assert grown[name].any() != (is_last_projection(name) or name.endswith("bias")), name
    expected = read_figures(finished(run, "meta"))
    figures = read_figures(finished(run, "grown"))
    assert figures["loss"] == pytest.approx(expected["loss"], rel=1e-7)
    assert (figures["top1"], figures["top5"]) == (expected["top1"], expected["top5"])


def test_incubation_may_begin_at_the_meta_model(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """Each hybrid and the assembled network are as good as the meta model before they learn (see above)."""
    run = copy_run(finished_run, tmp_path / "run", without=[*STAGES, "finetuned"])
    settings = ["--incubation.init=meta", "--method.trainings=deep_incubation"]
    launch.run_well(*tiny.arguments(run, *settings, *learn_nothing("incubation", "finetuning")), num_ranks=2)
    expected = read_figures(finished(run, "meta"))
    for training in [*STAGES, "finetuned"]:
        figures = read_figures(finished(run, training))
        assert figures["loss"] == pytest.approx(expected["loss"], rel=1e-7)
        assert (figures["top1"], figures["top5"]) == (expected["top1"], expected["top5"])
    # Incubation from random weights is worse, so the comparison above can fail.
    assert read_figures(finished(finished_run, "stage_2"))["loss"] != pytest.approx(expected["loss"], rel=1e-3)


def test_end_to_end_may_begin_without_branches(tiny: Tiny, tmp_path: Path) -> None:
    settings = ["--method.trainings=end_to_end", "--end_to_end.epochs=0.1", *learn_nothing("end_to_end")]
    weights = []
    for init in ("random", "zero_branches"):
        run = tmp_path / init
        launch.run_well(*tiny.arguments(run, *settings, f"--end_to_end.init={init}"))
        assert names_of_trainings(run) == ["end_to_end"]
        weights.append(read_weights(finished(run, "end_to_end")))
    differing = find_differing(*weights)
    assert differing == [name for name in sorted(weights[0]) if is_last_projection(name) and name.endswith("weight")]
    assert len(differing) == 2 * sum(DEPTHS)
    assert not np.concatenate([weights[1][name].ravel() for name in differing]).any()


@pytest.fixture(scope="module")
def other_inits(tiny: Tiny, finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trains a stage from the meta model's weights, and the baseline without branches, without a stop."""
    run = copy_run(finished_run, tmp_path_factory.mktemp("inits") / "run", [*STAGES, "finetuned", "end_to_end"])
    launch.run_well(*tiny.arguments(run, *OTHER_INITS))
    return run


@pytest.mark.parametrize(("training", "before", "after"), [("grown", 2, 3), ("shallow", 3, 2)])
def test_killed_controls(
    tiny: Tiny, runs: dict[int, Path], tmp_path: Path, training: str, before: int, after: int
) -> None:
    assert_resumes(tiny, runs[3], tmp_path, training, before, after, CHOOSE_ALL)


@pytest.mark.parametrize(("training", "before", "after"), [("stage_2", 2, 3), ("end_to_end", 3, 2)])
def test_killed_with_other_first_weights(
    tiny: Tiny, finished_run: Path, other_inits: Path, tmp_path: Path, training: str, before: int, after: int
) -> None:
    differing = find_differing(*(read_weights(finished(run, training)) for run in (finished_run, other_inits)))
    assert differing != []  # otherwise this test would compare nothing
    assert_resumes(tiny, other_inits, tmp_path, training, before, after, *OTHER_INITS)


def assert_resumes(
    tiny: Tiny, reference: Path, folder: Path, training: str, before: int, after: int, *settings: str
) -> None:
    """A training killed on `before` ranks and resumed on `after` equals that of `reference`, bit for bit."""
    point = Point(training, 1, [training])
    run = make_killed_run(tiny, reference, folder, point, before, f"--run.only={training}", *settings)
    outcome = launch.run_well(*tiny.arguments(run, f"--run.only={training}", *settings), num_ranks=after)
    assert f"{training}: continues after step " in outcome.stdout
    assert_same_trainings(reference, run, [training])


def test_a_changed_control_is_refused(tiny: Tiny, runs: dict[int, Path]) -> None:
    outcome = launch.run(*tiny.arguments(runs[3], CHOOSE_ALL, "--grown.learning_rate=0.2"))
    assert outcome.status == 2
    assert "was made with other settings ('grown.learning_rate=0.1' there" in outcome.stderr


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["--method.trainings=grown,stage_4"],
            "method.trainings=grown,stage_4 names 'stage_4', which is not a training",
        ),
        (["--method.trainings="], "method.trainings is empty"),
        (["--run.only=grwn"], "grown, shallow, high_resolution, end_to_end_high_resolution, transfer."),
        (["--run.only=grown"], "run.only=grown needs meta, which is not done in"),
        (
            ["--incubation.init=zero_branches"],
            "incubation.init=zero_branches is not one of its values. Give random or meta.",
        ),
        (["--grown.epochs=0"], "grown.epochs=0 is out of range. Give more than 0 and at most 1000000, or matched."),
        (["--incubation.init=meta", "--model.meta_depths=1,2,1,1"], "it cannot be grown from the meta model"),
    ],
)
def test_bad_choices(tiny: Tiny, tmp_path: Path, settings: list[str], message: str) -> None:
    outcome = launch.run(*tiny.arguments(tmp_path / "run", *settings))
    assert outcome.status == 2
    assert len(outcome.messages()) == 1
    assert message in outcome.messages()[0]
    assert not (tmp_path / "run").exists()


def test_plan(tiny: Tiny, runs: dict[int, Path]) -> None:
    """The plan lists the trainings of the run, at their real cost."""
    arguments = ["plan", "--json", "--ranks=3", f"--config={runs[3] / 'config.ini'}"]
    report = json.loads(launch.run_well(*arguments).stdout)
    assert [row["training"] for row in report["trainings"]] == ALL
    assert [row["phase"] for row in report["phases"]] == ["meta", "incubation", "finetuning", "end_to_end", *CONTROLS]
    spent = {row["method"]: row["block_flops"] for row in read_summary(runs[3])["results"]}
    assert {row["method"]: row["block_flops"] for row in report["methods"]} == {
        name: flops for name, flops in spent.items() if name != "meta model alone"
    }
    report = json.loads(launch.run_well(*arguments, "--method.trainings=grown").stdout)
    assert [row["phase"] for row in report["phases"]] == ["meta", "grown"]
    assert [row["method"] for row in report["methods"]] == ["grown from the meta model"]
    assert report["methods"][0]["reduced_bytes_per_step_to_end_to_end"] is None
    table = launch.run_well("plan", "--ranks=3", f"--config={runs[3] / 'config.ini'}").stdout
    assert all(f"\n{name} " in table for name in list(METHODS)[:4])
