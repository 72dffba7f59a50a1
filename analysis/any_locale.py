"""Output of programs in every locale: no sign that it lacks and no name of a file ends a program with an error."""

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
    """Ends with the status that `main` returns for the arguments of this program."""
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
    """A path, or a name, for pictures and pages, which have all signs."""
    return os.fsencode(path).decode("utf-8", errors="replace")


def _replace(error: UnicodeError) -> tuple[bytes, int]:
    """The bytes for one sign that the encoding lacks, and where the next one begins."""
    assert isinstance(error, UnicodeEncodeError)
    sign, end = error.object[error.start], error.start + 1
    if "\udc80" <= sign <= "\udcff":  # a byte of a path, which the locale could not decode
        return bytes([ord(sign) - 0xDC00]), end
    return PLAIN.get(sign) or sign.encode("ascii", errors="backslashreplace"), end
