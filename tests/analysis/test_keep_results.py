"""Tests the copies of `analysis/keep_results.py`: they suffice for analysis/, without weights, paths or hosts."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import compare
from frames import load_frames
from keep_results import ABSOLUTE_PATH, NotKeptError, main, read_figures, replace_hosts
from launch import REPOSITORY, Outcome, call
from run_directory.data import load_run
from run_directory.recovery import load_what_is_there
from run_files import TRAININGS, copy_run, finished, flip_byte, read_summary, snapshot, verify_files, write_summary


def start(program: str, *arguments: str | Path) -> Outcome:
    command = [sys.executable, str(REPOSITORY / "analysis" / program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return Outcome(done.returncode, done.stdout, done.stderr, 0)


@pytest.fixture(scope="module")
def kept(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("results")
    outcome = start("keep_results.py", finished_run, "--output", output)
    assert outcome.status == 0, outcome.stderr
    files = [path for path in output.rglob("*") if path.is_file()]
    num_bytes = sum(path.stat().st_size for path in files)
    assert outcome.stdout == f"{output / finished_run.name}: {len(files)} files, {num_bytes / 1000:.0f} kB\n"
    return output / finished_run.name


def test_figures_alone_are_kept(finished_run: Path, kept: Path) -> None:
    """HDF5 files are copied byte for byte, so their checksums stay right."""
    metrics = [f"metrics/{name}.h5" for name in TRAININGS]
    assert sorted(str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file()) == sorted(
        ["config.ini", "summary.json", "log.txt", "metrics.h5", *metrics]
    )
    assert verify_files(kept) == 1 + len(TRAININGS)
    for name in ("metrics.h5", *metrics):
        assert (kept / name).read_bytes() == (finished_run / name).read_bytes()


def test_texts_tell_nothing_of_the_machine(finished_run: Path, kept: Path) -> None:
    for name in ("config.ini", "log.txt"):
        before, after = ((run / name).read_text() for run in (finished_run, kept))
        assert str(finished_run.parent.parent) in before  # where its data is
        assert str(finished_run.parent.parent) not in after
        assert f" on {socket.gethostname()}" not in after
        assert len(after.splitlines()) == len(before.splitlines())
    assert f"directory = {finished_run.name}" in (kept / "config.ini").read_text()
    assert "rank 1 on node-0" in (kept / "log.txt").read_text()
    assert load_run(kept).seed == load_run(finished_run).seed


def test_hosts_and_paths() -> None:
    start = "2026-01-31 12:00:00.000 info  "
    log = f"{start}rank 0 on cn2\n{start}rank 1 on cn1\n{start}cn1 (cn1.site, cn10) is slow, says rank 1 on cn1\n"
    assert replace_hosts(log) == (
        f"{start}rank 0 on node-0\n{start}rank 1 on node-1\n"
        f"{start}node-1 (node-1.site, cn10) is slow, says rank 1 on node-1\n"
    )
    text = "wrote /tmp/a-b/c.h5 at 10 images/s from ../x/y; file=/data/z"
    assert ABSOLUTE_PATH.sub(r"\1", text) == "wrote c.h5 at 10 images/s from ../x/y; file=z"


def test_every_program_reads_it(finished_run: Path, kept: Path) -> None:
    ours, theirs = load_frames(kept), load_frames(finished_run)
    for name in ("steps", "epochs", "rounds", "checkpoints", "trainings"):
        same = (getattr(frames, name).drop(columns="run") for frames in (ours, theirs))
        assert next(same).equals(next(same)), name
    table = call(compare.main, kept).stdout
    assert table and table == call(compare.main, finished_run).stdout
    loaded = load_what_is_there(kept)
    assert loaded.problems == [] and not loaded.has_weights
    assert load_what_is_there(finished_run).has_weights
    outcome = start("plot_run.py", kept, "--output", kept.parent / "curves.png")
    assert outcome.status == 0, outcome.stderr


def test_kept_again_it_replaces_what_is_there(finished_run: Path, tmp_path: Path) -> None:
    kept = tmp_path / finished_run.name
    (kept / "metrics").mkdir(parents=True)
    (kept / "metrics" / "older.h5").touch()
    assert main([str(finished_run), "--output", str(tmp_path)]) == 0
    assert not (kept / "metrics" / "older.h5").exists()
    assert [path.name for path in tmp_path.iterdir()] == [finished_run.name]


def test_what_it_did_not_write_stays(finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = finished_run.name
    for folder in ("own", "other", "noted"):
        (tmp_path / folder).mkdir()
    shutil.copytree(finished_run, tmp_path / "own" / name)
    shutil.copytree(finished_run, tmp_path / "other" / name)
    (tmp_path / "noted" / name).mkdir()
    (tmp_path / "noted" / name / "notes.txt").write_text("notes\n")
    before = snapshot(tmp_path)
    for runs, output, problem in (
        ([tmp_path / "own" / name], "own", f"{name} is a run that is to be kept, and would be replaced. "),
        ([finished_run], "other", f"{name} has checkpoints, which this program did not write, and would be replaced. "),
        ([finished_run], "noted", f"{name} has notes.txt, which this program did not write, and would be replaced. "),
        ([finished_run, tmp_path / "own" / name], "new", f"two runs are called {name}. "),
    ):
        assert main([*map(str, runs), "--output", str(tmp_path / output)]) == 2
        assert problem in capsys.readouterr().err
        assert snapshot(tmp_path) == before
    draft = tmp_path / "kept" / f"{name}.draft"
    draft.mkdir(parents=True)
    assert main([str(finished_run), "--output", str(tmp_path / "kept")]) == 0
    assert draft.exists()


def test_paths_have_any_signs(finished_run: Path, tmp_path: Path) -> None:
    """Also spaces, commas and bytes that are no UTF-8."""
    run = shutil.copytree(finished_run, tmp_path / "run")
    for name in ("config.ini", "log.txt"):
        content = (run / name).read_bytes()
        (run / name).write_bytes(content.replace(os.fsencode(finished_run), b"/home/m\xfcller, Eva/a run/ranks"))
        assert b"/home" in (run / name).read_bytes() or name == "log.txt"
    for content in read_figures(run).values():
        assert b"Eva" not in content
    assert b"directory = ranks  # path\n" in read_figures(run)["config.ini"]


def change_summary(run: Path, training: int | None, name: str, value: object) -> None:
    summary = read_summary(run)
    (summary if training is None else summary["trainings"][training])[name] = value
    if training is None:
        summary["jobs"]["all"][name] = value
    write_summary(run, summary)


def test_what_is_not_kept(finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each run is refused with its reason; then nothing is written."""

    def keep(run: Path) -> str:
        assert main([str(finished_run), str(run), "--output", str(tmp_path / "results")]) == 2
        assert not (tmp_path / "results").exists()
        (line,) = capsys.readouterr().err.splitlines()
        return line.removeprefix("keep_results: ")

    def copy(name: str) -> Path:
        return shutil.copytree(finished_run, tmp_path / name)

    run = copy("stopped")
    change_summary(run, None, "state", "stopped")
    assert keep(run) == (
        f"{run} is stopped, 7 of 7 trainings are done: figures that may change are not kept. Let the run end first."
    )

    run = copy("other")
    top1 = read_summary(run)["trainings"][5]["top1"]
    change_summary(run, 5, "top1", top1 + 0.01)
    assert keep(run) == (
        f"{run}: top1 of finetuned is {top1 + 0.01} in summary.json and {top1} at the end of its metrics, which must "
        "be equal. Copy the run again."
    )

    run = copy("damaged")
    flip_byte(run / "metrics" / "stage_1.h5")
    assert keep(run) == (
        f"{run}/metrics/stage_1.h5 is damaged: its checksum is not that which was written. Copy the run again."
    )

    run = copy("weights")
    shutil.copy(finished(run, "meta"), run / "metrics" / "meta_2.h5")
    assert keep(run) == (
        f"{run}/metrics/meta_2.h5 is of type 'incubate checkpoint': of HDF5 files only metrics are kept. Move it away."
    )

    run = copy("no log")
    (run / "log.txt").unlink()
    no_run = "so it is no whole run. Give run.directory of a training that is done."
    assert keep(run) == f"{run} has no log.txt, {no_run}"
    assert keep(tmp_path / "nowhere") == f"{tmp_path / 'nowhere'} has no config.ini, {no_run}"

    run = copy_run(finished_run, tmp_path / "no metrics", without=["stage_2"])
    assert keep(run) == f"{run} has no metrics of stage_2, which is done. Copy the run again."


def test_long_runs_are_not_kept(finished_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    with (run / "log.txt").open("a") as log:
        log.write("line\n" * 100_000)
    with pytest.raises(
        NotKeptError, match=r"has \d+ kB of figures, more than the 500 kB that a repository should have"
    ):
        read_figures(run)
