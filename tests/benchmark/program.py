"""Runs incubate as a user does, and reads speeds from its metrics files."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from measurement import Measurement
from peak_memory import read_peak
from workload import Workload

import launch
from run_files import read_columns

TIMEOUT_S = 1200.0


def list_precisions() -> list[str]:
    """Returns the precisions that this build can train in."""
    return ["fp32", "bf16"] if "run.precision" in launch.run_well("train", "--help").stdout else ["fp32"]


def train(arguments: list[str], num_ranks: int, timeout_s: float = TIMEOUT_S) -> int:
    """Returns the largest peak of resident memory of a rank, in bytes, read until the rank ends."""
    process = launch.start(["train", *arguments], num_ranks, timeout_s=timeout_s)
    ranks: list[int] = []
    peak = 0
    with ThreadPoolExecutor(1) as executor:
        end = executor.submit(launch.finish, process, timeout_s)
        while not end.done():
            if len(ranks) < num_ranks:
                ranks = [process.pid] if num_ranks == 1 else launch.find_ranks(process)
            peak = max([peak, *(read_peak(rank) for rank in ranks)])
            time.sleep(0.05)
    outcome = end.result()
    assert outcome.status == 0, f"incubate: ended with status {outcome.status}: {outcome.stdout}\n{outcome.stderr}"
    return peak


def measure(work: Workload, precision: str, *options: str, timeout_s: float = TIMEOUT_S) -> Measurement:
    """Measures with further settings `options`. For several trainings in one group, returns images per second that pass
    through all of them."""
    run = work.new_run(precision)
    only = [f"--run.only={work.trainings[0]}"] if len(work.trainings) == 1 else []
    peak = train([*work.settings(run, precision), *only, *options], work.num_processes, timeout_s)
    columns = [read_columns(run, training, "steps") for training in work.trainings]
    for column in columns:
        assert len(column["loss"]) == work.size.num_steps
    if work.device == "cuda":  # the program's own record of its GPU
        peak = int(max(column["memory_peak_bytes"].max() for column in columns))
    speed = statistics.median(columns[0]["images_per_s"][work.size.num_first :])
    return Measurement(float(speed), tuple(map(float, columns[0]["loss"])), peak)
