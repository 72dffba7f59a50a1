"""Converts checkpoints of the method's reference implementation by analysis/convert_pth.py: into the program and back
bit for bit, without running any code of a file.

No file of the reference is available here; `save_as_reference` writes one as its code does.
"""

from __future__ import annotations

import argparse
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from timm.models import VisionTransformer
from timm.scheduler import CosineLRScheduler
from torch import nn
from torch.amp.grad_scaler import GradScaler
from torch.nn import functional

import launch
from convert_pth import main
from exchange import DEPTHS, arguments, export
from parity import Tensors, evaluate, make_tiny_vit
from run_files import assert_same_weights, finished, read_figures
from small_disk import small_disk
from tiny import Tiny
from tiny_data import NUM_VALIDATION

REFERENCE = "--format=reference"


def convert(source: Path, output: Path) -> None:
    assert main([str(source), str(output)]) == 0


def refuse(source: Path, output: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Returns the single line of the refusal."""
    assert main([str(source), str(output)]) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert captured.out == ""
    return line.removeprefix("convert_pth: ")


def make_model(depths: list[int]) -> VisionTransformer:
    """Returns the tiny network as in the reference: whole, and in stages that share its parameters."""
    torch.manual_seed(3)
    model = make_tiny_vit(sum(depths))
    model.stages = nn.ModuleList(nn.Module() for _ in depths)
    first, last = model.stages[0], model.stages[-1]
    first.pos_embed, first.cls_token, first.patch_embed = model.pos_embed, model.cls_token, model.patch_embed
    blocks = iter(model.blocks)
    for stage, depth in zip(model.stages, depths, strict=True):
        stage.blocks = nn.ModuleList(next(blocks) for _ in range(depth))
    last.norm, last.head = model.norm, model.head
    return model


def save_as_reference(path: Path, model: VisionTransformer, **more: object) -> None:
    """Saves the model after a step of training, with all keys of the reference's save_model()."""
    optimizer = torch.optim.AdamW(model.parameters())
    functional.cross_entropy(model(torch.randn(2, 1, 8, 8)), torch.tensor([0, 1])).backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    content = {
        "model": model.state_dict(),
        "model_stages": [stage.state_dict() for stage in model.stages],
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": CosineLRScheduler(optimizer, t_initial=10, warmup_t=2).state_dict(),
        "epoch": 3,
        "scaler": GradScaler("cpu").state_dict(),
    }
    torch.save(content | more, path)


def whole_state(model: nn.Module) -> Tensors:
    """Returns the state under timm's names."""
    return {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("stages.")}


def assert_same(ours: Tensors, theirs: Tensors) -> None:
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert ours[name].numpy().tobytes() == tensor.numpy().tobytes(), name


@pytest.mark.parametrize(
    "more",
    [{}, {"model_stages": []}, {"args": argparse.Namespace(lr=5e-4, divided_depths=DEPTHS, meta_model=None)}],
    ids=["as it is", "as its first version", "with arguments"],
)
def test_the_program_reads_a_checkpoint_of_the_reference(tiny: Tiny, tmp_path: Path, more: dict[str, object]) -> None:
    model = make_model(DEPTHS)
    source, file = tmp_path / "checkpoint-3.pth", tmp_path / "f.safetensors"
    save_as_reference(source, model, **more)
    convert(source, file)
    launch.run_well(*arguments("import", tiny, tmp_path / "run", "finetuned", f"--input={file}", REFERENCE))
    assert_same(export(tiny, tmp_path / "run", "finetuned", tmp_path / "timm.safetensors"), whole_state(model))


@pytest.mark.parametrize(
    ("training", "depths"), [("meta", [1, 1, 1, 1]), ("stage_2", [1, 1, 3, 1]), ("finetuned", DEPTHS)]
)
def test_the_reference_reads_an_export(
    tiny: Tiny, finished_run: Path, tmp_path: Path, training: str, depths: list[int]
) -> None:
    """The reference reads the stages from "model_stages" and gets the trained weights."""
    file, checkpoint, back = (tmp_path / name for name in ("f.safetensors", "f.pth", "back.safetensors"))
    exported = export(tiny, finished_run, training, file, REFERENCE)
    convert(file, checkpoint)

    model = make_model(depths)
    content = torch.load(checkpoint, weights_only=True)
    assert content.keys() == {"model_stages"}
    for stage, state in zip(model.stages, content["model_stages"], strict=True):
        stage.load_state_dict(state, strict=True)
    loss, hits = evaluate(tiny.data, model.eval())
    figures = read_figures(finished(finished_run, training))
    assert figures["loss"] == pytest.approx(loss, rel=1e-5)
    assert figures["top1"] * NUM_VALIDATION == pytest.approx(hits, abs=1e-9)

    convert(checkpoint, back)
    assert_same(load_file(back), exported)
    launch.run_well(*arguments("import", tiny, tmp_path / "run", training, f"--input={back}", REFERENCE))
    assert_same_weights(tmp_path / "run", finished_run, [training])


class Harm:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


STATE = {"head.bias": torch.arange(4.0)}


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize(
    "content",
    [
        lambda harm: harm,
        lambda harm: {"model_stages": [STATE], "epoch": harm},
        lambda harm: {"model_stages": [STATE | {"head.weight": harm}]},
        lambda harm: {"model_stages": [STATE], "args": argparse.Namespace(seed=harm)},
    ],
)
def test_code_in_a_file_is_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: Callable[[Harm], object], is_zip: bool
) -> None:
    file, output, made = tmp_path / "f.pth", tmp_path / "f.safetensors", tmp_path / "made"
    torch.save(content(Harm(made)), file, _use_new_zipfile_serialization=is_zip)
    line = refuse(file, output, capsys)
    if is_zip:
        assert line == (
            f"{file} has more than tensors and plain values (posix.mkdir), which could run code when it is loaded. "
            "Save its tensors alone, where you trust it: torch.save({'model_stages': ...}, ...)."
        )
    else:
        assert line == f"{file} is no whole file of torch.save (PyTorch 1.6 or later). Get or copy it again."
    assert list(tmp_path.iterdir()) == [file]
    torch.load(file, weights_only=False)
    assert made.is_dir()  # unpickling would make it


