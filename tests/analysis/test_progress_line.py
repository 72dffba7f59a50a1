"""Tests the line that programs show on a terminal during work; pipes get nothing of it."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import compare
import report
import to_tensorboard
from command_line.progress_line import ProgressLine
from made_up_run import end_to_end, write_run


def read_all(terminal: int) -> str:
    """Returns everything that was written to the other, closed side."""
    parts = []
    with contextlib.suppress(OSError), open(terminal, "rb", buffering=0) as stream:
        while part := stream.read(65536):  # the end is an error
            parts.append(part)
    return b"".join(parts).decode()


@pytest.mark.parametrize(
    ("main", "arguments", "expected"),
    [
        (compare.main, [], r"compare: reading {run} \(1 of 1\)"),
        (report.main, ["--output={folder}/page.html"], r"report: {run} \(1 of 1\): drawing Validation loss against .*"),
        (to_tensorboard.main, ["--output={folder}"], r"to_tensorboard: {folder}/run/end_to_end: 100%"),
    ],
    ids=["compare", "report", "to_tensorboard"],
)
def test_on_a_terminal(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    main: Callable[[list[str]], int],
    arguments: list[str],
    expected: str,
) -> None:
    """One line is redrawn in place and disappears at the end."""
    run = write_run(tmp_path / "run", end_to_end(0.5, 0.7))
    ours, theirs = os.openpty()
    monkeypatch.setenv("COLUMNS", "500")
    with open(theirs, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        assert main([str(run), *(argument.format(folder=tmp_path) for argument in arguments)]) == 0
    written = read_all(ours)
    between, lines = (re.split(r"\r(.*?)\x1b\[K", written)[begin::2] for begin in (0, 1))
    assert set(between) == {""} and lines[-1] == ""
    pattern = expected.format(run=re.escape(str(run)), folder=re.escape(str(tmp_path)))
    assert any(re.fullmatch(pattern, line) for line in lines), lines


def test_long_line_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "20")
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        with ProgressLine("name", stream) as progress:
            progress.show("twenty or more characters")
    assert terminal.getvalue() == "\rname: twenty or mor\x1b[K\r\x1b[K"
    assert pipe.getvalue() == ""
