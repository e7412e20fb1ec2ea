"""Lines: events in a file, one JSON object a line, each known by its number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from shipper.cli.json_text import read_json

LONGEST: Final = 1024 * 1024
"""Most bytes of a line; a longer one is skipped and told, so that no file can fill the memory."""
BESIDE: Final = ("event_id", "idempotency_key")
"""What may stand in a line beside the keys of the event itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the file: an event, or the problem that it is none."""

    number: int
    size: int
    event: dict[str, Any] | None = None
    event_id: str | None = None
    idempotency_key: str | None = None
    problem: str = ""


def read_lines(file: BinaryIO) -> Iterator[Line]:
    """Yield every line that is not blank."""
    number = 0
    while text := file.readline(LONGEST):
        number += 1
        if len(text) == LONGEST and not text.endswith(b"\n"):
            yield Line(number=number, size=_skip(file, text), problem=f"is longer than {LONGEST} bytes")
        elif text.strip():
            yield _read(number, text)


def _skip(file: BinaryIO, text: bytes) -> int:
    """Go to the end of a line that is too long; return its size."""
    size = len(text)
    while text and not text.endswith(b"\n"):
        text = file.readline(LONGEST)
        size += len(text)
    return size


def _read(number: int, text: bytes) -> Line:
    size = len(text)
    try:
        given = read_json(text.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Line(number=number, size=size, problem="is not UTF-8")
    except ValueError as error:
        return Line(number=number, size=size, problem=str(error))
    if not isinstance(given, dict):
        return Line(number=number, size=size, problem="is no JSON object")
    beside = {name: given.pop(name, None) for name in BESIDE}
    return Line(number=number, size=size, event=given, **beside)
