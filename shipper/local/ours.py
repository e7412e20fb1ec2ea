"""Ours: import the package `workers` that belongs to this `shipper`, whatever else has that common name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from shipper.errors import ShipperError
from shipper.local.surroundings import HOME


class NotOursError(ShipperError):
    """Say that another package named `workers` is in the way."""


def load_door() -> Any:
    """Import the module of our workers' Celery app; raise NotOursError.

    The current folder comes last in the search path from now on: it may hold the hooks' modules, and it may
    hold a folder named `workers`, which must not win.
    """
    here = str(Path.cwd())
    sys.path[:] = [*(place for place in sys.path if place not in {"", here}), here]
    with _found_first(HOME):
        found = import_module("workers")
        place = Path(str(found.__file__)).resolve().parent if found.__file__ else None
        if place != HOME / "workers":
            raise NotOursError(f"the package `workers` of {place} is in the way of ours, {HOME / 'workers'}")
    return import_module("workers.app")


@contextmanager
def _found_first(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
