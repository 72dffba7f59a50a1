"""Limits of the system and names in other encodings: named as what they are, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import launch
from launch import REPOSITORY
from run_files import copy_run, read_summary
from tiny import Tiny


def run_in_shell(before: str, *arguments: str | bytes | Path, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """The program, started by bash after the commands `before`."""
    command = ["bash", "-c", f'{before}; exec "$@"', "sh", str(launch.EXECUTABLE), *arguments]
    environment = launch.make_environment() | variables
    return subprocess.run(command, capture_output=True, timeout=launch.TIMEOUT_S, env=environment)


def test_limit_of_a_files_size(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """The run fails with a message, and what was done before stays."""
    run = copy_run(finished_run, tmp_path / "run", without=["end_to_end"])
    wide = ["--model.width=384", "--run.directory=" + str(tmp_path / "wide"), "--run.only=meta"]
    done = run_in_shell("ulimit -f 9000", *tiny.arguments(run)[:-1], *wide)
    assert done.returncode == 1
    assert b"cannot" in done.stderr and b"File too large" in done.stderr
    assert read_summary(tmp_path / "wide")["state"] == "failed"


def test_processor_time_that_ends(tiny: Tiny, tmp_path: Path) -> None:
    """A soft limit asks for a stop."""
    arguments = tiny.arguments(tmp_path / "run", "--run.only=meta", "--meta.epochs=100000")
    done = run_in_shell("ulimit -S -t 3", *arguments)
    assert done.returncode == 75
    assert read_summary(tmp_path / "run")["reason"] == "asked to by SIGXCPU; all is saved"


def test_reader_that_ends(tiny: Tiny, finished_run: Path, tmp_path: Path) -> None:
    """A training goes on; a command that only prints ends without a word."""
    run = copy_run(finished_run, tmp_path / "run", without=["end_to_end"])
    reader, writer = os.pipe()
    os.close(reader)
    for arguments, status in ((tiny.arguments(run), 0), (["--help"], -13)):
        done = subprocess.run(
            [str(launch.EXECUTABLE), *arguments],
            stdout=writer,
            stderr=subprocess.PIPE,
            env=launch.make_environment(),
            timeout=launch.TIMEOUT_S,
        )
        assert (done.returncode, done.stderr) == (status, b"")
    os.close(writer)
    assert read_summary(run)["state"] == "done"


def test_library_path_with_another_torch(tmp_path: Path) -> None:
    for name in ("libc10.so", "libtorch.so", "libtorch_cpu.so", "libtorch_cuda.so"):
        (tmp_path / name).write_bytes(b"no library")
    done = run_in_shell("true", "--version", LD_LIBRARY_PATH=str(tmp_path))
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user, who has a limit")
def test_threads_that_cannot_start(tmp_path: Path) -> None:
    """Said with their number and the setting. (Asked of the core's own test program, which needs no file that only this
    user can read.)"""
    (tmp_path / "limit.py").write_text(
        "import os, resource, sys\n"
        "program = os.open(sys.argv[1], os.O_RDONLY)\n"
        "os.setgroups([]), os.setgid(65534), os.setuid(65534)\n"
        "resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))\n"
        "os.execve(program, sys.argv[1:], os.environ)\n"
    )
    program = launch.BUILD / "tests" / "core_tests"
    command = [sys.executable, str(tmp_path / "limit.py"), str(program), "--gtest_filter=Thread.IsStarted"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=launch.TIMEOUT_S)
    assert "cannot be started: Resource temporarily unavailable. The user may have 1 processes" in done.stdout


def test_names_that_are_not_utf8(tiny: Tiny, tmp_path: Path) -> None:
    """A failed run is recorded as failed, and programs read it."""
    folder = os.fsencode(tmp_path) + b"/m\xfcller"
    os.mkdir(folder)
    os.link(tiny.data, folder + b"/tiny.h5")
    run = tmp_path / "run"
    arguments = [*tiny.arguments(run)[:-2], f"--run.directory={run}", "--run.only=meta"]
    done = run_in_shell("true", *arguments, b"--data.file=" + folder + b"/tiny.h5", "--train.on_nonfinite=stop")
    assert done.returncode == 0, done.stderr
    for program, *more in (("plot_run", "--output=x.png"), ("compare",), ("to_tensorboard", "--output=events")):
        command = [sys.executable, str(REPOSITORY / "analysis" / f"{program}.py"), str(run), *more]
        read = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=launch.TIMEOUT_S)
        assert read.returncode == 0, read.stderr
