"""A residual network goes through all that a vision transformer does: the whole method with its controls on any ranks,
killed and resumed, planned, exported and imported. Its batch norm statistics travel with the weights."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import launch
from exchange import arguments
from killed_runs import OFTEN, Point, make_killed_run
from parity import evaluate
from reference_resnet import ResNet, depths_of, load_state
from run_files import (
    assert_same_trainings,
    assert_same_weights,
    copy_run,
    finished,
    read_columns,
    read_figures,
    read_weights,
)
from tiny import Tiny
from tiny_data import NUM_VALIDATION
from tiny_resnet import GROUPS, NETWORK, STAGES, TRAININGS, TWO_STAGES, WIDTHS

ALL = [*TRAININGS, "grown", "shallow"]
CHOOSE_ALL = "--method.trainings=deep_incubation,end_to_end,grown,shallow"


def is_statistic(name: str) -> bool:
    return ".running_" in name or name.split("/")[1].startswith("running_")


@pytest.fixture(scope="module")
def runs(tiny: Tiny, pool: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Runs everything on 1, 2 and 3 ranks."""
    folder = tmp_path_factory.mktemp("resnet")

    def train(num_ranks: int) -> Path:
        run = folder / f"ranks_{num_ranks}"
        launch.run_well(*tiny.arguments(run, *NETWORK, CHOOSE_ALL), num_ranks=num_ranks)
        return run

    return dict(zip((1, 2, 3), pool.map(train, (1, 2, 3)), strict=True))


@pytest.fixture(scope="module")
def run(runs: dict[int, Path]) -> Path:
    return runs[3]


@pytest.mark.parametrize("num_ranks", [2, 3])
def test_same_on_any_ranks(runs: dict[int, Path], num_ranks: int) -> None:
    assert_same_weights(runs[1], runs[num_ranks], ALL)
    for training in ALL:
        for group, names in (("steps", ["loss", "gradient_norm"]), ("epochs", ["loss", "top1", "block_flops"])):
            ours, others = (read_columns(runs[n], training, group) for n in (1, num_ranks))
            for name in names:
                assert ours[name].tobytes() == others[name].tobytes(), f"{training}: {group}/{name}"


def test_statistics_under_an_average_and_of_single_images(tiny: Tiny, tmp_path: Path) -> None:
    settings = ["--run.only=end_to_end", *(f"--end_to_end.{s}" for s in ("micro=1", "epochs=0.5", "drop_path=0"))]
    average = "--end_to_end.ema_decay=0.9"
    for num_ranks in (1, 3):
        launch.run_well(*tiny.arguments(tmp_path / str(num_ranks), *NETWORK, *settings, average), num_ranks=num_ranks)
    assert_same_weights(tmp_path / "1", tmp_path / "3", ["end_to_end"])
    launch.run_well(*tiny.arguments(tmp_path / "plain", *NETWORK, *settings))
    averaged, plain = (read_weights(finished(tmp_path / name, "end_to_end")) for name in ("1", "plain"))
    assert all(averaged[name].tobytes() != values.tobytes() for name, values in plain.items() if is_statistic(name))


@pytest.mark.parametrize("training", ALL)
def test_a_file_has_the_statistics_of_what_was_trained(run: Path, training: str) -> None:
    weights = read_weights(finished(run, training))
    statistics = {name: values for name, values in weights.items() if is_statistic(name)}
    stages = [training.removeprefix("stage_")] if training in STAGES else ["0", "1", "2"]
    assert {name.split("/")[0] for name in statistics} == set(stages)
    assert len(statistics) == 2 * sum(".bn" in name or "/bn" in name for name in weights if name.endswith(".bias"))
    for name, values in statistics.items():
        assert (values != (1 if name.endswith("var") else 0)).all(), name  # they moved


def test_learns(run: Path) -> None:
    for training in ("finetuned", "end_to_end"):
        assert read_figures(finished(run, training))["top1"] > 0.5  # 0.25 by guessing


