"""Tests `incubate export` and `incubate import`: timm computes with trained weights, and imported weights train on."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import compare
import keep_results
import launch
import plot_run
import report
import to_tensorboard
import watch
from exchange import arguments, export
from exported_network import load_network
from parity import evaluate, make_tiny_vit
from run_directory.data import format_results, load_run
from run_files import (
    STAGES,
    TRAININGS,
    assert_same_weights,
    copy_run,
    finished,
    read_figures,
    read_summary,
    read_weights,
    snapshot,
)
from tiny import CONFIG, Tiny
from tiny_data import CLASSES, NUM_VALIDATION


@pytest.mark.parametrize("training", TRAININGS)
def test_timm_computes_with_it_what_was_measured(tiny: Tiny, finished_run: Path, tmp_path: Path, training: str) -> None:
    """timm's results equal those of the program; an incubation exports the whole hybrid."""
    weights = export(tiny, finished_run, training, tmp_path / "f.safetensors")
    depth = len({name.split(".")[1] for name in weights if name.startswith("blocks.")})
    model = make_tiny_vit(depth).eval()
    model.load_state_dict(weights, strict=True)
    loss, hits = evaluate(tiny.data, model)
    figures = read_figures(finished(finished_run, training))
    assert figures["loss"] == pytest.approx(loss, rel=1e-5)
    assert figures["top1"] * NUM_VALIDATION == pytest.approx(hits, abs=1e-9)


