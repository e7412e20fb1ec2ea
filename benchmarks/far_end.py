"""Far end: build and run `far_end.c`, a Gameball that is never the bottleneck."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shipper.local.port import HOST, free_port

SOURCE = Path(__file__).with_name("far_end.c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the far end has seen; moments are CLOCK_MONOTONIC in ms, 0 before there is one."""

    calls: int
    events: int
    flying: int
    """Calls that wait for their latency to be over."""
    most: int
    """The most of them at once; told only with latency."""
    before: int
    """Events that were there at the moment `marked`."""
    marked: float
    last: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FarEnd:
    """A running far end."""

    url: str
    pid: int

    def seen(self) -> Seen:
        """Ask what it has seen."""
        with urllib.request.urlopen(f"{self.url}/stats", timeout=10) as answer:  # noqa: S310 - our own server
            return Seen(**json.load(answer))


@contextmanager
def far_end(folder: Path, *, latency_ms: float = 0, mark: int = 1) -> Iterator[FarEnd]:
    """Compile it into the folder and run it on a free port; it notes when `mark` events were there."""
    program = folder / "far_end"
    if not program.exists():
        subprocess.run(["cc", "-O2", "-o", program, SOURCE], check=True)  # noqa: S603, S607 - our own source
    port = free_port()
    process = subprocess.Popen([program, str(port), str(latency_ms), str(mark)])  # noqa: S603 - our own program
    found = FarEnd(url=f"http://{HOST}:{port}", pid=process.pid)
    try:
        while not _answers(found):
            time.sleep(0.01)
        yield found
    finally:
        process.terminate()
        process.wait()


def _answers(found: FarEnd) -> bool:
    try:
        found.seen()
    except OSError:
        return False
    return True