@pytest.mark.parametrize(
    ("point", "before", "after"),
    [
        (Point("meta", 1, ["meta", *STAGES, "finetuned", "grown"]), 2, 3),
        (Point("stage_1", 1, [*STAGES, "finetuned"]), 3, 2),
    ],
)
def test_killed_and_resumed(tiny: Tiny, run: Path, tmp_path: Path, point: Point, before: int, after: int) -> None:
    killed = make_killed_run(tiny, run, tmp_path, point, before, *NETWORK, CHOOSE_ALL)
    outcome = launch.run_well(*tiny.arguments(killed, *NETWORK, CHOOSE_ALL, OFTEN), num_ranks=after)
    assert f"{point.training}: continues after step" in outcome.stdout
    assert_same_weights(killed, run, ALL)


def test_another_image_size(tiny: Tiny, run: Path, tmp_path: Path) -> None:
    """Statistics go on from the finetuned network's at the new size: the same on any ranks, killed or not."""
    name = "high_resolution"
    settings = [*NETWORK, "--method.trainings=deep_incubation,high_resolution"]
    for num_ranks in (1, 2, 3):
        other = copy_run(run, tmp_path / str(num_ranks), without=[])
        launch.run_well(*tiny.arguments(other, *settings), num_ranks=num_ranks)
        assert_same_trainings(tmp_path / "1", other, [name])
    whole = tmp_path / "1"
    before, after = (read_weights(finished(whole, training)) for training in ("finetuned", name))
    statistics = [weight for weight in after if is_statistic(weight)]
    assert len(statistics) == len([weight for weight in before if is_statistic(weight)]) > 0
    assert all((before[weight] != after[weight]).all() for weight in statistics)
    killed = make_killed_run(tiny, whole, tmp_path / "killed", Point(name, 1, [name]), 2, *settings)
    outcome = launch.run_well(*tiny.arguments(killed, *settings, OFTEN), num_ranks=3)
    assert f"{name}: continues after step" in outcome.stdout
    assert_same_trainings(whole, killed, [name])


def test_stages_may_end_within_a_group(tiny: Tiny, pool: ThreadPoolExecutor, tmp_path: Path) -> None:
    def train(num_ranks: int) -> Path:
        run = tmp_path / f"ranks_{num_ranks}"
        settings = [*TWO_STAGES, "--incubation.init=meta", "--end_to_end.init=zero_branches", CHOOSE_ALL]
        launch.run_well(*tiny.arguments(run, *settings), num_ranks=num_ranks)
        return run

    one, two = pool.map(train, (1, 2))
    assert_same_weights(one, two, ["meta", "stage_0", "stage_1", "finetuned", "end_to_end", "grown"])


def make_reference(weights: dict[str, torch.Tensor]) -> ResNet:
    model = ResNet(WIDTHS, depths_of(weights, len(WIDTHS)), channels=1, classes=4).eval()
    load_state(model, weights)
    return model


@pytest.mark.parametrize("training", ALL)
def test_pytorch_computes_with_an_export_what_was_measured(
    tiny: Tiny, run: Path, tmp_path: Path, training: str
) -> None:
    """An incubation exports the whole hybrid: frozen stages bring their own statistics."""
    file = tmp_path / "f.safetensors"
    launch.run_well(*arguments("export", tiny, run, training, *NETWORK, f"--output={file}"))
    loss, hits = evaluate(tiny.data, make_reference(load_file(file)))
    figures = read_figures(finished(run, training))
    assert figures["loss"] == pytest.approx(loss, rel=1e-5)
    assert figures["top1"] * NUM_VALIDATION == pytest.approx(hits, abs=1e-9)


