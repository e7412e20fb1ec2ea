"""Restore: dead letters as they are stored, read whole and taken in again, here or elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from shipper.ledger.deed import Deed, write_deed
from shipper.ledger.operations.operation import Argument, Operation, time_or_now, words


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A dead letter, each part in the bytes that the ledger has of it."""

    event_id: str
    state: Literal["dead", "unclear"]
    ended_at: int
    record: bytes = field(repr=False)
    numbers: bytes
    history: bytes = field(repr=False)


def stored(ids: Sequence[str], *, now: int | None = None) -> Operation[list[Stored | None]]:
    """Read dead letters whole; None for an event that is none."""

    def read(reply: list[Any]) -> list[Stored | None]:
        return [_read(event_id, parts) for event_id, parts in zip(ids, reply, strict=True)]

    return Operation("show", (time_or_now(now), *ids), read)


def _read(event_id: str, parts: Sequence[bytes]) -> Stored | None:
    state, record, numbers, history, _, _, _, ended_at = parts
    if state not in {b"dead", b"unclear"}:
        return None
    return Stored(
        event_id=event_id,
        state="dead" if state == b"dead" else "unclear",
        ended_at=int(float(ended_at)),
        record=record,
        numbers=numbers,
        history=history,
    )


def give_out(ids: Sequence[str], *, deed: Deed | None = None, now: int | None = None) -> Operation[int]:
    """Note that a file takes letters, a hundred at most, before it does; the reply is how many no file had.

    What is delivered or expunged afterwards cannot be taken in again from that file.
    """
    return Operation("give_out", (time_or_now(now), write_deed(deed), *ids), int)


def restore(
    letters: Sequence[Stored], *, deed: Deed | None = None, replicas: int = 0, now: int | None = None
) -> Operation[list[str]]:
    """Take dead letters in, on so many replicas; a word for each.

    `ok`, `known` (its id, or it was delivered since a file took it), `key` (its idempotency key), `full`.
    """
    args: list[Argument] = [time_or_now(now), write_deed(deed)]
    for letter in letters:
        args += [letter.event_id, letter.state, letter.ended_at]
        args += [letter.record, letter.numbers, letter.history]
    return Operation("restore", tuple(args), words, replicas=replicas)
