"""The study's runs of residual networks on CIFAR-100."""

from __future__ import annotations

from study_runs.run import RESULT_OF, SEEDS, Figures, StudyRun, best_of, make_run

RESNET = "input/study/cifar100-resnet-32.ini"
RESNET_RATE = 0.4
RESNET_FLOPS = 2.37e14
RESNET_ARMS = ("end-to-end", "grown", "shallow", "as-published", "incubated")
HALF_SHALLOW_EPOCHS = 167.635  # half of the shallow network's 26,151 steps, of 78 an epoch
SATURATED = 0.01  # the most that the second half of its length may add to the shallow network
PER_CLASS = {"": 100, "-50": 50}  # training images, by the end of the cell's name


def resnet_run(arm: str, rate: float = RESNET_RATE, seed: int = 0, images: str = "") -> StudyRun:
    """Returns a run. With half the images every phase has twice the epochs, hence the same steps."""
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
    """Returns the run of the screen that lasts half as long as the shallow arm."""
    run = resnet_run("shallow", images=images)
    half = f"--shallow.epochs={100 // PER_CLASS[images] * HALF_SHALLOW_EPOCHS}"
    name = run.name.replace("shallow", "shallow-half")
    return make_run(name, run.cell, "shallow", run.rate, 0, run.block_flops / 2, RESNET, [*run.settings[:-2], half])


def list_screen(images: str) -> list[StudyRun]:
    return [shallow_for_half(images), resnet_run("shallow", images=images)]


def chosen_images(top1: Figures) -> str | None:
    """Returns the key of PER_CLASS for all arms; None until both runs of the screen are done."""
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
    """Returns other rates of the best incubation and the best control, then other seeds at the best rate of each."""
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
