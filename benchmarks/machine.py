"""Machine: what the figures were measured on and with, for the head of the page."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from shipper.local.program import find_program

PEERS: Final = (
    "celery", "kombu", "redis", "dramatiq", "rq", "huey", "taskiq", "taskiq-redis", "arq",
    "requests", "aiohttp", "gevent", "pycurl",
)  # fmt: skip


def machine() -> str:
    """Return one line: cores, system, Python and the server."""
    server = subprocess.run(  # noqa: S603 - our own server
        [find_program().path, "--version"], capture_output=True, text=True, check=True
    ).stdout.split()
    redis = f"{server[0]} {next((word[2:] for word in server if word.startswith('v=')), '')}"
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()}, {python}, {redis}"


def versions() -> str:
    """Return the versions of all that was measured, what is not installed left out."""
    return ", ".join(f"{name} {found}" for name in PEERS if (found := _version(name)))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
