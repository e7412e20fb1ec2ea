"""Claim: lease due lanes for a call each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from shipper.ledger.operations.operation import Argument, Operation, time_or_now, whole
from shipper.ledger.record import Record, Tried, read_record, read_tried
from shipper.settings import Settings

WINDOW_1_MS: Final = 1000
WINDOW_30_MS: Final = 30_000
LATEST_MS: Final = 5_000
"""How much later than the margin a call may leave at most; `_pace.lua` forgets entries from beyond it."""
BEAT_MS: Final = 8_000
"""How long a pump counts as alive after its last claim, one without tokens included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedEvent:
    """An event of a call; `tried` holds its numbers before this attempt."""

    event_id: str
    number: int
    tried: Tried
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedCall:
    """A lane's call, ours until its lease ends."""

    lane: str
    token: str
    events: tuple[ClaimedEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What claim answered: calls to make, or why there are none and when to ask again (ms, None: unknown)."""

    word: Literal["calls", "idle", "pace", "paused", "retired"]
    now: int
    """The ledger's time of the claim, in ms."""
    calls: tuple[ClaimedCall, ...] = ()
    at: int | None = None
    why: str = ""


def claim(
    tokens: Sequence[str],
    settings: Settings,
    *,
    worker: str,
    ticket: str = "",
    void: Sequence[str] = (),
    late_ms: int = 0,
    now: int | None = None,
) -> Operation[Claim]:
    """Lease a call for each token at most; `void` are tokens of claims whose answer was lost.

    The calls may leave `late_ms` (0 to LATEST_MS) later than `pace_margin_ms` after the claim: the rate
    windows count them so much later.
    """
    margin = settings.pace_margin_ms
    args: list[Argument] = [time_or_now(now), worker, ticket, BEAT_MS]
    args += [settings.coalesce_max, settings.coalesce_bytes, settings.lease_ms]
    args += [
        WINDOW_1_MS + margin,
        settings.pace_per_second,
        WINDOW_30_MS + margin,
        settings.pace_per_30_seconds,
    ]
    return Operation("claim", (*args, late_ms, len(void), *void, *tokens), _read_claim)


def _read_claim(reply: list[Any]) -> Claim:
    word, now, *rest = reply
    if word == b"calls":
        return Claim(word="calls", now=now, calls=tuple(_read_claimed(call) for call in rest))
    at = whole(rest[0]) if rest else None
    return Claim(word=word.decode(), now=now, at=at, why=rest[1].decode() if len(rest) > 1 else "")


def _read_claimed(reply: list[Any]) -> ClaimedCall:
    lane, token, *rest = reply
    events = []
    for i in range(0, len(rest), 4):
        record = read_record(rest[i + 3])
        if record is None:  # the script hands out only what it could read itself, by the same rule
            raise ValueError(f"claim handed out a record that cannot be read: {rest[i].decode()}")
        events.append(
            ClaimedEvent(
                event_id=rest[i].decode(),
                number=int(rest[i + 1]),
                tried=read_tried(rest[i + 2]),
                record=record,
            )
        )
    return ClaimedCall(lane=lane.decode(), token=token.decode(), events=tuple(events))


def retire(ticket: str, *, now: int | None = None) -> Operation[bool]:
    """Give the ticket of a pump or a teller up; the reply tells whether it was still held."""
    return Operation("retire", (time_or_now(now), ticket), bool)
