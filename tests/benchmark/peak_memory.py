"""The resident memory that a process had at most."""

from __future__ import annotations

from pathlib import Path


def read_peak(process: int | str) -> int:
    """Bytes, by the system's own record (VmHWM); 0 if the process has ended. `process`: its id or "self"."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
