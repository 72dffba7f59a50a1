"""Makes a metrics file smaller: keeps some rows of the steps, and everything else."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import h5py
import numpy as np
import xxhash

from run_directory.recovery import FIRST_BLOCK_BYTES


def thin_metrics(path: Path, most_rows: int) -> bytes:
    """Returns a metrics file like `path` with at most `most_rows` rows of /steps, evenly spaced, with the last one."""
    with tempfile.TemporaryDirectory() as folder:
        thin = Path(folder) / path.name
        with (
            h5py.File(path, "r", locking=False) as source,
            h5py.File(thin, "w", userblock_size=FIRST_BLOCK_BYTES, libver="v110") as target,
        ):
            for name, value in source.attrs.items():
                target.attrs[name] = value
            for table, columns in source.items():
                thinned = target.create_group(table)  # stores no time, so the same rows are the same bytes
                for name, column in columns.items():
                    rows = column[()]
                    thinned[name] = rows[choose_rows(len(rows), most_rows)] if table == "steps" else rows
        return seal(thin.read_bytes())


def choose_rows(num_rows: int, most_rows: int) -> list[int]:
    """Returns the indices of the rows to keep. REQUIRES: `most_rows` is positive."""
    if num_rows <= most_rows:
        return list(range(num_rows))
    return [int(row) for row in np.ceil(np.arange(1, most_rows + 1) * num_rows / most_rows) - 1]


def seal(content: bytes) -> bytes:
    """Returns the content with the first block that belongs to it (src/hdf5/verified_file.h)."""
    rest = content[FIRST_BLOCK_BYTES:]
    head = struct.pack("<8sQQQ", b"INCUBATE", 1, len(rest), xxhash.xxh3_64_intdigest(rest))
    return head + content[len(head) : FIRST_BLOCK_BYTES] + rest
