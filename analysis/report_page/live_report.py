"""The report of a run in progress, for many readers.

A reader's request makes a new page if the last one is old. Only one page is made at a time; other readers get the last
one. So frequent requests cost no more than rare ones, and without readers nothing runs.
"""

from __future__ import annotations

import math
import threading
import time
from pathlib import Path
from typing import NamedTuple

from report import Report, make_report
from report_page.numbers import format_duration
from report_page.page import missing, page, paragraph
from report_page.server import Answer
from run_directory.recovery import load_what_is_there


class _Snapshot(NamedTuple):
    report: Report
    made_s: float  # Unix time
    goes_on: bool
    problem: str  # why there is no newer page; empty: none is needed


class LiveReport:
    """The report of a run as of a short while ago. Made in memory: the run directory is only read."""

    def __init__(self, directory: Path, every_s: float) -> None:
        """Makes the first page. Pages are at least `every_s` seconds apart. Raises NotARunError."""
        self._directory = directory
        self._every_s = every_s
        self._being_made = threading.Lock()
        self._latest = self._make()
        self._tried_s = time.monotonic()

    def answer(self) -> Answer:
        if self._being_made.acquire(blocking=False):
            try:
                if time.monotonic() - self._tried_s >= self._every_s:
                    self._latest = self._make_anew()
                    self._tried_s = time.monotonic()
            finally:
                self._being_made.release()
        latest = self._latest
        refresh_s = max(1, math.ceil(self._every_s)) if latest.goes_on else None
        made = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(latest.made_s))
        age = format_duration(max(0.0, time.time() - latest.made_s))
        after = f"shown anew every {refresh_s} s" if refresh_s else "the run does not go on, reload to look again"
        note = paragraph(f"Made {made}, {age} before it was sent; {after}.", "note")
        problems = missing([latest.problem] if latest.problem else [], "It could not be made anew")
        text = page(latest.report.title, note + problems + latest.report.body)
        return Answer(text.encode("utf-8", errors="replace"), refresh_s)

    def close(self) -> None:
        """Waits for a page that is being made. No page is made afterwards."""
        self._being_made.acquire()

    def _make_anew(self) -> _Snapshot:
        try:
            return self._make()
        except Exception as error:  # for every error the last page is better than none
            return self._latest._replace(problem=f"{type(error).__name__}: {error}")

    def _make(self) -> _Snapshot:
        made_s = time.time()
        loaded = load_what_is_there(self._directory)
        return _Snapshot(make_report([loaded]), made_s, loaded.run.state in ("running", "unknown"), problem="")
