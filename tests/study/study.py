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
import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import torch
from schedule import choose_next, list_done
from unseen_images import evaluate, load_network

from keep_results import read_figures, write_figures
from launch import EXECUTABLE, REPOSITORY, make_environment
from run_data import load_run, read_config
from study_runs import RESNET, StudyRun, list_runs

WORK = REPOSITORY / "runs" / "study"
RESULTS = REPOSITORY / "analysis" / "results" / "study"
PIDS, PAUSED = WORK / "pids.json", WORK / "paused"
LOG, TEST = RESULTS / "log.csv", RESULTS / "test.csv"
LOG_COLUMNS = ("run", "outcome", "cpu_s", "total_cpu_s", "began", "ended", "processor", "features", "program")
TEST_COLUMNS = ("run", "images", "right", "loss")
FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
MOST_STEP_ROWS = 50  # that are kept of a training
LOWEST_PRIORITY = 19
STOPPED = 75  # the program's status when it has saved its state on a signal
LOOK_S = 2.0
COMMIT_RETRIES, COMMIT_RETRY_S = 10, 3.0
MOST_DIFFERENT = 2  # images of the validation split that timm may see otherwise than the program


@dataclass
class Job:
    """A start of the program."""

    run: StudyRun
    process: subprocess.Popen[bytes]
    began: datetime
    active_s: float = 0  # without pauses


class StudyError(Exception):
    """The message says what is wrong, and what to do."""


# What there is


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout


def read_done() -> set[str]:
    """Returns the runs whose figures are committed."""
    return list_done(git("ls-tree", "-r", "--name-only", "HEAD", str(RESULTS.relative_to(REPOSITORY))).split())


def read_log() -> list[dict[str, str]]:
    if not LOG.exists():
        return []
    with LOG.open(newline="") as file:
        return list(csv.DictReader(file))


def read_top1() -> dict[str, float]:
    """Validation top-1 of the runs that are done; of those that diverged 0."""
    top1 = {row["run"]: 0.0 for row in read_log() if row["outcome"] == "diverged"}
    for name in read_done():
        run = load_run(RESULTS / name)
        trainings = {training.name: training.top1 for training in run.trainings}
        result = next(name for name in ("finetuned", "end_to_end", "grown", "shallow") if name in trainings)
        top1[name] = trainings[result]
    return top1


def append_row(path: Path, columns: tuple[str, ...], row: dict[str, object]) -> None:
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def describe_processor() -> tuple[str, str]:
    """Its name, and the vector instructions that it has."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    fields = dict(reversed([[part.strip() for part in line.split(":", 1)] for line in lines if ":" in line]))
    return fields["model name"], " ".join(name for name in FEATURES if name in fields["flags"].split())


def find_program() -> str:
    """Version and commit, as the program tells them."""
    return subprocess.run(
        [str(EXECUTABLE), "--version"], env=make_environment(), check=True, capture_output=True, text=True
    ).stdout.strip()


# Starts and ends


def start(run: StudyRun) -> Job:
    command = [str(EXECUTABLE), "train", f"--config={run.config}", *run.settings]
    command += [f"--run.directory={WORK / run.name}", "--run.progress=none"]
    with (WORK / f"{run.name}.out").open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=make_environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    set_priority(process.pid, LOWEST_PRIORITY)
    return Job(run, process, datetime.now(timezone.utc))


def set_priority(pid: int, nice: int) -> None:
    """Of a session. Linux shares the cores among sessions first, and by a process's own nice value within a session."""
    with contextlib.suppress(OSError):  # other systems have no such file, and users may only lower a priority
        Path(f"/proc/{pid}/autogroup").write_text(str(nice))


def reap(job: Job) -> tuple[int, float] | None:
    """Status and CPU seconds of a start that has ended."""
    pid, status, usage = os.wait4(job.process.pid, os.WNOHANG)
    if pid == 0:
        return None
    job.process.returncode = os.waitstatus_to_exitcode(status)
    return job.process.returncode, usage.ru_utime + usage.ru_stime


def write_pids(jobs: list[Job]) -> None:
    draft = PIDS.with_suffix(".draft")
    draft.write_text(json.dumps({job.run.name: job.process.pid for job in jobs}))
    draft.rename(PIDS)


