"""Tells what figures were made by: the processor, and the program's version."""

from __future__ import annotations

import subprocess
from pathlib import Path

from launch import EXECUTABLE, make_environment

FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def describe_processor() -> tuple[str, str]:
    """Returns the processor's name and its vector instructions."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    fields = dict(reversed([[part.strip() for part in line.split(":", 1)] for line in lines if ":" in line]))
    return fields["model name"], " ".join(name for name in FEATURES if name in fields["flags"].split())


def find_program() -> str:
    """Returns version and commit of the program."""
    return subprocess.run(
        [str(EXECUTABLE), "--version"], env=make_environment(), check=True, capture_output=True, text=True
    ).stdout.strip()
