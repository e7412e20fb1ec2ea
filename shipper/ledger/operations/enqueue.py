"""Enqueue: accept envelopes; peek: ask whether one was accepted after all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from shipper.envelope import Envelope
from shipper.event_id import born_at
from shipper.ledger.operations.operation import Argument, Operation, time_or_now
from shipper.settings import Settings

EARLY_MS: Final = 300_000
"""How far ahead of the ledger's clock a caller's own id may be born: its machine's clock may be ahead."""
BATCH: Final = 200
"""Most envelopes in one script call: everything else on Redis waits for it."""

Word = Literal["ok", "dup", "conflict", "full", "stale", "early", "broken", "withheld"]


@dataclass(frozen=True, slots=True)
class Admission:
    """What enqueue answered for one envelope; `event_id` is the earlier event's for dup and conflict."""

    word: Word
    event_id: str


def enqueue(
    envelopes: Sequence[Envelope], settings: Settings, *, atomic: bool = False, now: int | None = None
) -> Operation[list[Admission]]:
    """Accept at most BATCH envelopes of one account, on as many replicas as the settings ask for.

    An earlier event of the same id is waited for too: its own enqueue may have been unclear for want of them.
    """
    args: list[Argument] = [
        time_or_now(now),
        settings.backlog_max,
        settings.backlog_bytes,
        settings.id_retention_ms,
        EARLY_MS,
        int(atomic),
    ]
    for envelope in envelopes:
        args += [
            envelope.event_id,
            born_at(envelope.event_id) if envelope.explicit else "",
            envelope.lane,
            envelope.rest,
        ]

    def read(reply: bytes | list[bytes]) -> list[Admission]:
        if isinstance(reply, bytes):  # `ok` for all
            return [Admission("ok", envelope.event_id) for envelope in envelopes]
        words = [part.decode() for part in reply]
        return [Admission(word, event_id) for word, event_id in zip(words[::2], words[1::2], strict=True)]  # type: ignore[arg-type]

    return Operation("enqueue", tuple(args), read, replicas=settings.wait_replicas)


def peek(
    envelope: Envelope, *, replicas: int = 0, now: int | None = None
) -> Operation[tuple[str, str] | None]:
    """Ask for the id and fingerprint of the event that has this envelope's id or idempotency key."""
    args = (time_or_now(now), envelope.event_id, envelope.key_hash)
    return Operation("peek", args, _read_peek, replicas=replicas)


def _read_peek(reply: list[bytes] | None) -> tuple[str, str] | None:
    return (reply[0].decode(), reply[1].decode()) if reply else None
