"""Redrive jobs: start, fill with ids, turn (pause, resume, cancel), and carry on by a step."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, Literal

from shipper.ledger.deed import Deed, write_deed
from shipper.ledger.operations.operation import Argument, Operation, time_or_now

Turn = Literal["pause", "resume", "cancel"]

LOOKS: Final = 100
"""Events whose end is looked for by one step: keeps it under 10 ms."""
MOST_OPEN: Final = 1000
"""Events of a job that may be on their way at once."""
STEP_MS: Final = 200
"""Between two steps of a job, however many workers there are."""
LATE_MS: Final = 1000
"""Lanes due for longer are a backlog: jobs wait until it is worked off."""


def job_start(
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
) -> Operation[str]:
    """Begin a job: what a filter finds, or (`filling`, an empty filter) ids that are given next; ok or known.

    `rate` is events a second. What is a letter only since the `moment` of the choice, in ms, is left. `deed`
    is the start itself, `sends` what each step notes on the audit log.
    """
    job: dict[str, Any] = {
        "state": "filling" if filling else "running",
        "filter": filter_text,
        "total": 0 if filling else total,
        "rate": rate,
        "dup": may_duplicate,
        "moment": moment,
        "deed": write_deed(sends),
        "cursor": "",
        "recent": "",
        "why": "",
        "waits": "",
        "left": {},
        "codes": {},
        "all": False,
        **dict.fromkeys(("credit", "sent", "delivered", "failed", "gone", "ended_at"), 0),
    }
    told = json.dumps(job, separators=(",", ":"))
    return Operation("job_start", (time_or_now(now), name, told, write_deed(deed), total), bytes.decode)


def job_fill(
    name: str, ids: Sequence[str], *, before: int, last: bool, now: int | None = None
) -> Operation[str]:
    """Give a job ids after so many `before`; with the last of them it runs. The reply is its state, or no."""
    return Operation("job_fill", (time_or_now(now), name, int(last), before, *ids), bytes.decode)


def job_turn(
    name: str, word: Turn, *, deed: Deed | None = None, now: int | None = None
) -> Operation[tuple[bool, str]]:
    """Pause, resume or cancel a job: whether that could be done, and its state then, or no."""

    def read(reply: list[Any]) -> tuple[bool, str]:
        return bool(reply[0]), reply[1].decode()

    return Operation("job_turn", (time_or_now(now), name, word, write_deed(deed)), read)


def job_step(
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
) -> Operation[tuple[str, int]]:
    """Carry a job on: of `found`, cursors and ids behind `cursor`, it sends what its rate allows.

    `most_calls` of 30 s are not used up by redriven events; 0: no limit.
    The reply is a word and how many were sent: ok; full, late, quota or held (it waits); stale (another
    worker did it); its state where it does not run; no.
    """
    args: list[Argument] = [time_or_now(now), name, cursor, looks, most_open, step_ms, LATE_MS]
    args += [most_calls, int(nothing_more)]
    for each in found:
        args += each

    def read(reply: list[Any]) -> tuple[str, int]:
        return reply[0].decode(), int(reply[1])

    return Operation("job_step", tuple(args), read)
