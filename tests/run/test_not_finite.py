"""An evaluation that is not finite is no number anywhere: it ends the run, or is recorded as what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import launch
from run_directory.data import format_results, load_run
from run_files import finished, read_columns, read_figures, read_summary
from tiny import Tiny

# One step, after which the network's outputs are far beyond floats.
DIVERGING = ["--run.only=meta", "--meta.epochs=0.0625", "--meta.warmup_epochs=0", "--meta.clip_norm=0"]
DIVERGING += ["--optimizer.name=sgd"]


def test_it_ends_the_run_or_is_recorded(tiny: Tiny, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = tiny.arguments(run, *DIVERGING, "--meta.learning_rate=1e9")
    outcome = launch.run(*arguments, num_ranks=2)
    assert outcome.status not in (0, 2)
    text = "meta: the evaluation after step 1 is not finite: the network gives no usable outputs any more."
    assert any(text in message for message in outcome.messages()), outcome
    assert read_summary(run)["state"] == "failed"
    assert text in read_summary(run)["reason"]
    assert not finished(run, "meta").exists()

    outcome = launch.run_well(*arguments, "--train.on_nonfinite=skip", num_ranks=2)
    assert f"warning: {text} Training goes on (train.on_nonfinite=skip)." in outcome.stdout
    assert "meta is done: top-1 not finite, top-5 not finite, validation loss not finite" in outcome.stdout
    [training] = [t for t in read_summary(run)["trainings"] if t["name"] == "meta"]
    [row] = read_summary(run)["results"]
    for entry in (training, row):
        assert (entry["top1"], entry["top5"], entry["loss"]) == (None, None, None)
        assert entry["evaluation"] == "not finite"
    assert np.isinf(read_columns(run, "meta", "epochs")["loss"]).all()
    assert np.isinf(read_figures(finished(run, "meta"))["top1"])
    # The table is the same whoever prints it, now and later.
    table = outcome.stdout[outcome.stdout.index("method  ") :].rstrip()
    assert format_results(load_run(run)) == table
    assert table in launch.run_well(*arguments, "--train.on_nonfinite=skip").stdout
