"""The runs of the study of analysis/results/README.md: which there are, in their order, and with which settings.

Some runs depend on figures of others: a third learning rate on the first two, seeds on the best rate. So the list grows
with the validation top-1 of finished runs, and always has the same runs for the same figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

VIT = "input/study/fashion-mnist.ini"
RESNET = "input/study/cifar100-resnet-32.ini"
RESULT_OF = {  # an arm's training whose network is the result
    "end-to-end": "end_to_end",
    "zero-branches": "end_to_end",
    "grown": "grown",
    "shallow": "shallow",
    "incubated": "finetuned",
    "as-published": "finetuned",
}
ARM_NAMES = {
    "end-to-end": "end to end",
    "zero-branches": "end to end, zero branches",
    "grown": "grown",
    "shallow": "shallow",
    "incubated": "Deep Incubation",
    "as-published": "Deep Incubation as published",
}
CONTROLS_OF_SAME_DEPTH = ("end-to-end", "zero-branches", "grown")
ARMS = (*CONTROLS_OF_SAME_DEPTH, "shallow", "incubated")
DEPTHS = (12, 24, 48)
SEEDS = (0, 1, 2)
RATES = (4e-3, 2e-3)  # those tried first; the third is further in the direction of the better one
DOSES = (12, 25, 50)  # percent of the budget that is spent on incubation
SPLITS = (25, 50, 75)  # percent of the critical path behind the meta model's training that is incubation
NUM_STAGES = 4  # K, which is also the number of micro-batches of a step of the vision transformers, M

VIT_BATCH, VIT_STEPS_PER_EPOCH = 256, 195  # 50,000 images
BLOCK_FLOPS = 1_745_152  # of one block for one image, forward: 17 tokens of width 64
BUDGET = 16_788  # block passes of a batch: 7.5e12 FLOPs
META_STEPS = 234
LONGER = 5  # times that budget in the cells dose and path


@dataclass(frozen=True)
class StudyRun:
    """One start of the program: an arm with one seed."""

    name: str  # of its folders
    cell: str
    arm: str
    seed: int
    rate: float  # of its phases behind the meta model's training
    block_flops: float
    config: str  # input file
    settings: tuple[str, ...] = field(repr=False)  # on the command line

    @property
    def label(self) -> str:
        """The arm's name in tables, and what is special about it in the cell."""
        variant = self.name.removeprefix(f"{self.cell}-{self.arm}").rpartition(f"-{self.rate:g}-seed-")[0]
        return f"{ARM_NAMES[self.arm]}, {variant[1:].replace('-', ' ')}" if variant else ARM_NAMES[self.arm]

    @property
    def training(self) -> str:
        """The one whose network is the result."""
        return RESULT_OF[self.arm]


Figures = Mapping[str, float]  # validation top-1 of finished runs by name; 0 of those that failed
MakeRun = Callable[[float], StudyRun]  # from a learning rate


def list_runs(top1: Figures) -> list[StudyRun]:
    """All that are known, in the order in which they are to be started; each once."""
    runs = [
        *list_depth_runs(top1),
        *list_resnet_runs(top1),
        *list_dose_runs(top1),
        *list_path_runs(top1),
        *list_resnet_repeats(top1),
    ]
    return list({run.name: run for run in runs}.values())


# Choices


def tried_rates(make: MakeRun, top1: Figures, first: Sequence[float] = RATES) -> list[StudyRun]:
    """The two first rates (the higher one first), then the one beyond the better of them."""
    high, low = (make(rate) for rate in first)
    if not {high.name, low.name} <= top1.keys():
        return [high, low]
    return [high, low, make(first[1] / 2 if top1[low.name] > top1[high.name] else first[0] * 2)]


def best_of(runs: Sequence[StudyRun], top1: Figures) -> StudyRun | None:
    """That of the highest validation top-1; None while one of them is missing."""
    if not runs or not all(run.name in top1 for run in runs):
        return None
    return max(runs, key=lambda run: top1[run.name])


def best_rate(make: MakeRun, top1: Figures, first: Sequence[float] = RATES) -> StudyRun | None:
    """The best of three rates; None until all three are done."""
    tried = tried_rates(make, top1, first)
    return best_of(tried, top1) if len(tried) == 3 else None


