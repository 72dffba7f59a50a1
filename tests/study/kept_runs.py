"""The results of the study: figures of finished runs, outcomes on test images and a log, all committed at once."""

from __future__ import annotations

import csv
import subprocess
import tempfile
import time
from pathlib import Path

import torch
from training_jobs import WORK
from unseen_images import Outcome, evaluate, load_network

from keep_results import read_figures, write_figures
from launch import EXECUTABLE, REPOSITORY, make_environment
from run_directory.data import load_run, read_config
from schedule import list_done
from study_runs.resnet_runs import RESNET
from study_runs.run import RESULT_OF, StudyRun

RESULTS = REPOSITORY / "analysis" / "results" / "study"
LOG, TEST = RESULTS / "log.csv", RESULTS / "test.csv"
LOG_COLUMNS = ("run", "outcome", "cpu_s", "total_cpu_s", "began", "ended", "processor", "features", "program")
TEST_COLUMNS = ("run", "images", "right", "loss")
MOST_STEP_ROWS = 50  # kept for each training
MOST_DIFFERENT = 2  # validation images on which PyTorch may differ from the program
COMMIT_RETRIES, COMMIT_RETRY_S = 10, 3.0


class StudyError(Exception):
    """The study cannot go on. The message says why, and what to do."""


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
    """Returns the validation top-1 of finished runs; 0 for runs that diverged."""
    top1 = {row["run"]: 0.0 for row in read_log() if row["outcome"] == "diverged"}
    for name in read_done():
        run = load_run(RESULTS / name)
        trainings = {training.name: training.figures["top1"] for training in run.trainings if training.is_done}
        top1[name] = next(value for training, value in trainings.items() if training in RESULT_OF.values())
    return top1


def append_row(path: Path, columns: tuple[str, ...], row: dict[str, object]) -> None:
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def keep(run: StudyRun) -> None:
    """Writes the figures, and the outcome of the network on the test images, into RESULTS. Raises StudyError."""
    directory = WORK / run.name
    figures = read_figures(directory, MOST_STEP_ROWS)
    network = load_exported(run)
    if not any(RESULTS.glob(f"{run.cell}-{run.arm}-*/summary.json")):
        check_network(run, network)
    unseen = evaluate_on(run, network, "test")
    row = {"run": run.name, "images": unseen.num_images, "right": unseen.num_right, "loss": f"{unseen.loss:.5f}"}
    write_figures(figures, RESULTS / run.name)
    append_row(TEST, TEST_COLUMNS, row)


def check_network(run: StudyRun, network: torch.nn.Module) -> None:
    """Raises StudyError unless PyTorch classifies the validation images as the program does."""
    outcome = evaluate_on(run, network, "validation")
    trainings = load_run(WORK / run.name).trainings
    top1 = next(training.figures["top1"] for training in trainings if training.name == run.training)
    if abs(outcome.num_right - top1 * outcome.num_images) > MOST_DIFFERENT:
        raise StudyError(
            f"{run.name}: with the exported weights, PyTorch has {outcome.num_right} of {outcome.num_images} "
            f"validation images right, the program {top1:.2%}. Nothing was kept."
        )


def evaluate_on(run: StudyRun, network: torch.nn.Module, split: str) -> Outcome:
    data = read_config(WORK / run.name / "config.ini")["data"]
    mean, std = ([float(value) for value in data[name].split(",")] for name in ("mean", "std"))
    kind = "cifar100" if run.config == RESNET else "fashion-mnist"
    return evaluate(network, REPOSITORY / f"data/study/{kind}-{split}.npz", mean, std)


def load_exported(run: StudyRun) -> torch.nn.Module:
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "network.safetensors"
        command = [str(EXECUTABLE), "export", f"--config={WORK / run.name / 'config.ini'}"]
        command += [f"--training={run.training}", f"--output={weights}"]
        subprocess.run(command, cwd=REPOSITORY, env=make_environment(), check=True, capture_output=True)
        return load_network(weights)


def commit(paths: list[Path], message: str) -> None:
    """Commits the paths. Tries again while another process uses the repository."""
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
