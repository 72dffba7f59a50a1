"""Converts checkpoints of Deep Incubation's reference implementation into files for `incubate import`, and back.

    python analysis/convert_pth.py finished_checkpoint.pth meta.safetensors
    incubate import --config input/NAME.ini --training=meta --format=reference --input=meta.safetensors

    incubate export --config input/NAME.ini --training=finetuned --format=reference --output=finetuned.safetensors
    python analysis/convert_pth.py finetuned.safetensors finetuned.pth

The reference (PyTorch; LeapLabTHU/Deep-Incubation) saves a dictionary: "model_stages", a list of the stages' states
with names such as blocks.2.norm1.weight; "model", the network's state, which has each of them twice, as
stages.1.blocks.2.norm1.weight and as blocks.5.norm1.weight; and what training goes on from ("optimizer",
"lr_scheduler", "scaler", "epoch"). It starts from "model_stages" alone (--meta_model, --incubation_models, --finetune),
so that is all that is written. Its first version saved an empty "model_stages": then the stages are taken from "model".

Values are copied bit for bit. A .pth file is a pickle, which can have any code run by whoever loads it. So it is read
by PyTorch's restricted unpickler only, which knows tensors and plain Python values and refuses all else.
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

from any_locale import start
from output_file import SAFETENSORS, OutputError, check_output

StageState = dict[str, torch.Tensor]  # by the names within a stage

STAGED_NAME = re.compile(r"stages\.(\d{1,4})\.(.+)")
NAME_IN_STAGE = re.compile(
    r"cls_token|pos_embed|patch_embed\.proj\.(weight|bias)|blocks\.\d+\.[\w.]+|(norm|head)\.(weight|bias)", re.ASCII
)


class ConversionError(Exception):
    """A file that cannot be converted; says what is wrong with it."""


def read_pth(path: Path) -> list[StageState]:
    """The stages of a checkpoint of the reference."""
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
    """The stages of a file of `incubate export --format=reference`."""
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
    """Atomically."""

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:  # given a path, torch.save would not say why it failed
            torch.save({"model_stages": stages}, file)

    _replace_atomically(path, write)


def write_safetensors(path: Path, stages: list[StageState]) -> None:
    """Atomically."""
    tensors = {f"stages.{i}.{name}": tensor for i, stage in enumerate(stages) for name, tensor in stage.items()}
    _replace_atomically(path, lambda temporary: save_file(tensors, temporary, metadata={"format": "pt"}))


def _unpickle(path: Path) -> object:
    # Copies of the reference may save their arguments, as DeiT's own script does. A Namespace is safe to allow: to make
    # one sets attributes and calls nothing, and their values are restricted like all others. The reference itself saves
    # nothing that is refused, so nothing else is allowed: numpy's numbers, say, are not.
    with torch.serialization.safe_globals([argparse.Namespace]):
        try:
            # Mapped, so that the optimizer's state, two thirds of the file, is never read. By the open file's path, as
            # PyTorch cannot map a file whose name is no text in this locale.
            with path.open("rb") as file:
                return torch.load(f"/proc/self/fd/{file.fileno()}", map_location="cpu", weights_only=True, mmap=True)
        except OSError as error:
            raise ConversionError(f"{path} cannot be read: {error.strerror or error}. Check the path.") from None
        except Exception:  # a damaged pickle may raise any
            refused = _list_refused(path)
    if refused:
        raise ConversionError(
            f"{path} has more than tensors and plain values ({', '.join(refused)}), which could run code when it is "
            "loaded. Save its tensors alone, where you trust it: torch.save({'model_stages': ...}, ...)."
        )
    raise ConversionError(f"{path} is no whole file of torch.save (PyTorch 1.6 or later). Get or copy it again.")


def _list_refused(path: Path) -> list[str]:
    """What a pickle asks for that is not allowed; none if it is no pickle. Nothing of it is run."""
    try:
        with path.open("rb") as file:
            return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(file))
    except Exception:  # as above
        return []


def _split(tensors: dict[Any, Any]) -> dict[int, StageState]:
    """Those whose names begin with a stage's, by stage."""
    stages: dict[int, StageState] = {}
    for name, tensor in tensors.items():
        match = STAGED_NAME.fullmatch(str(name))
        if match:
            stages.setdefault(int(match[1]), {})[match[2]] = tensor
    return stages


def _check(stages: dict[int, Any], path: Path) -> list[StageState]:
    """The stages in order, of tensors that share no memory; whether they fit a network, `incubate import` checks."""
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
        # Tensors may be views of one memory, which safetensors does not write.
        checked.append({name: t.detach().clone(memory_format=torch.contiguous_format) for name, t in stage.items()})
    return checked


def _is_plain(value: object) -> bool:
    """Float32, with memory for each of its values."""
    return (
        isinstance(value, torch.Tensor)
        and value.dtype == torch.float32
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and value.nbytes <= value.untyped_storage().nbytes()
    )


def _quote(name: object) -> str:
    """As it may stand in a message: short and on one line."""
    text = ascii(name)
    return text if len(text) <= 80 else text[:80] + "..."


def _replace_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Makes `path` complete or leaves it as it was."""
    temporary = path.with_name(f"{path.name}.{socket.gethostname()}.{os.getpid()}.tmp")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode
        write(temporary)
        temporary.chmod(mode)  # safetensors would let nobody else read it
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    except (OSError, RuntimeError, SafetensorError) as error:  # each library has its own for a full disk
        cause = error.__context__ or error  # behind torch.save's error is the file's
        reason = getattr(cause, "strerror", None) or str(cause).splitlines()[0]
        raise ConversionError(f"{path} cannot be written: {reason}. Choose another place.") from None
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # not every file system syncs folders
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
                check_output(options.output, SAFETENSORS, [options.input])
                stages = read_pth(options.input)
                write_safetensors(options.output, stages)
            case ".safetensors", ".pth":
                check_output(options.output, "checkpoint of PyTorch", [options.input])
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
