"""Starts a training from the weights of another run or program."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

import launch
from exchange import export
from readme import read_section
from run_files import find_differing, finished, read_figures, read_summary, read_weights
from tiny import CONFIG, Tiny, learn_nothing
from tiny_data import SIDE, write_idx

NUM_CLASSES = 8  # of each half
HEAD = {"3/head.weight", "3/head.bias"}
CHOOSE = "--method.trainings=transfer"


def started(tiny: Tiny, run: Path, source: Path, *settings: str, num_ranks: int = 1) -> dict[str, NDArray[np.float32]]:
    """Returns the weights with which a transfer from `source` starts."""
    fixed = (CHOOSE, f"--transfer.from={source}", *learn_nothing("transfer"), "--transfer.epochs=0.1")
    launch.run_well(*tiny.arguments(run, *fixed, *settings), num_ranks=num_ranks)
    return read_weights(finished(run, "transfer"))


def pack_half(folder: Path, half: int) -> Path:
    """Packs images of the half of 16 classes that has an even or an odd number of bright quadrants."""
    generator = np.random.default_rng(3 + half)
    bits = [[code >> bit & 1 for bit in range(4)] for code in range(16) if code.bit_count() % 2 == half]
    patterns = np.kron(np.reshape(bits, (NUM_CLASSES, 2, 2)), np.ones((SIDE // 2, SIDE // 2)))
    arguments = []
    for split, count in (("train", 512), ("validation", 256)):
        labels = generator.integers(0, NUM_CLASSES, count)
        images = 80 + 90 * patterns[labels] + generator.normal(0, 30, (count, SIDE, SIDE))
        for what, values in (("images", np.clip(images, 0, 255)), ("labels", labels)):
            path = folder / f"{half}-{split}-{what}.gz"
            write_idx(path, values.astype(np.uint8))
            arguments.append(f"--{split}-{what}={path}")
    names = ",".join(f"{half}.{i}" for i in range(NUM_CLASSES))
    launch.run_well("pack", "--format=idx", *arguments, f"--class-names={names}", f"--output={folder}/{half}.h5")
    return folder / f"{half}.h5"


def test_half_of_the_classes_helps_the_other_half(tmp_path: Path) -> None:
    """The control is a network with random first weights, of as many steps, for each of three seeds."""
    off = [f"--recipe.{name}=0" for name in ("mixup", "cutmix", "drop_path")]
    common = [f"--model.classes={NUM_CLASSES}", "--data.crop_padding=0", "--data.flip=false", *off]
    first = Tiny(tmp_path, pack_half(tmp_path, 0))
    settings = ["--run.only=end_to_end", "--end_to_end.epochs=40"]
    launch.run_well(*first.arguments(tmp_path / "first", *common, *settings))
    assert read_figures(finished(tmp_path / "first", "end_to_end"))["top1"] > 0.9
    second = Tiny(tmp_path, pack_half(tmp_path, 1))
    recipe = ["learning_rate=0.1", "warmup_epochs=0.1", "epochs=2"]
    for seed in range(3):
        run = tmp_path / f"second_{seed}"
        settings = [f"--{section}.{setting}" for section in ("transfer", "end_to_end") for setting in recipe]
        source = f"--transfer.from={finished(tmp_path / 'first', 'end_to_end')}"
        choice = "--method.trainings=end_to_end,transfer"
        launch.run_well(*second.arguments(run, *common, *settings, source, choice, f"--run.seed={seed}"), num_ranks=2)
        figures = {name: read_figures(finished(run, name)) for name in ("transfer", "end_to_end")}
        assert figures["transfer"]["total_steps"] == figures["end_to_end"]["total_steps"] == 32
        assert figures["transfer"]["loss"] < figures["end_to_end"]["loss"] - 0.2
        assert figures["transfer"]["top1"] > figures["end_to_end"]["top1"] + 0.2
        assert {row["method"] for row in read_summary(run)["results"]} == {"transfer", "end to end"}


def test_it_starts_from_just_these_weights(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """The same classes keep the head, and so all figures."""
    source = finished(finished_run, "finetuned")
    weights = started(tiny, tmp_path / "run", source, num_ranks=2)
    assert find_differing(weights, read_weights(source)) == []
    same = ("top1", "top5", "loss")
    figures, before = read_figures(finished(tmp_path / "run", "transfer")), read_figures(source)
    assert [figures[name] for name in same] == [before[name] for name in same]
    assert "starts from " in (tmp_path / "run/log.txt").read_text()


def test_other_stages_of_the_same_blocks(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    source = finished(finished_run, "finetuned")
    cut = ("--model.depths=3,5", "--model.meta_depths=1,1")
    weights = started(tiny, tmp_path / "run", source, *cut)
    before = read_weights(source)
    assert sorted(value.tobytes() for value in weights.values()) == sorted(value.tobytes() for value in before.values())
    assert weights["1/blocks.4.attn.qkv.weight"].tobytes() == before["3/blocks.1.attn.qkv.weight"].tobytes()


def test_the_documented_example(
    tiny: Tiny, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("build", "input", "runs"):
        Path(folder).mkdir()
    Path("build/incubate").symlink_to(launch.EXECUTABLE)
    Path("runs/NAME").symlink_to(finished_run)
    Path("input/other.ini").write_text(CONFIG.read_text().replace("[data]\n", f"[data]\nfile = {tiny.data}\n"))
    (command,) = read_section("Transfer").split("\n\n")[:1]
    environment = launch.make_environment() | {"OMPI_MCA_rmaps_base_oversubscribe": "1"}
    command = command.replace("epochs=10", "epochs=0.1")
    subprocess.run(["bash", "-c", command], env=environment, check=True, timeout=60)
    methods = {row["method"]: row["top1"] for row in read_summary(Path("runs/other"))["results"]}
    assert methods["transfer"] > methods["end to end"]


def test_another_image_size(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """The embedding is resampled as for the program's own finetuning at a higher resolution."""
    source = finished(finished_run, "finetuned")
    size = ("--model.image_size=12", "--recipe.crop=resized")
    weights = started(tiny, tmp_path / "run", source, *size)
    assert find_differing(weights, read_weights(source)) == ["0/pos_embed"]
    assert "position embedding resampled from 2x2 to 3x3 patches" in (tmp_path / "run/log.txt").read_text()


