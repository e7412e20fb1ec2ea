"""The append-only log of accepted calls, one JSON line each, written before the answer leaves."""

from __future__ import annotations

import json
import os
import tempfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from shipper.errors import Problem, SettingsError
from shipper.sandbox.contract import Track

PAGE_LINES: Final = 1_000
LINE_BEGINS: Final = b'{"seq":'


class AcceptedLog:
    """Keep the lines in a file, so that they outlive a killed sandbox; a file that exists is continued.

    Raise SettingsError, and change nothing, if it holds something else; OSError if it cannot be
    opened. Not fsynced: it is the truth about a killed process, not about a machine that lost its power.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = _open(path)
        self._ends = array("Q", [0])
        if path is not None:
            try:
                self._find_lines(path)
            except SettingsError:
                self.close()
                raise

    def __len__(self) -> int:
        return len(self._ends) - 1

    def append(self, track: Track, *, at_ms: int, call_id: int, request_id: str) -> None:
        """Write one accepted call; raise OSError, with nothing written, if the disk does not take it."""
        line = _line_of(track, len(self) + 1, at_ms, call_id, request_id)
        if os.pwrite(self._file.fileno(), line, self._ends[-1]) != len(line):
            self._file.truncate(self._ends[-1])
            raise OSError("the log of accepted calls could not be written whole")
        self._ends.append(self._ends[-1] + len(line))

    def read(self, after: int, limit: int) -> bytes:
        """Return at most `limit` lines behind line number `after`."""
        first = min(max(after, 0), len(self))
        last = min(first + max(limit, 0), len(self))
        return os.pread(self._file.fileno(), self._ends[last] - self._ends[first], self._ends[first])

    def tracks(self) -> Iterator[Track]:
        """Yield what was accepted, in order."""
        for after in range(0, len(self), PAGE_LINES):
            for line in self.read(after, PAGE_LINES).splitlines():
                found = json.loads(line)
                yield Track(customer_id=found["customerId"], events=found["events"])

    def clear(self) -> None:
        """Forget every line."""
        self._file.truncate(0)
        self._ends = array("Q", [0])

    def close(self) -> None:
        """Close the file; a temporary one is gone then."""
        self._file.close()

    def _find_lines(self, path: Path) -> None:
        """Index the lines there are, and cut off one that was torn: its answer had not left."""
        with path.open("rb") as lines:
            for line in lines:
                if line[: len(LINE_BEGINS)] != LINE_BEGINS[: len(line)]:
                    raise SettingsError([Problem(str(path), "is not a log of accepted calls")])
                if line.endswith(b"\n"):
                    self._ends.append(self._ends[-1] + len(line))
        self._file.truncate(self._ends[-1])


def _open(path: Path | None) -> BinaryIO:
    if path is None:
        return tempfile.TemporaryFile("w+b", buffering=0)
    return path.open("a+b", buffering=0)


def _line_of(track: Track, seq: int, at_ms: int, call_id: int, request_id: str) -> bytes:
    """Encode one line. The call's own fields keep Gameball's names."""
    found: dict[str, object] = {"seq": seq, "at_ms": at_ms, "call_id": call_id, "requestId": request_id}
    found["customerId"] = track.customer_id
    if track.email is not None:
        found["email"] = track.email
    if track.mobile is not None:
        found["mobile"] = track.mobile
    found["events"] = track.events
    # ASCII: a lone surrogate that a client escaped cannot be written as UTF-8.
    return json.dumps(found, separators=(",", ":")).encode() + b"\n"
