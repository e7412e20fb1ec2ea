"""Redrive jobs as they stand in the ledger, and the step by which a worker carries one on.

Nothing of a job is held in a process: whoever steps it reads where it is, finds what comes next, and leaves
the rest to the script.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from shipper.ledger.deed import Deed, read_deed
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.letters import Filter, Spot, leaf
from shipper.ledger.operations import job_step

CHUNK: Final = 50
"""Letters sent by one script, which looks after a hundred more: keeps it under 10 ms."""
AT_ONCE: Final = 8
"""Most jobs carried on in one turn of a worker."""
MOST_STEPS: Final = 20
"""Scripts of one turn for one job: a thousand letters."""
HIDDEN: Final = ("customer_id", "text")
"""What a filter may ask for that must not be kept in it: such a job is given ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """How a job stands. Times are ms; `left` counts what was not sent, `codes` what failed, by reason.

    `waits` is the word of its last step where that sent nothing though there is more to send.
    """

    name: str
    state: str
    filter: Filter | None
    rate: float
    may_duplicate: bool
    deed: Deed
    total: int
    cursor: str
    sent: int
    delivered: int
    failed: int
    gone: int
    left: dict[str, int]
    codes: dict[str, int]
    why: str
    waits: str
    started_at: int
    ended_at: int | None


def write_filter(wanted: Filter) -> str:
    """Return a frozen filter as a job keeps it."""
    return json.dumps({name: value for name, value in asdict(wanted).items() if value is not None})


def can_keep(wanted: Filter) -> bool:
    """Tell whether a job may keep the filter: what customers say stays in their records alone."""
    return all(getattr(wanted, name, None) is None for name in HIDDEN)


def job_of(ledger: Ledger, name: str) -> JobState | None:
    """Return one job, or None."""
    stored = ledger.ask("HGET", key_of(ledger.account, "jobs"), name)
    return read_job_state(name, stored) if stored else None


def jobs_of(ledger: Ledger) -> list[JobState]:
    """Return all jobs that are remembered, newest first."""
    flat = ledger.ask("HGETALL", key_of(ledger.account, "jobs"))
    found = (read_job_state(name.decode(), job) for name, job in zip(flat[::2], flat[1::2], strict=True))
    return sorted(found, key=lambda job: job.name, reverse=True)


def due_jobs(ledger: Ledger, *, now: int) -> list[str]:
    """Return the jobs whose next step is due."""
    key = key_of(ledger.account, "jdue")
    names = ledger.ask("ZRANGE", key, "-inf", now, "BYSCORE", "LIMIT", 0, AT_ONCE)
    return [name.decode() for name in names]


def carry_on(ledger: Ledger, name: str, *, per_30_seconds: int = 0) -> int:
    """Carry a job on as far as its rate allows; return how many letters were sent again.

    Of the account's calls in 30 s (0: no limit) no job uses up the last tenth: live events find room.
    """
    sent = 0
    for _ in range(MOST_STEPS):
        job = job_of(ledger, name)
        found, ends = next_of(ledger, job) if job and job.state == "running" else ([], False)
        step = job_step(
            name,
            job.cursor if job else "",
            found,
            nothing_more=ends,
            most_calls=per_30_seconds * 9 // 10,
        )
        word, some = ledger.run(step)
        sent += some
        if word != "ok" or some < CHUNK:
            break
    return sent


def read_job_state(name: str, stored: bytes) -> JobState:
    """Return how a job stands."""
    job: dict[str, Any] = json.loads(stored)
    return JobState(
        name=name,
        state=job["state"],
        filter=Filter(**json.loads(job["filter"])) if job["filter"] else None,
        rate=job["rate"],
        may_duplicate=job["dup"],
        deed=read_deed(job["deed"]),
        **{key: job[key] for key in ("total", "cursor", "sent", "delivered", "failed", "gone", "why")},
        waits=job.get("waits", ""),
        left=dict(job["left"]),
        codes=dict(job["codes"]),
        started_at=int(job.get("at", 0)),
        ended_at=int(job["ended_at"]) or None,
    )


def next_of(ledger: Ledger, job: JobState) -> tuple[list[tuple[str, str]], bool]:
    """Return what a job has still to send, each with the cursor behind it, and whether that is all."""
    if job.filter is None:
        key, name = key_of(ledger.account, "jids"), job.name
        members = ledger.ask("ZRANGE", key, f"[{name} ", f"({name}!", "BYLEX", "LIMIT", 0, CHUNK)
        places = [member.decode().partition(" ")[2] for member in members]
        return [(place, place.rpartition(" ")[2]) for place in places], len(places) < CHUNK
    at, _, event_id = job.cursor.partition(" ")
    beyond = Spot(int(at), event_id) if event_id else None
    found = leaf(ledger, job.filter, limit=CHUNK, beyond=beyond, newest_first=False)
    steps = [(_cursor(spot), spot.event_id) for spot in found.spots]
    if found.beyond and found.beyond not in found.spots:
        steps.append((_cursor(found.beyond), ""))  # a long stretch where none is wanted
    return steps, found.beyond is None


def _cursor(spot: Spot) -> str:
    return f"{spot.ended_at} {spot.event_id}"
