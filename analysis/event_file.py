"""Writes TensorBoard's event files: a million events in seconds.

A file is a row of records, little-endian: the length (uint64), its checksum, an Event message, its checksum (uint32).
TensorBoard's own writer computes checksums byte by byte in Python and hands over each event to a thread.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray
from tensorboard.compat.proto.event_pb2 import Event

POLYNOMIAL = 0x82F63B78  # of CRC-32C, its bits reversed
MASK_DELTA = np.uint32(0xA282EAD8)  # of a record's checksum, so that it is not the CRC of what it lies beside


class EventFile:
    """A new file in `folder`, which is made too. Raises OSError."""

    def __init__(self, folder: Path, suffix: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}{suffix}"
        self._file = (folder / name).open("wb")
        self.add([Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString()])

    def add(self, events: Sequence[bytes]) -> None:
        """Serialised ones. Quick where many come at once."""
        lengths = [len(event).to_bytes(8, "little") for event in events]
        records = zip(lengths, _encode(checksums(lengths)), events, _encode(checksums(events)), strict=True)
        self._file.write(b"".join(part for record in records for part in record))

    def __enter__(self) -> EventFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def checksums(records: Sequence[bytes]) -> NDArray[np.uint32]:
    """CRC-32C of each, rotated and shifted. Those of equal length are computed together, byte after byte."""
    crcs = np.empty(len(records), dtype=np.uint32)
    lengths = np.array([len(record) for record in records])
    for length in np.unique(lengths):
        (places,) = np.nonzero(lengths == length)
        content = np.frombuffer(b"".join(records[i] for i in places.tolist()), dtype=np.uint8)
        crc = np.full(len(places), 0xFFFFFFFF, dtype=np.uint32)
        for column in np.ascontiguousarray(content.reshape(len(places), length).T):
            crc = _TABLE[(crc ^ column) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
        crcs[places] = ~crc
    return (crcs >> np.uint32(15) | crcs << np.uint32(17)) + MASK_DELTA


def _encode(numbers: NDArray[np.uint32]) -> list[bytes]:
    content = numbers.astype("<u4").tobytes()
    return [content[i : i + 4] for i in range(0, len(content), 4)]


def _make_table() -> NDArray[np.uint32]:
    """What a byte does to the CRC that it comes to."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> np.uint32(1)) ^ np.where(table & np.uint32(1), np.uint32(POLYNOMIAL), np.uint32(0))
    return table


_TABLE = _make_table()
