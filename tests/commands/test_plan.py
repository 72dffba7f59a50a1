"""Tests `incubate plan`: sums add up, rounds do all steps, memory is PyTorch's, and nothing is trained."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import launch
from tiny import CONFIG, Tiny
from tiny_data import NUM_TRAIN

# Settings other than the defaults (ViT-B/16, 4 stages, the paper's lengths), and what the method costs in passes of
# the full network over the images, of which end to end takes 300.
NETWORKS = {
    "B": ([], 350),
    "L": (["--model.width=1024", "--model.heads=16", "--model.depths=6,6,6,6"], 275),
    "H": (["--model.patch=14", "--model.width=1280", "--model.heads=16", "--model.depths=8,8,8,8"], 256.25),
}
PAPER = ["--images=1281167", "--end_to_end.epochs=300"]
H_IN_10_STAGES = [
    "--model.patch=14",
    "--model.width=1280",
    "--model.heads=16",
    "--model.depths=3,3,3,3,3,3,3,3,4,4",
    "--model.meta_depths=1,1,1,1,1,1,1,1,1,1",
]
MACHINE = ["--rank-tflops=50", "--network-gbps=200"]
MICRO = ("meta.micro", "incubation.micro", "finetuning.micro", "end_to_end.micro")
MOST_SECONDS = 5.0  # of a core, whatever else the machine does


def plan(*arguments: str) -> dict[str, Any]:
    before = os.times()
    outcome = launch.run_well("plan", "--json", *arguments)
    after = os.times()
    spent_s = after.children_user + after.children_system - before.children_user - before.children_system
    assert 0 < spent_s < MOST_SECONDS
    report: dict[str, Any] = json.loads(outcome.stdout)
    return report


def plan_network(name: str, *arguments: str) -> dict[str, Any]:
    return plan(*NETWORKS[name][0], *PAPER, *arguments)


def by_name(rows: list[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in rows}


def test_json_has_what_scripts_read() -> None:
    report = plan_network("B", "--ranks=64", "--rank-tflops=50", "--network-gbps=100")
    assert report["ranks"] == 64
    assert report["rank_tflops"] == 50
    assert report["network_gbps"] == 100
    assert report["steps_per_epoch"] == 625
    names = ["meta", "stage_0", "stage_1", "stage_2", "stage_3", "finetuned", "end_to_end"]
    assert [row["training"] for row in report["trainings"]] == names
    assert [row["phase"] for row in report["phases"]] == ["meta", "incubation", "finetuning", "end_to_end"]
    assert [row["method"] for row in report["methods"]] == ["Deep Incubation", "end to end"]
    stage = report["trainings"][1]
    assert stage["depths"] == [3, 1, 1, 1]
    assert stage["steps"] == 62500
    assert stage["micro_batches"] == 16
    assert stage["reduced_bytes_per_step"] == 8 * stage["learning_parameters"]
    assert report["trainings"][-1]["parameters"] == 86_567_656
    memory = dict(stage["memory_bytes"])
    assert memory.pop("total") == sum(memory.values())
    assert set(memory) == {"weights", "gradients", "optimizer", "average", "sums", "activations"}


def test_memory_of_optimizer_and_average() -> None:
    """SGD has one momentum a parameter; the average is added."""
    report = plan_network("B", "--ranks=1", "--optimizer.name=sgd", "--meta.ema_decay=0.99")
    meta, stage = (row["memory_bytes"] for row in report["trainings"][:2])
    assert meta["optimizer"] == meta["average"] == meta["weights"]
    assert (stage["optimizer"], stage["average"]) == (stage["gradients"], 0)


def test_without_speed_times_are_at_1_tflops() -> None:
    unknown = plan_network("B", "--ranks=64")
    known = plan_network("B", "--ranks=64", "--rank-tflops=1", "--run.round_cost_s=0")
    assert unknown["rank_tflops"] is None
    assert unknown["phases"] == known["phases"]


@pytest.mark.parametrize(("ranks", "machine"), [(1, []), (3, MACHINE), (7, MACHINE), (64, []), (100, MACHINE)])
def test_phases_are_consistent(ranks: int, machine: list[str]) -> None:
    report = plan_network("B", f"--ranks={ranks}", *machine)
    flops_per_s = (report["rank_tflops"] or 1) * 1e12
    trainings = by_name(report["trainings"], "training")
    for phase in report["phases"]:
        flops = sum(row["block_flops"] for row in trainings.values() if row["phase"] == phase["phase"])
        assert phase["ideal_s"] == pytest.approx(flops / flops_per_s / ranks)
        assert phase["efficiency"] == pytest.approx(phase["ideal_s"] / phase["predicted_s"])
        assert phase["ideal_s"] <= phase["bound_s"] * (1 + 1e-9)
        assert phase["bound_s"] <= phase["predicted_s"] * (1 + 1e-9)
        assert phase["predicted_s"] == pytest.approx(sum(r["predicted_s"] + r["cost_s"] for r in phase["rounds"]))
        for group in phase["groups"]:
            assert group["predicted_s"] == pytest.approx(expected_group_s(group, phase, trainings, report))


def expected_group_s(
    group: dict[str, Any], phase: dict[str, Any], trainings: dict[str, dict[str, Any]], report: dict[str, Any]
) -> float:
    """Returns the time of micro-batches one after the other and a ring all-reduce, for each step."""
    n, count = group["num_ranks"], phase["micro_batches"]
    total = 0.0
    for share in group["trainings"]:
        training = trainings[share["training"]]
        flops = training["block_flops"] / training["steps"] / count
        seconds = math.ceil(count / n) * flops / ((report["rank_tflops"] or 1) * 1e12)
        if report["network_gbps"] is not None:
            seconds += 2 * (n - 1) / n * training["reduced_bytes_per_step"] / (report["network_gbps"] * 1e9 / 8)
        total += share["steps"] * seconds
    return total


@pytest.mark.parametrize("ranks", [1, 3, 24, 1000])
def test_rounds_do_every_step_once_on_ranks_that_exist(ranks: int) -> None:
    report = plan(*H_IN_10_STAGES, *PAPER, f"--ranks={ranks}", "--rank-tflops=50")
    done: Counter[str] = Counter()
    for phase in report["phases"]:
        num_trainings = sum(row["phase"] == phase["phase"] for row in report["trainings"])
        assert len(phase["rounds"]) <= 2 * num_trainings
        for index, round_ in enumerate(phase["rounds"]):
            groups = [group for group in phase["groups"] if group["round"] == index]
            used = [rank for g in groups for rank in range(g["first_rank"], g["first_rank"] + g["num_ranks"])]
            assert used == list(range(round_["first_idle_rank"]))
            assert round_["idle_ranks"] == ranks - len(used) >= 0
            assert round_["predicted_s"] == max(group["predicted_s"] for group in groups)
            for group in groups:
                done.update({share["training"]: share["steps"] for share in group["trainings"]})
    assert done == {row["training"]: row["steps"] for row in report["trainings"]}


@pytest.mark.parametrize("name", NETWORKS)
def test_block_flops_are_those_of_the_paper(name: str) -> None:
    incubation, end_to_end = plan_network(name, "--ranks=8")["methods"]
    passes = 300 * incubation["block_flops"] / end_to_end["block_flops"]
    assert passes == pytest.approx(NETWORKS[name][1], abs=0.5)


def test_block_flops_match_when_asked_to() -> None:
    incubation, end_to_end = plan("--images=1281167", "--ranks=8", "--end_to_end.epochs=matched")["methods"]
    assert incubation["block_flops"] == pytest.approx(end_to_end["block_flops"], rel=1e-5)


@pytest.mark.parametrize(("name", "ratio"), [("B", 1.3), ("H", 1.85)])
def test_reduced_bytes_of_the_critical_path(name: str, ratio: float) -> None:
    incubation, end_to_end = plan_network(name, "--ranks=8")["methods"]
    saved = end_to_end["reduced_bytes_critical_path"] / incubation["reduced_bytes_critical_path"]
    assert saved == pytest.approx(ratio, rel=0.04)
    assert incubation["reduced_bytes_per_step_to_end_to_end"] < 1
    assert end_to_end["reduced_bytes_per_step_to_end_to_end"] == 1


def test_methods_add_up() -> None:
    report = plan_network("L", "--ranks=48", "--rank-tflops=50", "--network-gbps=50")
    incubation, end_to_end = report["methods"]
    for method, phases in ((incubation, report["phases"][:3]), (end_to_end, report["phases"][3:])):
        for key in ("ideal_s", "predicted_s"):
            assert method[key] == pytest.approx(sum(phase[key] for phase in phases))
        assert method["efficiency"] == pytest.approx(method["ideal_s"] / method["predicted_s"])
        assert method["hours"] == pytest.approx(method["predicted_s"] / 3600)
        busy = sum(group["predicted_s"] * group["num_ranks"] for phase in phases for group in phase["groups"])
        assert method["rank_hours"] == pytest.approx(busy / 3600)
        assert method["critical_path_hours"] <= method["hours"]
    assert incubation["reduced_bytes"] == sum(
        row["steps"] * row["reduced_bytes_per_step"] for row in report["trainings"] if row["phase"] != "end_to_end"
    )


def test_ranks_at_80_percent_are_the_most() -> None:
    arguments = [f"--{name}=32" for name in MICRO] + MACHINE
    for index, method in enumerate(plan_network("B", *arguments, "--ranks=1")["methods"]):
        ranks = method["ranks_at_80_percent"]
        there = plan_network("B", *arguments, f"--ranks={ranks}")["methods"][index]
        assert there["efficiency"] == pytest.approx(method["efficiency_at_these_ranks"])
        assert there["efficiency"] >= 0.8 - 1e-9
        for more in (1, 8):
            beyond = plan_network("B", *arguments, f"--ranks={ranks + more}")["methods"][index]
            assert beyond["efficiency"] < 0.8


@pytest.mark.parametrize("network", [NETWORKS["H"][0], H_IN_10_STAGES])
@pytest.mark.parametrize("machine", [[], MACHINE])
def test_large_plans_take_seconds(network: list[str], machine: list[str]) -> None:
    plan(*network, *PAPER, *machine, *(f"--{name}=1" for name in MICRO), "--ranks=3000")


class Block(nn.Module):
    """The block of src/model/block.cpp, whose branches have one type; x is fp32."""

    def __init__(self, width: int, heads: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.heads, self.dtype = heads, dtype
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width, dtype=dtype), nn.Linear(width, width, dtype=dtype)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width, dtype=dtype), nn.Linear(4 * width, width, dtype=dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, tokens, width = x.shape
        scale = torch.ones(batch, 1, 1)  # stochastic depth
        qkv = self.qkv(self.norm1(x).to(self.dtype)).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        x = torch.addcmul(x, self.proj(mixed.transpose(1, 2).reshape(batch, tokens, width)).float(), scale)
        hidden = functional.gelu(self.fc1(self.norm2(x).to(self.dtype)))
        return torch.addcmul(x, self.fc2(hidden).float(), scale)


def measure_kept_bytes(
    width: int, heads: int, tokens: int, batch: int, learning: list[bool], dtype: torch.dtype = torch.float32
) -> int:
    """Returns the bytes that blocks, the later ones frozen or not, save for their backward passes."""
    blocks = [Block(width, heads, dtype).requires_grad_(learns) for learns in learning]
    parameters = {p.untyped_storage().data_ptr() for block in blocks for p in block.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            kept[storage.data_ptr()] = storage  # which keeps its address from being used again
        return tensor

    x = torch.randn(batch, tokens, width)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        for block in blocks:
            x = block(x)
    return sum(storage.nbytes() for storage in kept.values())


GPU = ["--run.device=cuda"]


@pytest.mark.parametrize("device", [["--run.device=cpu"], GPU, [*GPU, "--run.precision=bf16"]])
@pytest.mark.parametrize(("width", "heads", "side"), [(64, 4, 4), (768, 12, 14)])
def test_activations_are_what_pytorch_keeps(width: int, heads: int, side: int, device: list[str]) -> None:
    """The activations of two networks that differ by two blocks differ by those blocks': learning ones, and frozen ones
    behind a learning stage. A block counts the inputs of its norms, queries, keys, values and the output of attention
    and the MLP's hidden layer; if it learns, also the inputs of its linear layers. Compared with the storages that
    autograd saves, each once."""
    batch, tokens = 4, side * side + 1
    shape = [f"--model.width={width}", f"--model.heads={heads}", f"--model.image_size={side * 16}", "--batch.global=64"]
    micro = [f"--{name}={batch}" for name in MICRO]

    def activations(*settings: str) -> dict[str, int]:
        rows = plan(*shape, *micro, "--images=1000", "--ranks=1", *device, *settings)["trainings"]
        if device[0] == GPU[0]:
            return {row["training"]: row["gpu_memory_bytes"]["kept"]["activations"] for row in rows}
        return {row["training"]: row["memory_bytes"]["activations"] for row in rows}

    few = activations("--model.depths=1,1", "--model.meta_depths=1,1")
    deep = activations("--model.depths=1,3", "--model.meta_depths=1,1")
    learning = deep["end_to_end"] - few["end_to_end"]
    frozen = activations("--model.depths=1,1", "--model.meta_depths=1,3")["stage_0"] - few["stage_0"]

    def measured(learns: bool) -> int:
        dtype = torch.bfloat16 if "--run.precision=bf16" in device else torch.float32
        counts = [[True, learns, learns], [True]]
        more, less = (measure_kept_bytes(width, heads, tokens, batch, count, dtype) for count in counts)
        return more - less

    assert learning == pytest.approx(measured(True), rel=0.02)
    assert frozen == pytest.approx(measured(False), rel=0.02)
    assert frozen < 0.7 * learning


def sum_of_parts(memory: dict[str, int]) -> int:
    return sum(size for part, size in memory.items() if part != "total")


def test_memory_of_gpus() -> None:
    """No GPU is needed. The parts add up. The largest micro-batch of the plan fits, and the next one does not."""
    settings = [*NETWORKS["H"][0], *PAPER, "--ranks=8", *GPU, "--run.precision=bf16", "--batch.global=1536"]

    def end_to_end(micro: int) -> dict[str, Any]:
        return by_name(plan(*settings, f"--end_to_end.micro={micro}")["trainings"], "training")["end_to_end"]

    row = end_to_end(384)
    gpu = row["gpu_memory_bytes"]
    assert gpu["micro"] == 384
    assert gpu["recomputed"]["activations"] < 0.5 * gpu["kept"]["activations"]
    found = []
    for blocks, suffix in (("kept", ""), ("recomputed", "_recomputed")):
        memory = gpu[blocks]
        assert memory["total"] == sum_of_parts(memory)
        assert memory["weights"] == row["memory_bytes"]["weights"]
        for card in gpu["cards"]:
            largest = card["largest_micro" + suffix]
            assert card["fits" + suffix] == (memory["total"] <= card["bytes"]) == (largest == 384)
            counts = [count for count in range(largest, 385) if 1536 % count == 0][:2]
            totals = [end_to_end(count)["gpu_memory_bytes"][blocks]["total"] for count in counts]
            assert [total <= card["bytes"] for total in totals] == [True, False][: len(totals)]
            found.append(largest)
    assert len(set(found)) > 2


def test_memory_of_a_gpu_in_a_group_of_several_trainings() -> None:
    report = plan_network("B", "--ranks=1", *GPU)
    group = next(g for phase in report["phases"] for g in phase["groups"] if len(g["trainings"]) > 1)
    alone = by_name(report["trainings"], "training")
    for blocks, memory in group["gpu_memory_bytes"].items():
        assert memory["total"] == sum_of_parts(memory)
        each = [alone[share["training"]]["gpu_memory_bytes"][blocks] for share in group["trainings"]]
        assert memory["activations"] == max(one["activations"] for one in each)
        assert memory["sums"] == sum(one["sums"] for one in each)
        assert memory["libraries"] == each[0]["libraries"]


@pytest.mark.parametrize("device", [[], GPU])
def test_a_sharded_optimizer_is_shared_by_the_group(device: list[str]) -> None:
    """A rank has its part of 8 bytes a parameter, to a block of 1024 values a rank; of a training's groups the smallest
    counts. Nothing else changes."""
    memory = "gpu_memory_bytes" if device else "memory_bytes"

    def parts(row: dict[str, Any]) -> dict[str, int]:
        found: dict[str, int] = row[memory]["kept"] if device else row[memory]
        return {name: size for name, size in found.items() if name not in ("total", "reserve")}

    whole = plan_network("B", "--ranks=11", *device)
    shared = plan_network("B", "--ranks=11", *device, "--run.shard_optimizer=true")
    groups = [group for phase in shared["phases"] for group in phase["groups"]]
    sizes: dict[str, int] = {}
    for group in groups:
        for share in group["trainings"]:
            sizes[share["training"]] = min(group["num_ranks"], sizes.get(share["training"], 11))
    assert len(set(sizes.values())) > 1
    for before, after in zip(whole["trainings"], shared["trainings"], strict=True):
        num_ranks = sizes[after["training"]]
        assert after["smallest_group"] == num_ranks
        one_part = 8 * after["learning_parameters"] / num_ranks
        assert 0 <= parts(after)["optimizer"] - one_part <= 8 * 1024 * num_ranks
        assert {**parts(after), "optimizer": 0} == {**parts(before), "optimizer": 0}
    for group in groups:
        rows = [by_name(whole["trainings"], "training")[share["training"]] for share in group["trainings"]]
        one_part = sum(8 * row["learning_parameters"] for row in rows) / group["num_ranks"]
        assert 0 <= parts(group)["optimizer"] - one_part <= 8 * 1024 * group["num_ranks"] * len(rows)


def test_only_gpus_have_cards() -> None:
    for settings in ([], ["--run.device=cpu"]):
        report = plan_network("B", "--ranks=1", *settings)
        rows = [*report["trainings"], *(group for phase in report["phases"] for group in phase["groups"])]
        assert not any("gpu_memory_bytes" in row for row in rows)


def test_images_come_from_the_file_or_the_option(tiny: Tiny, tmp_path: Path) -> None:
    before = tiny.data.stat().st_mtime_ns
    arguments = [f"--config={CONFIG}", "--ranks=2"]
    assert plan(*arguments, f"--data.file={tiny.data}")["images"] == NUM_TRAIN
    assert plan(*arguments, f"--data.file={tiny.data}", "--images=6400")["steps_per_epoch"] == 200
    assert plan(*arguments, "--images=6400", f"--data.file={tmp_path}/no.h5")["images"] == 6400
    assert tiny.data.stat().st_mtime_ns == before


def test_nothing_is_written_and_one_rank_prints(tiny: Tiny, tmp_path: Path) -> None:
    arguments = ["plan", f"--config={CONFIG}", f"--data.file={tiny.data}", "--ranks=5"]
    run = [f"--run.directory={tmp_path / 'run'}"]
    alone = launch.run_well(*arguments, *run)
    together = launch.run_well(*arguments, *run, num_ranks=3)
    assert alone.stdout == together.stdout
    assert os.listdir(tmp_path) == []


def test_table_for_people() -> None:
    arguments = ["plan", *NETWORKS["H"][0], *PAPER, "--ranks=100"]
    text = launch.run_well(*arguments).stdout
    assert "\n  ranks 64-99       idle\n" in text
    assert "\n  ranks 0-15 " in text
    assert "Give --rank-tflops=X" in text
    assert " h\n" not in text
    assert "Fewer need not reach it" in text
    timed = launch.run_well(*arguments, "--rank-tflops=50").stdout
    assert "critical path" in timed
    assert "Give --rank-tflops=X" not in timed
    assert max(len(line) for line in (text + timed).splitlines()) <= 120


def test_bill() -> None:
    """A bill is for all ranks from begin to end; the plan says what is idle, and what would use it."""
    settings = ["--ranks=256", "--recipe.micro=32", "--job-hours=5"]
    text = launch.run_well(
        "plan", *NETWORKS["H"][0], *PAPER, *settings, "--rank-tflops=100", "--ranks-per-node=4"
    ).stdout
    methods = by_name(plan_network("H", *settings, "--rank-tflops=100")["methods"], "method")
    lines = text[text.index("\nbill ") :].splitlines()[1:]
    assert lines[0].split() == ["bill", "wall-clock", "rank-hours", "node-hours", "jobs", "of", "5", "h", "idle"]
    for line, (name, method) in zip(lines[1:3], methods.items(), strict=True):
        assert line.startswith(name)
        _, _, rank_hours, node_hours, jobs, idle = line.removeprefix(name).split()
        assert float(rank_hours) == pytest.approx(256 * method["hours"], rel=1e-4)
        assert float(node_hours) == pytest.approx(64 * method["hours"], rel=1e-3)
        assert int(jobs) == math.ceil(method["hours"] / 5)
        assert method["idle"] == pytest.approx(1 - method["rank_hours"] / method["allocated_rank_hours"])
        assert idle == f"{100 * method['idle']:.1f}%"
        assert 0.5 < method["idle"] < 0.8
    assert lines[3:5] == [
        "ranks idle in meta, finetuning, end_to_end, which have fewer micro-batches than ranks.",
        "--recipe.micro=8 uses all 256 (it is a part of the result).",
    ]
    assert "ranks idle" not in launch.run_well("plan", *PAPER, "--ranks=256", "--recipe.micro=8").stdout
    many = launch.run_well("plan", *PAPER, "--ranks=3000").stdout
    assert "No micro-batch uses all 3000: batch.global=2048." in many


def test_table_of_gpus() -> None:
    arguments = ["plan", *NETWORKS["H"][0], *PAPER, "--ranks=2", *GPU, "--run.precision=bf16"]
    settings = ["--meta.micro=1024", "--end_to_end.ema_decay=0.999"]
    text = launch.run_well(*arguments, *settings).stdout
    rows = {row["training"]: row["gpu_memory_bytes"] for row in plan(*arguments[1:], *settings)["trainings"]}
    assert "memory of a rank" not in text
    begin, end = text.index("\nstate of a GPU"), text.index("\nincubation, round")
    section = text[begin : text.index("\nphase ")]
    assert max(len(line) for line in section.splitlines()) <= 80
    state, memory, fit = (part.splitlines() for part in section.strip("\n").split("\n\n"))
    assert words_of(state[0]) == "state of a GPU weights copies gradients optimizer average sums state"
    assert words_of(memory[0]) == "memory of a GPU state activations working libraries reserve all"
    assert words_of(fit[0]) == "fits a GPU of micro 40 GB recomputed 80 GB recomputed"
    assert [line.split()[0] for line in state[1:]] == list(rows)
    assert [line.split()[0] for line in memory[1::2]] == list(rows)
    assert all(line.split()[0] == "recomputed" for line in memory[2::2])
    for line, after, gpu in zip(memory[1::2], memory[2::2], rows.values(), strict=True):
        for text_row, blocks in ((line, "kept"), (after, "recomputed")):
            assert gigabytes(text_row) == pytest.approx(gpu[blocks]["total"] / 1e9, rel=0.006)
    for line, gpu in zip(fit[1:], rows.values(), strict=True):
        words = [str(gpu["micro"])]
        for card in gpu["cards"]:
            for largest in (card["largest_micro"], card["largest_micro_recomputed"]):
                words += ["yes"] if largest == gpu["micro"] else ["up", "to", str(largest)] if largest else ["no"]
        assert line.split()[1:] == words
    assert {"yes", "up"} <= {word for line in fit for word in line.split()}
    assert "reserve: 5.0%" in text[end:]
    assert all(len(line) <= 80 for line in text[text.index("\nstate: weights") : text.index("\nideal: ")].splitlines())


def words_of(line: str) -> str:
    return " ".join(line.split())


def gigabytes(line: str) -> float:
    """Returns the last column."""
    value, unit = line.split()[-2:]
    return float(value) * {"MB": 1e-3, "GB": 1}[unit]


def test_what_fits_no_card_is_said() -> None:
    huge = ["--model.width=8192", "--model.heads=64", "--model.depths=12,12,12,12"]
    text = launch.run_well("plan", *huge, *PAPER, "--ranks=1", *GPU).stdout
    fit = text[text.index("\nfits a GPU of") :].splitlines()[2:]
    row = next(line for line in fit if line.startswith("end_to_end"))
    assert row.split()[2:] == ["no"] * 4


def test_table_of_the_method() -> None:
    table = by_name(plan_network("B", "--ranks=1")["method_table"], "name")
    assert list(table)[:4] == ["meta", "incubation", "finetuning", "end_to_end"]
    assert table["incubation"] == {
        "name": "incubation",
        "training": "stage_",
        "title": "",
        "section": "incubation",
        "network": "hybrid",
        "parents": ["meta"],
    }
    assert table["shallow"]["title"] == "shallow for the whole budget"
    assert (table["shallow"]["network"], table["shallow"]["parents"]) == ("meta", [])
    high = table["end_to_end_high_resolution"]
    assert (high["section"], high["network"], high["parents"]) == ("high_resolution", "target", ["end_to_end"])


def test_effective_configuration() -> None:
    text = launch.run_well("plan", "--print-config", "--ranks=4", "--model.width=96").stdout
    assert "width = 96" in text
    assert "ranks" not in text  # no setting of a run
    assert "--rank-tflops" in launch.run_well("plan", "--help").stdout


GOOD = ["--images=1000", "--batch.global=128", "--meta.micro=128"]
BAD_INPUT = {
    "no_ranks": (GOOD, "--ranks is missing (a plan deals ranks). Give --ranks=N, such as 64."),
    "no_ranks_at_all": (
        [*GOOD, "--ranks=0"],
        "--ranks=0 is out of range. Give 1 to 1000000.",
    ),
    "negative_speed": (
        [*GOOD, "--ranks=4", "--rank-tflops=-1"],
        "--rank-tflops=-1 is out of range (times are divided by it). Give 1e-06 to 1000000000.",
    ),
    "no_network": (
        [*GOOD, "--ranks=4", "--network-gbps=0"],
        "--network-gbps=0 is out of range (times are divided by it). Give 1e-06 to 1000000000.",
    ),
    "unknown_option": (
        [*GOOD, "--rank=4"],
        "command line: unknown setting 'rank'. Did you mean 'ranks'? --help lists all.",
    ),
    "no_images": (
        ["--ranks=4"],
        "data.file is missing (a plan needs the number of training images). "
        "Name a file written by 'incubate pack', or give --images=N.",
    ),
    "no_such_file": (
        ["--ranks=4", "--data.file=no/such.h5"],
        "data.file=no/such.h5 does not exist (a plan needs the number of training images). "
        "Name a file written by 'incubate pack', or give --images=N.",
    ),
    "few_images": (
        ["--ranks=4", "--images=100"],
        "--images=100 is less than batch.global=2048 (an epoch is a number of whole batches). Give 2048 or more.",
    ),
    "bad_setting": (
        [*GOOD, "--ranks=4", "--model.heads=5"],
        "model.width=768 is not a multiple of model.heads=5 (heads share the width evenly). Use a width of 770.",
    ),
}


@pytest.mark.parametrize(("name", "num_ranks"), [*((name, 1) for name in BAD_INPUT), ("no_images", 3)])
def test_bad_input_is_one_line(name: str, num_ranks: int) -> None:
    arguments, message = BAD_INPUT[name]
    outcome = launch.run("plan", *arguments, num_ranks=num_ranks)
    assert outcome.status == 2
    assert outcome.messages() == [f"incubate: {message}"]
    assert outcome.stdout.strip() == "" or num_ranks > 1  # mpirun has its own to say
