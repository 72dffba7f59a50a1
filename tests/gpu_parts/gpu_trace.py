"""Measures the time of operators in a training's steps: `run.profile`'s trace, and a trace of nsys if installed."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from gpu_part import PartFailed, Place
from networks import SMALL, VIT_B
from workload import Size, Workload

import launch

NUM_PROFILED = 4
MICRO = 128
TIMEOUT_S = 180.0
# Calls of CUDA in which the host waits for the GPU.
WAITS = {"cudaDeviceSynchronize", "cudaStreamSynchronize", "cudaEventSynchronize", "cudaMemcpy"}


def count_waits(trace: dict[str, Any]) -> Counter[str]:
    """Counts waits in a profile's steps, from the first forward pass to the last update."""
    events = [event for event in trace["traceEvents"] if event.get("ph") == "X"]
    parts = [event for event in events if event["name"] in ("forward", "update")]
    begin = min(event["ts"] for event in parts)
    end = max(event["ts"] + event["dur"] for event in parts)
    return Counter(event["name"] for event in events if event["name"] in WAITS and begin <= event["ts"] <= end)


def run_trace(place: Place) -> str:
    size = Size(8, 6, 1) if place.is_quick else Size(MICRO, 12, 4)
    work = Workload(
        SMALL if place.is_quick else VIT_B,
        size,
        1,
        place.folder / "trace",
        device=place.device,
        num_workers=1 if place.is_quick else 8,
    )
    work.write_data()
    run = work.folder / "run"
    settings = [setting for setting in work.settings(run, "bf16") if not setting.startswith("--end_to_end.drop_path=")]
    arguments = ["train", *settings, "--end_to_end.drop_path=0.1", "--run.only=end_to_end"]
    launch.run_well(*arguments, f"--run.profile={NUM_PROFILED}", timeout_s=TIMEOUT_S)
    trace = run / "profile" / "end_to_end.json"
    content = json.loads(trace.read_text())
    if not any(event["name"] == "forward" for event in content["traceEvents"]):
        raise PartFailed(f"{trace.name} has no forward pass")
    waits = count_waits(content)
    if waits:
        raise PartFailed(f"{NUM_PROFILED} steps with stochastic depth wait for the GPU: {dict(waits)}")
    with trace.open("rb") as source, gzip.open(place.output / "trace.json.gz", "wb") as target:
        shutil.copyfileobj(source, target)
    place.keep("trace", {"trace": "trace.json.gz", "nsys": trace_with_nsys(place, arguments, run)})
    return f"{NUM_PROFILED} steps, in trace.json.gz (ui.perfetto.dev)"


def trace_with_nsys(place: Place, arguments: list[str], run: Path) -> str:
    """Traces another run with nsys. Returns the outcome: a failure of nsys is not the program's."""
    if shutil.which("nsys") is None:
        return "not installed"
    shutil.rmtree(run)
    output = place.output / "steps"
    command = ["nsys", "profile", "--trace=cuda,nvtx", "--force-overwrite=true", f"--output={output}"]
    done = subprocess.run(
        [*command, str(launch.EXECUTABLE), *arguments],
        env=launch.make_environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    found = [path.name for path in place.output.glob("steps.*")]
    print(f"nsys: status {done.returncode}, {', '.join(found) or 'no file'}", flush=True)
    return ", ".join(found) or f"failed with status {done.returncode}: {done.stderr[-300:]}"
