"""Devices of a run: the CPU in place of GPUs, the sums that a run keeps, and a lack of memory."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import launch
from run_files import finished
from tiny import Tiny

SHORT = ["--run.only=meta", "--meta.epochs=0.125"]
needs_no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


@needs_no_gpu
@pytest.mark.parametrize("num_ranks", [1, 2])
def test_the_cpu_in_place_of_gpus_is_said(tiny: Tiny, tmp_path: Path, num_ranks: int) -> None:
    arguments = tiny.arguments(tmp_path / "run", *SHORT)
    outcome = launch.finish(launch.start(arguments, num_ranks, {"SLURM_GPUS_ON_NODE": "2"}))
    assert outcome.status == 0, outcome.stderr
    warnings = [line for line in outcome.stdout.splitlines() if "run.device" in line]
    assert len(warnings) == 1
    assert re.match(
        r"warning: run\.device=auto takes the CPU: rank 0 on \S+ can use no GPU in spite of SLURM_GPUS_ON_NODE=2, "
        r"since .* With run\.device=cuda the job ends instead; run\.device=cpu is the CPU without this warning\.$",
        warnings[0],
    )
    assert "run.device=auto takes the CPU" in (tmp_path / "run" / "log.txt").read_text()


@needs_no_gpu
def test_a_machine_without_gpus_gets_no_warning(tiny: Tiny, tmp_path: Path) -> None:
    assert "run.device" not in launch.run_well(*tiny.arguments(tmp_path / "run", *SHORT)).stdout


@needs_no_gpu
@pytest.mark.parametrize("num_ranks", [1, 3])
def test_gpus_that_are_asked_for_must_be_there(tiny: Tiny, tmp_path: Path, num_ranks: int) -> None:
    outcome = launch.run(*tiny.arguments(tmp_path / "run", *SHORT, "--run.device=cuda"), num_ranks=num_ranks)
    assert outcome.status == 2
    (message,) = outcome.messages()
    assert re.match(
        r"incubate: run\.device=cuda, but rank 0 on \S+ can use no GPU, since .*run\.device=cpu\.$", message
    )


def sums_of(run: Path) -> str:
    lines: list[str] = re.findall(r"^sums = (\w+)", (run / "config.ini").read_text(), re.M)
    return lines[0]


def test_a_run_keeps_its_sums(tiny: Tiny, tmp_path: Path) -> None:
    """run.sums=auto depends on the device only in a new run. Later starts, on any device, use the same sums."""
    run = tmp_path / "run"
    launch.run_well(*tiny.arguments(run, *SHORT, "--run.sums=fast"))
    stage = ["--meta.epochs=0.125", "--run.only=stage_0", "--incubation.epochs=0.125"]
    launch.run_well(*tiny.arguments(run, *stage))
    assert sums_of(run) == "fast"
    export = [
        "export",
        *tiny.arguments(run, *SHORT)[1:],
        "--training=meta",
        f"--output={tmp_path / 'meta.safetensors'}",
    ]
    launch.run_well(*export)
    changed = launch.run(*tiny.arguments(run, *stage, "--run.sums=exact"))
    assert changed.status == 2
    assert "'run.sums=fast' there, 'run.sums=exact' here" in changed.messages()[0]
    # A new run on the CPU, and one that begins with another run's weights.
    begun = tmp_path / "begun"
    imported = [
        "import",
        *tiny.arguments(begun, *SHORT)[1:],
        "--training=meta",
        f"--input={tmp_path / 'meta.safetensors'}",
    ]
    assert "The run has run.sums=exact from now on." in launch.run_well(*imported).stdout
    assert sums_of(begun) == "exact"
    launch.run_well(*tiny.arguments(begun, *stage))


def run_with_little_memory(*arguments: str) -> launch.Outcome:
    """Runs the program with 8 GiB of address space, of which libraries take most."""
    limit = ["bash", "-c", 'ulimit -v 8388608 && exec "$0" "$@"']
    return launch.finish(launch.start(list(arguments), wrapper=limit))


HUGE = ["--model.width=131072", "--model.heads=2"]
NEED = r"\(each rank needs about [0-9.]+ [GT]B; an allocation of \d+ bytes failed\)"


def test_out_of_memory_is_one_line(tiny: Tiny, tmp_path: Path) -> None:
    outcome = run_with_little_memory(*tiny.arguments(tmp_path / "run", *SHORT, *HUGE))
    assert outcome.status == 1
    (message,) = outcome.messages()
    assert re.fullmatch(
        rf"incubate: rank 0 on \S+: meta: not enough memory {NEED}\. Give a smaller network, .*'incubate plan' says .*",
        message,
    )
    assert "frame #" not in outcome.stderr
    summary = (tmp_path / "run" / "summary.json").read_text()
    assert "meta: not enough memory" in summary
    assert "frame #" not in summary


def test_so_it_is_where_networks_are_exchanged(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    common = [f"--run.directory={finished_run}", "--training=meta", *HUGE]
    exported = run_with_little_memory("export", *tiny.arguments(finished_run)[1:3], *common, "--output=no.safetensors")
    imported = run_with_little_memory("import", *tiny.arguments(finished_run)[1:3], *common, "--input=no.safetensors")
    for outcome in (exported, imported):
        assert outcome.status == 1
        (message,) = outcome.messages()
        assert "meta: not enough memory (its weights and those of the file need about " in message
        assert "'incubate plan'" in message
        assert "frame #" not in outcome.stderr
    assert finished(finished_run, "meta").exists()
