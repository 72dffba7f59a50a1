"""Tests the table of calls and the plans in jobscripts/README.md: `incubate plan` prints their figures."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import Any

import pytest

import launch
from image_counts import images_of

GPUS_PER_NODE = 8
SPEEDS = ("--rank-tflops=100", "--network-gbps=400", "--run.device=cuda")


@dataclass(frozen=True)
class Row:
    file: str
    settings: list[str]
    nodes: int
    ranks: int
    micro_batches: list[int]
    memory_gb: float
    rank_hours: list[float]  # Deep Incubation, end to end


def read_rows() -> list[Row]:
    rows = []
    for line in (launch.REPOSITORY / "jobscripts" / "README.md").read_text().splitlines():
        if not line.startswith("| `input/"):
            continue
        call, nodes, ranks, micro_batches, memory, *hours = line.strip("| ").split(" | ")
        file, *settings = re.findall("`([^`]*)`", call)
        counts = [int(count) for count in micro_batches.split(", ")]
        rows.append(Row(file, settings, int(nodes), int(ranks), counts, float(memory), [float(h) for h in hours]))
    return rows


def plan(row: Row) -> dict[str, Any]:
    file = launch.REPOSITORY / row.file
    arguments = [f"--config={file}", f"--images={images_of(file)}", f"--ranks={row.ranks}", *SPEEDS, *row.settings]
    report: dict[str, Any] = json.loads(launch.run_well("plan", "--json", *arguments).stdout)
    return report


def test_table_has_every_experiment_of_the_paper() -> None:
    files = {
        path.name for pattern in ("imagenet*", "cifar100*") for path in (launch.REPOSITORY / "input").glob(pattern)
    }
    of_the_study = {"cifar100-vit-96.ini", "cifar100-deit-t-32-third.ini"}  # not the paper's
    assert {row.file.removeprefix("input/") for row in read_rows()} == files - of_the_study


@pytest.mark.parametrize("row", read_rows(), ids=lambda row: f"{row.file}-{row.nodes}-{len(row.micro_batches)}")
def test_row(row: Row) -> None:
    report = plan(row)
    micro_batches = {training["training"]: training["micro_batches"] for training in report["trainings"]}
    columns = ["meta", "stage_0", "finetuned", "end_to_end", "high_resolution"][: len(row.micro_batches)]
    assert row.micro_batches == [micro_batches[name] for name in columns]
    assert row.ranks == row.nodes * GPUS_PER_NODE
    assert row.ranks <= min(row.micro_batches), "ranks would idle"
    memory = max(training["gpu_memory_bytes"]["kept"]["total"] for training in report["trainings"])
    assert row.memory_gb == pytest.approx(memory / 1e9, abs=0.06)
    assert row.memory_gb < 80
    hours = {method["method"]: method["rank_hours"] for method in report["methods"]}
    suffix = ", high resolution" if "high_resolution" in columns else ""
    expected = [hours["Deep Incubation" + suffix], hours["end to end" + suffix]]
    assert row.rank_hours == pytest.approx(expected, rel=5e-3)


def read_quoted_plans() -> list[tuple[list[str], list[str]]]:
    """Returns each command that prints a plan, and the lines that the README says it prints."""
    text = (launch.REPOSITORY / "jobscripts" / "README.md").read_text()
    found = re.findall(r"\n    build/incubate (plan (?:.*\\\n)*.*)\n\n[a-z ]+\n\n```\n((?:.*\n)*?)```", text)
    return [(shlex.split(command.replace("\\\n", " ")), block.splitlines()) for command, block in found]


def test_there_are_quoted_plans() -> None:
    assert len(read_quoted_plans()) == 2


@pytest.mark.parametrize(("words", "quoted"), read_quoted_plans())
def test_quoted_plan(words: list[str], quoted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(launch.REPOSITORY)
    printed = launch.run_well(*words).stdout.splitlines()
    missing = [line for line in quoted if line not in printed]
    assert missing == []
