"""What a redrive job does at each step, and what a person does to it."""

from __future__ import annotations

from collections.abc import Sequence

from shipper.ledger.deed import Deed
from shipper.ledger.operations.job import LATE_MS, LOOKS, MOST_OPEN, STEP_MS, Turn
from shipper.outcome import State
from tests.simulator.book import Book, Redrive
from tests.simulator.rules.events import ring
from tests.simulator.rules.letters import refusal, revive

OVER = ("done", "cancelled")
TURNS = {
    "pause": {"running": "paused"},
    "resume": {"paused": "running", "stopped": "running"},
    "cancel": dict.fromkeys(("running", "paused", "stopped"), "cancelled"),
}


def job_start(
    book: Book,
    name: str,
    *,
    filter_text: str,
    total: int,
    rate: float,
    may_duplicate: bool,
    moment: int,
    sends: Deed,
    filling: bool = False,
    deed: Deed | None = None,
    now: int | None = None,
) -> str:
    """Begin a job."""
    assert now is not None
    book.redrives[name] = Redrive(
        by=sends.by, may_duplicate=may_duplicate, moment=moment, rate=rate, seen_at=now
    )
    book.steps[name] = now
    return "ok"


def job_turn(
    book: Book, name: str, word: Turn, *, deed: Deed | None = None, now: int | None = None
) -> tuple[bool, str]:
    """Pause, resume or cancel a job."""
    assert now is not None
    job = book.redrives[name]
    to = TURNS[word].get(job.state)
    if to is None:
        return False, job.state
    job.state, job.credit, job.seen_at = to, 0, now
    if to == "running":
        job.recent = ""
    book.steps[name] = now
    return True, to


def job_step(
    book: Book,
    name: str,
    cursor: str,
    found: Sequence[tuple[str, str]],
    *,
    nothing_more: bool,
    step_ms: int = STEP_MS,
    most_open: int = MOST_OPEN,
    looks: int = LOOKS,
    most_calls: int = 0,
    now: int | None = None,
) -> tuple[str, int]:
    """See what became of what a job sent, then send what its rate allows."""
    assert now is not None
    job = book.redrives[name]
    if job.state == "running" and job.cursor != cursor:
        return "stale", 0
    _look_after(book, job, looks, now=now)
    book.steps[name] = now + step_ms
    if job.state in OVER:
        if not job.open:
            del book.steps[name]
        return job.state, 0
    failed = job.recent.count("x")
    if job.state == "running" and len(job.recent) >= 20 and 2 * failed >= len(job.recent):
        job.state = "stopped"
    job.credit = min(max(job.rate, 1), job.credit + job.rate * max(now - job.seen_at, 0) / 1000)
    job.seen_at = now
    if job.state != "running":
        return job.state, 0
    word, allowed = _room(book, job, most_open, most_calls, now=now)
    left, sent = _send(book, name, job, found, allowed, now=now)
    if nothing_more and not left and not job.open:
        job.state = word = "done"
        del book.steps[name]
    return word, sent


def _look_after(book: Book, job: Redrive, most: int, *, now: int) -> None:
    oldest = sorted(job.open.items(), key=lambda each: (each[1], each[0]))[:most]
    for event_id, _ in oldest:
        state = book.state_of(event_id)
        if state in (State.WAITING, State.IN_FLIGHT):
            if len(oldest) == most:
                job.open[event_id] = now
            continue
        del job.open[event_id]
        if state in (State.DEAD, State.UNCLEAR, State.DELIVERED):
            job.recent = (job.recent + ("." if state is State.DELIVERED else "x"))[-100:]


def _room(book: Book, job: Redrive, most_open: int, most_calls: int, *, now: int) -> tuple[str, int]:
    if max(int(book.gate.get("until", 0)), int(book.gate.get("pend", 0))) > now:
        return "held", 0
    if book.due and min(book.due.values()) < now - LATE_MS:
        return "late", 0
    if most_calls and sum(at > now - 30_000 for at in book.pace.values()) >= most_calls:
        return "quota", 0
    if len(job.open) >= most_open:
        return "full", 0
    return "ok", min(int(job.credit), most_open - len(job.open))


def _refusal(book: Book, job: Redrive, event_id: str) -> str:
    return refusal(book, event_id, may_duplicate=job.may_duplicate, moment=job.moment)


def _send(
    book: Book, name: str, job: Redrive, found: Sequence[tuple[str, str]], allowed: int, *, now: int
) -> tuple[int, int]:
    """Return how many of those found were not looked at, and how many were sent."""
    sent: list[str] = []
    rest = list(found)
    while rest and len(sent) < allowed:
        job.cursor, event_id = rest.pop(0)
        again = f'"job":"{name}"'.encode() in book.history.get(event_id, b"")
        if event_id and not again and not _refusal(book, job, event_id):
            line = f'{{"at":{now},"outcome":"redriven","may_duplicate":{str(job.may_duplicate).lower()}'
            line += f',"by":"{job.by}","job":"{name}"}}'
            revive(book, event_id, line.encode(), at=now + int(len(sent) * 1000 / job.rate), now=now)
            sent.append(event_id)
    job.open |= dict.fromkeys(sent, now)
    if sent:
        job.credit -= len(sent)
        book.spread_until = max(book.spread_until, now - int(-len(sent) * 1000 // job.rate))
        ring(book)
    return len(rest), len(sent)