def test_weights_of_a_file(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """A file names no classes: the head is new, unless it is to be kept. Weights of another head need not fit."""
    own = read_weights(finished(finished_run, "finetuned"))
    file = tmp_path / "weights.safetensors"
    export(tiny, finished_run, "finetuned", file)
    assert find_differing(started(tiny, tmp_path / "kept", file, "--transfer.head=keep"), own) == []
    assert set(find_differing(started(tiny, tmp_path / "new", file), own)) == HEAD
    tensors = load_file(file)
    save_file({name: t[:3].clone() if "head" in name else t for name, t in tensors.items()}, file)
    assert set(find_differing(started(tiny, tmp_path / "other", file), own)) <= HEAD
    save_file({name: t for name, t in tensors.items() if "head" not in name}, file)
    assert set(find_differing(started(tiny, tmp_path / "without", file), own)) <= HEAD


def test_a_started_run_needs_the_file_no_more(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    source = shutil.copy(finished(finished_run, "finetuned"), tmp_path / "source.h5")
    arguments = tiny.arguments(tmp_path / "run", CHOOSE, f"--transfer.from={source}", "--transfer.epochs=0.1")
    launch.run_well(*arguments)
    before = finished(tmp_path / "run", "transfer").read_bytes()
    Path(source).unlink()
    launch.run_well(*arguments)
    launch.run_well("evaluate", *arguments[1:], "--training=transfer")
    assert finished(tmp_path / "run", "transfer").read_bytes() == before
    # What begins anew must begin from the same weights.
    finished(tmp_path / "run", "transfer").unlink()
    (tmp_path / "run/summary.json").unlink()
    assert f"{source} cannot be read: No such file" in refused(*arguments)
    shutil.copy(finished(finished_run, "end_to_end"), source)
    assert f"transfer.from={source} has other weights (" in refused(*arguments)


def refused(*arguments: str, num_ranks: int = 1) -> str:
    outcome = launch.run(*arguments, num_ranks=num_ranks)
    assert outcome.status == 2, outcome
    (message,) = outcome.messages()
    return message


def test_weights_that_do_not_fit(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """They are refused before anything is trained or written."""
    run = tmp_path / "run"
    whole = finished(finished_run, "finetuned")
    text = shutil.copy(tiny.idx / "train-labels.gz", tmp_path / "weights.safetensors")
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(whole.read_bytes()[:-1])
    for source, settings, message in (
        (finished(finished_run, "stage_1"), [], "holds one stage of a network"),
        (finished(finished_run, "meta"), [], "has 4 blocks, and the network that [model] describes has 8"),
        (whole, ["--model.heads=4"], "is of another network (model.heads=2 there, 4 here)"),
        (whole, ["--model.width=32"], "tensor 'blocks.0.attn.proj.bias' has the shape [16] but the network's is [32]"),
        (whole, ["--model.patch=2"], "has the shape"),
        (whole, ["--transfer.head=keep", "--model.classes=3"], "has 4 classes but model.classes=3"),
        (damaged, [], "truncated"),
        (tmp_path, [], "Is a directory"),
        (tmp_path / "missing.h5", [], "No such file"),
        (Path(text), [], "no safetensors file"),
    ):
        message_of = refused(*tiny.arguments(run, f"{CHOOSE},meta", f"--transfer.from={source}", *settings))
        assert message in message_of
        assert not run.exists()
    assert "transfer.from is missing" in refused(*tiny.arguments(run, CHOOSE), num_ranks=2)


@pytest.mark.parametrize("cut", ["3,3", "2,4"])
def test_residual_networks(tiny: Tiny, tmp_path: Path, cut: str) -> None:
    """With running statistics; group borders fall into stages or between them."""
    network = ["--model.family=resnet", "--model.widths=4,8,8", "--model.group_depth=2", "--model.meta_depths=2,2"]
    settings = ["--model.depths=3,3", "--run.only=end_to_end", "--end_to_end.epochs=1"]
    launch.run_well(*tiny.arguments(tmp_path / "first", *network, *settings))
    source = finished(tmp_path / "first", "end_to_end")
    weights = started(tiny, tmp_path / "run", source, *network, f"--model.depths={cut}", "--transfer.head=keep")
    before = read_weights(source)
    learnt = [sorted(v.tobytes() for name, v in w.items() if "running" not in name) for w in (weights, before)]
    assert learnt[0] == learnt[1]
