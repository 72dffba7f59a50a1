"""Watches a run while it goes on: the figures are right, and neither side notices the other."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from functools import partial
from pathlib import Path

import pytest

import launch
from launch import REPOSITORY
from made_up_run import MadeUp, write_run
from page_reader import parse_page
from report_page.live_report import LiveReport
from run_directory.data import TIME_FORMAT, load_run
from run_directory.recovery import load_what_is_there
from run_files import STAGES, assert_same_weights, read_summary, snapshot
from tiny import Tiny
from watch import format_run

DEEP_INCUBATION = ["meta", *STAGES, "finetuned"]

SCRIPT = REPOSITORY / "analysis" / "watch.py"
UPDATED_S = 1769860800  # 2026-01-31T12:00:00Z, as made-up runs have it


def watch(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ)


def test_figures(tmp_path: Path) -> None:
    trainings = [
        MadeUp("meta", "meta", (0.3,), block_flops=100, elapsed_s=10),
        MadeUp("stage_0", "incubation", (0.2, 0.35), block_flops=200, elapsed_s=10, state="running"),
        MadeUp("finetuned", "finetuning", (), block_flops=0, elapsed_s=0, state="waiting"),
    ]
    run = write_run(tmp_path / "run", trainings, state="running")
    lines = format_run(load_run(run), UPDATED_S + 75).splitlines()
    assert lines[:2] == [f"{run}: running", "job all: running, 2 ranks, written 1:15 ago"]
    assert [line.split() for line in lines[3:]] == [
        # Steps of 1 s; the last of the 10 has no wait for other ranks yet.
        ["meta", "done", "10/10", "0.1000", "30.00%", "32", "25.0%", "12.5%", "-"],
        # Steps of half a second, 20 of which are left.
        ["stage_0", "running", "20/40", "0.0500", "35.00%", "64", "25.0%", "12.5%", "0:10"],
        ["finetuned", "waiting", "0/40", "-", "-", "-", "-", "-", "-"],
    ]
    assert len({len(line) for line in lines[2:]}) == 1
    outcome = watch(run, "--once")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.splitlines()[2:] == lines[2:]  # the second line has the time


def test_a_run_that_was_killed_is_lost(tmp_path: Path) -> None:
    """Once no file of it has changed for minutes, in every program; a heartbeat is a sign of life."""
    run = write_run(tmp_path / "run", [MadeUp("meta", "meta", (0.3, 0.4), 100, 10, state="running")], state="running")
    lock = run / "checkpoints" / "meta.lock"
    lock.parent.mkdir()
    lock.write_text(json.dumps({"heartbeat": UPDATED_S + 10}))
    for path in (run / "summary.json", lock):
        os.utime(path, (UPDATED_S, UPDATED_S))
    lost = "lost (last sign of life 2026-01-31T12:00:10Z)"
    started_s = time.monotonic()
    outcome = watch(run, "--every=1000")
    assert time.monotonic() - started_s < 50
    lines = outcome.stdout.splitlines()
    assert lines[0] == f"{run}: {lost}"
    assert lines[1].startswith("job all: lost (last sign of life 2026-01-31T12:00:10Z), 2 ranks, written ")
    assert lines[3].split()[:3] == ["meta", "lost", "20/40"] and lines[3].split()[-1] == "-"
    assert load_what_is_there(run).run.state == lost
    lock.write_text(json.dumps({"heartbeat": time.time() - 200}))
    os.utime(lock, (UPDATED_S, UPDATED_S))
    assert load_run(run).state == load_run(run).trainings[0].state == "running"


def test_of_two_jobs_one_was_killed(tmp_path: Path) -> None:
    """The other one goes on, and so does the run; then it fails."""
    run = write_run(tmp_path / "run", [MadeUp("meta", "meta", (0.3, 0.4), 100, 10, state="running")], state="running")
    summary = read_summary(run)
    now = time.strftime(TIME_FORMAT, time.gmtime())
    for state, expected in (("running", "running"), ("failed", "failed"), ("done", "lost")):
        killed = {"state": "running", "reason": "", "num_ranks": 1, "updated": "2026-01-31T12:00:00Z"}
        summary["jobs"] = {"stage_0": killed, "stage_1": killed | {"state": state, "updated": now}}
        (run / "summary.json").write_text(json.dumps(summary))
        jobs = load_run(run).jobs
        assert [job.state for job in jobs] == ["lost", state]
        assert load_run(run).state.split(" ")[0] == expected


def test_speed_before_the_first_checkpoint(tmp_path: Path) -> None:
    """The speed comes from the steps of the round so far: 20 in 5 s, and 20 to go."""
    run = write_run(tmp_path / "run", [MadeUp("meta", "meta", (0.1, 0.3), 100, 5, state="running")], state="running")
    (run / "metrics" / "meta.h5").unlink()
    row = format_run(load_run(run), UPDATED_S).splitlines()[3].split()
    assert row == ["meta", "running", "20/40", "-", "-", "128", "-", "-", "0:05"]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: str


def ask(address: str, method: str = "GET", host: str | None = None) -> Answer:
    """Returns a reader's answer; a body that is shorter than announced fails."""
    request = urllib.request.Request(address, method=method, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=launch.TIMEOUT_S) as response:
            return Answer(response.status, response.headers, response.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read().decode())


