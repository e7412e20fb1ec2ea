"""Look without touching: show events, tell an account's status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shipper.ledger.operations.operation import Operation, pairs, time_or_now, whole
from shipper.ledger.record import (
    CallOnRecord,
    Fate,
    Record,
    Tried,
    read_call,
    read_fate,
    read_history,
    read_record,
    read_tried,
)
from shipper.outcome import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """All that the ledger holds of an event."""

    event_id: str
    state: State
    record: Record | None
    tried: Tried
    history: list[dict[str, Any]]
    fate: Fate | None
    call: CallOnRecord | None
    due_at: int | None
    ended_at: int | None


def show(ids: Sequence[str], *, now: int | None = None) -> Operation[list[Shown | None]]:
    """Tell all of some events; None for those the ledger does not know."""
    return Operation(
        "show",
        (time_or_now(now), *ids),
        lambda reply: [_read_shown(i, p) for i, p in zip(ids, reply, strict=True)],
    )


def _read_shown(event_id: str, reply: list[bytes]) -> Shown | None:
    state, record, tried, history, fate, call, due, ended = reply
    if not state:
        return None
    end = read_fate(fate) if fate else None
    return Shown(
        event_id=event_id,
        state=State(state.decode()),
        record=read_record(record) if record else None,
        tried=read_tried(tried),
        history=read_history(history),
        fate=end,
        call=read_call(call) if call else None,
        due_at=whole(due),
        ended_at=end.ended_at if end else whole(ended),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How an account stands, from counters and sizes of one moment."""

    now: int
    counters: dict[str, int]
    gate: dict[str, str]
    meta: dict[str, str]
    sizes: dict[str, int]
    oldest_due: int | None
    pumps: int
    oldest_hook_due: int | None = None


def status(*, now: int | None = None) -> Operation[Status]:
    """Tell how the account stands."""
    return Operation("status", (time_or_now(now),), _read_status)


def _read_status(reply: list[Any]) -> Status:
    at, counters, gate, meta, sizes, oldest, pumps, oldest_hook = reply
    return Status(
        now=int(at),
        counters={name: int(value) for name, value in pairs(counters).items()},
        gate=pairs(gate),
        meta=pairs(meta),
        sizes={name: int(value) for name, value in pairs(sizes).items()},
        oldest_due=whole(oldest),
        pumps=pumps,
        oldest_hook_due=whole(oldest_hook),
    )
