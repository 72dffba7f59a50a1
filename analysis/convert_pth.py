"""Converts checkpoints of Deep Incubation's reference implementation into files for `incubate import`, and back.

    python analysis/convert_pth.py finished_checkpoint.pth meta.safetensors
    incubate import --config input/NAME.ini --training=meta --format=reference --input=meta.safetensors

    incubate export --config input/NAME.ini --training=finetuned --format=reference --output=finetuned.safetensors
    python analysis/convert_pth.py finetuned.safetensors finetuned.pth

The reference (PyTorch; LeapLabTHU/Deep-Incubation) saves a dictionary:
- "model_stages": a list of the stages' states, with names such as blocks.2.norm1.weight;
- "model": the network's state, with each tensor twice, as stages.1.blocks.2.norm1.weight and as blocks.5.norm1.weight;
- "optimizer", "lr_scheduler", "scaler", "epoch": the state to resume from.

The reference starts from "model_stages" (--meta_model, --incubation_models, --finetune), so this program writes only
that. Its first version saved an empty "model_stages"; from such a file this program reads the stages in "model".

Values are copied bit for bit. A .pth file is a pickle, which can run any code in the program that loads it. So
PyTorch's restricted unpickler reads it, which accepts only tensors and plain Python values.
"""

from __future__ import annotations

import argparse
import errno
import os
import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from command_line.any_locale import start
from command_line.output_file import SAFETENSORS, OutputError, check_output

StageState = dict[str, torch.Tensor]  # key: the name within a stage

STAGED_NAME = re.compile(r"stages\.(\d{1,4})\.(.+)")
NAME_IN_STAGE = re.compile(
    r"cls_token|pos_embed|patch_embed\.proj\.(weight|bias)|blocks\.\d+\.[\w.]+|(norm|head)\.(weight|bias)", re.ASCII
)


class ConversionError(Exception):
    """A file cannot be converted; the message says why."""


def read_pth(path: Path) -> list[StageState]:
    """Returns the stages of a checkpoint of the reference."""
    checkpoint = _unpickle(path)
    content = checkpoint if isinstance(checkpoint, dict) else {}
    stages, model = content.get("model_stages"), content.get("model")
    if isinstance(stages, list) and stages:
        return _check(dict(enumerate(stages)), path)
    staged = _split(model) if isinstance(model, dict) else {}
    if not staged:
        raise ConversionError(
            f"{path} has no stages, neither in 'model_stages' nor in 'model' as stages.0.NAME (the reference's "
            "checkpoints have both). Give a checkpoint of the reference."
        )
    return _check(staged, path)


def read_safetensors(path: Path) -> list[StageState]:
    """Returns the stages of a file of `incubate export --format=reference`."""
    try:
        tensors: dict[str, torch.Tensor] = load_file(path)
    except OSError as error:
        raise ConversionError(f"{path} cannot be read: {error.strerror or error}. Check the path.") from None
    except SafetensorError as error:
        raise ConversionError(f"{path} is no whole safetensors file ({error}). Get or copy it again.") from None
    for name in tensors:
        if not STAGED_NAME.fullmatch(name):
            raise ConversionError(
                f"{path} has the tensor {_quote(name)}, which names no stage. Export with --format=reference."
            )
    return _check(_split(tensors), path)


def write_pth(path: Path, stages: list[StageState]) -> None:
    """Writes the stages as a checkpoint of the reference, atomically."""

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:  # given a path, torch.save would not say why it failed
            torch.save({"model_stages": stages}, file)

    _replace_atomically(path, write)


def write_safetensors(path: Path, stages: list[StageState]) -> None:
    """Writes the stages for `incubate import`, atomically."""
    tensors = {f"stages.{i}.{name}": tensor for i, stage in enumerate(stages) for name, tensor in stage.items()}
    _replace_atomically(path, lambda temporary: save_file(tensors, temporary, metadata={"format": "pt"}))


def _unpickle(path: Path) -> object:
    # Copies of the reference may save their arguments, as DeiT's own script does, so a Namespace is allowed. It is
    # safe: it only sets attributes, and their values are restricted too. The reference itself saves nothing else that
    # PyTorch refuses, so numpy's numbers, for example, are not allowed.
    with torch.serialization.safe_globals([argparse.Namespace]):
        try:
            # Memory-mapped, so that the optimizer's state, two thirds of the file, is never read. Opened through /proc,
            # because PyTorch cannot map a file whose name this locale cannot encode.
            with path.open("rb") as file:
                return torch.load(f"/proc/self/fd/{file.fileno()}", map_location="cpu", weights_only=True, mmap=True)
        except OSError as error:
            raise ConversionError(f"{path} cannot be read: {error.strerror or error}. Check the path.") from None
        except Exception:  # a damaged pickle may raise any exception
            refused = _list_refused(path)
    if refused:
        raise ConversionError(
            f"{path} has more than tensors and plain values ({', '.join(refused)}), which could run code when it is "
            "loaded. Save its tensors alone, where you trust it: torch.save({'model_stages': ...}, ...)."
        )
    raise ConversionError(f"{path} is no whole file of torch.save (PyTorch 1.6 or later). Get or copy it again.")