def check_what_is_served(address: str) -> None:
    """Only the page is served, and only to this machine."""
    head = ask(address, "HEAD")
    assert (head.status, head.body) == (200, "")
    assert int(head.headers["Content-Length"]) > 10_000
    assert [ask(address + path).status for path in ("summary.json", "../summary.json", "?", "index.html")] == [404] * 4
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        answer = ask(address, method)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert [ask(address, host=host).status for host in ("localhost:1", "elsewhere.example")] == [200, 404]
    port = int(address.rstrip("/").rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):  # a server that listens everywhere would answer
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_job_and_readers_do_not_notice_each_other(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """Every file is replaced after each step while a watch and three threads read all of them as fast as they can.

    The watch serves the report, to two more threads that ask for it as often.
    """
    run = tmp_path / "run"
    method = "--method.trainings=deep_incubation"
    process = launch.start(tiny.arguments(run, method, "--checkpoint.every_steps=1"), 2)
    errors: list[str] = []
    seen: list[int] = []  # steps in the metrics at each look
    pages: dict[str, None] = {}  # without the line of their age; in their order
    num_answers = 0
    is_over = threading.Event()

    def read() -> None:
        state = load_run(run)
        format_run(state, time.time())
        seen.append(sum(len(t.metrics.steps["step"]) for t in state.trainings if t.metrics is not None))

    def browse(address: str) -> None:
        nonlocal num_answers
        answer = ask(address)
        num_answers += 1
        assert answer.status == 200
        assert answer.body.startswith("<!DOCTYPE html>") and answer.body.endswith("</html>\n")
        pages[re.sub(r'<p class="note">Made .*?</p>', "", answer.body, count=1)] = None

    def repeat(look: Callable[[], None]) -> None:
        while not is_over.is_set():
            try:
                look()
            except Exception as error:
                errors.append(repr(error))
                return

    assert launch.wait_until((run / "summary.json").exists, process)
    deadline = time.monotonic() + launch.TIMEOUT_S
    command = [sys.executable, str(SCRIPT), str(run), "--every=0.01", "--serve"]
    watched = tmp_path / "watched"
    with watched.open("w") as stdout:  # a pipe that nobody empties would stop it
        watcher = subprocess.Popen(
            command,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # which tests in the background ignore
        )
    readers = [threading.Thread(target=repeat, args=[read]) for _ in range(3)]
    try:
        for reader in readers:
            reader.start()
        while not (found := re.match(r"report: (http://127\.0\.0\.1:\d+/) ", watched.read_text())):
            assert watcher.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        browsers = [threading.Thread(target=repeat, args=[partial(browse, found[1])]) for _ in range(2)]
        for reader in browsers:
            reader.start()
        readers += browsers
        outcome = launch.finish(process)
        num_pages = len(pages)
        is_over.set()
        for reader in readers:
            reader.join()
        while "Refresh" in (last := ask(found[1])).headers:  # until it has seen the end of the run
            assert time.monotonic() < deadline + launch.TIMEOUT_S
        check_what_is_served(found[1])
    finally:
        is_over.set()
        launch.kill_ranks(process)  # those of a test that failed
        watcher.send_signal(signal.SIGINT)
        _, stderr = watcher.communicate(timeout=launch.TIMEOUT_S)
    assert outcome.status == 0, outcome
    assert errors == []
    assert (watcher.returncode, stderr) == (0, "")
    *_, table = watched.read_text().removesuffix("The report is served until Ctrl-C.\n").rpartition(f"{run}: ")
    assert table.splitlines()[0] == "done"
    assert table.splitlines()[1].startswith("job all: done (every training is done), 2 ranks, written 0:0")
    assert len(table.splitlines()) == len(DEEP_INCUBATION) + 3
    assert len(set(seen)) > 10, "the readers have hardly seen the run change"
    assert 1 < num_pages < num_answers, "the page has not changed, or was made for each reader"
    states = []
    for text in [*pages, last.body]:
        page, words = parse_page(text)
        assert "missing or damaged" not in words and "could not be made" not in words
        assert page.tags["section"] >= 9
        states += re.findall(r'class="badge">(\w+)<', text)
    assert (states[0], states[-1]) == ("running", "done")
    assert_same_weights(finished_run, run, DEEP_INCUBATION)


def test_page_of_what_is_there(tmp_path: Path) -> None:
    """The page of a run without a summary, then of a run that is gone, shows what exists."""
    run = write_run(tmp_path / "run", [MadeUp("meta", "meta", (0.1, 0.3), 100, 5, state="running")], state="running")
    (run / "summary.json").unlink()
    before = snapshot(run)
    rare, frequent = LiveReport(run, every_s=1000), LiveReport(run, every_s=0.5)
    first = rare.answer()
    assert (first.refresh_s, frequent.answer().refresh_s) == (1000, 1)
    _, words = parse_page(first.body.decode())
    assert "summary.json is missing" in words and "shown anew every 1000 s" in words
    assert snapshot(run) == before
    shutil.rmtree(run)
    time.sleep(0.5)
    for report, is_late in ((rare, False), (frequent, True)):
        _, words = parse_page(report.answer().body.decode())
        assert "summary.json is missing" in words
        assert (f"It could not be made anew NotARunError: {run} is not a run directory" in words) == is_late


def test_port_that_is_taken(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [MadeUp("meta", "meta", (0.1,), 100, 5)])
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        outcome = watch(run, f"--serve={port}")
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert outcome.stderr == (
        f"watch: port {port} of 127.0.0.1 is not to be had (Address already in use). "
        "Give another, or none for a free one.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{run}"], "watch: {run} is not a run directory: it has no summary.json. Give run.directory of a training."),
        (["{run}", "--every=0"], "watch: --every 0 is no time to wait. Give a number above 0."),
        (
            ["{run}", "--serve=65536"],
            "watch: --serve 65536 is no port. Give one from 1 to 65535, or none for a free one.",
        ),
        (["{run}", "--serve", "--once"], "watch: --once ends at once, and --serve goes on. Give one of them."),
    ],
)
def test_bad_input_of_watch(tmp_path: Path, arguments: list[str], message: str) -> None:
    outcome = watch(*(argument.format(run=tmp_path) for argument in arguments))
    assert outcome.returncode == 2
    assert outcome.stdout == ""
    assert outcome.stderr == message.format(run=tmp_path) + "\n"
