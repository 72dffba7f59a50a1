"""Runs several jobs on one run directory. They work on different trainings, or only one of them works."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import launch
from run_files import finished, read_summary, resume_points
from tiny import Tiny

STOPPED = 75
FOR_EVER = ["--run.only=meta", "--meta.epochs=100000", "--train.evaluate_every=100000", "--checkpoint.every_steps=20"]


def stop(process: subprocess.Popen[str]) -> None:
    """Stops the job, which must be alive and well."""
    assert process.poll() is None, launch.finish(process)
    process.send_signal(signal.SIGTERM)
    assert launch.finish(process).status == STOPPED


def assert_refused(process: subprocess.Popen[str], run: Path, holder: int) -> None:
    outcome = launch.finish(process)
    assert outcome.status == 2, outcome
    [message] = outcome.messages()
    lock = run / "checkpoints" / "meta.lock"
    assert message.startswith(f"incubate: {lock} says that another job works on this training: process {holder} on ")


def test_a_second_program_on_a_training_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = launch.start(tiny.arguments(run, *FOR_EVER))
    launch.wait_until(lambda: len(resume_points(run, "meta")) > 0, first)
    assert_refused(launch.start(tiny.arguments(run, *FOR_EVER)), run, first.pid)
    stop(first)
    assert os.listdir(run / "checkpoints") == ["meta"]


def test_of_programs_that_start_on_a_training_at_the_same_moment_one_trains(tiny: Tiny, tmp_path: Path) -> None:
    run = tmp_path / "run"
    jobs = [launch.start(tiny.arguments(run, *FOR_EVER)) for _ in range(3)]
    launch.wait_until(lambda: sum(job.poll() is None for job in jobs) == 1)
    [trains] = [job for job in jobs if job.returncode is None]
    for job in jobs:
        if job is not trains:
            assert_refused(job, run, trains.pid)
    launch.wait_until(lambda: len(resume_points(run, "meta")) > 0, trains)
    stop(trains)


def test_jobs_that_start_at_the_same_moment_write_the_same_files(tiny: Tiny, tmp_path: Path) -> None:
    run = tmp_path / "run"
    trainings = ["meta", "end_to_end", "shallow"]
    jobs = [launch.start(tiny.arguments(run, f"--run.only={training}")) for training in trainings]
    for job, training in zip(jobs, trainings, strict=True):
        outcome = launch.finish(job)
        assert outcome.status == 0, outcome
        assert finished(run, training).exists()
    assert {name: job["state"] for name, job in read_summary(run)["jobs"].items()} == dict.fromkeys(trainings, "done")
    assert sorted(os.listdir(run)) == ["checkpoints", "config.ini", "log.txt", "metrics", "metrics.h5", "summary.json"]
    launch.run_well("train", f"--config={run / 'config.ini'}", "--print-config")
