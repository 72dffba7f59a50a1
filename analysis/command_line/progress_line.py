"""Shows a program's progress on one line of a terminal.

The line is on stderr. It is redrawn in place and disappears at the end. Without a terminal there is no line, so files
and pipes stay clean.
"""

from __future__ import annotations

import shutil
import sys
from types import TracebackType
from typing import TextIO


class ProgressLine:
    def __init__(self, program: str, stream: TextIO | None = None) -> None:
        self._program = program
        self._stream = stream or sys.stderr

    def show(self, text: str) -> None:
        columns = shutil.get_terminal_size().columns
        self._draw(f"{self._program}: {text}"[: columns - 1])  # a wrapped line would take two

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._draw("")

    def _draw(self, line: str) -> None:
        if self._stream.isatty():
            self._stream.write(f"\r{line}\033[K")
            self._stream.flush()
