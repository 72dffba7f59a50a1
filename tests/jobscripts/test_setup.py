"""Tests jobscripts/setup.sh with commands that stand for compiler, MPI, Python, pip and apt, and where CMake looks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

import launch

TOOLS = (
    "basename bash cat chmod cmp cp dirname env grep gzip head ln mkdir mktemp readlink realpath rm sed sort tail tar "
    "touch tr"
)
# Knows the headers below its -I options and below headers/, which stands for /usr/include.
COMPILER = """[ "$1" = --version ] && { echo "c++ (Somewhere) $VERSION"; exit; }
read -r _ name
cat >/dev/null  # as a compiler does: who writes to it must not be ended by a closed pipe
name=${name#<} name=${name%>}
for option in "$@" "-I$HEADERS"; do
  [[ $option != -I* ]] || [[ $option == -I/usr/* ]] || [ ! -e "${option#-I}/$name" ] || exec cat "${option#-I}/$name"
done
exit 1"""
PYTHON = """case "$1 $2 ${3:-}" in
  "-c import"*) echo 3.11.2 ;;
  "-m venv "*)
    mkdir -p "$3"/{bin,include,lib/python3.11/site-packages/nvidia/cu13/lib}
    touch "$3/lib/python3.11/site-packages/nvidia/cu13/lib/libcudart.so.13"
    cp "$0" "$3/bin/python" ;;
  "-m pip install") printf '%s ' "${@:7}" >>"$LOG" ;;
  "-m pip download")
    printf '%s ' "${@: -1}" >>"$LOG"
    folder=$(mktemp -d)
    mkdir -p "$folder/xxhash-3.5.0/deps/xxhash"
    echo "// xxhash.h" >"$folder/xxhash-3.5.0/deps/xxhash/xxhash.h"
    tar -czf "${@: -2:1}/xxhash-3.5.0.tar.gz" -C "$folder" xxhash-3.5.0 ;;
esac"""
# Installs what the packages of this test have.
APT = """[ "$1" = install ] || exit 0
printf '%s ' "${@:5}" >>"$LOG"
mkdir -p "$HEADERS"/{boost,nlohmann,gtest}
touch "$HEADERS"/{boost/program_options.hpp,nlohmann/json.hpp,xxhash.h,gtest/gtest.h}
for command in ninja slurmctld munged ip nsenter mount pgrep chromium-headless-shell; do
  cp "$(dirname "$0")/git" "$(dirname "$0")/$command"
done"""


@dataclass(frozen=True)
class Machine:
    """A machine where only compiler, CMake, Open MPI, HDF5 1.10.8, image libraries, git and Python are."""

    folder: Path
    environment: dict[str, str]

    def command(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(0o755)

    def header(self, path: str, text: str = "") -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text + "\n")

    def set_up(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(self.folder / "copy/jobscripts/setup.sh"), *arguments],
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=30,
        )

    def installed(self) -> list[str]:
        """Returns what pip and apt installed, or downloaded, since the last call."""
        log = self.folder / "log"
        words = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return words


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    for name in (*(f"jobscripts/{name}" for name in ("setup.sh", "usage.sh", "requirements.txt")), "analysis", "tests"):
        source = name if name.startswith("jobscripts") else f"{name}/requirements.txt"
        (tmp_path / "copy" / source).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(launch.REPOSITORY / source, tmp_path / "copy" / source)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS.split():
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    paths = {"PATH": tmp_path / "bin", "HEADERS": tmp_path / "headers", "LOG": tmp_path / "log", "HOME": tmp_path}
    machine = Machine(tmp_path, {name: str(path) for name, path in paths.items()} | {"VERSION": "12.2.0"})
    for name, text in {
        "c++": COMPILER,
        "python3": PYTHON,
        "cmake": "echo 'cmake version 3.25.1'",
        "mpirun": "echo 'mpirun (Open MPI) 4.1.4'",
        "mpicxx": "exit 1",
        "git": "exit 0",
        "id": "echo 1000",
    }.items():
        machine.command(name, text)
    for name in ("zlib.h", "jpeglib.h", "png.h"):
        machine.header(f"headers/{name}")
    machine.header("headers/H5public.h", "1 . 10 . 8")
    return machine


FOUND = (
    "setup: found C++ compiler 12.2.0 (needed: 12), CMake 3.25.1 (needed: 3.25), Open MPI 4.1.4 (needed: 4.1), "
    "HDF5 1.10.8 (needed: 1.10), Python with venv 3.11.2 (needed: 3.10)"
)
FROM_PYPI = ["ninja", "cmeel-boost", "nlohmann-json", "xxhash"]
REQUIREMENTS = ["-r", "jobscripts/requirements.txt", "-r", "analysis/requirements.txt"]


def test_without_root_pypi_has_what_is_missing(machine: Machine) -> None:
    done = machine.set_up()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        FOUND,
        "setup: making the virtual environment .venv (LibTorch, CUDA 13 compiler and libraries: 3 GB to download)",
        "setup: everything is there. Go on with jobscripts/build.sh, then jobscripts/README.md",
    ]
    assert machine.installed() == [*FROM_PYPI, *REQUIREMENTS, "xxhash==3.5.0"]
    venv = "copy/.venv/"
    assert (machine.folder / venv / "include/xxhash.h").read_text() == "// xxhash.h\n"
    # A second call finds them in the virtual environment.
    machine.header(f"{venv}/lib/python3.11/site-packages/cmeel.prefix/include/boost/program_options.hpp")
    machine.header(f"{venv}/lib/python3.11/site-packages/nlohmann_json/include/nlohmann/json.hpp")
    (machine.folder / venv / "bin/ninja").symlink_to(machine.folder / "bin/git")
    assert machine.set_up().stdout.splitlines() == [FOUND, done.stdout.splitlines()[-1]]
    assert machine.installed() == []
    (machine.folder / "copy/analysis/requirements.txt").write_text("numpy\n")
    assert machine.set_up().returncode == 0
    assert machine.installed() == REQUIREMENTS


def test_tests_need_more(machine: Machine) -> None:
    done = machine.set_up("--tests")
    assert (done.returncode, done.stdout, machine.installed()) == (1, "", [])
    assert done.stderr.splitlines()[:2] == [
        "setup: missing: GoogleTest",
        "setup: on a cluster: module load googletest (names differ; see 'module avail')",
    ]
    machine.header("headers/gtest/gtest.h")
    assert machine.set_up("--tests").returncode == 0
    assert machine.installed() == [*FROM_PYPI, *REQUIREMENTS, "-r", "tests/requirements.txt", "xxhash==3.5.0"]


def test_versions_that_are_too_old(machine: Machine) -> None:
    machine.command("cmake", "echo 'cmake version 3.9.6'")
    machine.command("mpirun", "echo 'HYDRA build details:'; echo 'Version: 4.2'")
    (machine.folder / "headers/png.h").unlink()
    done = machine.set_up(VERSION="11.4.1")
    assert (done.returncode, done.stdout, machine.installed()) == (1, "", [])
    assert done.stderr.splitlines() == [
        "setup: missing: C++ compiler 12 (found: 11.4.1), CMake 3.25 (found: 3.9.6), Open MPI, libpng",
        "setup: on a cluster: module load cmake gcc libpng openmpi (names differ; see 'module avail')",
        "setup: on Debian or Ubuntu, as root: apt-get install g++ cmake openmpi-bin libpng-dev",
        "setup: in other folders: set CMAKE_PREFIX_PATH, HDF5_ROOT or BOOST_ROOT",
    ]


def test_root_takes_all_from_apt(machine: Machine) -> None:
    machine.command("id", "echo 0")
    machine.command("apt-get", APT)
    done = machine.set_up("--tests")
    assert (done.returncode, done.stderr) == (0, "")
    others = {"slurm-wlm", "munge", "iproute2", "util-linux", "mount", "procps", "chromium-headless-shell"}
    words = machine.installed()
    ours = ["ninja-build", "libboost-program-options-dev", "nlohmann-json3-dev", "libxxhash-dev", "libgtest-dev"]
    assert [word for word in words if word not in others] == [
        *ours, *REQUIREMENTS, "-r", "tests/requirements.txt",
    ]  # fmt: skip
    assert "slurm-wlm" in words


@pytest.mark.parametrize("variable", ["BOOST_ROOT", "CMAKE_PREFIX_PATH"])
def test_boost_elsewhere(machine: Machine, variable: str) -> None:
    machine.header("module/include/boost/program_options.hpp")
    elsewhere = f"{machine.folder}/module"
    value = f"/nowhere:{elsewhere}" if variable == "CMAKE_PREFIX_PATH" else elsewhere
    assert machine.set_up(**{variable: value}).returncode == 0
    assert "cmeel-boost" not in machine.installed()


def test_hdf5_elsewhere(machine: Machine) -> None:
    machine.header("module/include/H5public.h", "1 . 14 . 3")
    assert "HDF5 1.14.3 (needed: 1.10)" in machine.set_up(HDF5_ROOT=f"{machine.folder}/module").stdout
    machine.header("module/include/H5public.h", "1 . 8 . 20")
    done = machine.set_up(HDF5_ROOT=f"{machine.folder}/module")
    assert done.stderr.splitlines()[0] == "setup: missing: HDF5 1.10 (found: 1.8.20)"


def test_where_cmake_looks(tmp_path: Path) -> None:
    """CMake looks where the variables for setup.sh say, and builds no tests without GoogleTest."""
    cache = (launch.BUILD / "CMakeCache.txt").read_text()
    (json,) = re.findall(r"^JSON_INCLUDE_DIR:PATH=(.*)$", cache, re.MULTILINE)
    (xxhash,) = re.findall(r"^XXHASH_INCLUDE_DIR:PATH=(.*)$", cache, re.MULTILINE)
    ((library, parent),) = re.findall(r"^HDF5_\w*hdf5\w*:FILEPATH=((.*)/\w+)/libhdf5\.so$", cache, re.MULTILINE)
    hdf5 = f"{parent}/include" if Path(parent, "include/H5public.h").exists() else "/usr/include/hdf5/serial"
    sources = {
        "hdf5/lib": library,
        "hdf5/include": hdf5,
        "prefix/include": json,
        "cpath/xxhash.h": f"{xxhash}/xxhash.h",
    }
    for name, source in sources.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(source)
    environment = {"HDF5_ROOT": "hdf5", "CMAKE_PREFIX_PATH": "prefix", "CPATH": "cpath"}
    subprocess.run(
        [
            *("cmake", "-S", launch.REPOSITORY, "-B", tmp_path / "build", "-G", "Ninja", "-DINCUBATE_CUDA=OFF"),
            "-DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON",
        ],
        env=os.environ | {name: str(tmp_path / folder) for name, folder in environment.items()},
        check=True,
        capture_output=True,
        timeout=100,
    )
    cache = (tmp_path / "build/CMakeCache.txt").read_text()
    assert f"HDF5_C_INCLUDE_DIR:PATH={tmp_path}/hdf5/include\n" in cache
    assert f"JSON_INCLUDE_DIR:PATH={tmp_path}/prefix/include\n" in cache
    assert f"XXHASH_INCLUDE_DIR:PATH={tmp_path}/cpath\n" in cache
    targets = (tmp_path / "build/build.ninja").read_text()
    assert "build incubate: " in targets and "core_tests" not in targets
