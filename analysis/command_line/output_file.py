"""Which files an output may replace: files of its own kind, which is never that of what the program reads."""

from __future__ import annotations

from pathlib import Path

# How files of a kind begin.
BEGINNINGS = {
    "HTML page": b"<!doctype html>",
    "PNG picture": b"\x89PNG\r\n\x1a\n",
    "SVG picture": b"<?xml",
    "PDF picture": b"%PDF",
    "checkpoint of PyTorch": b"PK\x03\x04",
    "ONNX model": b"\x08",  # the field ir_version of a ModelProto
}
SAFETENSORS = "safetensors file"  # begins with the length of its header, below 16 MiB, and the header
MOST_BYTES_TO_LOOK_AT = 16


class OutputError(Exception):
    """A file that must not be replaced; the message says which and why."""


def check_output(path: Path, kind: str) -> None:
    """Raises OutputError if `path` exists and is no file of that kind. Raises OSError."""
    if path.is_dir() or not path.exists():  # a folder cannot be written, which the system says
        return
    if not path.is_file():
        raise OutputError(f"{path} is no regular file. Choose another output.")
    with path.open("rb") as file:
        begin = file.read(MOST_BYTES_TO_LOOK_AT)
    if begin and not _is_of_kind(begin, kind):
        raise OutputError(f"{path} is no {kind}, and would be replaced by one. Choose another output, or remove it.")


def _is_of_kind(begin: bytes, kind: str) -> bool:
    if kind == SAFETENSORS:
        return begin[3:9] == b"\0\0\0\0\0{"
    return begin.lower().startswith(BEGINNINGS[kind].lower())
