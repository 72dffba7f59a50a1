"""Tests jobscripts/completion.bash: the words that bash offers for a partial line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from launch import EXECUTABLE, REPOSITORY

COMPLETION = REPOSITORY / "jobscripts" / "completion.bash"


def complete(line: str) -> list[str]:
    """Returns the words offered at the end of `line`, which begins with the program's name."""
    script = f"""
source {COMPLETION}
COMP_LINE=$1
COMP_POINT=${{#1}}
read -ra COMP_WORDS <<<"$1"
[[ $1 == *' ' ]] && COMP_WORDS+=("")
COMP_WORDS[0]={EXECUTABLE}
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_incubate
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", script, "bash", line], capture_output=True, text=True, timeout=30, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_commands() -> None:
    commands = {"train", "plan", "status", "pack", "evaluate", "predict", "export", "import", "inspect"}
    assert set(complete("incubate ")) == commands | {"--help"}
    assert complete("incubate tr") == ["train"]


@pytest.mark.parametrize("command", ["train", "plan", "export", "import"])
def test_settings(command: str) -> None:
    assert complete(f"incubate {command} --config input/x.ini --run.preci") == ["--run.precision="]
    assert {"--meta.epochs=", "--meta.micro="} <= set(complete(f"incubate {command} --meta."))
    assert "--print-config" in complete(f"incubate {command} --print")


def test_sections_are_offered_before_their_settings() -> None:
    assert "--meta." in complete("incubate train --me")
    assert set(complete("incubate train --incubation.init=")) == {"random", "meta"}
    assert complete("incubate train --no_such_section.") == []


def test_options_of_pack() -> None:
    assert complete("incubate pack --shard") == ["--shard-mb="]


def test_values() -> None:
    assert complete("incubate train --run.precision=") == ["fp32", "bf16"]
    assert complete("incubate train --run.shard_optimizer=t") == ["true"]
    assert complete("incubate train --run.seed=") == []


def test_paths(tmp_path: Path) -> None:
    (tmp_path / "images.h5").touch()
    assert complete(f"incubate train --data.file={tmp_path}/im") == [f"{tmp_path}/images.h5"]
    assert complete(f"incubate inspect {tmp_path}/im") == [f"{tmp_path}/images.h5"]
