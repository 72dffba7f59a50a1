"""Tests the scripts of jobscripts/ and tests/: the effects of --help and unknown arguments; arrays of jobs."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import launch
import summarise
from run_files import snapshot

SCRIPTS = sorted(
    str(path.relative_to(launch.REPOSITORY))
    for folder in ("jobscripts", "tests", "tests/benchmark", "tests/gpu_parts")
    for path in (launch.REPOSITORY / folder).iterdir()
    if path.suffix in (".sh", ".sbatch", ".bash") and path.name not in ("usage.sh", "use_packages.sh")
)
PROGRAMS = (
    "compare",
    "convert_pth",
    "keep_results",
    "plot_run",
    "quote_results",
    "report",
    "to_onnx",
    "to_tensorboard",
    "watch",
)
# Commands that a script would start if it went on.
COMMANDS = (
    *("apt-get", "cmake", "ctest", "ninja", "mpirun", "nvidia-smi", "python3"),
    *("sbatch", "squeue", "srun", "scontrol"),
)
OF_OTHERS = ("tests/faults.sh", "tests/benchmark/run.sh", "jobscripts/mpirun.sh")  # other programs get their options


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Returns a copy of the scripts alone, where nothing is set up or built."""
    for script in (*SCRIPTS, "jobscripts/usage.sh"):
        (tmp_path / "copy" / script).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(launch.REPOSITORY / script, tmp_path / "copy" / script)
    return tmp_path / "copy"


