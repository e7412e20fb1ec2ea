"""Trail: the audit log by page, newest first: a STREAM, which operators append to and only age shortens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shipper.ledger.deed import Deed, read_deed
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger

STEP: Final = 200
"""Entries read by one command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log. `place` is where the next page begins; `ids` are at most a hundred of `count`."""

    place: str
    at: int
    deed: Deed
    count: int
    ids: tuple[str, ...]


def entries(ledger: Ledger, *, beyond: str | None = None, since: int | None = None) -> Iterator[Entry]:
    """Yield entries, newest first, from the other side of `beyond`, down to `since` (ms)."""
    key, last = key_of(ledger.account, "trail"), "+" if beyond is None else f"({beyond}"
    while True:
        some = ledger.ask("XREVRANGE", key, last, "-" if since is None else max(since, 0), "COUNT", STEP)
        for place, flat in some:
            yield _read(place.decode(), dict(zip(flat[::2], flat[1::2], strict=True)))
            last = f"({place.decode()}"
        if len(some) < STEP:
            return


def _read(place: str, fields: dict[bytes, bytes]) -> Entry:
    def text(name: bytes) -> str:
        return fields.get(name, b"").decode("utf-8", "replace")

    at, count = text(b"at"), text(b"count")
    return Entry(
        place=place,
        at=int(at) if at.isdigit() else int(place.partition("-")[0]),
        deed=read_deed(text(b"deed")),
        count=int(count) if count.isdigit() else 0,
        ids=tuple(text(b"ids").split()),
    )