def _list_refused(path: Path) -> list[str]:
    """Returns the names in a pickle that are not allowed; empty if the file is no pickle. Runs nothing of it."""
    try:
        with path.open("rb") as file:
            return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(file))
    except Exception:  # as above
        return []


def _split(tensors: dict[Any, Any]) -> dict[int, StageState]:
    """Returns the tensors whose names begin with a stage's name, by stage."""
    stages: dict[int, StageState] = {}
    for name, tensor in tensors.items():
        match = STAGED_NAME.fullmatch(str(name))
        if match:
            stages.setdefault(int(match[1]), {})[match[2]] = tensor
    return stages


def _check(stages: dict[int, Any], path: Path) -> list[StageState]:
    """Returns the stages in order. Their tensors share no memory. `incubate import` checks that they fit a network."""
    if sorted(stages) != list(range(len(stages))):
        raise ConversionError(f"{path} has the stages {sorted(stages)}, with a gap. Get or copy it again.")
    checked: list[StageState] = []
    for index, stage in sorted(stages.items()):
        if not isinstance(stage, dict) or not stage:
            raise ConversionError(f"{path}: stage {index} has no tensors. Give a checkpoint of the reference.")
        for name, tensor in stage.items():
            if not isinstance(name, str) or not NAME_IN_STAGE.fullmatch(name):
                raise ConversionError(
                    f"{path}: stage {index} has {_quote(name)}, which no stage of a vision transformer has. "
                    "Give a checkpoint of the reference."
                )
            if not _is_plain(tensor):
                raise ConversionError(
                    f"{path}: {_quote(name)} of stage {index} is no dense float32 tensor; only those are converted. "
                    "Save it as one."
                )
        # Tensors may be views of the same memory, which safetensors does not write.
        checked.append({name: t.detach().clone(memory_format=torch.contiguous_format) for name, t in stage.items()})
    return checked


def _is_plain(value: object) -> bool:
    """Returns whether the tensor is float32 and has memory for each of its values."""
    return (
        isinstance(value, torch.Tensor)
        and value.dtype == torch.float32
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and value.nbytes <= value.untyped_storage().nbytes()
    )


def _quote(name: object) -> str:
    """Returns a name for messages: short and on one line."""
    text = ascii(name)
    return text if len(text) <= 80 else text[:80] + "..."


def _replace_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Writes `path` completely or leaves it unchanged."""
    temporary = path.with_name(f"{path.name}.{socket.gethostname()}.{os.getpid()}.tmp")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode
        write(temporary)
        temporary.chmod(mode)  # safetensors would make the file private
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    except (OSError, RuntimeError, SafetensorError) as error:  # each library has its own error for a full disk
        cause = error.__context__ or error  # torch.save's error hides the file's
        reason = getattr(cause, "strerror", None) or str(cause).splitlines()[0]
        raise ConversionError(f"{path} cannot be written: {reason}. Choose another place.") from None
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems do not sync folders
            raise
    finally:
        os.close(descriptor)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description="Converts checkpoints of the reference implementation into files for `incubate import`, and back."
    )
    parser.add_argument("input", type=Path, metavar="IN", help=".pth, or .safetensors of export --format=reference")
    parser.add_argument("output", type=Path, metavar="OUT", help=".safetensors, or .pth")
    options = parser.parse_args(arguments)
    try:
        match options.input.suffix, options.output.suffix:
            case ".pth", ".safetensors":
                check_output(options.output, SAFETENSORS)
                stages = read_pth(options.input)
                write_safetensors(options.output, stages)
            case ".safetensors", ".pth":
                check_output(options.output, "checkpoint of PyTorch")
                stages = read_safetensors(options.input)
                write_pth(options.output, stages)
            case _:
                raise ConversionError(
                    f"{options.input} to {options.output} is no conversion between .pth and .safetensors. "
                    "Give IN.pth OUT.safetensors, or IN.safetensors OUT.pth."
                )
    except (ConversionError, OutputError) as error:
        print(f"convert_pth: {error}", file=sys.stderr)
        return 2
    print(f"{options.output} written: {sum(map(len, stages))} tensors of {len(stages)} stages")
    return 0


if __name__ == "__main__":
    start(main)
