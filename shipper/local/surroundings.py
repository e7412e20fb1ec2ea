"""Surroundings: what the processes here are started with: interpreter, search path, environment."""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import shipper

HOME: Final = Path(shipper.__file__).resolve().parents[1]
"""Where our packages lie: `shipper`, and `workers` beside it."""
OURS: Final = ("SHIPPER_", "GAMEBALL_", "SANDBOX_")
"""What the names of our own variables begin with; REDIS_URL is one more."""

# Celery as root warns of pickle, which our workers do not accept.
_NO_WARNING: Final = "ignore:You're running the worker with superuser privileges"


def python(module: str, *options: str) -> tuple[str, ...]:
    """Return the command that runs a module of ours, whatever lies in the current folder."""
    return (sys.executable, "-P", "-m", module, *options)


def surroundings(environ: Mapping[str, str], **more: str) -> dict[str, str]:
    """Return the environment of a Python process of ours: given, found by it, unbuffered, and `more`."""
    kept = {name: value for name, value in environ.items() if not name.startswith("CELERY_")}
    warnings = [kept["PYTHONWARNINGS"]] if kept.get("PYTHONWARNINGS") else []
    return {
        **kept,
        "PYTHONPATH": _search_path(environ.get("PYTHONPATH", "")),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": ",".join([*warnings, _NO_WARNING]),
        **more,
    }


def without_ours(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment as if nobody had ever heard of the shipper."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(OURS) and name not in {"REDIS_URL", "SHIPPER_REDIS_URL"}
    }


def _search_path(given: str) -> str:
    """Add our home to PYTHONPATH, unless we are installed: site-packages must not come before the rest."""
    installed = {Path(folder).resolve() for folder in (*site.getsitepackages(), site.getusersitepackages())}
    parts = [given] if given else []
    return os.pathsep.join(parts if HOME in installed else [*parts, str(HOME)])
