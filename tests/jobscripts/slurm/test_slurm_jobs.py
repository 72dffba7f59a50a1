"""Tests train.sbatch and pipeline.sh under a real Slurm: whatever ends a job, the final weights stay the same."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from slurm_cluster import SlurmCluster, ThisMachine, wait_until, why_not
from slurm_jobs import (
    LAST,
    LAUNCHERS,
    SBATCH_OPTIONS,
    assert_completed,
    assert_failed_once,
    freeze_at_resume_point,
    output_of,
    settings,
    submit,
    wake,
)

import launch
from conftest import only_long
from run_files import STAGES, TRAININGS, assert_same_weights, copy_run, finished
from tiny import Tiny


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    if reason := why_not():
        pytest.skip(reason)
    machine = ThisMachine()
    cluster = SlurmCluster(tmp_path_factory.mktemp("slurm"), machine, [machine])
    try:
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def slurm(cluster: SlurmCluster) -> Iterator[SlurmCluster]:
    """The queue is empty."""
    yield cluster
    cluster.empty_queue()


def run_pipeline(slurm: SlurmCluster, tiny: Tiny, run: Path, check: bool = True) -> list[str]:
    script = launch.REPOSITORY / "jobscripts" / "pipeline.sh"
    options = [*SBATCH_OPTIONS, f"--output={run.parent}/%x-%a.out"]
    return slurm.command(str(script), *options, *settings(tiny, run), check=check, cwd=run.parent).splitlines()


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_whole_method_in_a_job(
    slurm: SlurmCluster, tiny: Tiny, finished_run: Path, tmp_path: Path, launcher: str
) -> None:
    run = tmp_path / "run"
    job = submit(slurm, tiny, run, launcher=launcher)
    assert_completed(slurm, job, run, restarts=0)
    assert_same_weights(run, finished_run, TRAININGS)
    text = output_of(run).read_text()
    assert re.search(rf"on 1 nodes: (\S+/)?{launcher}", text)
    assert "finetuned is done: top-1" in text
    assert "20 steps in" in text and "on 2 ranks" in text


def test_a_sweep(slurm: SlurmCluster, tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """A task of an array for each rate; what they share comes from the parent."""
    script = launch.REPOSITORY / "jobscripts" / "sweep.sh"
    options = [*SBATCH_OPTIONS, f"--output={tmp_path}/%a.out"]
    rates = [f"--finetuning.learning_rate={rate}" for rate in ("0.02", "0.05")]
    common = [*settings(tiny, tmp_path / "rates"), f"--run.parent={finished_run}"]
    lines = slurm.command(str(script), *options, *common, *rates, cwd=tmp_path).splitlines()
    runs = [tmp_path / "rates" / rate.removeprefix("--") for rate in rates]
    jobs = [line.split()[0] for line in lines]
    assert lines == [f"{job} {run}" for job, run in zip(jobs, runs, strict=True)]
    for i, job in enumerate(jobs):
        assert slurm.wait_for_end(job)["JobState"] == "COMPLETED", (tmp_path / f"{i}.out").read_text()
    assert finished(runs[0], "finetuned").stat().st_ino != finished(finished_run, "finetuned").stat().st_ino
    assert_same_weights(runs[1], finished_run, TRAININGS)


def test_pipeline_of_which_a_task_is_cancelled(
    slurm: SlurmCluster, tiny: Tiny, finished_run: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    lines = run_pipeline(slurm, tiny, run)
    job_of = {training: job for job, training in (line.split() for line in lines)}
    assert list(job_of) == TRAININGS
    array = job_of["stage_1"].partition("_")[0]
    assert [job_of[stage] for stage in STAGES] == [f"{array}_{i}" for i in range(4)]
    refusal = run_pipeline(slurm, tiny, run, check=False)[0]
    assert refusal.startswith(f"pipeline.sh: jobs of {run} are in the queue: ")

    freeze_at_resume_point(run, "stage_1")
    slurm.command("scancel", job_of["stage_1"])
    wait_until(lambda: slurm.queue() == [], "the pipeline's end", launch.TIMEOUT_S)
    done = [training for training in TRAININGS if finished(run, training).exists()]
    assert done == ["meta", "stage_0", "stage_2", "stage_3", "end_to_end"]
    assert slurm.show(job_of["finetuned"])["JobState"] == "CANCELLED"

    lines = run_pipeline(slurm, tiny, run)
    assert [line for line in lines if line.endswith(" is done")] == [f"{training} is done" for training in done]
    submitted = [line.split() for line in lines if not line.endswith(" is done")]
    assert [training for _, training in submitted] == ["stage_1", "finetuned"]
    assert slurm.wait_for_end(submitted[-1][0])["JobState"] == "COMPLETED"
    assert_same_weights(run, finished_run, TRAININGS)
    assert run_pipeline(slurm, tiny, run) == [f"{training} is done" for training in TRAININGS]
    assert slurm.queue() == []


def test_requeued_in_the_middle(slurm: SlurmCluster, tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    run = copy_run(finished_run, tmp_path / "run", without=LAST)
    job = submit(slurm, tiny, run)
    freeze_at_resume_point(run, "finetuned")
    slurm.command("scontrol", "requeue", job)
    assert_completed(slurm, job, run, restarts=1)
    assert_same_weights(run, finished_run, LAST)


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ([], "without a way for MPI to connect them"),
        # Variables of another MPI library, so that each task is alone (Open MPI recognises srun by SLURM_NODELIST).
        (["env", "-u", "SLURM_NODELIST", "PMI_JOBID=1"], "but MPI sees 1 rank in each"),
    ],
)
def test_tasks_without_pmix(
    slurm: SlurmCluster, tiny: Tiny, tmp_path: Path, environment: list[str], problem: str
) -> None:
    run = tmp_path / "run"
    program = [str(launch.EXECUTABLE), *tiny.arguments(run)]
    text = slurm.command("srun", "--mpi=none", "-n", "3", *environment, *program, check=False)
    [message] = [line for line in text.splitlines() if "incubate:" in line]
    assert message.startswith(f"incubate: srun started 3 tasks {problem}")
    assert "Exited with exit code 2" in text
    assert not run.exists()


def test_failure_is_not_requeued(slurm: SlurmCluster, tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """A failure is not requeued even if the run was stopped before: the stop is not this job's state."""
    run = copy_run(finished_run, tmp_path / "run", without=LAST)
    summary = json.loads((run / "summary.json").read_text())
    summary["jobs"]["all"]["state"] = summary["state"] = "stopped"
    (run / "summary.json").write_text(json.dumps(summary, indent=2))
    job = submit(slurm, tiny, run, "--meta.weight_decay=0.7")
    assert_failed_once(
        slurm, job, run, "train.sbatch: the program ended with status 2; the run's state is: nothing recorded"
    )


