"""The study's runs of vision transformers on Fashion-MNIST: the cells depth, dose and critical path.

Costs are counted in block passes: one block forward, back to its activations, or back to its weights, for one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from study_runs.run import (
    RATES,
    RESULT_OF,
    SEEDS,
    Figures,
    MakeRun,
    StudyRun,
    best_of,
    best_rate,
    make_run,
    tried_rates,
)

VIT = "input/study/fashion-mnist.ini"
CONTROLS_OF_SAME_DEPTH = ("end-to-end", "zero-branches", "grown")
ARMS = (*CONTROLS_OF_SAME_DEPTH, "shallow", "incubated")
DEPTHS = (12, 24, 48)
DOSES = (12, 25, 50)  # percent of the budget spent on incubation
SPLITS = (25, 50, 75)  # incubation in percent of the critical path after the meta model's training
NUM_STAGES = 4  # K, which is also the number of micro-batches of a step of the vision transformers, M

VIT_BATCH, NUM_IMAGES = 256, 50_000
BLOCK_FLOPS = 1_745_152  # of one block for one image, forward: 17 tokens of width 64
BUDGET = 16_788  # block passes of a batch: 7.5e12 FLOPs
META_STEPS = 234
LONGER = 5  # budgets of the cells dose and path


@dataclass(frozen=True)
class Steps:
    """Lengths of the phases of Deep Incubation. The costs of the controls follow from them."""

    meta: int
    incubation: int
    finetuning: int


def steps_of(depth: int) -> Steps:
    """Returns lengths that spend the budget in the shares of input/fashion-mnist.ini: three tenths on incubation."""
    incubation = round(0.3 * BUDGET / stage_passes(depth))
    return Steps(
        META_STEPS, incubation, round((BUDGET - 12 * META_STEPS - incubation * stage_passes(depth)) / depth / 3)
    )


def stage_passes(depth: int, num_stages: int = NUM_STAGES) -> int:
    """Returns the block passes that one step of every incubation takes, all incubations together."""
    return sum(sum(passes) for passes in list_stage_passes(depth, num_stages))


def list_stage_passes(depth: int, num_stages: int = NUM_STAGES) -> list[tuple[int, int, int]]:
    """Returns the block passes of a step for each incubation: forward, back to activations, back to weights.

    The meta model has 4 blocks for any number of stages.
    """
    own, others = depth // num_stages, 4 // num_stages
    hybrid = own + others * (num_stages - 1)
    return [(hybrid, hybrid - others * stage, own) for stage in range(num_stages)]


def vit_run(
    cell: str,
    arm: str,
    rate: float,
    seed: int,
    steps: Steps,
    depth: int,
    *,
    variant: str = "",
    num_stages: int = NUM_STAGES,
    batch: int = VIT_BATCH,
    more: Sequence[str] = (),
    grown_steps: int | None = None,
) -> StudyRun:
    """Returns a run whose controls cost what Deep Incubation with `steps` costs.

    With `grown_steps`, grown lasts so many steps instead. `variant` becomes part of the name, `more` of the settings.
    """
    spent = 12 * steps.meta + stage_passes(depth, num_stages) * steps.incubation + 3 * depth * steps.finetuning
    if grown_steps is not None:
        spent = 12 * steps.meta + 3 * depth * grown_steps
    lengths = {"meta": steps.meta, "incubation": steps.incubation, "finetuning": steps.finetuning}
    lengths |= {
        "end_to_end": round(spent / depth / 3),
        "grown": round((spent - 12 * steps.meta) / depth / 3),
        "shallow": round(spent / 12),
    }
    per_epoch = NUM_IMAGES // batch
    settings = [
        f"--model.depths={','.join([str(depth // num_stages)] * num_stages)}",
        f"--model.meta_depths={','.join([str(4 // num_stages)] * num_stages)}",
        f"--recipe.learning_rate={rate:g}",
        *(f"--{name}.epochs={lengths[name] / per_epoch:.4f}" for name in ("meta", "incubation", "finetuning")),
        *(f"--{name}.warmup_epochs={0.1 * length / per_epoch:.4f}" for name, length in lengths.items()),
    ]
    if grown_steps is not None:
        settings.append(f"--grown.epochs={grown_steps / per_epoch:.4f}")
    name = f"{cell}-{arm}{variant}-{rate:g}-seed-{seed}"
    flops = float(spent * batch * BLOCK_FLOPS)
    return make_run(name, cell, arm, rate, seed, flops, VIT, [*settings, *more])


# Depth at equal cost


def depth_run(depth: int, arm: str, rate: float, seed: int = 0) -> StudyRun:
    return vit_run(f"depth-{depth}", arm, rate, seed, steps_of(depth), depth)


def list_depth_runs(top1: Figures) -> list[StudyRun]:
    makers: list[MakeRun] = [partial(depth_run, depth, arm) for depth in DEPTHS for arm in ARMS]
    tried = [tried_rates(make, top1) for make in makers]
    best = [best_rate(make, top1) for make in makers]
    repeats = [
        depth_run(int(run.cell.removeprefix("depth-")), run.arm, run.rate, seed)
        for seed in SEEDS[1:]
        for run in best
        if run is not None
    ]
    return [*(run for runs in tried for run in runs[:2]), *(run for runs in tried for run in runs[2:]), *repeats]


def best_depth_run(depth: int, arm: str, top1: Figures) -> StudyRun | None:
    return best_rate(partial(depth_run, depth, arm), top1)


# Dose: more or less incubation


def dose_steps(dose: int, num_stages: int = NUM_STAGES) -> Steps:
    """Returns lengths that spend LONGER budgets, `dose` percent of them on incubation."""
    budget, meta = LONGER * BUDGET, LONGER * META_STEPS
    passes = stage_passes(24, num_stages)
    incubation = round(dose / 100 * budget / passes)
    return Steps(meta, incubation, round((budget - 12 * meta - incubation * passes) / 72))


def long_run(arm: str, rate: float, seed: int = 0, dose: int = 25) -> StudyRun:
    """Returns the run of that dose, or a control, which costs the same for every dose."""
    variant = f"-dose-{dose}" if RESULT_OF[arm] == "finetuned" else ""
    return vit_run("long", arm, rate, seed, dose_steps(dose), 24, variant=variant)


def list_dose_runs(top1: Figures) -> list[StudyRun]:
    """Returns the runs of the dose cell, all at the rate that is best for grown; none before that rate is known."""
    chosen = best_depth_run(24, "grown", top1)
    if chosen is None:
        return []
    rate = chosen.rate
    two_stages = vit_run(
        "long", "incubated", rate, 0, dose_steps(25, 2), 24, variant="-two-stages-dose-25", num_stages=2
    )
    doses = [[long_run("grown", rate, s), *(long_run("incubated", rate, s, d) for d in DOSES)] for s in SEEDS[:2]]
    return [*doses[0], *doses[1], two_stages]


# The same critical path on more ranks than micro-batches


def split_run(split: int, rate: float, seed: int = 0) -> StudyRun:
    """Returns a run whose longest incubation and finetuning last as long as grown's training.

    `split` percent of that time is incubation.
    """
    behind_meta = LONGER * BUDGET - 12 * LONGER * META_STEPS
    incubation = round(split / 100 * behind_meta / max(sum(passes) for passes in list_stage_passes(24)))
    steps = Steps(LONGER * META_STEPS, incubation, round((100 - split) / 100 * behind_meta / 72))
    return vit_run("long", "incubated", rate, seed, steps, 24, variant=f"-split-{split}")


def grown_on_more_ranks(kind: str, rate: float, seed: int = 0) -> StudyRun:
    """Returns grown on K times the ranks in the same time, hence for K times the cost.

    `kind` of MORE_RANKS: K times the batch in as many steps, or micro-batches K times smaller in K times the steps.
    """
    steps = dose_steps(25)
    grown_steps = round((LONGER * BUDGET - 12 * steps.meta) / 72)
    if kind == "-batch-1024":
        more = ["--batch.global=1024", "--meta.learning_rate=2e-3"]
        return vit_run(
            "long", "grown", rate, seed, steps, 24, variant=kind, batch=1024, more=more, grown_steps=grown_steps
        )
    longer = Steps(NUM_STAGES * steps.meta, steps.incubation, steps.finetuning)
    return vit_run("long", "grown", rate, seed, longer, 24, variant=kind, grown_steps=NUM_STAGES * grown_steps)


MORE_RANKS = {"-batch-1024": (2e-3, 1e-3), "-micro-16": RATES}


def list_path_controls() -> list[tuple[Callable[..., StudyRun], Sequence[float]]]:
    """Returns for each control of the same depth a function of rate and seed that makes a run, and its first rates."""
    on_more_ranks = [(partial(grown_on_more_ranks, kind), rates) for kind, rates in MORE_RANKS.items()]
    return [*on_more_ranks, *((partial(long_run, arm), RATES) for arm in CONTROLS_OF_SAME_DEPTH)]


def list_path_runs(top1: Figures) -> list[StudyRun]:
    incubated, shallow = (best_depth_run(24, arm, top1) for arm in ("incubated", "shallow"))
    if incubated is None or shallow is None:
        return []
    rate = incubated.rate
    splits = [split_run(split, rate) for split in SPLITS]
    controls = list_path_controls()
    tried = [run for make, first in controls for run in tried_rates(make, top1, first)]
    best = [best_rate(make, top1, first) for make, first in controls]
    runs = [*splits, *tried, long_run("shallow", shallow.rate)]
    repeats: list[StudyRun] = []
    best_split = best_of(splits, top1)
    if best_split is not None:
        split = SPLITS[splits.index(best_split)]
        repeats += [split_run(split, rate, seed) for seed in SEEDS[1:]]
    found = [(run, make) for run, (make, _) in zip(best, controls, strict=True) if run is not None]
    if len(found) == len(controls):
        run, make = max(found, key=lambda pair: top1[pair[0].name])
        repeats += [make(run.rate, seed) for seed in SEEDS[1:]]
    return [*longest_first(runs), *longest_first(repeats)]


def longest_first(runs: Sequence[StudyRun]) -> list[StudyRun]:
    return sorted(runs, key=lambda run: -run.block_flops)
