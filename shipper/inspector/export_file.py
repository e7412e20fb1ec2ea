"""Export file: JSON lines, each with a checksum of itself, and a last one that seals them all.

A line ends in `,"sha256":"…"}`: the checksum of the line as it would be without it. The first says what the
file is, the last how many letters it holds and the checksum of all bytes before it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, BinaryIO, Final

from shipper.errors import ShipperError
from shipper.ledger.record import END_MS

FORMAT: Final = 1
LONGEST: Final = 8 * 1024 * 1024
"""Most bytes of a line: an event of the largest size, escaped, with its history, is far below."""
_LINE: Final = re.compile(rb'(\{.*),"sha256":"([0-9a-f]{64})"\}\n')


class BrokenExportError(ShipperError):
    """Refuse a file that is no whole export; `line` is where that shows."""

    def __init__(self, line: int, problem: str) -> None:
        self.line = line
        super().__init__(f"line {line} {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a file is: whose letters, and when they were written (ms). A masked one is for eyes alone."""

    account: str
    exported_at: int
    masked: bool


def write_export(head: Head, letters: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Yield the lines of a file, one letter at a time."""
    whole, count = sha256(), 0
    first = {"account": head.account, "exported_at": head.exported_at, "masked": head.masked}
    written = _sealed({"kind": "head", "format": FORMAT, **first})
    whole.update(written)
    yield written
    for letter in letters:
        written = _sealed({"kind": "letter", **letter})
        whole.update(written)
        count += 1
        yield written
    yield _sealed({"kind": "end", "letters": count, "all_sha256": whole.hexdigest()})


def read_export(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the head and the letters with the numbers of their lines; raise BrokenExportError.

    Only who has read to the end knows that the file is whole.
    """
    whole, letters, number, ended = sha256(), 0, 0, False
    while line := file.readline(LONGEST):
        number += 1
        if ended:
            raise BrokenExportError(number, "stands behind the last one: something was added")
        found = _opened(number, line)
        match found.get("kind"):
            case "head" if number == 1:
                yield number, found
            case "letter" if number > 1:
                letters += 1
                yield number, found
            case "end" if number > 1:
                _check_end(number, found, letters, whole.hexdigest())
                ended = True
            case _:
                raise BrokenExportError(
                    number, "is not where its kind belongs: lines were moved or taken out"
                )
        whole.update(line)
    if not ended:
        raise BrokenExportError(number + 1, "is missing: the file is torn, it ends without its last line")


def _sealed(line: Mapping[str, Any]) -> bytes:
    text = json.dumps(line, separators=(",", ":")).encode()
    return text[:-1] + b',"sha256":"' + sha256(text).hexdigest().encode() + b'"}\n'


def _opened(number: int, line: bytes) -> dict[str, Any]:
    parts = _LINE.fullmatch(line)
    if not parts:
        raise BrokenExportError(number, "is no whole line of an export: it is torn, or of another kind")
    if sha256(parts[1] + b"}").hexdigest().encode() != parts[2]:
        raise BrokenExportError(number, "was changed: it does not fit its checksum")
    try:
        found: Any = json.loads(parts[1] + b"}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BrokenExportError(number, "is no JSON")
    return found


def _check_end(number: int, end: Mapping[str, Any], letters: int, checksum: str) -> None:
    if end.get("letters") != letters:
        raise BrokenExportError(
            number,
            f"says {end.get('letters')} letters, and there are {letters}: lines were taken out or added",
        )
    if end.get("all_sha256") != checksum:
        raise BrokenExportError(number, "does not fit the lines before it: they were moved or changed")


def read_head(number: int, found: Mapping[str, Any]) -> Head:
    """Read what a file is; raise BrokenExportError for one that this version cannot take in."""
    if found.get("kind") != "head" or found.get("format") != FORMAT:
        raise BrokenExportError(number, f"is no head of an export of format {FORMAT}")
    account, exported_at, masked = (found.get(key) for key in ("account", "exported_at", "masked"))
    if not (isinstance(account, str) and isinstance(exported_at, int) and isinstance(masked, bool)):
        raise BrokenExportError(number, "is no head of an export")
    if not 0 <= exported_at < END_MS:
        raise BrokenExportError(number, "is of a time beyond the years 1970 to 9999")
    return Head(account=account, exported_at=exported_at, masked=masked)
