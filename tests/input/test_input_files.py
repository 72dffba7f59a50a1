"""Plans each input file of the program; the arithmetic in its first comment equals the plan."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import launch
from image_counts import images_of

FILES = sorted((launch.REPOSITORY / "input").glob("*.ini"))
CHOOSE_ALL = "--method.trainings=deep_incubation,end_to_end,grown,shallow"


def read_head(file: Path) -> str:
    """Returns the comment at the top, as one line."""
    lines = []
    for line in file.read_text().splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return " ".join(lines)


@cache
def plan(file: Path) -> dict[str, Any]:
    """Returns the plan with all controls."""
    images = f"--images={images_of(file)}"
    report: dict[str, Any] = json.loads(
        launch.run_well("plan", "--json", f"--config={file}", "--ranks=8", images, CHOOSE_ALL).stdout
    )
    return report


def find_numbers(pattern: str, text: str) -> list[float]:
    found = re.search(pattern, text)
    assert found, f"{pattern} is not in: {text}"
    return [float(group.replace(",", "")) for group in found.groups()]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_experiment_can_be_planned_with_its_controls(file: Path) -> None:
    report = plan(file)
    methods = [row["method"] for row in report["methods"]]
    assert methods == ["Deep Incubation", "end to end", "grown from the meta model", "shallow for the whole budget"]


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.name.startswith(("imagenet", "cifar100"))], ids=lambda file: file.stem
)
def test_arithmetic_of_the_head(file: Path) -> None:
    head = read_head(file)
    trainings = {row["training"]: row for row in plan(file)["trainings"]}
    steps = {name: row["steps"] for name, row in trainings.items()}
    [meta, stage, finetuned, end_to_end] = find_numbers(
        r"meta ([\d,]+) steps, each incubation ([\d,]+), finetuning ([\d,]+), end to end ([\d,]+)\.", head
    )
    assert (meta, stage, finetuned, end_to_end) == tuple(
        steps[name] for name in ("meta", "stage_1", "finetuned", "end_to_end")
    )
    # A pass of the whole network over the images; end to end spends one in each epoch.
    [steps_per_epoch] = find_numbers(r"Steps an epoch: [\d,]+ / [\d,]+ = (\d+)", head)
    [a_pass] = find_numbers(r"GFLOP = ([\d.e+]+) block FLOPs", head)
    pass_flops = trainings["end_to_end"]["block_flops"] * steps_per_epoch / steps["end_to_end"]
    assert a_pass == pytest.approx(pass_flops, rel=1e-3)
    in_passes = re.split("[Ii]n passes", head)[1]
    stages = [row for name, row in trainings.items() if name.startswith("stage_")]
    spent = {
        "meta": trainings["meta"]["block_flops"],
        "incubation": sum(row["block_flops"] for row in stages),
        "all": sum(row["block_flops"] for row in [trainings["meta"], *stages, trainings["finetuned"]]),
    }
    for name, pattern in {
        "meta": r"meta (?:\d+ x [\d.]+/[\d.]+ = )?([\d.]+)[;,]",
        "incubation": r"incubation (?:\d+ x \([^)]*\)/[\d.]+ = )?([\d.]+)[;,]",
        "all": r"in all ([\d.]+)[;,]",
    }.items():
        [passes] = find_numbers(pattern, in_passes)
        assert passes == pytest.approx(spent[name] / pass_flops, rel=2e-3), name
