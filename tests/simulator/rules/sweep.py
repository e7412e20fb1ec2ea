"""What a sweep ends and reserves, and what is forgotten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from shipper.ledger.operations import ABSENCE_MS, CRASH_BACKOFF_MS, EARLY_MS, GRACE_MS, TICKET_MS, Sweep
from shipper.ledger.record import Fate
from shipper.settings import HOUR_MS, Settings
from tests.simulator.book import Book
from tests.simulator.rules.events import bury, count, free, put_back, remember, ring
from tests.simulator.rules.gate import clear_probe, restart_gate

LONGEST_BEAT_MS: Final = 60_000
MOST_STEP_MS: Final = 1000
"""Until a redrive job's next step, at most."""


def sweep(
    book: Book,
    settings: Settings,
    *,
    tickets: Sequence[str] = (),
    teller_tickets: Sequence[str] = (),
    most_pumps: int = 0,
    most_tellers: int = 0,
    seen: int = 0,
    hold_ms: int = 0,
    worker: str = "",
    swept_at: int = 0,
    limit: int = 500,
    backoff_ms: int = CRASH_BACKOFF_MS,
    now: int | None = None,
) -> Sweep:
    """End leases that ran out, unless the sweep itself was away: then let living workers settle first."""
    assert now is not None
    del teller_tickets, most_tellers, seen, swept_at
    turn = book.counters["accepted"] + book.counters["delivered"]
    if book.restarted:
        book.restarted = False
        restart_gate(book, hold_ms, now)
    if book.swept and now - book.swept > ABSENCE_MS:
        _grant_grace(book, now)
    book.swept = now
    over = sorted((at, lane) for lane, at in book.lease.items() if at <= now)[:limit]
    for _, lane in over:
        _expire(book, lane, backoff_ms, settings.max_crashes, now)
    book.bell = max(book.bell, 0)
    if over:
        ring(book)
    due = sum(at <= now for at in book.due.values())
    first = min(book.due.values(), default=None)
    held = max(int(book.gate["until"]), int(book.gate.get("pend", 0))) if book.gate else 0
    most = most_pumps * max(1, _muster(book, worker, now))
    wanted = 0 if held > now else min(-(-due // settings.calls_in_flight), most)
    started = _reserve(book, tickets, wanted, now)
    return Sweep(
        now=now,
        due=due,
        oldest_due=first if due else None,
        leased=len(book.lease),
        next_due=first,
        held_until=held,
        why=book.gate.get("why", ""),
        pumps=started,
        tellers=0,
        expired=len(over),
        turn=turn,
        running=sum(until > now + TICKET_MS for until in book.pumps.values()),
    )


def _grant_grace(book: Book, now: int) -> None:
    over = now + GRACE_MS
    book.lease = {lane: max(at, over) for lane, at in book.lease.items()}
    if "pend" in book.gate:
        book.gate["pend"] = str(max(int(book.gate["pend"]), over))


def _expire(book: Book, lane: str, backoff_ms: int, max_crashes: int, now: int) -> None:
    call = book.calls[lane]
    alone = len(call.numbers) == 1
    for event_id in book.flying(lane):
        before = book.numbers(event_id)
        tried = replace(
            before,
            number=call.numbers[event_id],
            crashes=before.crashes + 1,
            causes=before.causes + 1,
        )
        count(book, causes=1, crashed=1)
        outcome = "dead" if alone and tried.crashes >= max_crashes else "retry"
        outcome = "unclear" if book.head(event_id).park else outcome
        line = {"at": now, "number": tried.number, "worker": call.worker, "verdict": "crashed"}
        told = json.dumps({**line, "outcome": outcome}, separators=(",", ":")).encode()
        remember(book, event_id, told)
        if outcome == "retry":
            put_back(book, event_id, tried, charged=True, solo=not alone)
        else:
            reason = "unclear" if outcome == "unclear" else "crashed"
            tried = replace(tried, charged=tried.charged + 1, reason=reason, code=None)
            bury(book, event_id, tried, line=told, now=now)
    clear_probe(book, call.token)
    free(book, lane, at=now + backoff_ms)


def _muster(book: Book, worker: str, now: int) -> int:
    if worker:
        book.crew[worker] = now + 2 * TICKET_MS
    book.crew = {name: until for name, until in book.crew.items() if until > now}
    return len(book.crew)


def _reserve(book: Book, tickets: Sequence[str], wanted: int, now: int) -> int:
    book.pumps = {
        ticket: until for ticket, until in book.pumps.items() if now < until < now + LONGEST_BEAT_MS
    }
    start = max(0, min(wanted - len(book.pumps), len(tickets)))
    book.pumps |= dict.fromkeys(tickets[:start], now + TICKET_MS)
    return start


def forget(
    book: Book, settings: Settings, *, limit: int = 1000, now: int | None = None
) -> tuple[int, int, int]:
    """Forget ended events and their keys when their retention ends; bring back what a clock left ahead."""
    assert now is not None
    ids, clipped = _forget_ids(book, now - settings.id_retention_ms - EARLY_MS, limit, now)
    _forget_exports(book, now - settings.trail_days * 24 * HOUR_MS, limit, now)
    keys, ahead = _forget_keys(book, now - settings.idempotency_retention_ms, limit, now)
    clipped += ahead
    clipped += _clip(book.lease, now + 2 * settings.lease_ms, limit)
    clipped += _clip(book.hooks, now + max(settings.backoff_cap_ms, 2 * settings.hook_timeout_ms), limit)
    clipped += _clip(book.steps, now + MOST_STEP_MS, limit)
    clipped += _clip(book.due, max(now + settings.backoff_cap_ms, book.spread_until), limit)
    return ids, keys, clipped + _clip_gate(book, settings, now)


def _forget_ids(book: Book, oldest: int, limit: int, now: int) -> tuple[int, int]:
    ids = 0
    later: list[str] = []
    for event_id in book.ended[:limit]:
        fate = book.fates[event_id]
        if fate.ended_at > now:
            lasted = fate.ended_at - fate.accepted_at
            book.fates[event_id] = replace(fate, ended_at=now, accepted_at=now - lasted)
            later.append(event_id)
        elif fate.ended_at >= oldest:
            break
        else:
            del book.fates[event_id]
            count(book, **{f"forgotten_{fate.state}": 1})
            _keep_out(book, event_id, fate, now)
            ids += 1
    book.ended = book.ended[ids + len(later) :] + later
    return ids, len(later)


def _forget_keys(book: Book, oldest: int, limit: int, now: int) -> tuple[int, int]:
    keys = ahead = 0
    later: list[str] = []
    for entry in book.ended_keys[:limit]:
        key, at = entry.split(" ")
        if at == "0":
            if len(later) >= limit / 4:
                break
            alive = book.keys[key].split(" ")[0] in book.records
            later.append(f"{key} {0 if alive else now}")
        elif int(at) > now:
            ahead += 1
            later.append(f"{key} {now}")
        elif int(at) > oldest:
            break
        else:
            del book.keys[key]
            keys += 1
    book.ended_keys = book.ended_keys[keys + len(later) :] + later
    return keys, ahead


def _keep_out(book: Book, event_id: str, fate: Fate, now: int) -> None:
    if fate.state == "discarded":
        book.exported.pop(event_id, None)
    elif event_id in book.exported:
        book.exported[event_id] = -now


def _forget_exports(book: Book, oldest: int, limit: int, now: int) -> None:
    old = sorted((at, event_id) for event_id, at in book.exported.items() if abs(at) <= oldest)
    for _, event_id in old[:limit]:
        if event_id in book.records or event_id in book.fates:
            book.exported[event_id] = now
        else:
            del book.exported[event_id]


def _clip_gate(book: Book, settings: Settings, now: int) -> int:
    latest = {"pend": now + 2 * settings.lease_ms}
    if book.gate.get("why") not in {"operator", "refusals"}:
        hold_ms = max(settings.pause_max_ms, settings.retry_after_max_ms, settings.lease_ms)
        latest["until"] = now + hold_ms
    ahead = {name: str(at) for name, at in latest.items() if int(book.gate.get(name, 0)) > at}
    book.gate |= ahead
    return len(ahead)


def _clip(moments: dict[str, int], latest: int, limit: int) -> int:
    ahead = sorted((at, lane) for lane, at in moments.items() if at > latest)[:limit]
    moments |= {lane: latest for _, lane in ahead}
    return len(ahead)