NO_STAGES = (
    "{file} has no stages, neither in 'model_stages' nor in 'model' as stages.0.NAME (the reference's checkpoints have "
    "both). Give a checkpoint of the reference."
)
BAD_CHECKPOINTS: dict[str, tuple[object, str]] = {
    "numbers of numpy": (
        {"model_stages": [STATE], "best": np.float64(81.5)},
        "{file} has more than tensors and plain values (numpy._core.multiarray.scalar, numpy.dtype), which could run "
        "code when it is loaded. Save its tensors alone, where you trust it: torch.save({{'model_stages': ...}}, ...).",
    ),
    "another program's": ({"model": {"blocks.0.norm1.weight": torch.ones(3)}, "epoch": 3}, NO_STAGES),
    "no dictionary": ([STATE], NO_STAGES),
    "no tensors": (
        {"model_stages": [STATE, {}]},
        "{file}: stage 1 has no tensors. Give a checkpoint of the reference.",
    ),
    "no state": (
        {"model_stages": ["head"]},
        "{file}: stage 0 has no tensors. Give a checkpoint of the reference.",
    ),
    "a gap": (
        {"model": {"stages.0.cls_token": torch.ones(3), "stages.2.head.bias": torch.ones(3)}},
        "{file} has the stages [0, 2], with a gap. Get or copy it again.",
    ),
    "another network": (
        {"model_stages": [STATE, {"conv1.weight\n": torch.ones(3)}]},
        "{file}: stage 1 has 'conv1.weight\\n', which no stage of a vision transformer has. "
        "Give a checkpoint of the reference.",
    ),
    "no tensor": (
        {"model_stages": [{"head.bias": 3}]},
        "{file}: 'head.bias' of stage 0 is no dense float32 tensor; only those are converted. Save it as one.",
    ),
    "half precision": (
        {"model_stages": [{"head.bias": torch.ones(3, dtype=torch.float16)}]},
        "{file}: 'head.bias' of stage 0 is no dense float32 tensor; only those are converted. Save it as one.",
    ),
    "more values than bytes": (
        {"model_stages": [{"head.bias": torch.ones(1).expand(10**15)}]},
        "{file}: 'head.bias' of stage 0 is no dense float32 tensor; only those are converted. Save it as one.",
    ),
}


