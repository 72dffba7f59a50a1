"""A run that is asked to stop saves and ends with status 75. It resumes on other ranks as if nothing had happened."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import launch
from killed_runs import (
    IN_FINETUNING,
    IN_INCUBATION,
    IN_META,
    NUM_ATTEMPTS,
    OFTEN,
    STOPPED,
    Ask,
    Point,
    ask_with_term,
    make_stopped_run,
)
from run_files import TRAININGS, assert_same_trainings, copy_run, read_summary, resume_points
from tiny import Tiny


def ask_mpirun(process: subprocess.Popen[str]) -> None:
    """Asks mpirun, which passes the request on to all ranks."""
    process.send_signal(signal.SIGUSR1)


def ask_one_rank(process: subprocess.Popen[str]) -> None:
    """Asks the last rank, which tells the others, whatever group they are in."""
    os.kill(max(launch.find_ranks(process)), signal.SIGUSR2)


@pytest.mark.parametrize(
    ("point", "before", "ask", "named", "after"),
    [
        (IN_META, 1, ask_with_term, "SIGTERM", 2),
        (IN_INCUBATION, 4, ask_mpirun, "SIGUSR1", 3),
        (IN_INCUBATION, 3, ask_one_rank, "another rank", 1),
        (IN_FINETUNING, 2, ask_mpirun, "SIGUSR1", 4),
    ],
    ids=["TERM in meta", "USR1 in incubation", "USR2 to one rank", "USR1 in finetuning"],
)
def test_stopped_and_continued(
    tiny: Tiny, finished_run: Path, tmp_path: Path, point: Point, before: int, ask: Ask, named: str, after: int
) -> None:
    run = make_stopped_run(tiny, finished_run, tmp_path, point, before, ask)
    summary = read_summary(run)
    assert summary["state"] == "stopped"
    assert summary["reason"] == f"asked to by {named}; all is saved"
    assert (run / "log.txt").read_text().splitlines()[-1].endswith(f"stopped: asked to by {named}; all is saved")
    newest = {name: resume_points(run, name)[-1] for name in TRAININGS if resume_points(run, name)}
    assert point.training in newest  # saved where it stopped, not only every 5 steps
    launch.run_well(*tiny.arguments(run), num_ranks=after)
    assert_same_trainings(finished_run, run, TRAININGS)


FOREVER = ("--run.only=meta", "--meta.epochs=1000000", "--train.evaluate_every=1000000")
# A terminal would do this: background processes ignore Ctrl-C.
IN_FOREGROUND = ("env", "--default-signal=INT,HUP")


def wait_until_training(process: subprocess.Popen[str], run: Path) -> None:
    assert launch.wait_until(lambda: len(resume_points(run, "meta")) > 0, process)


def start_forever(
    tiny: Tiny, run: Path, *settings: str, wrapper: tuple[str, ...] = IN_FOREGROUND
) -> subprocess.Popen[str]:
    """Starts an endless training on 1 rank and waits for some steps."""
    process = launch.start(tiny.arguments(run, OFTEN, *FOREVER, *settings), wrapper=wrapper)
    wait_until_training(process, run)
    return process


def assert_stopped(run: Path, named: str) -> None:
    summary = read_summary(run)
    assert (summary["state"], summary["reason"]) == ("stopped", f"asked to by {named}; all is saved")
    launch.run_well("inspect", str(resume_points(run, "meta")[-1]))


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_the_terminal_stops_it(tiny: Tiny, tmp_path: Path, name: str) -> None:
    process = start_forever(tiny, tmp_path, "--run.progress=none")
    process.send_signal(signal.Signals[name])
    outcome = launch.finish(process)
    assert (outcome.status, outcome.messages()) == (STOPPED, [])
    again = " Ctrl-C again ends at once, and saves nothing." if name == "SIGINT" else ""
    assert outcome.stdout.splitlines()[-2:] == [
        f"Asked to stop by {name}: saving.{again}",
        f"Stopped: asked to by {name}; all is saved. The same command goes on.",
    ]
    assert_stopped(tmp_path, name)


def test_a_second_interrupt_ends_at_once(tiny: Tiny, tmp_path: Path) -> None:
    """The stopped rank 1 keeps the first interrupt from having an effect."""
    process = launch.start(tiny.arguments(tmp_path, OFTEN, *FOREVER), 2)
    wait_until_training(process, tmp_path)
    first, other = sorted(launch.find_ranks(process), key=launch.rank_number)
    os.kill(other, signal.SIGSTOP)
    os.kill(first, signal.SIGINT)
    time.sleep(0.5)
    assert launch.is_running(first)
    os.kill(first, signal.SIGINT)
    launch.wait_until_gone([first], 5)
    assert launch.finish(process).status not in (0, STOPPED)


def test_nohup(tiny: Tiny, tmp_path: Path) -> None:
    process = start_forever(tiny, tmp_path, wrapper=("nohup",))
    process.send_signal(signal.SIGHUP)
    newest = resume_points(tmp_path, "meta")[-1]
    assert launch.wait_until(lambda: resume_points(tmp_path, "meta")[-1] != newest, process)
    process.send_signal(signal.SIGTERM)
    assert launch.finish(process).status == STOPPED
    assert_stopped(tmp_path, "SIGTERM")


def test_a_terminal_that_is_gone(tiny: Tiny, tmp_path: Path) -> None:
    """Every write to the terminal fails."""
    terminal, ours = os.openpty()
    process = subprocess.Popen(
        [*IN_FOREGROUND, *launch.make_command(tiny.arguments(tmp_path, OFTEN, *FOREVER, "--run.progress=bar"), 1)],
        stdin=ours,
        stdout=ours,
        stderr=ours,
        env=launch.make_environment(),
        start_new_session=True,
        text=True,
    )
    os.close(ours)
    wait_until_training(process, tmp_path)
    os.close(terminal)
    process.send_signal(signal.SIGHUP)
    assert process.wait(launch.TIMEOUT_S) == STOPPED
    assert_stopped(tmp_path, "SIGHUP")


def test_a_reader_that_is_gone(tiny: Tiny, tmp_path: Path) -> None:
    """The reader of a pipe may be gone, as when Ctrl-C ends the output's tee."""
    process = start_forever(tiny, tmp_path, "--run.progress=lines")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    process.send_signal(signal.SIGINT)
    assert process.wait(launch.TIMEOUT_S) == STOPPED
    assert_stopped(tmp_path, "SIGINT")


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_ranks_of_the_launching_script(tiny: Tiny, tmp_path: Path, name: str) -> None:
    """mpirun by itself would end with status 1."""
    script = launch.REPOSITORY / "jobscripts" / "mpirun.sh"
    command = launch.make_command(tiny.arguments(tmp_path, OFTEN, *FOREVER), 4)
    process = subprocess.Popen(
        [*IN_FOREGROUND, str(script), *command[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=launch.make_environment(),
        start_new_session=True,
        text=True,
    )
    wait_until_training(process, tmp_path)
    os.killpg(process.pid, signal.Signals[name])  # the whole group, as a terminal does
    outcome = launch.finish(process)
    assert (outcome.status, outcome.messages()) == (STOPPED, [])
    assert "Stopped: asked to by SIGUSR1; all is saved. The same command goes on." in outcome.stdout
    assert f"mpirun.sh: {'Ctrl-C' if name == 'SIGINT' else name}: the ranks are told to save" in outcome.stderr
    assert_stopped(tmp_path, "SIGUSR1")


def test_mpirun_by_itself(tiny: Tiny, tmp_path: Path) -> None:
    """mpirun reacts to Ctrl-C with SIGTERM to the ranks first."""
    process = launch.start(tiny.arguments(tmp_path, OFTEN, *FOREVER), 2)
    wait_until_training(process, tmp_path)
    os.kill(min(launch.find_ranks(process), key=launch.rank_number), signal.SIGTERM)
    outcome = launch.finish(process)
    assert outcome.status == STOPPED
    advice = "mpirun leaves its ranks a second for that: start them with jobscripts/mpirun.sh."
    assert f"Asked to stop by SIGTERM: saving. {advice}" in outcome.stdout
    assert_stopped(tmp_path, "SIGTERM")


def ends_in(seconds: float) -> dict[str, str]:
    return {"SLURM_JOB_END_TIME": str(int(time.time() + seconds))}


def test_the_end_of_the_jobs_time(tiny: Tiny, tmp_path: Path) -> None:
    arguments = tiny.arguments(tmp_path, *FOREVER, "--run.grace_seconds=4")
    outcome = launch.finish(launch.start(arguments, environment=ends_in(11)))
    assert outcome.status == STOPPED, outcome
    assert "Stopped: asked to by the end of the job's time; all is saved. The same command goes on." in outcome.stdout
    assert_stopped(tmp_path, "the end of the job's time")


@pytest.mark.parametrize("num_ranks", [1, 2])
def test_no_time_to_train(tiny: Tiny, finished_run: Path, tmp_path: Path, num_ranks: int) -> None:
    """Without time to train, a requeued job would start, save and be requeued for ever."""
    run = tmp_path / "run"
    outcome = launch.finish(launch.start(tiny.arguments(run), num_ranks, ends_in(60)))
    assert outcome.status == 2
    (message,) = outcome.messages()
    assert re.fullmatch(
        r"incubate: (5\d|60) s are left of the job's time \(SLURM_JOB_END_TIME\), and run\.grace_seconds=120 of it are "
        r"kept for saving: no time to train\. Give the job a longer time limit, or a smaller run\.grace_seconds\.",
        message,
    )
    assert not run.exists()
    done = copy_run(finished_run, run, without=[])
    assert launch.finish(launch.start(tiny.arguments(done), num_ranks, ends_in(60))).status == 0


def test_no_time_left_after_preparing(tiny: Tiny, tmp_path: Path) -> None:
    """The work before the first step may take long, such as copying the data."""
    for attempt in range(NUM_ATTEMPTS):
        run = tmp_path / f"attempt_{attempt}"
        began = time.time()
        # Matrix products are measured for 50 ms between the log's begin and the first step.
        arguments = tiny.arguments(run, *FOREVER, "--run.grace_seconds=4", "--run.peak_tflops=0")
        process = launch.start(arguments, environment=ends_in(9))
        if not launch.wait_until((run / "log.txt").exists, process):
            launch.finish(process)
            continue  # the start was slow, and the time over before it
        process.send_signal(signal.SIGSTOP)
        time.sleep(max(0.0, began + 5.5 - time.time()))
        process.send_signal(signal.SIGCONT)
        outcome = launch.finish(process)
        if outcome.status == STOPPED:
            continue  # it was halted too late, or has been at work already
        assert outcome.status == 2, outcome
        assert " s are left of the job's time (SLURM_JOB_END_TIME), and run.grace_seconds=4 of it " in outcome.stderr
        assert read_summary(run)["state"] == "failed"
        assert resume_points(run, "meta") == []
        return
    raise AssertionError(f"{NUM_ATTEMPTS} runs in a row had begun to train")
