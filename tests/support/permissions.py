"""Makes folders unwritable, also for root."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

# Root ignores permissions by this capability. A program started without it obeys them, like other users' programs.
OBEYING_PERMISSIONS = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []


def set_mode(folder: Path, mode: int) -> None:
    """Sets the mode of a folder and the folders below it, from the top, so that no folder is added meanwhile."""
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