def write_command(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


def call(copy: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Fails if the script changes a file, or starts one of COMMANDS."""
    bin_ = copy.parent / "bin"
    for command in COMMANDS:
        write_command(bin_ / command, f"echo {command} >>{copy.parent}/started")
    before = snapshot(copy)
    done = subprocess.run(
        ["bash", str(copy / script), *arguments],
        cwd=copy,
        env={"PATH": f"{bin_}:{os.environ['PATH']}", "HOME": str(copy)},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert snapshot(copy) == before
    assert not (copy.parent / "started").exists(), (copy.parent / "started").read_text()
    return done


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_of_scripts(copy: Path, script: str) -> None:
    """--help prints the first comment of the script, with the name as the script is started, and nothing else."""
    for arguments in (["--help"], ["-h"], ["something", "--help"]):
        if script.endswith(("completion.bash", "mpirun.sh")) and len(arguments) > 1:
            continue  # takes no arguments, or those of a program
        done = call(copy, script, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert re.search(rf"^ .*{script}", done.stdout, re.MULTILINE)
        assert "set -euo" not in done.stdout and "SBATCH" not in done.stdout and "#!" not in done.stdout
        head = (launch.REPOSITORY / script).read_text().split("\n\n")[0]
        assert done.stdout.splitlines()[0] in head


@pytest.mark.parametrize("script", [script for script in SCRIPTS if script not in OF_OTHERS])
def test_unknown_options_of_scripts(copy: Path, script: str) -> None:
    done = call(copy, script, "--no-such-option")
    assert done.returncode == 2
    if not script.endswith("completion.bash"):
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"{Path(script).name}: ")
        assert "--no-such-option" in line or "no input file" in line or "give a folder" in line


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("jobscripts/pipeline.sh", []),
        ("jobscripts/sweep.sh", ["x.ini", "--run.seed=1"]),
        ("jobscripts/sweep.sh", ["x.ini", "--run.seed=1", "--run.seed=1"]),
        ("jobscripts/sweep.sh", ["x.ini", "--run.seed=1", "--run.seed=2", "more"]),
        ("jobscripts/train.sbatch", []),
        ("jobscripts/quickstart.sh", ["--seed=1"]),
        ("jobscripts/setup.sh", ["--test"]),
        ("tests/run.sh", ["tests/commands"]),
        ("tests/sanitize.sh", ["long", "short"]),
        ("tests/plain.sh", ["a.xml", "b.xml"]),
        ("tests/fuzz.sh", ["60", "nothing"]),
        ("tests/gpu.sh", ["units"]),
        ("tests/gpu.sh", ["unit", "--limit-s"]),
        ("tests/gpu_parts/download_packages.sh", []),
    ],
)
def test_unknown_arguments_of_scripts(copy: Path, script: str, arguments: list[str]) -> None:
    done = call(copy, script, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{Path(script).name}: ") and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_of_analysis(
    program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [f"{program}.py"])
    for argument, status in (("--help", 0), ("--no-such-option", 2)):
        with pytest.raises(SystemExit) as end:
            importlib.import_module(program).main([argument])
        assert end.value.code == status
        said = capsys.readouterr()
        assert f"usage: {program}.py " in (said.err if status else said.out)
    assert list(tmp_path.iterdir()) == []


# --- tests/run.sh -----------------------------------------------------------------------------------------------------

CTEST = """<testsuite><testcase name="mpi_tests_1_ranks" classname="mpi_tests_1_ranks" time="1.5"><system-out>
[ RUN      ] StuckCheck.Waits
/a/stuck_check_test.cpp:80: Skipped
needs two ranks
[  SKIPPED ] StuckCheck.Waits (0 ms)
</system-out></testcase><testcase name="A/B.c/0" classname="A/B.c/0" time="0.25"/></testsuite>"""
PYTEST = """<testsuites><testsuite><testcase classname="slurm.test_x" name="test_y[1]" time="40.0"/>
<testcase classname="slurm.test_x" name="test_z" time="0.5"><skipped type="pytest.skip" message="{reason}"/></testcase>
</testsuite></testsuites>"""


@pytest.mark.parametrize(
    ("reason", "user", "status"),
    [
        ("takes long: part of tests/faults.sh", 0, 0),
        ("mounting a small file system needs root", 1000, 0),
        ("mounting a small file system needs root", 0, 1),
    ],
)
def test_summary(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
    user: int,
    status: int,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    (tmp_path / "ctest.xml").write_text(CTEST)
    (tmp_path / "pytest.xml").write_text(PYTEST.format(reason=reason))
    assert summarise.main([str(tmp_path / "ctest.xml"), str(tmp_path / "pytest.xml")]) == status
    said = capsys.readouterr()
    skips = sorted([f"  {reason}: tests/slurm/test_x.py::test_z", "  needs two ranks: StuckCheck.Waits"])
    assert said.out.splitlines() == [
        "2 tests were skipped:",
        *skips,
        "the 15 files, suites and programs that took longest, in seconds:",
        *("     40.5  tests/slurm/test_x.py", "      1.5  mpi_tests_1_ranks", "      0.2  B"),
    ]
    assert said.err == (f"summarise: skipped, though here it should run: {reason}\n" if status else "")


# --- Arrays of jobs, by commands that stand for Slurm's ---------------------------------------------------------------


STATUS = """directory runs/x
job none
training meta undone
training stage_0 undone meta
training stage_1 undone meta
training finetuned undone stage_0 stage_1
training grown undone meta
training high_resolution undone finetuned"""


@pytest.fixture
def slurm(tmp_path: Path) -> dict[str, str]:
    """Returns the environment of an array's task. The program writes how it is started into the file `started`."""
    bin_ = tmp_path / "bin"
    script = launch.REPOSITORY / "jobscripts" / "train.sbatch"
    write_command(bin_ / "mpirun", f"printf '%s\\n' \"$@\" >{tmp_path}/started")
    write_command(bin_ / "srun", f"[[ $1 != --mpi=list ]] && printf '%s\\n' \"$@\" >{tmp_path}/started || echo pmix")
    write_command(bin_ / "squeue", f"[[ $* != *Command* ]] || echo '2 N/A {script} x.ini'")
    write_command(bin_ / "sbatch", f'printf "%s\\n" "$*" >>{tmp_path}/submitted; wc -l <{tmp_path}/submitted')
    write_command(bin_ / "incubate", f"echo '{STATUS}'")
    job = {"JOB_ID": "9", "ARRAY_JOB_ID": "7", "ARRAY_TASK_ID": "3", "JOB_NUM_NODES": "1", "CPUS_ON_NODE": "1"}
    return launch.make_environment() | {
        **{f"SLURM_{name}": value for name, value in job.items()},
        "PATH": f"{bin_}:{os.environ['PATH']}",
        "INCUBATE_BUILD": str(bin_),
        "LAUNCHER": "mpirun",
    }


def start_launcher(slurm: dict[str, str], tmp_path: Path, *settings: str, root: Path = launch.REPOSITORY) -> list[str]:
    """Returns the words with which an array's task starts the launcher."""
    script = root / "jobscripts" / "train.sbatch"
    subprocess.run(
        ["bash", str(script), "x.ini", *settings], env=slurm, cwd=tmp_path, capture_output=True, timeout=20, check=False
    )
    return (tmp_path / "started").read_text().splitlines()


def start_task(slurm: dict[str, str], tmp_path: Path, *settings: str) -> list[str]:
    """Returns the settings with which an array's task starts the program."""
    words = start_launcher(slurm, tmp_path, *settings)
    return words[words.index("x.ini") + 1 :]


@pytest.mark.parametrize(
    ("launcher", "first"),
    [
        ("mpirun", ["-n", "2", "--bind-to", "none"]),
        ("mpirun --map-by node", ["--map-by", "node", "-n", "2", "--bind-to", "none"]),
        ("srun", ["--mpi=pmix", "--kill-on-bad-exit=1", "--cpus-per-task=1"]),
        ("srun --mpi=pmi2", ["--mpi=pmi2", "--kill-on-bad-exit=1", "--cpus-per-task=1"]),
        ("srun --mpi=cray_shasta", ["--mpi=cray_shasta", "--kill-on-bad-exit=1", "--cpus-per-task=1"]),
    ],
)
def test_launchers(slurm: dict[str, str], tmp_path: Path, launcher: str, first: list[str]) -> None:
    """What a site needs may stand in the environment."""
    started = start_launcher(slurm | {"LAUNCHER": launcher, "CONTAINER": "env A=1"}, tmp_path)
    assert started[: len(first) + 1] == [*first, "sh"]
    program = f"{slurm['INCUBATE_BUILD']}/incubate"
    assert started[-6:] == ["A=1", program, "train", "--config", "x.ini", "--run.progress=lines"]


def test_mpirun_where_there_is_no_ps(tmp_path: Path) -> None:
    """A Debian begins without procps: then nothing watches for vanished nodes, and nothing complains of it."""
    for tool in ("bash", "dirname", "readlink", "realpath", "sleep"):
        (tmp_path / "bin" / tool).parent.mkdir(exist_ok=True)
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    write_command(tmp_path / "bin" / "mpirun", "sleep 2.2; exit 3")
    script = launch.REPOSITORY / "jobscripts" / "mpirun.sh"
    path = {"PATH": str(tmp_path / "bin")}
    done = subprocess.run(["bash", script, "-n", "1", "x"], env=path, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


def test_a_site_has_a_file_of_its_own(slurm: dict[str, str], copy: Path, tmp_path: Path) -> None:
    """Every script that starts something reads jobscripts/site.sh, whose functions may use unset variables."""
    site = f'echo "$NOT_SET" >>{tmp_path}/read; LAUNCHER="mpirun --oversubscribe"; export SBATCH_ACCOUNT=mine'
    (copy / "jobscripts" / "site.sh").write_text(site)
    squeue = tmp_path / "bin" / "squeue"
    squeue.write_text(squeue.read_text().replace(str(launch.REPOSITORY), str(copy)))
    del slurm["LAUNCHER"]
    assert start_launcher(slurm, tmp_path, root=copy)[:3] == ["--oversubscribe", "-n", "2"]
    write_command(tmp_path / "bin" / "sbatch", f"echo $SBATCH_ACCOUNT >>{tmp_path}/account; echo 1")
    for script, *arguments in (["mpirun.sh", "-n", "1", "true"], ["pipeline.sh", "x.ini"], ["setup.sh", "--help"]):
        subprocess.run(["bash", str(copy / "jobscripts" / script), *arguments], env=slurm, check=True, timeout=20)
    assert (tmp_path / "account").read_text().startswith("mine\n")
    assert len((tmp_path / "read").read_text().splitlines()) == 4  # train.sbatch, its mpirun.sh, and two


def test_a_task_of_an_array_is_no_stage(slurm: dict[str, str], tmp_path: Path) -> None:
    assert start_task(slurm, tmp_path, "--run.seed=5") == ["--run.seed=5", "--run.progress=lines"]


def test_a_task_of_an_array_has_its_number(slurm: dict[str, str], tmp_path: Path) -> None:
    settings = ["--run.seed=$SLURM_ARRAY_TASK_ID", "--run.directory=runs/a b-${SLURM_ARRAY_TASK_ID}"]
    assert start_task(slurm, tmp_path, *settings) == [
        *("--run.seed=3", "--run.directory=runs/a b-3", "--run.progress=lines")
    ]


def test_paths_are_those_of_where_the_user_is(slurm: dict[str, str], tmp_path: Path) -> None:
    """The program is found beside the script, also through a link to it."""
    mine = tmp_path / "my, own"
    mine.mkdir()
    bin_ = Path(slurm["INCUBATE_BUILD"])
    asked = tmp_path / "asked"
    program = (bin_ / "incubate").read_text().replace("\n", f"\npwd >>{asked}\n", 1)
    (bin_ / "incubate").write_text(program.replace("runs/x", "runs/my, own"))
    (tmp_path / "pipeline").symlink_to(launch.REPOSITORY / "jobscripts" / "pipeline.sh")
    subprocess.run(["bash", str(tmp_path / "pipeline"), "x.ini"], env=slurm, cwd=mine, check=True, timeout=20)
    script = launch.REPOSITORY / "jobscripts" / "train.sbatch"
    submitted = (tmp_path / "submitted").read_text()
    assert f" {script} x.ini " in submitted
    assert "--job-name=my_ own.meta " in submitted  # Slurm separates names by commas
    subprocess.run(["bash", str(script), "x.ini"], env=slurm, cwd=mine, capture_output=True, timeout=20, check=False)
    assert set(asked.read_text().splitlines()) == {str(mine)}


def test_combinations_of_a_sweep(slurm: dict[str, str], tmp_path: Path) -> None:
    """Each task of the array gets the configuration that the program printed of its combination."""
    script = launch.REPOSITORY / "jobscripts" / "sweep.sh"
    program = Path(slurm["INCUBATE_BUILD"]) / "incubate"
    write_command(program, "printf '%s\\n' \"$@\"")
    varied = ["--run.seed=0", "--run.seed=1", "--data.mean=0.1,0.2", "--data.mean=0.3"]
    subprocess.run(
        ["bash", str(script), "--nodes=2", "in/x.ini", *varied, "--batch.global=8"],
        env=slurm,
        cwd=tmp_path,
        check=True,
        timeout=20,
    )
    (line,) = (tmp_path / "submitted").read_text().splitlines()
    assert " --array=0-3 --nodes=2 " in line
    files = line.split()[-1]
    runs = [(seed, mean) for seed in ("run.seed=0", "run.seed=1") for mean in ("data.mean=0.1,0.2", "data.mean=0.3")]
    for task, settings in enumerate(runs):
        given = (tmp_path / files.replace("$SLURM_ARRAY_TASK_ID", str(task))).read_text().splitlines()
        directory = f"--run.directory=runs/x-sweep/{','.join(settings)}"
        words = ["--batch.global=8", *(f"--{setting}" for setting in settings), directory]
        assert given == ["train", "--config", "in/x.ini", *words, "--print-config"]
    write_command(program, "echo 'run.seed=1 is bad' >&2; exit 2")
    refused = subprocess.run(
        ["bash", str(script), "in/x.ini", *varied], env=slurm, cwd=tmp_path, capture_output=True, text=True, timeout=20
    )
    assert (refused.returncode, refused.stderr) == (2, "run.seed=1 is bad\n")
    assert len((tmp_path / "submitted").read_text().splitlines()) == 1


def test_stages_of_the_pipeline(slurm: dict[str, str], tmp_path: Path) -> None:
    """Each submitted job, started as a task, is a stage."""
    script = launch.REPOSITORY / "jobscripts" / "pipeline.sh"
    subprocess.run(["bash", str(script), "--time=1", "x.ini"], env=slurm, cwd=tmp_path, check=True, timeout=20)
    lines = (tmp_path / "submitted").read_text().splitlines()
    (stages,) = (line.split() for line in lines if "--array" in line)
    assert "--array=0,1" in stages
    settings = stages[stages.index("x.ini") + 1 :]
    assert start_task(slurm, tmp_path, *settings) == ["--run.only=stage_3", "--run.progress=lines"]
    for line, training in zip((lines[0], lines[2]), ("meta", "finetuned"), strict=True):
        assert line.endswith(f"x.ini --run.only={training}")
    after = [[word for word in line.split() if word.startswith("--dependency")] for line in lines]
    assert after == [[], *([f"--dependency=afterok:{job}"] for job in (1, 2, 1, 3))]
