"""Output of programs in every locale: a character or file name that the locale lacks never ends a program."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

PLAIN = {"±": b"+-"}


def start(main: Callable[[list[str]], int]) -> NoReturn:
    """Runs `main` with the arguments of this program and exits with the status that it returns."""
    codecs.register_error("incubate", _replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="incubate")
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(status)


def text_of(path: Path | str) -> str:
    """Returns a path or name for pictures and pages, which support every character."""
    return os.fsencode(path).decode("utf-8", errors="replace")


def _replace(error: UnicodeError) -> tuple[bytes, int]:
    """Returns the bytes for one character that the encoding lacks, and the position after that character."""
    assert isinstance(error, UnicodeEncodeError)
    sign, end = error.object[error.start], error.start + 1
    if "\udc80" <= sign <= "\udcff":  # a byte of a path, which the locale could not decode
        return bytes([ord(sign) - 0xDC00]), end
    return PLAIN.get(sign) or sign.encode("ascii", errors="backslashreplace"), end
