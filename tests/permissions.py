"""Folders whose owner may not write into them, also where that is root."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

# Root ignores permissions by this capability; a program that is started so obeys them, as other users' do.
OBEYING_PERMISSIONS = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []


def set_mode(folder: Path, mode: int) -> None:
    """Of a folder and those below it, from the top, so that none is added meanwhile."""
    folder.chmod(mode)
    for entry in folder.iterdir():
        if entry.is_dir():
            set_mode(entry, mode)


@contextlib.contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """Takes away the permission to make, replace or remove anything below `folder`."""
    set_mode(folder, 0o555)
    try:
        yield
    finally:
        set_mode(folder, 0o755)
