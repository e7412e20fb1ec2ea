"""Transfer: an export as a download that nobody holds whole, and what became of a file that was sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import BinaryIO, Final

from starlette.responses import Response, StreamingResponse

from shipper.cli.text import iso
from shipper.clock import now_ms
from shipper.errors import ShipperError
from shipper.inspector import Choice, Inspector, Left
from shipper.logs import get_logger
from shipper.web.mistake import MistakeError
from shipper.web.upload import JSON_LINES

PIECE: Final = 64 * 1024
"""Bytes that leave at once."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What a file held, and what became of its letters: of a file that was only checked, nothing.

    All were taken in but those `left`, by reason; `examples` names the first hundred and their lines.
    """

    account: str
    of: str
    """The account whose letters they were."""
    exported_at: int
    letters: int
    only_checked: bool
    done: int = 0
    left: dict[str, int] = field(default_factory=dict)
    examples: tuple[Left, ...] = ()


def download(inspector: Inspector, choice: Choice, *, masked: bool) -> Response:
    """Answer with an export, as a file; raise LedgerUnavailableError before anything has left."""
    lines = inspector.letters.export(choice, masked=masked)
    head = next(lines)  # asks Redis
    stamp = "".join(char for char in iso(now_ms()) if char.isalnum())
    name = f"{inspector.account}-{'masked' if masked else 'letters'}-{stamp}.jsonl"
    return StreamingResponse(
        _pieces(chain([head], lines)),
        media_type=JSON_LINES,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def take_in(inspector: Inspector, file: BinaryIO | None, *, only_check: bool) -> Imported:
    """Check a whole file, then take its letters in; raise BrokenExportError with the line."""
    if file is None or not file.read(1):
        raise MistakeError("no file was sent, or an empty one: choose an export")
    file.seek(0)
    head, letters = inspector.letters.check_export(file)
    found = Imported(
        account=inspector.account,
        of=head.account,
        exported_at=head.exported_at,
        letters=letters,
        only_checked=only_check,
    )
    if only_check:
        return found
    file.seek(0)
    handled = inspector.letters.import_export(file)
    return replace(found, done=handled.done, left=handled.left, examples=handled.examples)


def _pieces(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Join lines; what breaks off is not ended in order, so that no browser takes it for whole."""
    held = bytearray()
    try:
        for line in lines:
            held += line
            if len(held) >= PIECE:
                yield bytes(held)
                held.clear()
    except ShipperError as error:
        log.warning("web.export_torn", error=str(error))
        raise
    yield bytes(held)
