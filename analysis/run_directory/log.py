"""Reads log.txt of a run: its environment and warnings."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.\d+ (\w+) +(.*)")
HOST = re.compile(r"rank \d+ on (.+)")
DATA = re.compile(r"data: (\d+) training and (\d+) validation images of (\d+)x(\d+)x(\d+) in (\d+) classes, (.*)")


class Remark(NamedTuple):
    """A line of the log above the level of information."""

    time: str  # UTC or local, as in the log
    level: str
    text: str


class DataSize(NamedTuple):
    num_train: int
    num_validation: int
    height: int
    width: int
    channels: int
    num_classes: int
    path: str


@dataclass(frozen=True)
class Log:
    num_starts: int = 0
    started: str = ""  # the last start
    environment: list[str] = field(default_factory=list)  # of the last start: versions, ranks, hosts, peak
    data: DataSize | None = None
    remarks: list[Remark] = field(default_factory=list)  # of all starts


def read_log(path: Path) -> Log:
    """Returns the log, empty if no file can be read. Ignores lines that are not in the program's form."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return Log()
    num_starts, started = 0, ""
    environment: list[str] = []
    hosts: Counter[str] = Counter()
    data: DataSize | None = None
    remarks: list[Remark] = []
    for line in lines:
        match = LINE.fullmatch(line)
        if match is None:
            continue
        time, level, text = match.groups()
        if level != "info":
            remarks.append(Remark(time, level, text))
        elif text.startswith("incubate "):
            num_starts, started = num_starts + 1, time
            environment = [text]
            hosts.clear()
        elif host := HOST.fullmatch(text):
            hosts[host[1]] += 1
        elif size := DATA.fullmatch(text):
            numbers = [int(number) for number in size.groups()[:6]]
            num_train, num_validation, height, width, channels, num_classes = numbers
            data = DataSize(num_train, num_validation, height, width, channels, num_classes, size[7])
        elif re.match(r"\d+ ranks, |peak, as given|matrix products", text):
            environment.append(text)
    places = [f"{count} {'rank' if count == 1 else 'ranks'} on {name}" for name, count in hosts.items()]
    return Log(num_starts, started, environment + places, data, remarks)