@pytest.mark.parametrize(
    "launcher",
    [
        "mpirun",
        pytest.param("srun", marks=only_long),
    ],
)
def test_stopped_by_a_signal(
    slurm: SlurmCluster, tiny: Tiny, finished_run: Path, tmp_path: Path, launcher: str
) -> None:
    run = copy_run(finished_run, tmp_path / "run", without=LAST)
    job = submit(slurm, tiny, run, launcher=launcher)
    tasks = freeze_at_resume_point(run, "finetuned")
    # mpirun's tasks belong to the batch step, to which scancel sends a signal only on request.
    slurm.command("scancel", "--signal=USR1", *(["--batch"] if launcher == "mpirun" else []), job)
    wake(tasks)
    assert_completed(slurm, job, run, restarts=1)
    assert "train.sbatch: stopped with everything saved; requeued" in output_of(run).read_text()
    assert_same_weights(run, finished_run, LAST)


def test_time_limit_in_the_middle(slurm: SlurmCluster, tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    run = copy_run(finished_run, tmp_path / "run", without=LAST)
    job = submit(slurm, tiny, run, "--run.grace_seconds=48", options=["--time=1", "--signal=USR1@1"])
    tasks = freeze_at_resume_point(run, "finetuned")
    time.sleep(12)  # until less than 48 s of the minute are left
    wake(tasks)
    assert_completed(slurm, job, run, restarts=1)
    assert_same_weights(run, finished_run, LAST)


def test_time_limit_that_is_too_short(slurm: SlurmCluster, tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    run = copy_run(finished_run, tmp_path / "run", without=LAST)
    job = submit(slurm, tiny, run, "--run.grace_seconds=60", options=["--time=1"])
    assert_failed_once(
        slurm, job, run, "train.sbatch: the program ended with status 2; the run's state is: nothing recorded"
    )
    assert " s are left of the job's time (SLURM_JOB_END_TIME), and run.grace_seconds=60 " in output_of(run).read_text()


def test_cancelled_job_is_not_requeued(slurm: SlurmCluster, tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    run = copy_run(finished_run, tmp_path / "run", without=LAST)
    job = submit(slurm, tiny, run)
    freeze_at_resume_point(run, "finetuned")
    slurm.command("scancel", job)
    shown = slurm.wait_for_end(job)
    assert (shown["JobState"], shown["Restarts"]) == ("CANCELLED", "0")
    assert json.loads((run / "summary.json").read_text())["state"] == "stopped"
