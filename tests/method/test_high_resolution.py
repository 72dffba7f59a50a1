"""Finetunes both methods' networks at another image size, from a resampled position embedding."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import launch
from parity import make_tiny_vit
from run_files import (
    TRAININGS,
    assert_same_weights,
    copy_run,
    finished,
    read_summary,
    read_weights,
)
from tiny import Tiny, learn_nothing

SOURCES = {"high_resolution": "finetuned", "end_to_end_high_resolution": "end_to_end"}
ROWS = {
    "Deep Incubation, high resolution": "high_resolution",
    "end to end, high resolution": "end_to_end_high_resolution",
}
CHOOSE = "--method.trainings=deep_incubation,end_to_end,high_resolution,end_to_end_high_resolution"


@pytest.fixture(scope="module")
def runs(
    tiny: Tiny, finished_run: Path, pool: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory
) -> dict[int, Path]:
    """Adds the trainings to a finished run, on 2 and 3 ranks."""
    folder = tmp_path_factory.mktemp("high_resolution")

    def train(num_ranks: int) -> Path:
        run = copy_run(finished_run, folder / f"ranks_{num_ranks}", without=[])
        launch.run_well(*tiny.arguments(run, CHOOSE), num_ranks=num_ranks)
        return run

    return dict(zip((2, 3), pool.map(train, (2, 3)), strict=True))


def test_same_on_any_ranks(runs: dict[int, Path]) -> None:
    assert_same_weights(runs[2], runs[3], [*TRAININGS, *SOURCES])


def test_both_methods_are_in_the_table(runs: dict[int, Path]) -> None:
    summary = read_summary(runs[3])
    entries = {entry["name"]: entry for entry in summary["trainings"]}
    assert list(entries) == [*TRAININGS, *SOURCES]
    rows = {row["method"]: row for row in summary["results"]}
    for name, training in ROWS.items():
        assert rows[name]["top1"] == entries[training]["top1"] > 0.5
        before = rows["Deep Incubation" if training == "high_resolution" else "end to end"]
        assert rows[name]["block_flops"] == before["block_flops"] + entries[training]["block_flops"]


@pytest.mark.parametrize("training", SOURCES)
def test_the_position_embedding_is_resampled_and_nothing_else(
    tiny: Tiny, finished_run: Path, tmp_path: Path, training: str
) -> None:
    """Resampling equals torch.nn.functional.interpolate(mode="bicubic"), with which DeiT finetunes."""
    run = copy_run(finished_run, tmp_path / "run", without=[])
    launch.run_well(*tiny.arguments(run, f"--run.only={training}", *learn_nothing("high_resolution")))
    before, after = (read_weights(finished(run, name)) for name in (SOURCES[training], training))
    assert before.keys() == after.keys()
    embedding = torch.from_numpy(before["0/pos_embed"])  # 2 x 2 patches and the class token
    grid = embedding[:, 1:].reshape(1, 2, 2, 16).permute(0, 3, 1, 2)
    larger = torch.nn.functional.interpolate(grid, size=(3, 3), mode="bicubic", align_corners=False)
    expected = torch.cat([embedding[:, :1], larger.permute(0, 2, 3, 1).reshape(1, 9, 16)], dim=1)
    assert np.array_equal(after.pop("0/pos_embed"), expected.numpy())
    for name, values in after.items():
        assert values.tobytes() == before[name].tobytes(), name


def test_it_is_exported(tiny: Tiny, runs: dict[int, Path], tmp_path: Path) -> None:
    arguments = tiny.arguments(runs[3], "--training=high_resolution", f"--output={tmp_path}/f.safetensors")
    launch.run_well("export", *arguments[1:])
    model = make_tiny_vit(8, side=12)
    model.load_state_dict(load_file(tmp_path / "f.safetensors"), strict=True)


def test_images_must_fit_what_is_not_resized(tiny: Tiny, tmp_path: Path) -> None:
    outcome = launch.run(*tiny.arguments(tmp_path / "run", CHOOSE, "--high_resolution.crop=none"))
    assert outcome.status == 2
    assert (
        "has images of 8x8 pixels but high_resolution.image_size=12. Set it to the images' size, or "
        "high_resolution.crop=resized." in outcome.messages()[0]
    )