def test_the_reference_names_stages(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    weights = export(tiny, finished_run, "finetuned", tmp_path / "f.safetensors", "--format=reference")
    expected = {
        "stages." + name.replace("/", "."): v for name, v in read_weights(finished(finished_run, "finetuned")).items()
    }
    assert weights.keys() == expected.keys()
    for name, values in expected.items():
        assert weights[name].numpy().tobytes() == values.tobytes(), name


@pytest.mark.parametrize("weight_format", ["timm", "reference"])
def test_imported_weights_train_on_as_if_trained_here(
    tiny: Tiny, finished_run: Path, pool: ThreadPoolExecutor, tmp_path: Path, weight_format: str
) -> None:
    run, option = tmp_path / "run", f"--format={weight_format}"

    def pass_on(training: str) -> None:
        file = tmp_path / f"{training}.safetensors"
        export(tiny, finished_run, training, file, option)
        launch.run_well(*arguments("import", tiny, run, training, f"--input={file}", option))
        assert read_figures(finished(run, training)) == {"imported": 1}

    list(pool.map(pass_on, ["meta", *STAGES]))
    assert_same_weights(run, finished_run, ["meta", *STAGES])
    launch.run_well(*tiny.arguments(run, "--run.only=finetuned"))
    assert_same_weights(run, finished_run, ["finetuned"])


def test_other_weights_change_what_follows(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    weights = export(tiny, finished_run, "meta", tmp_path / "meta.safetensors")
    weights["blocks.2.mlp.fc1.weight"][0, 0] += 1
    save_file(weights, tmp_path / "other.safetensors", metadata={"format": "pt"})
    run = copy_run(finished_run, tmp_path / "run", without=["meta", "stage_1"])
    launch.run_well(*arguments("import", tiny, run, "meta", f"--input={tmp_path}/other.safetensors"))
    launch.run_well(*tiny.arguments(run, "--run.only=stage_1"))
    ours, before = (read_weights(finished(path, "stage_1")) for path in (run, finished_run))
    assert any(ours[name].tobytes() != before[name].tobytes() for name in before)


Change = Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]
REMEDY = "Give weights of the network that [model] describes"
BAD_WEIGHTS: dict[str, tuple[Change, str]] = {
    "missing": (
        lambda w: {name: t for name, t in w.items() if name != "cls_token"},
        "{file} lacks the tensor 'cls_token' (the network has 56, all of which are needed). "
        f"{REMEDY}, and their --format.",
    ),
    "prefixed": (
        lambda w: {f"module.{name}": t for name, t in w.items()},
        "{file} has 'module.' before all names of the network, as a wrapper such as DistributedDataParallel leaves it. "
        "Save it without, in Python: {{name.removeprefix('module.'): tensor for name, tensor in state.items()}}.",
    ),
    "unknown": (
        lambda w: w | {"head_dist.weight": torch.zeros(2)},
        "{file} has the tensor 'head_dist.weight', which the network has not (57 tensors, not 56). "
        f"{REMEDY}, and their --format.",
    ),
    "shape": (
        lambda w: w | {"head.bias": torch.zeros(5)},
        f"{{file}}: tensor 'head.bias' has the shape [5] but the network's is [4]. {REMEDY}.",
    ),
    "type": (
        lambda w: w | {"head.bias": torch.zeros(4, dtype=torch.float16)},
        "{file}: tensor 'head.bias' has the dtype F16; only F32 is read. Save it as float32.",
    ),
    "not finite": (
        lambda w: w | {"head.bias": torch.full((4,), float("nan"))},
        "{file}: tensor 'head.bias' has values that are not finite (no training could go on from them). "
        "Give other weights.",
    ),
}


def import_error(tiny: Tiny, run: Path, file: Path, *more: str, num_ranks: int = 1) -> str:
    outcome = launch.run(*arguments("import", tiny, run, "meta", f"--input={file}", *more), num_ranks=num_ranks)
    assert outcome.status == 2
    assert not finished(run, "meta").exists()
    (message,) = outcome.messages()
    return message.removeprefix("incubate: ")


@pytest.fixture(scope="module")
def meta(tiny: Tiny, finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("meta") / "meta.safetensors"
    export(tiny, finished_run, "meta", file)
    return file


@pytest.mark.parametrize("name", BAD_WEIGHTS)
def test_weights_that_do_not_fit(tiny: Tiny, meta: Path, tmp_path: Path, name: str) -> None:
    change, message = BAD_WEIGHTS[name]
    file = tmp_path / "bad.safetensors"
    save_file(change(load_file(meta)), file)
    assert import_error(tiny, tmp_path / "run", file) == message.format(file=file)


def test_names_of_the_other_format(tiny: Tiny, meta: Path, tmp_path: Path) -> None:
    assert import_error(tiny, tmp_path / "run", meta, "--format=reference").startswith(
        f"{meta} lacks the tensor 'stages.0.blocks.0.attn.proj.bias'"
    )


# The reader's own tests cover hostile headers one by one; this test shows that they are errors of input.
@pytest.mark.parametrize("num_ranks", [1, 3])
def test_header_beyond_the_file(tiny: Tiny, meta: Path, tmp_path: Path, num_ranks: int) -> None:
    file = tmp_path / "bad.safetensors"
    file.write_bytes(struct.pack("<Q", 1 << 40) + meta.read_bytes()[8:])
    assert import_error(tiny, tmp_path / "run", file, num_ranks=num_ranks) == (
        f"{file} states a header of {1 << 40} bytes but has {meta.stat().st_size - 8} after its first 8: "
        "it is truncated or no safetensors file. Get or copy it again."
    )


def test_truncated_file(tiny: Tiny, meta: Path, tmp_path: Path) -> None:
    file = tmp_path / "bad.safetensors"
    file.write_bytes(meta.read_bytes()[:-4])
    assert "bytes of data. Get or copy it again." in import_error(tiny, tmp_path / "run", file)


def test_what_is_done_is_not_overwritten(tiny: Tiny, finished_run: Path, meta: Path) -> None:
    before = finished(finished_run, "meta").read_bytes()
    outcome = launch.run(*arguments("import", tiny, finished_run, "meta", f"--input={meta}"))
    path = finished(finished_run, "meta")
    assert outcome.status == 2
    assert outcome.messages() == [
        f"incubate: {path} exists: meta is done, and nothing is overwritten. "
        "Remove the file, or give another run.directory."
    ]
    assert path.read_bytes() == before


def test_what_is_under_way_is_not_overwritten(tiny: Tiny, finished_run: Path, meta: Path, tmp_path: Path) -> None:
    run = copy_run(finished_run, tmp_path / "run", without=["meta"])
    points = run / "checkpoints" / "meta"
    points.mkdir()
    (points / "step_0000007.h5").write_bytes(b"")
    assert import_error(tiny, run, meta) == (
        f"meta has done 7 of its 20 steps in {run}, which would be lost. Remove {points}, or give another "
        "run.directory."
    )


BAD_EXPORT = {
    "no training": (
        [],
        "--training is missing: export needs it. Give --training=name (which training's weights, such as finetuned).",
    ),
    "unknown training": (
        ["--training=stage_4", "--output=f"],
        "--training=stage_4 is not a training of this method. Give one of meta, stage_0, stage_1, stage_2, stage_3, "
        "finetuned, end_to_end, grown, shallow, high_resolution, end_to_end_high_resolution, transfer.",
    ),
    "not done": (
        ["--training=meta", "--output=f"],
        "meta is not done in {run} (there is no {run}/checkpoints/meta.h5). Run it first.",
    ),
}


@pytest.mark.parametrize("name", BAD_EXPORT)
def test_bad_export(tiny: Tiny, tmp_path: Path, name: str) -> None:
    given, message = BAD_EXPORT[name]
    run = tmp_path / "run"
    outcome = launch.run("export", f"--config={CONFIG}", f"--data.file={tiny.data}", f"--run.directory={run}", *given)
    assert outcome.status == 2
    assert outcome.messages() == ["incubate: " + message.format(run=run)]
    assert list(tmp_path.iterdir()) == []


def test_export_of_other_settings_and_to_no_place(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    changed = arguments("export", tiny, finished_run, "meta", f"--output={tmp_path}/f", "--run.seed=9")
    outcome = launch.run(*changed)
    assert outcome.status == 2
    assert "was made with other settings ('run.seed=0' there, 'run.seed=9' here)" in outcome.stderr
    output = f"{tmp_path}/none/f.safetensors"
    outcome = launch.run(*arguments("export", tiny, finished_run, "meta", f"--output={output}"))
    assert outcome.status == 2
    (message,) = outcome.messages()
    assert message.startswith(f"incubate: --output={output}: cannot write {output}: No such file or directory.")
    assert list(tmp_path.iterdir()) == []


def test_export_of_a_folder(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """It replaces its own files alone, and says how good the network was."""
    folder = tmp_path / "network"
    for _ in range(2):
        outcome = launch.run_well(*arguments("export", tiny, finished_run, "finetuned", f"--output={folder}"))
        assert f'timm.create_model("local-dir:{folder}", pretrained=True)' in outcome.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    config = json.loads((folder / "config.json").read_text())
    measured = read_figures(finished(finished_run, "finetuned"))
    assert config["incubate"]["validation"] == {name: measured[name] for name in ("top1", "top5", "loss")}
    assert config["label_names"] == CLASSES
    assert config["pretrained_cfg"]["input_size"] == [1, 8, 8]
    assert (config["pretrained_cfg"]["crop_pct"], config["pretrained_cfg"]["mean"]) == (1, [0.5])
    network = load_network(folder)
    assert evaluate(tiny.data, network)[0] == pytest.approx(measured["loss"], rel=1e-5)
    (tmp_path / "file").write_text("notes\n")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "config.json").write_text('{"my": "settings"}\n')
    before = snapshot(tmp_path)
    for output, more, message in (
        ("file", (), f"--output={tmp_path}/file is there and is no safetensors file: it would be replaced. "),
        ("own", (), f"{tmp_path}/own/config.json would be replaced, but does not begin with "),
        ("w.onnx", (), f"--output={tmp_path}/w.onnx promises another format "),
        ("new", ("--format=reference",), f"--output={tmp_path}/new is a folder, for timm, but --format=reference. "),
        ("new", ("--model.norm_eps=1e-3",), "model.norm_eps=0.001 has no network in timm, "),
        ("new", ("--run.seed=9",), f"{finished_run}/checkpoints/finetuned.h5 was made with other settings "),
    ):
        outcome = launch.run(
            *arguments("export", tiny, finished_run, "finetuned", f"--output={tmp_path}/{output}", *more)
        )
        assert outcome.status == 2
        assert outcome.stderr.startswith(f"incubate: {message}"), outcome
        assert snapshot(tmp_path) == before


def test_imported_weights_were_not_evaluated(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """No table has a number of theirs, nor a cost of what began with them."""
    run, file = tmp_path / "run", tmp_path / "meta.safetensors"
    export(tiny, finished_run, "meta", file)
    launch.run_well(*arguments("import", tiny, run, "meta", f"--input={file}"))
    settings = tiny.arguments(run, "--method.trainings=deep_incubation")
    outcome = launch.run_well(*settings, num_ranks=2)
    rows = {row["method"]: row for row in read_summary(run)["results"]}
    meta, whole = rows["meta model alone"], rows["Deep Incubation"]
    assert [meta[name] for name in ("top1", "top5", "loss", "block_flops", "rank_s", "wall_s")] == [None] * 6
    assert meta["evaluation"] == "not evaluated"
    assert whole["top1"] > 0
    assert [whole[name] for name in ("block_flops", "rank_s", "wall_s", "critical_path_s")] == [None] * 4
    table = outcome.stdout[outcome.stdout.index("method  ") :].rstrip()
    assert re.search(
        r"^meta model alone +not evaluated +not evaluated +not evaluated +unknown +unknown +- +-$", table, re.M
    )
    loaded = load_run(run)
    assert format_results(loaded) == table
    assert launch.call(keep_results.main, run, "--output", tmp_path / "kept").status == 0
    for main, more in (
        (report.main, ["--output", tmp_path / "page.html"]),
        (plot_run.main, ["--output", tmp_path / "curves.png"]),
        (watch.main, ["--once"]),
        (to_tensorboard.main, ["--output", tmp_path / "board"]),
        (compare.main, []),
    ):
        outcome = launch.call(main, run, *more)
        assert outcome.status == 0, outcome
        assert not re.search(r"\bnan\b", outcome.stdout), outcome
    assert "not evaluated" in (tmp_path / "page.html").read_text()
