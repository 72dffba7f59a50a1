"""Tests `cmake --install`: what is installed runs without the build, also from another folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import launch
from tiny import Tiny

# Only root can hide the build from the program.
HIDE = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(launch.BUILD))


def test_install(tiny: Tiny, tmp_path: Path) -> None:
    install = ["cmake", "--install", str(launch.BUILD), "--prefix", str(tmp_path / "first")]
    subprocess.run(install, check=True, capture_output=True, timeout=60)
    prefix = (tmp_path / "first").rename(tmp_path / "second")
    files = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if not path.is_dir()}
    scripts = {f"share/incubate/jobscripts/{name}" for name in os.listdir(prefix / "share/incubate/jobscripts")}
    inputs = (launch.REPOSITORY / "input").rglob("*.*")
    assert files - scripts == {"bin/incubate", *(f"share/incubate/{p.relative_to(launch.REPOSITORY)}" for p in inputs)}
    for script in scripts:
        original = launch.REPOSITORY / script.removeprefix("share/incubate/")
        assert os.access(prefix / script, os.X_OK) == os.access(original, os.X_OK)

    program = prefix / "share/incubate/build/incubate"  # as the job scripts name it
    head = subprocess.run(["readelf", "--dynamic", program], check=True, capture_output=True, text=True).stdout
    assert str(launch.BUILD) not in head and "/torch/lib" in head
    done = subprocess.run(
        [
            *(HIDE if os.geteuid() == 0 else ()),
            *(
                prefix / "share/incubate/jobscripts/mpirun.sh",
                "-n",
                "2",
                "--oversubscribe",
                "--bind-to",
                "none",
                program,
            ),
            *tiny.arguments(tmp_path / "run", "--run.only=meta"),
        ],
        env=launch.make_environment(),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/checkpoints/meta.h5").is_file()
