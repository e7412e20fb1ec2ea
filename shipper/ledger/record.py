"""Read and write what the ledger packs into strings: records, numbers, calls, fates, histories, hook jobs.

The same formats stand in `lua/_record.lua`, `_tried.lua`, `_call.lua`, `_end.lua` and `_hook.lua`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from shipper.keyring import Keyring
from shipper.refusal import NO_FIELD, NO_KIND

VERSION: Final = b"1"
_FATES: Final[dict[str, Literal["delivered", "discarded", "expunged"]]] = {
    "d": "delivered",
    "x": "discarded",
    "e": "expunged",
}
CONTEXT: Final = re.compile(r"[\w.~%=&-]+", re.ASCII)
ANSWER_BYTES: Final = 2048
"""Most bytes of Gameball's answer that an attempt keeps."""
END_MS: Final = 253_402_300_800_000
"""The year 10000: no moment that can be told is later."""
UNREADABLE: Final = "unreadable"
"""The outcome of a line that is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An envelope as it is stored. `body`, opened, is posted byte for byte when the event travels alone."""

    lane: str
    accepted_at: int
    key_hash: str
    fingerprint: str
    names: tuple[str, ...]
    signature: str
    park: bool
    solo: bool
    hook: str
    head_len: int
    context: str = ""
    """What of its producer's request travels with it, as `shipper.context` writes it."""
    body: bytes = field(repr=False)

    def opened(self, keyring: Keyring, *, account: str, event_id: str) -> Record:
        """Return the record with its body as it was given; raise LockedError or DamagedError."""
        return replace(self, body=keyring.open(self.body, account=account, event_id=event_id))

    @property
    def event(self) -> dict[str, Any]:
        """Return the event as the SDKs spell it: customerId, email, mobile, events. For an opened record."""
        decoded: dict[str, Any] = json.loads(self.body)
        return decoded