def signal_all(number: signal.Signals) -> None:
    """To the trainings that are at work."""
    pids: dict[str, int] = json.loads(PIDS.read_text()) if PIDS.exists() else {}
    for name, pid in pids.items():
        if is_training(pid, name):
            os.kill(pid, number)


def is_training(pid: int, name: str) -> bool:
    """Whether the process is still the one that was started for the run."""
    try:
        return f"--run.directory={WORK / name}".encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def keep(run: StudyRun) -> None:
    """Writes the figures, and the outcome of the network on the test images, into RESULTS."""
    directory = WORK / run.name
    write_figures(read_figures(directory, MOST_STEP_ROWS), RESULTS / run.name)
    data = read_config(directory / "config.ini")["data"]
    mean, std = ([float(value) for value in data[name].split(",")] for name in ("mean", "std"))
    network = load_exported(run)
    kind = "cifar100" if run.config == RESNET else "fashion-mnist"
    validation, unseen = (
        evaluate(network, REPOSITORY / f"data/study/{kind}-{split}.npz", mean, std) for split in ("validation", "test")
    )
    top1 = next(training.top1 for training in load_run(directory).trainings if training.name == run.training)
    if abs(validation.num_right - top1 * validation.num_images) > MOST_DIFFERENT:
        raise StudyError(
            f"{run.name}: with the exported weights, PyTorch has {validation.num_right} of {validation.num_images} "
            f"validation images right, the program {top1:.2%}. Nothing was kept."
        )
    row = {"run": run.name, "images": unseen.num_images, "right": unseen.num_right, "loss": f"{unseen.loss:.5f}"}
    append_row(TEST, TEST_COLUMNS, row)


def load_exported(run: StudyRun) -> torch.nn.Module:
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "network.safetensors"
        command = [str(EXECUTABLE), "export", f"--config={WORK / run.name / 'config.ini'}"]
        command += [f"--training={run.training}", f"--output={weights}"]
        subprocess.run(command, cwd=REPOSITORY, env=make_environment(), check=True, capture_output=True)
        return load_network(weights)


def commit(paths: list[Path], message: str) -> None:
    """Tries again while somebody else is at work in the repository."""
    names = [str(path.relative_to(REPOSITORY)) for path in paths]
    for is_last in [*[False] * COMMIT_RETRIES, True]:
        try:
            git("add", "--", *names)
            git("commit", "-q", "-m", message, "--", *names)
            return
        except subprocess.CalledProcessError as error:
            if is_last:
                raise StudyError(f"git: {error.stderr.strip()}. Commit {', '.join(names)} by hand.") from error
            time.sleep(COMMIT_RETRY_S)


class Study:
    """The runs at work, until the deadline."""

    def __init__(self, until: datetime, num_jobs: int) -> None:
        self.until, self.num_jobs = until, num_jobs
        self.jobs: list[Job] = []
        self.speeds: dict[str, list[float]] = defaultdict(list)  # block FLOPs a second, by input file
        self.top1 = read_top1()
        self.ended: set[str] = set()  # in this session: stopped, or broken
        self.processor, self.features = describe_processor()
        self.program = find_program()

    def carry_on(self) -> None:
        """Until nothing is left that can end in time."""
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
        """Has all that is at work save its state and end, which must not take long."""
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
        """Of runs that have ended, and the most that those at work can still reach."""
        speeds = {config: list(values) for config, values in self.speeds.items()}
        for job in self.jobs:
            speeds.setdefault(job.run.config, []).append(job.run.block_flops / max(job.active_s, 1.0))
        return speeds

    def end(self, job: Job, status: int, cpu_s: float) -> None:
        """Keeps and commits what a start has brought."""
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
        commit([RESULTS, RESULTS.parent / "README.md"], f"Study: {job.run.name}, {outcome}")
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
    Study(datetime.now().astimezone().replace(hour=hour, minute=minute, second=0), num_jobs).carry_on()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Carries out the study of analysis/results/README.md.")
    parser.add_argument("command", choices=("list", "run", "pause", "resume"))
    parser.add_argument("--until", metavar="HH:MM", help="today, local time; needed by run")
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
