"""Tables of the study for analysis/results/README.md as Markdown, from the runs finished so far.

Test figures of a cell are shown when the last choice of the cell is made, and validation figures before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from comparisons.groups import confidence_interval, estimate
from study_runs.all_runs import list_runs
from study_runs.resnet_runs import PER_CLASS, RESNET, chosen_images, list_screen
from study_runs.results import Kept, Study, load_study
from study_runs.run import ARM_NAMES, SEEDS, StudyRun
from study_runs.vit_runs import ARMS, DEPTHS, best_depth_run, depth_run, list_dose_runs, list_path_runs

TRIED = (1e-3, 2e-3, 4e-3, 8e-3)
HEAD = ("", "rate", *(f"seed {seed}" for seed in SEEDS), "mean", "test loss", "training loss")


def make_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def percent(value: float) -> str:
    return f"{100 * value:.2f}"


def tell_state(study: Study) -> str:
    """Returns the study's state: finished runs, their cost, and the machines."""
    known = list_runs(study.top1)
    num_done = sum(run.name in study.top1 for run in known)
    lines = [
        f"{num_done} of the {len(known)} runs that are known so far are done, {len(study.diverged)} of which diverged, "
        f"for {study.cpu_hours:.2f} hours of CPU time.",
        *(f"Processor: {text}." for text in study.processors),
        *(f"Program: {text}." for text in study.programs),
    ]
    return "\n".join(lines)


def tabulate_rates(study: Study) -> str:
    """Returns validation top-1 of the depth cell with seed 0, by rate; the best of three rates is bold."""
    rows = []
    for depth in DEPTHS:
        for arm in ARMS:
            best = best_depth_run(depth, arm, study.top1)
            names = {rate: depth_run(depth, arm, rate).name for rate in TRIED}
            cells = [
                ""
                if name not in study.top1
                else "diverged"
                if name in study.diverged
                else f"**{percent(study.top1[name])}**"
                if best is not None and best.rate == rate
                else percent(study.top1[name])
                for rate, name in names.items()
            ]
            rows.append([str(depth), ARM_NAMES[arm], *cells])
    return make_table(("blocks", "validation top-1 (%)", *(f"{rate:g}" for rate in TRIED)), rows)


def best_tries(study: Study) -> dict[int, dict[str, float]]:
    """Returns validation top-1 with seed 0 by depth and arm: the best of the rates that were tried so far.

    Depths at which an arm has fewer than two tries are left out.
    """
    best = {}
    for depth in DEPTHS:
        names = {arm: [depth_run(depth, arm, rate).name for rate in TRIED] for arm in ARMS}
        tries = {arm: [study.top1[name] for name in names[arm] if name in study.top1] for arm in ARMS}
        if all(len(of_arm) >= 2 for of_arm in tries.values()):
            best[depth] = {arm: max(of_arm) for arm, of_arm in tries.items()}
    return best


def tabulate_controls(study: Study) -> str:
    """Returns best_tries() as a table."""
    rows = [[str(depth), *map(percent, figures.values())] for depth, figures in best_tries(study).items()]
    return make_table(("blocks", *(ARM_NAMES[arm] for arm in ARMS)), rows) if rows else NOT_YET


def stem_of(run: StudyRun) -> str:
    """Returns the name without the seed."""
    return run.name.rpartition("-seed-")[0]


def find_seeds(study: Study, run: StudyRun) -> dict[int, Kept]:
    """Returns the kept runs that differ from `run` only in their seed, by seed."""
    names = {seed: f"{stem_of(run)}-seed-{seed}" for seed in SEEDS}
    return {seed: study.kept[name] for seed, name in names.items() if name in study.kept}


def make_row(study: Study, name: str, run: StudyRun) -> list[str]:
    """Returns a row with the columns of HEAD."""
    found = find_seeds(study, run)
    by_seed = [percent(found[seed].test_top1) if seed in found else "" for seed in SEEDS]
    top1, test_loss, train_loss = (
        estimate(values).mean
        for values in zip(*((kept.test_top1, kept.test_loss, kept.train_loss) for kept in found.values()), strict=True)
    )
    return [name, f"{run.rate:g}", *by_seed, percent(top1), f"{test_loss:.4f}", f"{train_loss:.4f}"]


def find_differences(study: Study, run: StudyRun, other: StudyRun) -> list[float]:
    """Returns test top-1 of `run` minus that of `other`, in points, for each common seed."""
    ours, theirs = find_seeds(study, run), find_seeds(study, other)
    return [100 * (ours[seed].test_top1 - theirs[seed].test_top1) for seed in SEEDS if seed in ours and seed in theirs]


def tell_difference(study: Study, run: StudyRun, other: StudyRun) -> str:
    """Returns the mean over common seeds, and its interval if there are several."""
    differences = find_differences(study, run, other)
    if not differences:
        return ""
    found = estimate(differences)
    interval = confidence_interval(found)
    return f"{found.mean:+.2f}" + (f" ({interval.low:+.2f} to {interval.high:+.2f})" if interval else "")


def are_all_done(study: Study, runs: Sequence[StudyRun]) -> bool:
    return bool(runs) and all(run.name in study.top1 for run in runs)


