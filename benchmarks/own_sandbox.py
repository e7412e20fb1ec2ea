"""A sandbox for one measurement: Gameball with its limits, on a free port, ended afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.contestants import ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSandbox:
    """A running sandbox and the file in which it writes what it accepted."""

    url: str
    log: Path

    def stats(self) -> dict[str, Any]:
        """Return what has passed through it."""
        found: dict[str, Any] = json.loads(self._ask("GET", "/admin/stats"))
        return found

    def accepted(self) -> list[dict[str, Any]]:
        """Return the accepted calls, in order; a line that is being written is left out."""
        return [json.loads(line) for line in self.log.read_bytes().rpartition(b"\n")[0].splitlines()]

    def add_fault(self, fault: Mapping[str, Any]) -> None:
        """Make calls fail, as docs/sandbox.md describes it."""
        self._ask("POST", "/admin/faults", json.dumps(fault).encode())

    def clear_faults(self) -> None:
        """Make calls succeed again."""
        self._ask("DELETE", "/admin/faults")

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"Content-Type": "application/json"}
        asked = urllib.request.Request(self.url + path, data=body, method=method, headers=headers)  # noqa: S310 - our own server
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own server
            found: bytes = answer.read()
            return found


@contextmanager
def own_sandbox(folder: Path, *, latency_ms: int = 0) -> Iterator[OwnSandbox]:
    """Start a sandbox that enforces both windows."""
    log = folder / "accepted.jsonl"
    command = [
        sys.executable,
        "-m",
        "shipper.sandbox",
        f"--log={log}",
        f"--latency-ms={latency_ms}",
        "--seed=1",
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own server
    try:
        assert process.stdout is not None  # noqa: S101 - asked for above
        line = process.stdout.readline()  # sandbox ready at URL (seed 1)
        if not line:
            raise RuntimeError("the sandbox did not start")
        yield OwnSandbox(url=line.split()[3], log=log)
    finally:
        process.terminate()
        process.wait()