def test_imported_weights_train_on_as_if_trained_here(tiny: Tiny, run: Path, tmp_path: Path) -> None:
    other = tmp_path / "run"
    for training in ["meta", *STAGES]:
        file = tmp_path / f"{training}.safetensors"
        launch.run_well(*arguments("export", tiny, run, training, *NETWORK, f"--output={file}"))
        launch.run_well(*arguments("import", tiny, other, training, *NETWORK, f"--input={file}"))
    assert_same_weights(other, run, ["meta", *STAGES])
    launch.run_well(*tiny.arguments(other, *NETWORK, "--run.only=finetuned"))
    assert_same_weights(other, run, ["finetuned"])


def test_exchange_refuses_what_does_not_fit(tiny: Tiny, run: Path, tmp_path: Path) -> None:
    file = tmp_path / "f.safetensors"
    message = (
        "incubate: --format=reference has no names for the network that [model] describes (the reference has vision "
        "transformers only). Give --format=timm."
    )
    for command, option in (("export", "output"), ("import", "input")):
        outcome = launch.run(
            *arguments(command, tiny, run, "meta", *NETWORK, f"--{option}={file}", "--format=reference")
        )
        assert outcome.status == 2
        assert outcome.messages() == [message]
    assert not file.exists()
    launch.run_well(*arguments("export", tiny, run, "meta", *NETWORK, f"--output={file}"))
    weights = load_file(file)
    del weights["layer2.0.bn1.running_var"]
    save_file(weights, file)
    outcome = launch.run(*arguments("import", tiny, tmp_path / "run", "meta", *NETWORK, f"--input={file}"))
    assert outcome.status == 2
    assert f"{file} lacks the tensor 'layer2.0.bn1.running_var'" in outcome.stderr


def test_a_meta_model_without_room_for_the_strides(tiny: Tiny, tmp_path: Path) -> None:
    run = tmp_path / "run"
    outcome = launch.run(
        *tiny.arguments(run, *GROUPS, "--model.depths=1,4,1", "--model.meta_depths=1,1,1"), num_ranks=2
    )
    assert outcome.status == 2
    assert outcome.messages() == [
        "incubate: stage 1 has 1 blocks in model.meta_depths (a residual network's meta model keeps some of the "
        "target's 4 blocks, and all 2 that halve the image). Give 2 to 4."
    ]
    assert not run.exists()


def plan(*settings: str) -> dict[str, dict[str, int]]:
    outcome = launch.run_well(
        "plan", "--model.preset=resnet110", "--images=50000", "--ranks=2", "--batch.global=1024", "--json", *settings
    )
    return {row["training"]: row for row in json.loads(outcome.stdout)["trainings"]}


def test_plan() -> None:
    rows = plan()
    assert rows["finetuned"]["parameters"] == 1733812
    assert rows["meta"]["parameters"] == 464 + 4672 + 13952 + 55552 + 6500
    statistics = 4 * 18 * (16 + 32 + 64) + 2 * 16
    assert rows["finetuned"]["reduced_bytes_per_step"] == 8 * (1733812 + statistics)


class Kept:
    """Bytes that PyTorch keeps for a backward pass, without weights."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.ignored = {t.untyped_storage().data_ptr() for t in [*model.parameters(), *model.buffers()]}
        self.storages: dict[int, torch.UntypedStorage] = {}

    def pack(self, tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self.ignored:
            self.storages[storage.data_ptr()] = storage  # which keeps its address from being used again
        return tensor


def test_activations_are_what_pytorch_keeps() -> None:
    """Counts everything that learns, except the norms' means and deviations, which are not per image."""
    batch = 16
    model = ResNet([16, 32, 64], [18, 18, 18], channels=3, classes=100)
    kept = Kept(model)
    images = torch.randn(batch, 3, 32, 32)
    with torch.autograd.graph.saved_tensors_hooks(kept.pack, lambda tensor: tensor):
        logits = model(images)
    expected = sum(storage.nbytes() for storage in kept.storages.values()) + logits.nbytes
    row: Any = plan("--finetuning.micro=16", "--run.device=cuda")["finetuned"]
    ours = row["gpu_memory_bytes"]["kept"]["activations"]
    assert ours == pytest.approx(expected, rel=0.01)
