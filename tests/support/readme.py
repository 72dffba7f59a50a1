"""Reads sections, commands and examples of README files, for tests that do what they tell users to do."""

from __future__ import annotations

import re

from launch import REPOSITORY


def read_section(heading: str, folder: str = "analysis") -> str:
    """Returns a section of FOLDER/README.md, with the sections below it."""
    text = (REPOSITORY / folder / "README.md").read_text()
    begin = re.search(rf"^(##+) {heading}\n", text, flags=re.MULTILINE)
    assert begin, heading
    return re.split(rf"^#{{2,{len(begin[1])}}} ", text[begin.end() :], maxsplit=1, flags=re.MULTILINE)[0]


def read_commands(heading: str, folder: str = "analysis") -> list[str]:
    """Returns the indented lines of a section that are in no code block, in order."""
    text = re.sub(r"```.*?```", "", read_section(heading, folder), flags=re.DOTALL)
    lines = text.replace("\\\n", "").splitlines()
    return [line.strip() for line in lines if line.startswith("    ")]


def read_examples(heading: str) -> list[str]:
    """Returns the Python code blocks of a section of analysis/README.md, in order."""
    return re.findall(r"```python\n(.*?)```", read_section(heading), flags=re.DOTALL)