def longest_first(runs: Sequence[StudyRun]) -> list[StudyRun]:
    return sorted(runs, key=lambda run: -run.block_flops)


# Vision transformers on Fashion-MNIST


@dataclass(frozen=True)
class Steps:
    """Of the phases of Deep Incubation, whose cost the controls have."""

    meta: int
    incubation: int
    finetuning: int


def steps_of(depth: int) -> Steps:
    """Shares of the budget as in input/fashion-mnist.ini: incubation three tenths, finetuning the rest."""
    incubation = round(0.3 * BUDGET / stage_passes(depth))
    return Steps(
        META_STEPS, incubation, round((BUDGET - 12 * META_STEPS - incubation * stage_passes(depth)) / depth / 3)
    )


def stage_passes(depth: int, num_stages: int = NUM_STAGES) -> int:
    """Block passes of a step of all incubations together: forward, back to activations, back to weights."""
    return sum(sum(passes) for passes in list_stage_passes(depth, num_stages))


def list_stage_passes(depth: int, num_stages: int = NUM_STAGES) -> list[tuple[int, int, int]]:
    """Of each incubation. The meta model has 4 blocks however many stages there are."""
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
    """`grown_steps`: how long a control lasts whose cost is another than Deep Incubation's."""
    spent = 12 * steps.meta + stage_passes(depth, num_stages) * steps.incubation + 3 * depth * steps.finetuning
    if grown_steps is not None:
        spent = 12 * steps.meta + 3 * depth * grown_steps
    lengths = {"meta": steps.meta, "incubation": steps.incubation, "finetuning": steps.finetuning}
    lengths |= {
        "end_to_end": round(spent / depth / 3),
        "grown": round((spent - 12 * steps.meta) / depth / 3),
        "shallow": round(spent / 12),
    }
    per_epoch = 50_000 // batch
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


def make_run(
    name: str, cell: str, arm: str, rate: float, seed: int, flops: float, config: str, settings: Sequence[str]
) -> StudyRun:
    """Adds what every run is told."""
    result = RESULT_OF[arm]
    all_settings = [
        *settings,
        f"--method.trainings={'deep_incubation' if result == 'finetuned' else result}",
        *(["--end_to_end.init=zero_branches"] if arm == "zero-branches" else []),
        *([f"--incubation.init={'random' if arm == 'as-published' else 'meta'}"] if result == "finetuned" else []),
        f"--run.seed={seed}",
    ]
    return StudyRun(name, cell, arm, seed, rate, flops, config, tuple(all_settings))


# Part 2: depth at equal cost


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


# Part 3: more or less incubation


def dose_steps(dose: int, num_stages: int = NUM_STAGES) -> Steps:
    """`dose` percent of LONGER budgets on incubation."""
    budget, meta = LONGER * BUDGET, LONGER * META_STEPS
    passes = stage_passes(24, num_stages)
    incubation = round(dose / 100 * budget / passes)
    return Steps(meta, incubation, round((budget - 12 * meta - incubation * passes) / 72))


def long_run(arm: str, rate: float, seed: int = 0, dose: int = 25) -> StudyRun:
    """A control, which costs as much with any dose; or that dose."""
    variant = f"-dose-{dose}" if RESULT_OF[arm] == "finetuned" else ""
    return vit_run("long", arm, rate, seed, dose_steps(dose), 24, variant=variant)


def list_dose_runs(top1: Figures) -> list[StudyRun]:
    """All at the rate that is best for no incubation at all."""
    chosen = best_depth_run(24, "grown", top1)
    if chosen is None:
        return []
    rate = chosen.rate
    two_stages = vit_run(
        "long", "incubated", rate, 0, dose_steps(25, 2), 24, variant="-two-stages-dose-25", num_stages=2
    )
    doses = [[long_run("grown", rate, s), *(long_run("incubated", rate, s, d) for d in DOSES)] for s in SEEDS[:2]]
    return [*doses[0], *doses[1], two_stages]


# Part 4: the same critical path on more ranks than micro-batches


