#!/usr/bin/env python3
"""Checks that every `#include "folder/..."` in src/ is an edge that the layering allows, that files form no cycle, and
that CUDA's types and ATen's private interfaces stay behind their doors.

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
    "data",
    "checkpoint",
    "vision",
    "ops",
    "model",
    "report",
    "tasks",
    "train",
]
MAY_INCLUDE = {
    "base": [],
    "config": ["base"],
    "gpu": ["base"],
    "parallel": ["base", "gpu"],
    "hdf5": ["base"],
    "data": ["base", "config", "hdf5"],
    "checkpoint": ["base", "config", "hdf5", "data"],
    "vision": ["base", "config", "hdf5", "data"],
    "pack": ["base", "config", "parallel", "hdf5", "checkpoint", "data", "vision", "report"],
    "ops": [],
    "cpu": ["base", "ops"],  # nobody includes it: see ops/cpu_ops.h
    "model": ["base", "config", "ops"],
    "report": ["base", "config", "hdf5"],
    "tasks": ["base", "config", "data", "vision", "model"],
    "train": ["base", "config", "gpu", "parallel", "data", "model", "report", "tasks"],
    "method": LOWER,
    "schedule": ["base", "parallel"],
    "forecast": [*LOWER, "method", "schedule"],
    "run": [*LOWER, "method", "schedule", "forecast"],
    "inference": [*LOWER, "method", "forecast", "run"],
    "commands": [*LOWER, "pack", "method", "schedule", "forecast", "run", "inference"],
    "": ["base", "commands", "parallel"],  # main.cpp
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
# What only some files may name: the words, and the paths that may.
DOORS = {
    "CUDA": (
        re.compile(
            r"#\s*include\s*<[^>\n]*(?i:cuda|nccl|nvToolsExt|nvtx)[^>\n]*>|\b(?:at|c10)::cuda::|\b(?:cuda|nccl)[A-Z]\w+"
        ),
        re.compile(r"gpu/|parallel/(?:nccl_communicator|stuck_check)\."),
    ),
    "a private interface of ATen": (
        re.compile(r"\bat::native::|<ATen/native/|\"(?:mkldnn|onednn)::"),
        re.compile(r"cpu/"),
    ),
    "one task": (re.compile(r'#\s*include\s*"tasks/\w+/[^"]*"'), re.compile(r"tasks/")),
}


def read_sources(src: pathlib.Path) -> dict[str, str]:
    """Maps each source file, relative to src, to its text."""
    suffixes = (".h", ".cpp", ".cu", ".cuh", ".in", ".inl")
    return {p.relative_to(src).as_posix(): p.read_text() for p in sorted(src.rglob("*")) if p.suffix in suffixes}


def find_open_doors(sources: dict[str, str]) -> list[str]:
    faults: list[str] = []
    for name, text in sources.items():
        for what, (words, may) in DOORS.items():
            found = words.search(text)
            if found and not may.match(name):
                faults.append(f"{name}: names {what} ({found.group()}), which only {may.pattern} may")
    return faults


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
    """Returns cycles among headers, found by depth-first search."""
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
    sources = read_sources(src)
    if not sources:
        return [f"no sources below {src}"]
    includes = {name: INCLUDE.findall(text) for name, text in sources.items()}
    return find_bad_edges(includes) + find_cycles(includes) + find_open_doors(sources)


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
        ({"ops/a.cpp": '#include "cpu/c.h"\n', "cpu/c.h": ""}, ["ops/a.cpp: ops must not include cpu/c.h"]),
        (
            {
                "gpu/a.cpp": "#include <c10/cuda/CUDAStream.h>\n",
                "cpu/a.cpp": "at::native::cpublas::brgemm(1);\n",
                "train/t.h": "c10::Stream stream;\nbool is_cuda;\n",
            },
            [],
        ),
        (
            {"train/t.h": "#include <ATen/cuda/CUDAEvent.h>\n", "run/r.cpp": "cudaStream_t s;\n"},
            [
                "run/r.cpp: names CUDA (cudaStream_t), which only " + DOORS["CUDA"][1].pattern + " may",
                "train/t.h: names CUDA (#include <ATen/cuda/CUDAEvent.h>), which only "
                + DOORS["CUDA"][1].pattern
                + " may",
            ],
        ),
        (
            {"ops/o.cpp": "at::native::cpublas::brgemm(1);\n"},
            ["ops/o.cpp: names a private interface of ATen (at::native::), which only cpu/ may"],
        ),
        (
            {
                "tasks/make_task.cpp": '#include "tasks/a/b.h"\n',
                "tasks/a/b.h": "",
                "train/t.h": '#include "tasks/a/b.h"\n',
            },
            ['train/t.h: names one task (#include "tasks/a/b.h"), which only tasks/ may'],
        ),
        ({"utils/a.h": ""}, ["utils/a.h: the folder utils/ has no place in the layering (add it to include_edges.py)"]),
    ]
    for files, expected in cases:
        with tempfile.TemporaryDirectory() as directory:
            src = pathlib.Path(directory)
            for name, text in files.items():
                (src / name).parent.mkdir(parents=True, exist_ok=True)
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
