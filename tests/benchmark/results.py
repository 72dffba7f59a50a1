"""Stores measurements."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "runs" / "benchmark.json"


def append_results(path: Path, results: list[dict[str, object]]) -> None:
    path.parent.mkdir(exist_ok=True)
    all_results = json.loads(path.read_text()) if path.exists() else []
    path.write_text(json.dumps([*all_results, *results], indent=1) + "\n")