def split_run(split: int, rate: float, seed: int = 0) -> StudyRun:
    """The longest incubation and finetuning take as long as grown's training, `split` percent of it incubation."""
    behind_meta = LONGER * BUDGET - 12 * LONGER * META_STEPS
    incubation = round(split / 100 * behind_meta / max(sum(passes) for passes in list_stage_passes(24)))
    steps = Steps(LONGER * META_STEPS, incubation, round((100 - split) / 100 * behind_meta / 72))
    return vit_run("long", "incubated", rate, seed, steps, 24, variant=f"-split-{split}")


def grown_on_more_ranks(kind: str, rate: float, seed: int = 0) -> StudyRun:
    """`kind`: K times the batch in as many steps, or micro-batches K times smaller in K times the steps."""
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
    """How each control of the same depth is made of a rate and a seed, and the rates to begin with."""
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


# Part 5: residual networks on CIFAR-100

RESNET_RATE = 0.4
RESNET_FLOPS = 2.37e14
RESNET_ARMS = ("end-to-end", "grown", "shallow", "as-published", "incubated")
HALF_SHALLOW_EPOCHS = 167.635  # half of the shallow network's 26,151 steps, of 78 an epoch
SATURATED = 0.01  # the most that the second half of its length may bring the shallow network
PER_CLASS = {"": 100, "-50": 50}  # training images, by the end of the cell's name


def resnet_run(arm: str, rate: float = RESNET_RATE, seed: int = 0, images: str = "") -> StudyRun:
    """With half the images every phase has twice the epochs, and so the same steps."""
    factor = 100 // PER_CLASS[images]
    lengths = {"meta": 53, "incubation": 22, "finetuning": 23}
    warm = ("meta", "incubation", "end_to_end", "grown", "shallow")
    settings = [
        f"--data.file=data/study/cifar100-{PER_CLASS[images]}.h5",
        f"--recipe.learning_rate={rate:g}",
        *(f"--{phase}.epochs={factor * epochs}" for phase, epochs in lengths.items()),
        *(f"--{phase}.warmup_epochs={factor}" for phase in warm),
    ]
    cell = f"resnet{images}"
    return make_run(f"{cell}-{arm}-{rate:g}-seed-{seed}", cell, arm, rate, seed, RESNET_FLOPS, RESNET, settings)


def shallow_for_half(images: str) -> StudyRun:
    """Of the screen: half of the length that costs as much as Deep Incubation."""
    run = resnet_run("shallow", images=images)
    half = f"--shallow.epochs={100 // PER_CLASS[images] * HALF_SHALLOW_EPOCHS}"
    name = run.name.replace("shallow", "shallow-half")
    return make_run(name, run.cell, "shallow", run.rate, 0, run.block_flops / 2, RESNET, [*run.settings[:-2], half])


def list_screen(images: str) -> list[StudyRun]:
    return [shallow_for_half(images), resnet_run("shallow", images=images)]


def chosen_images(top1: Figures) -> str | None:
    """Of which cell all arms are run; None until the screen has told."""
    half, full = (top1.get(run.name) for run in list_screen(""))
    if half is None or full is None:
        return None
    return "-50" if full - half > SATURATED else ""


def list_resnet_runs(top1: Figures) -> list[StudyRun]:
    images = chosen_images(top1)
    if images is None:
        return list_screen("")
    return [*list_screen(""), *(resnet_run(arm, images=images) for arm in RESNET_ARMS)]


def list_resnet_repeats(top1: Figures) -> list[StudyRun]:
    """Other rates for the best incubation and the best control, then seeds at the best rate of each."""
    images = chosen_images(top1)
    if images is None:
        return []
    rates: list[StudyRun] = []
    repeats: list[StudyRun] = []
    for is_incubation in (True, False):
        arms = [arm for arm in RESNET_ARMS if (RESULT_OF[arm] == "finetuned") == is_incubation]
        best_arm = best_of([resnet_run(arm, images=images) for arm in arms], top1)
        if best_arm is None:
            continue
        tried = [resnet_run(best_arm.arm, factor * RESNET_RATE, images=images) for factor in (1, 0.5, 2)]
        rates += tried[1:]
        best = best_of(tried, top1)
        if best is not None:
            repeats += [resnet_run(best.arm, best.rate, seed, images) for seed in SEEDS[1:]]
    return [*rates, *repeats]
