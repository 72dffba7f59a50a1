#!/usr/bin/env python3
"""Checks that every `#include "folder/..."` in src/ is an edge that the layering allows, and that files form no cycle.

Usage: include_edges.py SRC | include_edges.py --self-test
"""

import pathlib
import re
import sys
import tempfile

LOWER = [
    "base",
    "config",
    "gpu",
    "parallel",
    "hdf5",
    "checkpoint",
    "vision",
    "data",
    "ops",
    "model",
    "report",
    "train",
]
MAY_INCLUDE = {
    "base": [],
    "config": ["base"],
    "gpu": ["base"],
    "parallel": ["base", "gpu"],
    "hdf5": ["base"],
    "checkpoint": ["base", "hdf5"],
    "vision": ["base", "config", "hdf5"],
    "data": ["base", "config", "hdf5", "vision"],
    "pack": ["base", "config", "parallel", "hdf5", "checkpoint", "vision", "report"],
    "ops": [],
    "cpu": ["base", "ops"],  # nobody includes it: see ops/cpu_ops.h
    "model": ["base", "config", "ops"],
    "report": ["base", "config", "hdf5"],
    "train": ["base", "config", "gpu", "parallel", "data", "model", "report"],
    "method": LOWER,
    "schedule": ["base", "parallel"],
    "forecast": [*LOWER, "method", "schedule"],
    "run": [*LOWER, "method", "schedule", "forecast"],
    "commands": [*LOWER, "pack", "method", "schedule", "forecast", "run"],
    "": ["base", "commands", "parallel"],  # main.cpp
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def read_includes(src: pathlib.Path) -> dict[str, list[str]]:
    """Maps each source file, relative to src, to the names that it includes in quotes."""
    paths = sorted(p for p in src.rglob("*") if p.suffix in (".h", ".cpp", ".cu", ".cuh", ".in"))
    return {p.relative_to(src).as_posix(): INCLUDE.findall(p.read_text()) for p in paths}


def folder_of(name: str) -> str:
    return name.split("/")[0] if "/" in name else ""


def find_bad_edges(includes: dict[str, list[str]]) -> list[str]:
    faults: list[str] = []
    for name, targets in includes.items():
        folder = folder_of(name)
        if folder not in MAY_INCLUDE:
            faults.append(f"{name}: the folder {folder}/ has no place in the layering (add it to include_edges.py)")
            continue
        for target in targets:
            if "/" not in target:
                faults.append(f'{name}: includes "{target}" without its folder')
            elif folder_of(target) not in [folder, *MAY_INCLUDE[folder]]:
                faults.append(f"{name}: {folder or 'main'} must not include {target}")
    return faults


def find_cycles(includes: dict[str, list[str]]) -> list[str]:
    """Cycles among headers, found by depth-first search."""
    faults: list[str] = []
    finished: set[str] = set()

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            faults.append("cycle: " + " -> ".join([*path[path.index(name) :], name]))
        elif name not in finished:
            for target in includes.get(name, []):
                visit(target, [*path, name])
            finished.add(name)

    for name in includes:
        visit(name, [])
    return faults


def check(src: pathlib.Path) -> list[str]:
    includes = read_includes(src)
    if not includes:
        return [f"no sources below {src}"]
    return find_bad_edges(includes) + find_cycles(includes)


def self_test() -> None:
    cases: list[tuple[dict[str, str], list[str]]] = [
        ({"base/a.h": "", "config/b.h": '#include "base/a.h"\n#include <vector>\n'}, []),
        ({"base/a.h": '#include "config/b.h"\n', "config/b.h": ""}, ["base/a.h: base must not include config/b.h"]),
        ({"main.cpp": '#include "model/m.h"\n', "model/m.h": ""}, ["main.cpp: main must not include model/m.h"]),
        ({"train/t.cpp": '  # include "checkpoint/c.h"\n'}, ["train/t.cpp: train must not include checkpoint/c.h"]),
        ({"base/a.h": '#include "b.h"\n'}, ['base/a.h: includes "b.h" without its folder']),
        (
            {"base/a.h": '#include "base/b.h"\n', "base/b.h": '#include "base/a.h"\n'},
            ["cycle: base/a.h -> base/b.h -> base/a.h"],
        ),
        ({"utils/a.h": ""}, ["utils/a.h: the folder utils/ has no place in the layering (add it to include_edges.py)"]),
    ]
    for files, expected in cases:
        with tempfile.TemporaryDirectory() as directory:
            src = pathlib.Path(directory)
            for name, text in files.items():
                (src / name).parent.mkdir(exist_ok=True)
                (src / name).write_text(text)
            faults = check(src)
            assert faults == expected, f"{files}: {faults}, expected {expected}"
    with tempfile.TemporaryDirectory() as directory:
        assert check(pathlib.Path(directory)), "an empty tree must not pass"
    print(f"{len(cases) + 1} cases pass")


def main() -> None:
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return
    faults = check(pathlib.Path(sys.argv[1]))
    print("\n".join(faults) or "every include goes down")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
