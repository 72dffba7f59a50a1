"""Reads sections and examples of analysis/README.md, for tests that do what it tells users to do."""

from __future__ import annotations

import re

from launch import REPOSITORY


def read_section(heading: str) -> str:
    text = (REPOSITORY / "analysis" / "README.md").read_text()
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def read_examples(heading: str) -> list[str]:
    """Returns the Python code blocks of a section, in order."""
    return re.findall(r"```python\n(.*?)```", read_section(heading), flags=re.DOTALL)