def choose_at_depth(study: Study, depth: int) -> dict[str, StudyRun]:
    """Returns the run of each arm at its best rate, with seed 0; empty until the last of these choices is made."""
    chosen = {arm: best_depth_run(depth, arm, study.top1) for arm in ARMS}
    found = {arm: run for arm, run in chosen.items() if run is not None and run.name in study.kept}
    return found if len(found) == len(chosen) else {}


def tabulate_depth(study: Study) -> str:
    rows = []
    for depth in DEPTHS:
        chosen = choose_at_depth(study, depth)
        for arm, run in chosen.items():
            difference = "" if arm == "incubated" else tell_difference(study, chosen["incubated"], run)
            rows.append([str(depth), *make_row(study, run.label, run), difference])
    return make_table(("blocks", *HEAD, "Deep Incubation less this (95 %)"), rows) if rows else NOT_YET


def tabulate_dose(study: Study) -> str:
    runs = list_dose_runs(study.top1)
    if not are_all_done(study, runs):
        return NOT_YET
    grown = runs[0]
    rows = []
    for run in (run for run in runs if run.seed == 0 and run.name in study.kept):
        kept = study.kept[run.name]
        path = 100 * kept.path_flops / study.kept[grown.name].path_flops
        difference = "" if run is grown else tell_difference(study, run, grown)
        rows.append([*make_row(study, run.label, run), f"{kept.block_flops:.3e}", f"{path:.0f} %", difference])
    return make_table((*HEAD, "block FLOPs", "critical path", "less grown (95 %)"), rows)


def tabulate_path(study: Study) -> str:
    """Returns every control and split with seed 0, and the best control and the best split with all seeds."""
    runs = list_path_runs(study.top1)
    if not are_all_done(study, runs):
        return NOT_YET
    repeated = {stem_of(run) for run in runs if run.seed}
    tried = sorted((run for run in runs if run.seed == 0 and run.name in study.kept), key=lambda run: run.name)
    rows = []
    for run in tried:
        kept = study.kept[run.name]
        rows.append([*make_row(study, run.label, run), percent(kept.top1), f"{kept.block_flops:.2e}"])
    ours, control = (
        next(run for run in tried if stem_of(run) in repeated and (run.arm == "incubated") == is_ours)
        for is_ours in (True, False)
    )
    table = make_table((*HEAD, "validation, seed 0", "block FLOPs"), rows)
    return f"{table}\n\n{judge(study, 'Claim 3', ours, control, 0)}"


def tabulate_resnet(study: Study) -> str:
    images = chosen_images(study.top1)
    if images is None:
        return NOT_YET
    half, full = (percent(study.top1[run.name]) for run in list_screen(""))
    screen = (
        f"Screen: shallow has {half} % of the validation images right after half of its length, {full} % after all of "
        f"it. So all arms have {PER_CLASS[images]} training images a class."
    )
    runs = [run for run in list_runs(study.top1) if run.config == RESNET]
    repeats = [run for run in runs if run.seed]
    if not repeats or not are_all_done(study, runs):
        return f"{screen}\n\n{NOT_YET}"
    tried = [run for run in runs if run.cell == f"resnet{images}" and run.seed == 0 and run.name in study.kept]
    rows = [[*make_row(study, run.label, run), percent(study.kept[run.name].top1)] for run in tried]
    repeated = {stem_of(run) for run in repeats}
    ours, control = (
        next(run for run in tried if stem_of(run) in repeated and (run.training == "finetuned") == is_ours)
        for is_ours in (True, False)
    )
    ratio = study.kept[control.name].path_flops / study.kept[ours.name].path_flops
    return "\n\n".join(
        [
            screen,
            make_table((*HEAD, "validation, seed 0"), rows),
            judge(study, "Claim 1", ours, control, 0),
            judge(study, "Claim 2", ours, control, -0.5) + f" Its critical path is {ratio:.2f} times shorter.",
        ]
    )


def judge(study: Study, claim: str, ours: StudyRun, control: StudyRun, least: float) -> str:
    """Returns the protocol's verdict: our test top-1 must be more than `least` points above the control's."""
    found = estimate(find_differences(study, ours, control))
    interval = confidence_interval(found)
    verdict = "undecided"
    if found.mean <= least:
        verdict = "refuted"
    elif interval is not None and interval.low > least:
        verdict = "confirmed"
    difference = tell_difference(study, ours, control)
    return f"{claim} is {verdict}: {ours.label} less {control.label} is {difference} points of test top-1."


NOT_YET = "Not all runs are done that its choices need."
QUOTATIONS: dict[str, Callable[[Study], str]] = {
    "state": tell_state,
    "rates": tabulate_rates,
    "depth": tabulate_depth,
    "dose": tabulate_dose,
    "path": tabulate_path,
    "resnet": tabulate_resnet,
}


def quote_study(results: Path) -> dict[str, str]:
    """Returns the contents of the blocks of analysis/results/README.md, by name."""
    study = load_study(results / "study")
    return {name: quote(study) for name, quote in QUOTATIONS.items()}
