"""Folder: where a ledger of this machine keeps its data, held by one run at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from shipper.errors import ShipperError

PORT: Final = "port"
LOCK: Final = "lock"


class FolderTakenError(ShipperError):
    """Say that another run holds the folder: two servers on one file would destroy it."""


@contextmanager
def held_folder(folder: Path) -> Iterator[int]:
    """Make the folder and hold it; give the open lock, which a server inherits and so holds as well.

    Raise FolderTakenError if somebody holds it, if only the server of a run that was killed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderTakenError(
                f"{folder} is in use: shipper up runs here already, or still ends"
            ) from None
        yield lock
    finally:
        os.close(lock)


def last_port(folder: Path) -> int:
    """Return the port that the folder's server had the last time; 0 if there was none."""
    with suppress(OSError, ValueError):
        return int((folder / PORT).read_text())
    return 0


def keep_port(folder: Path, port: int) -> None:
    """Remember the port, so that an app's SHIPPER_REDIS_URL is still right the next time."""
    (folder / PORT).write_text(f"{port}\n")
