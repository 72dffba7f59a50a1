"""Tests that `incubate inspect` verifies any file of the program and describes it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import launch
from run_files import finished, flip_byte, read_figures, read_weights
from tiny import Tiny


def inspect(*files: Path) -> str:
    return launch.run_well("inspect", *map(str, files)).stdout


def test_finished_weights(finished_run: Path) -> None:
    file = finished(finished_run, "stage_2")
    text = inspect(file)
    size = file.stat().st_size
    assert re.match(
        rf"{re.escape(str(file))}: incubate checkpoint, version 1, {size} bytes, intact \(XXH3 [0-9a-f]{{16}}\)\n", text
    )
    assert "  training     stage_2, 20 steps done\n" in text
    weights = read_weights(file)
    count = sum(values.size for values in weights.values())
    assert f"  stage 2      {len(weights)} tensors, {count} values\n" in text
    assert f"  top1         {read_figures(file)['top1']:.6g}\n" in text


def test_metrics_data_and_index(tiny: Tiny, finished_run: Path) -> None:
    text = inspect(finished_run / "metrics" / "meta.h5", finished_run / "metrics.h5", tiny.data)
    assert re.search(r"rows +20 steps, 2 evaluations, \d+ rounds, \d+ checkpoints", text)
    assert "  trainings    end_to_end, finetuned, meta, stage_0, stage_1, stage_2, stage_3\n" in text
    assert "  images       512 to train on, 100 to evaluate on, 8x8 pixels, 1 channels of 8 bits\n" in text


def test_a_damaged_file(finished_run: Path, tmp_path: Path) -> None:
    """Intact files beside a damaged one are still described."""
    bad, good = tmp_path / "meta.h5", finished(finished_run, "meta")
    shutil.copy(good, bad)
    flip_byte(bad)
    outcome = launch.run("inspect", str(bad), str(good))
    assert outcome.status == 2
    assert outcome.stdout.startswith(f"{bad}: bad\n{good}: incubate checkpoint, ")
    assert outcome.messages()[0].startswith(f"incubate: {bad} is damaged: its content has the checksum ")


def test_bad_usage(tmp_path: Path) -> None:
    for arguments, message in [
        ([], "no file is named. Give some, such as runs/NAME/checkpoints/meta.h5."),
        (["--all"], "'--all' is not an option of inspect. Give files only."),
        ([str(tmp_path / "none.h5")], f"{tmp_path}/none.h5 cannot be read"),
    ]:
        outcome = launch.run("inspect", *arguments)
        assert outcome.status == 2
        assert message in outcome.messages()[0]
