"""Prints the skipped and the slowest tests of tests/run.sh, from the JUnit files of ctest and pytest.

    .venv/bin/python tests/summarise.py build/test-results/ctest.xml build/test-results/pytest.xml

Exits with 1 if root skipped a test for a reason that is not in KNOWN: root can make disks, nodes and Slurm.
"""

from __future__ import annotations

import os
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

NUM_SLOWEST = 15
KNOWN = [
    r"takes long: part of tests/faults\.sh",
    r"needs (two|8) ranks.*",  # other starts of the same program run them
    r"th(e|is) processor has no .*",
    r"this build has no CPU kernels",
    r"there is a GPU" if Path("/dev/nvidia0").exists() else r"no GPU|PyTorch finds no GPU|not every rank has a GPU.*",
]


def file_of(case: ElementTree.Element) -> str:
    """Returns the file of a pytest test, or the suite or program of a ctest test."""
    name = case.get("classname", "")
    is_python = re.fullmatch(r"(\w+\.)*test_\w+", name)
    return f"tests/{name.replace('.', '/')}.py" if is_python else name.split(".")[0].split("/")[-1]


def list_skips(case: ElementTree.Element) -> list[tuple[str, str]]:
    """Returns reason and name of each skipped test. One ctest test may be a program with many tests."""
    output = case.findtext("system-out") or ""
    found = re.findall(r"^\[ RUN      \] (\S+)\n\S+: Skipped\n(.*)\n", output, re.MULTILINE)
    skipped = case.find("skipped")
    if not found and skipped is not None:
        found = [(f"{file_of(case)}::{case.get('name')}", skipped.get("message", ""))]
    return [(reason, name) for name, reason in found]


def main(arguments: list[str]) -> int:
    cases = [case for path in arguments for case in ElementTree.parse(path).getroot().iter("testcase")]
    skips = sorted({skip for case in cases for skip in list_skips(case)})
    print(f"{len(skips)} tests were skipped:")
    for reason, name in skips:
        print(f"  {reason}: {name}")
    seconds: defaultdict[str, float] = defaultdict(float)
    for case in cases:
        seconds[file_of(case)] += float(case.get("time", 0))
    print(f"the {NUM_SLOWEST} files, suites and programs that took longest, in seconds:")
    for file in sorted(seconds, key=lambda file: -seconds[file])[:NUM_SLOWEST]:
        print(f"  {seconds[file]:7.1f}  {file}")
    unknown = {reason for reason, _ in skips if not re.fullmatch("|".join(KNOWN), reason)}
    if unknown and os.geteuid() == 0:
        print(f"summarise: skipped, though here it should run: {'; '.join(sorted(unknown))}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
