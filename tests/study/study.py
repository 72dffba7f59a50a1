"""Carries out the study of analysis/results/README.md: starts missing runs, keeps and commits their figures.

    python tests/study/study.py list                  # every run that is known so far, and how it stands
    python tests/study/study.py run --until=18:00     # in the repository's root, when study_data.py has made the data
    python tests/study/study.py pause                 # its trainings stand still, while others measure times
    python tests/study/study.py resume

A run is done when its figures are committed below analysis/results/study/. Two runs are trained at a time, each on one
rank, at the lowest priority. No run is started that would not end before --until. Runs still at work at that time save
their state, end, and go on with the next start. log.csv beside the figures has a line for each start: user and system
seconds, processor, commit of the program. test.csv has the outcome of each network on the test images: nobody opens
test.csv before all settings are chosen.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from datetime import datetime, timedelta, timezone

import torch
from kept_runs import LOG, LOG_COLUMNS, RESULTS, StudyError, append_row, commit, keep, read_log, read_top1
from training_jobs import (
    LOWEST_PRIORITY,
    PAUSED,
    PIDS,
    WORK,
    Job,
    is_training,
    reap,
    set_priority,
    signal_all,
    start,
    write_pids,
)

from launch import REPOSITORY
from machine import describe_processor, find_program
from schedule import choose_next
from study_runs.all_runs import list_runs

STOPPED = 75  # the program's status when it has saved its state on a signal
LOOK_S = 2.0


class Study:
    """The runs at work, until the deadline."""

    def __init__(self, until: datetime, num_jobs: int) -> None:
        self.until, self.num_jobs = until, num_jobs
        self.jobs: list[Job] = []
        self.speeds: dict[str, list[float]] = defaultdict(list)  # block FLOPs a second, by input file
        self.top1 = read_top1()
        self.ended: set[str] = set()  # since this start: stopped, or broken
        self.processor, self.features = describe_processor()
        self.program = find_program()

    def carry_on(self) -> None:
        """Carries on until no run can end in time."""
        looked = time.monotonic()
        while self.start_more() or self.jobs or (PAUSED.exists() and self.left_s() > 0):
            time.sleep(LOOK_S)
            now = time.monotonic()
            for job in self.jobs:
                job.active_s += 0 if PAUSED.exists() else now - looked
            looked = now
            if self.left_s() <= 0:
                self.stop()
            for job in list(self.jobs):
                ended = reap(job)
                if ended is not None:
                    self.end(job, *ended)

    def left_s(self) -> float:
        return (self.until - datetime.now().astimezone()).total_seconds()

    def stop(self) -> None:
        """Makes all running trainings save their state and end quickly."""
        for job in self.jobs:
            set_priority(job.process.pid, 0)
        signal_all(signal.SIGTERM)
        signal_all(signal.SIGCONT)

    def start_more(self) -> bool:
        """Returns whether something was started."""
        if len(self.jobs) == self.num_jobs or PAUSED.exists():
            return False
        taken = self.top1.keys() | self.ended | {job.run.name for job in self.jobs}
        run = choose_next(list_runs(self.top1), taken, self.left_s(), self.list_speeds())
        if run is None:
            return False
        self.jobs.append(start(run))
        write_pids(self.jobs)
        print(f"{datetime.now():%H:%M:%S} {run.name} started", flush=True)
        return True

    def list_speeds(self) -> dict[str, list[float]]:
        """Returns the speeds of finished runs, and the highest that running ones can still reach."""
        speeds = {config: list(values) for config, values in self.speeds.items()}
        for job in self.jobs:
            speeds.setdefault(job.run.config, []).append(job.run.block_flops / max(job.active_s, 1.0))
        return speeds

    def end(self, job: Job, status: int, cpu_s: float) -> None:
        """Keeps and commits the results of a start."""
        self.jobs.remove(job)
        write_pids(self.jobs)
        before = sum(os.times()[:4])
        if status == 0:
            outcome = "done"
            self.speeds[job.run.config].append(job.run.block_flops / job.active_s)
            keep(job.run)
        elif status == STOPPED:
            outcome = "stopped"
            self.ended.add(job.run.name)
        else:
            text = (WORK / f"{job.run.name}.out").read_text(errors="replace")
            outcome = "diverged" if "not finite" in text else f"status {status}"
            self.ended.add(job.run.name)
        cpu_s += sum(os.times()[:4]) - before
        self.log(job, outcome, cpu_s)
        subprocess.run([sys.executable, "analysis/quote_results.py"], cwd=REPOSITORY)  # says itself what is wrong
        commit([RESULTS, RESULTS.parent / "README.md", REPOSITORY / "README.md"], f"Study: {job.run.name}, {outcome}")
        self.top1 = read_top1()
        print(f"{datetime.now():%H:%M:%S} {job.run.name} {outcome}: {cpu_s:.0f} s of CPU", flush=True)

    def log(self, job: Job, outcome: str, cpu_s: float) -> None:
        row: dict[str, object] = {
            "run": job.run.name,
            "outcome": outcome,
            "cpu_s": f"{cpu_s:.1f}",
            "total_cpu_s": f"{cpu_s + sum(float(row['cpu_s']) for row in read_log()):.1f}",
            "began": f"{job.began:%Y-%m-%dT%H:%M:%SZ}",
            "ended": f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
            "processor": self.processor,
            "features": self.features,
            "program": self.program,
        }
        append_row(LOG, LOG_COLUMNS, row)


# Commands


def show_list() -> None:
    top1, log = read_top1(), read_log()
    diverged = {row["run"] for row in log if row["outcome"] == "diverged"}
    for run in list_runs(top1):
        figure = "diverged" if run.name in diverged else f"{top1[run.name]:.2%}" if run.name in top1 else "-"
        print(f"{run.name:<50} {run.block_flops:.2e} FLOPs  validation top-1 {figure}")
    hours = sum(float(row["cpu_s"]) for row in log) / 3600
    print(f"{len(top1)} of {len(list_runs(top1))} runs known so far are done; {hours:.2f} hours of CPU time")


def carry_out(until: str, num_jobs: int) -> None:
    if PIDS.exists() and any(is_training(pid, name) for name, pid in json.loads(PIDS.read_text()).items()):
        raise StudyError(f"the trainings of {PIDS} are at work, by another start of this program. Wait for them.")
    hour, minute = map(int, until.split(":"))
    os.nice(LOWEST_PRIORITY)
    torch.set_num_threads(1)
    for folder in (WORK, RESULTS):
        folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now().astimezone()
    at = now.replace(hour=hour, minute=minute, second=0)
    Study(at if at > now else at + timedelta(days=1), num_jobs).carry_on()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Carries out the study of analysis/results/README.md.")
    parser.add_argument("command", choices=("list", "run", "pause", "resume"))
    parser.add_argument("--until", metavar="HH:MM", help="the next time it is this late, local time; needed by run")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="trainings at a time (default: 2)")
    options = parser.parse_args(arguments)
    try:
        if options.command == "list":
            show_list()
        elif options.command == "run":
            if options.until is None:
                parser.error("run needs --until=HH:MM, by when all must have ended")
            carry_out(options.until, options.jobs)
        elif options.command == "pause":
            PAUSED.touch()
            signal_all(signal.SIGSTOP)
        else:
            PAUSED.unlink(missing_ok=True)
            signal_all(signal.SIGCONT)
    except StudyError as error:
        print(f"study: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