def read_record(stored: bytes) -> Record | None:
    """Return the record, or None for one that this version cannot read."""
    header, found, body = stored.partition(b"\0")
    fields = header.decode("ascii", "replace").split("|")
    if not found or len(fields) not in {10, 11} or fields[0] != VERSION.decode():
        return None
    _, lane, at, key_hash, fingerprint, names, signature, flags, hook, head_len, *more = fields
    if more and not CONTEXT.fullmatch(more[0]):
        return None
    if not (at.isdigit() and head_len.isdigit() and all((lane, fingerprint, names, signature, flags))):
        return None
    return Record(
        lane=lane,
        accepted_at=int(at),
        key_hash=key_hash,
        fingerprint=fingerprint,
        names=tuple(names.split(",")),
        signature=signature,
        park="p" in flags,
        solo="s" in flags,
        hook=hook,
        head_len=int(head_len),
        context=more[0] if more else "",
        body=body,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """The numbers of an event: `number` of its last attempt, `charged` to its budget, `causes` on record."""

    number: int = 0
    charged: int = 0
    crashes: int = 0
    vague: int = 0
    causes: int = 0
    life: int = 0
    solo: bool = False
    since: int = 0
    """When its present life began, in ms; 0 for the first life, which began when it was accepted."""
    reason: str = ""
    code: int | None = None
    field: str = ""
    """Which field Gameball's answer names; empty: none."""
    kind: str = ""
    """What kind of answer it was; empty: there was none, `-`: one of too many."""


NEVER_TRIED: Final = Tried()


def read_tried(stored: bytes) -> Tried:
    """Return the numbers of an event; all zero for one never tried (empty string) or not readable."""
    if not stored:
        return NEVER_TRIED
    fields = stored.decode("ascii", "replace").split(" ")
    if len(fields) == 10:  # as they were written before answers were told apart
        fields += ["", ""]
    if len(fields) != 12 or not all(field.isdigit() for field in fields[:8]):
        return Tried()  # corrupted by hand: the scripts read it so too
    number, charged, crashes, vague, causes, life, solo, since, reason, code, refused, kind = fields
    return Tried(
        number=int(number),
        charged=int(charged),
        crashes=int(crashes),
        vague=int(vague),
        causes=int(causes),
        life=int(life),
        solo=solo == "1",
        since=int(since),
        reason=reason,
        code=int(code) if code.isdigit() else None,
        field=refused.removeprefix(NO_FIELD),
        kind="" if kind == NO_KIND else kind,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What is left of an ended event."""

    state: Literal["delivered", "discarded", "expunged"]
    fingerprint: str
    attempts: int
    causes: int
    """What licensed a second POST. Gameball accepted it at most once more than that."""
    ended_at: int
    accepted_at: int


def read_fate(stored: bytes) -> Fate:
    """Return how an event ended."""
    letter, fingerprint, attempts, causes, at, after = stored.decode().split(" ")
    return Fate(
        state=_FATES[letter],
        fingerprint=fingerprint,
        attempts=int(attempts),
        causes=int(causes),
        ended_at=int(at),
        accepted_at=int(at) - int(after),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One line of an event's history: what a worker tried and what came of it. Times are milliseconds."""

    at: int
    number: int
    worker: str
    verdict: str
    outcome: str
    of: int = 1
    """How many events travelled in the call."""
    siblings: tuple[str, ...] = ()
    """Ids of those that travelled with it, the first few."""
    claimed_at: int | None = None
    held: tuple[tuple[str, int, int], ...] = ()
    """What was seen to hold it back before it was claimed: why, since, until."""
    took_ms: int | None = None
    status: int | None = None
    code: int | None = None
    request_id: str | None = None
    delay_ms: int | None = None
    """How long the event waits for its next attempt."""
    answer: str | None = None
    """At most 2 KiB of the answer."""


def write_attempt(attempt: Attempt, *, hide: Callable[[str], str] = str) -> bytes:
    """Return the attempt as one JSON line, without what is absent.

    What Gameball answered may quote the customer: `hide` makes of it what is stored.
    """
    line: dict[str, object] = {"at": attempt.at, "number": attempt.number, "worker": attempt.worker}
    line |= {"verdict": attempt.verdict, "outcome": attempt.outcome}
    if attempt.of != 1:
        line["of"] = attempt.of
    if attempt.siblings:
        line["with"] = attempt.siblings
    if attempt.claimed_at is not None:
        line["claimed"] = attempt.claimed_at
    if attempt.held:
        line["held"] = attempt.held
    for name in ("took_ms", "status", "code", "request_id", "delay_ms"):
        value = getattr(attempt, name)
        if value is not None:
            line[name] = value
    if attempt.answer:
        kept = attempt.answer.encode("utf-8", "replace")[:ANSWER_BYTES].decode("utf-8", "ignore")
        line["answer"] = hide(kept)
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()


def read_history(stored: bytes) -> list[dict[str, Any]]:
    """Return an event's attempts and redrives, oldest first; the oldest of a long history are cut."""
    return [_read_line(line) for line in stored.split(b"\n") if line]


def _read_line(stored: bytes) -> dict[str, Any]:
    """Return a line; for one that was put there by hand and is none, one that says so: the others go on."""
    try:
        found: Any = json.loads(stored)
    except (ValueError, RecursionError):
        found = None
    return found if is_line(found) else {"at": 0, "outcome": UNREADABLE}


def is_line(found: Any) -> bool:
    """Tell whether it can be a line of a history: what its readers use is of its type."""
    return isinstance(found, dict) and all(
        is_sound(found[name]) for name, is_sound in _SOUND.items() if name in found
    )


def _is_time(value: Any) -> bool:
    return _is_whole(value) and 0 <= value < END_MS


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_spans(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, list) and len(each) == 3 and _is_text(each[0]) and all(map(_is_time, each[1:]))
        for each in value
    )


_SOUND: Final[dict[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("at", "claimed"), _is_time),
    **dict.fromkeys(("number", "of", "took_ms", "status", "code", "delay_ms"), _is_whole),
    **dict.fromkeys(("worker", "verdict", "outcome", "request_id", "answer"), _is_text),
    **dict.fromkeys(("by", "job", "places"), _is_text),
    "with": _are_texts,
    "held": _are_spans,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOnRecord:
    """The one call of a lane that is under way."""

    token: str
    claimed_at: int
    worker: str
    numbers: dict[str, int]
    due_since: int | None = None
    """When the lane was due, if it had waited for long: its place among the lanes."""


def read_call(stored: bytes) -> CallOnRecord:
    """Return what the ledger knows of a call under way."""
    token, at, worker, *pairs = stored.decode().split(" ")
    numbers = {event_id: int(number) for event_id, number in zip(pairs[::2], pairs[1::2], strict=True)}
    claimed_at, _, since = at.partition("/")
    return CallOnRecord(
        token=token,
        claimed_at=int(claimed_at),
        worker=worker,
        numbers=numbers,
        due_since=int(since) if since else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HookJob:
    """One ending to tell: `what` is delivered, unclear, discarded or the reason of a dead letter."""

    job: str
    """`id:life`"""
    tries: int
    what: str
    attempts: int
    ended_at: int
    attempt: dict[str, Any]
    record: Record | None

    @property
    def event_id(self) -> str:
        """Return the id of the event that ended."""
        return self.job.partition(":")[0]


def read_job(job: str, tries: int, told: bytes) -> HookJob:
    """Return the job as the ledger stored it."""
    head, line, record = told.split(b"\n", 2)
    what, attempts, ended_at = head.decode().split(" ")
    return HookJob(
        job=job,
        tries=tries,
        what=what,
        attempts=int(attempts),
        ended_at=int(ended_at),
        attempt=json.loads(line) if line else {},
        record=read_record(record),
    )
