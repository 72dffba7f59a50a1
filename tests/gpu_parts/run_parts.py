"""Runs the parts of tests/gpu.sh one after the other. Each part ends with one line:

    gpu: PART: passed|failed|skipped (findings)

Figures go to $OUT/figures.json, by default runs/gpu/figures.json. Exit status 1 if a part failed. With --device cpu the
same scripts run without a GPU, with --quick on tiny sizes: a check of the scripts, not of GPUs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "benchmark"))
from gpu_memory import run_memory
from gpu_parity import run_parity
from gpu_part import Part, PartFailed, Place
from gpu_resume import run_resume
from gpu_speed import run_speed
from gpu_trace import run_trace
from gpu_unit import run_unit_tests

import launch

PARTS: dict[str, Part] = {
    "unit": run_unit_tests,
    "parity": run_parity,
    "resume": run_resume,
    "benchmark": run_speed,
    "memory": run_memory,
    "trace": run_trace,
}
ENOUGH_BYTES = 30 * 2**30


def count_devices(device: str) -> int:
    if device == "cpu":
        return 1
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def scratch_parent() -> str | None:
    """Returns a folder in memory if that has enough room: checkpoints of large networks take gigabytes."""
    memory = Path("/dev/shm")
    has_enough = memory.is_dir() and shutil.disk_usage(memory).free >= ENOUGH_BYTES
    return str(memory) if has_enough and "TMPDIR" not in os.environ else None


def run_part(name: str, place: Place) -> bool:
    """Runs a part. Returns whether it passed or was skipped; a failure does not stop other parts."""
    began = time.monotonic()
    print(f"\ngpu: {name}: begins", flush=True)
    try:
        outcome = f"passed ({PARTS[name](place)}"
    except PartFailed as reason:
        outcome = f"failed ({reason}"
    except Exception as error:
        traceback.print_exc(file=sys.stdout)
        outcome = f"failed ({type(error).__name__}: see above"
    print(f"gpu: {name}: {outcome}; {time.monotonic() - began:.0f} s)", flush=True)
    return not outcome.startswith("failed")


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--quick", action="store_true", help="tiny sizes")
    parser.add_argument("--limit-s", type=float, default=1800, help="of each part (default: %(default)s)")
    for option, what in (
        ("networks", "of vit_b,vit_l,vit_h"),
        ("peers", "settings of PyTorch"),
        ("micro", "micro-batches"),
    ):
        parser.add_argument(f"--{option}", type=lambda text: text.split(","), default=[], help=f"benchmark: {what}")
    given = parser.parse_args()
    if unknown := [part for part in given.parts if part not in PARTS]:
        parser.error(f"unknown: {', '.join(unknown)}. Parts: {', '.join(PARTS)}.")
    num_devices = count_devices(given.device)
    if num_devices == 0:
        sys.exit("gpu: PyTorch finds no GPU, though nvidia-smi lists one: nothing was run")
    output = Path(os.environ.get("OUT") or launch.REPOSITORY / "runs" / "gpu")
    output.mkdir(parents=True, exist_ok=True)
    options = {name: getattr(given, name) for name in ("networks", "peers", "micro")}
    is_good = True
    with tempfile.TemporaryDirectory(dir=scratch_parent()) as folder:
        for name in given.parts or PARTS:
            deadline = time.monotonic() + given.limit_s
            place = Place(given.device, num_devices, given.quick, Path(folder), output, deadline, options)
            is_good = run_part(name, place) and is_good
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
