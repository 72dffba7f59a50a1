"""Reads the largest resident memory of a process."""

from __future__ import annotations

from pathlib import Path


def read_peak(process: int | str) -> int:
    """Returns bytes, by the system's record (VmHWM); 0 if the process has ended. `process` is its id or "self"."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
