"""Runs the C++ tests of groups, reductions and the choice of a device on GPUs: with one rank, and with one rank per
GPU."""

from __future__ import annotations

import re
import subprocess

from gpu_part import PartFailed, Place

import launch

TIMEOUT_S = 120.0


def run_unit_tests(place: Place) -> str:
    counts = {}
    for num_ranks in sorted({1, place.num_devices}):
        test_filter = f"--gtest_filter=Device/*/{place.device}:Device.*"
        words = [test_filter, "--gtest_color=no"]  # under mpirun output looks like a terminal
        command = launch.make_command(words, num_ranks, TIMEOUT_S, launch.BUILD / "tests" / "mpi_tests")
        done = subprocess.run(
            command, env=launch.make_environment(), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        passed, skipped = (count_tests(done.stdout, word) for word in ("PASSED", "SKIPPED"))
        print(f"{num_ranks} ranks: {passed} tests passed, {skipped} skipped", flush=True)
        if done.returncode != 0 or skipped > 0 or passed == 0:
            print(done.stdout + done.stderr)
            raise PartFailed(f"on {num_ranks} ranks: status {done.returncode}, {passed} passed, {skipped} skipped")
        counts[num_ranks] = passed
    place.keep("unit", {f"{n} ranks": count for n, count in counts.items()})
    return ", ".join(f"{count} tests on {n} ranks" for n, count in counts.items())


def count_tests(output: str, word: str) -> int:
    """Returns the count in gtest's summary: `[  PASSED  ] 12 tests.`"""
    found = re.search(rf"^\[ +{word} +\] (\d+) tests?", output, re.M)
    return int(found[1]) if found else 0
