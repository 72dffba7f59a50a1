"""What a program is at, on one line of a terminal.

The line is on stderr, drawn again in its place and gone at the end. Where stderr is no terminal there is none, so that
nothing of it gets into files and pipes.
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
        self._draw(f"{self._program}: {text}"[: columns - 1])  # a line that wraps would be two

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