BEFORE = {".safetensors": b"\2" + bytes(7) + b"{}", ".pth": b"PK\3\4"}  # small files of these kinds


@pytest.mark.parametrize("name", BAD_CHECKPOINTS)
def test_checkpoints_that_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """A refused checkpoint leaves existing files unchanged."""
    content, message = BAD_CHECKPOINTS[name]
    file, output = tmp_path / "f.pth", tmp_path / "f.safetensors"
    torch.save(content, file)
    output.write_bytes(BEFORE[".safetensors"])
    assert refuse(file, output, capsys) == message.format(file=file)
    assert output.read_bytes() == BEFORE[".safetensors"]
    assert sorted(tmp_path.iterdir()) == [file, output]


def test_files_that_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint, file, missing = (tmp_path / name for name in ("f.pth", "f.safetensors", "none.pth"))
    torch.save({"model_stages": [STATE]}, checkpoint)
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    assert refuse(checkpoint, file, capsys) == (
        f"{checkpoint} is no whole file of torch.save (PyTorch 1.6 or later). Get or copy it again."
    )
    assert refuse(missing, file, capsys) == f"{missing} cannot be read: No such file or directory. Check the path."
    assert refuse(tmp_path / "a.pt", file, capsys) == (
        f"{tmp_path / 'a.pt'} to {file} is no conversion between .pth and .safetensors. "
        "Give IN.pth OUT.safetensors, or IN.safetensors OUT.pth."
    )

    assert refuse(file, checkpoint, capsys).startswith(f"{file} cannot be read: No such file or directory")
    save_file({"blocks.0.norm1.weight": torch.ones(3)}, file)
    assert refuse(file, checkpoint, capsys) == (
        f"{file} has the tensor 'blocks.0.norm1.weight', which names no stage. Export with --format=reference."
    )
    file.write_bytes(file.read_bytes()[:-1])
    assert refuse(file, checkpoint, capsys).startswith(f"{file} is no whole safetensors file (")


def test_an_output_is_complete_or_absent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without room or a folder no output appears. A complete output is readable by other users."""
    checkpoint, file = tmp_path / "f.pth", tmp_path / "f.safetensors"
    torch.save({"model_stages": [{"head.bias": torch.ones(100_000)}]}, checkpoint)
    convert(checkpoint, file)
    assert file.stat().st_mode == checkpoint.stat().st_mode
    capsys.readouterr()
    for source in (checkpoint, file):
        (other,) = {checkpoint, file} - {source}
        output = tmp_path / "none" / other.name
        assert refuse(source, output, capsys) == (
            f"{output} cannot be written: No such file or directory. Choose another place."
        )
    with small_disk(tmp_path / "small", 1 << 16) as small:
        for source in (checkpoint, file):
            (other,) = {checkpoint, file} - {source}
            output = small / other.name
            output.write_bytes(BEFORE[output.suffix])
            line = refuse(source, output, capsys)
            assert line.startswith(f"{output} cannot be written: ")
            assert "No space left on device" in line
            assert output.read_bytes() == BEFORE[output.suffix]
            assert list(small.iterdir()) == [output]
            output.unlink()


def test_folders_need_not_be_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Conversion works on file systems that report EINVAL for folders."""
    sync = os.fsync

    def sync_files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", sync_files_only)
    save_file({"stages.0.cls_token": torch.zeros(1)}, tmp_path / "in.safetensors")
    convert(tmp_path / "in.safetensors", tmp_path / "out.pth")
    assert sorted(os.listdir(tmp_path)) == ["in.safetensors", "out.pth"]
