"""Small ledgers to begin with: one lane, one dead letter, one ended event; add them up.

Every record is 400 bytes long, so an event costs 1000 bytes of the backlog, and every event of its own
name, so that the events of a lane may share a call unless a test says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Literal

from shipper.envelope import Envelope
from shipper.event_id import ALPHABET
from shipper.ledger.operations import SettledCall, SettledEvent
from shipper.ledger.record import CallOnRecord, Fate, Record, Tried
from shipper.outcome import DELIVERED, Outcome, Verdict
from shipper.refusal import NO_FIELD, NO_KIND
from shipper.settings import Settings
from tests.ledger.book import Book, write_record

NOW: Final = 1_790_000_000_000
"""Some afternoon of 2026: thirteen digits, as in life."""
SECOND: Final = 1000
HOUR: Final = 3_600_000
RECORD_BYTES: Final = 400
COST: Final = 1000
NO_OUTCOMES: Final[Mapping[str, Outcome]] = MappingProxyType({})


@cache
def settings_of(**given: Any) -> Settings:
    """Return the settings that the reference page promises, some of them changed; making them takes time."""
    return Settings(**given)


def event(
    event_id: str,
    lane: str = "ann",
    *,
    at: int = NOW,
    names: tuple[str, ...] = (),
    sig: str = "",
    park: bool = False,
    solo: bool = False,
    hook: str = "",
    key: str = "",
) -> Record:
    """Return the record of an event; its fingerprint is `fp-` and its id."""

    def record(body: bytes) -> Record:
        return Record(
            lane=lane,
            accepted_at=at,
            key_hash=key,
            fingerprint=f"fp-{event_id}",
            names=names or (f"name-{event_id}",),
            signature=sig or f"sig-{lane}",
            park=park,
            solo=solo,
            hook=hook,
            head_len=9,
            body=body,
        )

    pad = RECORD_BYTES - len(write_record(record(b"")))
    assert pad > 0, "the header leaves no room for a body"
    return record(b"." * pad)


def envelope(
    event_id: str, lane: str = "ann", *, explicit: bool = False, fp: str = "", **given: Any
) -> Envelope:
    """Return what a producer sends for `event(event_id, lane)`, or for other content under `fp`."""
    record = event(event_id, lane, **given)
    tail = write_record(record).partition(b"\0")[0].split(b"|", 5)[5]
    return Envelope(
        event_id=event_id,
        explicit=explicit,
        account="default",
        lane=lane,
        key_hash=record.key_hash,
        fingerprint=fp or record.fingerprint,
        tail_header=tail,
        body=record.body,
    )


def born(ms: int, noise: str = "0") -> str:
    """Return an event id that was made at a time."""
    digits = (ALPHABET[ms >> shift & 31] for shift in range(45, -1, -5))
    return "".join(digits) + noise.rjust(16, "0")


def waiting(lane: str, *ids: str, due: int = NOW, **given: Any) -> Book:
    """A lane that is due at a time."""
    events = len(ids)
    return Book(
        rec={i: event(i, lane, **given) for i in ids},
        lanes={lane: list(ids)},
        due={lane: due},
        idem=_idem(ids, given),
        n={"accepted": events, "waiting": events, "bytes": COST * events},
    )


def in_flight(
    lane: str,
    *ids: str,
    token: str = "t1",  # noqa: S107
    behind: tuple[str, ...] = (),
    number: int = 1,
    claimed_at: int = NOW,
    until: int = NOW + 30 * SECOND,
    **given: Any,
) -> Book:
    """A lane whose first events are in a call under way; `behind` wait."""
    events = len(ids) + len(behind)
    numbers = dict.fromkeys(ids, number)
    return Book(
        rec={i: event(i, lane, **given) for i in (*ids, *behind)},
        lanes={lane: [*ids, *behind]},
        lease={lane: until},
        calls={lane: CallOnRecord(token=token, claimed_at=claimed_at, worker="w1", numbers=numbers)},
        pace={token: claimed_at},
        idem=_idem((*ids, *behind), given),
        n={"accepted": events, "in_flight": len(ids), "waiting": len(behind), "bytes": COST * events},
    )


def dead(
    lane: str,
    event_id: str,
    *,
    reason: str = "refused",
    code: int | None = 3009,
    refused: str = "",
    kind: str = "",
    at: int = NOW,
    tried: Tried | None = None,
    **given: Any,
) -> Book:
    """A dead letter with its indices; `unclear` makes it an unclear one."""
    record = event(event_id, lane, **given)
    ended = tried or Tried(number=1, charged=1, reason=reason, code=code, field=refused, kind=kind)
    pages, groups = letter_index(record, event_id, ended, at)
    state = "unclear" if reason == "unclear" else "dead"
    return Book(
        rec={event_id: record},
        st={event_id: ended},
        dead={} if state == "unclear" else {event_id: at},
        uncl={event_id: at} if state == "unclear" else {},
        dx=pages,
        groups=groups,
        people=people_of(groups, lane),
        fields={} if not ended.field else {ended.field: 1},
        kinds={} if not ended.kind else {ended.kind: 1},
        idem=_idem((event_id,), given),
        n={"accepted": 1, state: 1, "bytes": COST},
    )


def unclear(lane: str, event_id: str, **given: Any) -> Book:
    """An event of which nobody knows whether Gameball has it."""
    return dead(lane, event_id, reason="unclear", **{"code": None, **given})


def letter_index(
    record: Record, event_id: str, tried: Tried, at: int
) -> tuple[frozenset[str], dict[str, int]]:
    """Return the index members and the groups of a dead letter."""
    shown = "-" if tried.code is None else str(tried.code)
    groups = [f"{tried.reason} {shown} {name} {tried.field or '-'}" for name in record.names]
    indexed = [f"r{tried.reason}", f"c{shown}", f"f{tried.field or '-'}", f"l{record.lane}"]
    indexed += [f"k{tried.kind}"] if tried.kind else []
    indexed += [f"n{name}" for name in record.names] + [f"g{group}" for group in groups]
    if tried.causes and tried.reason != "unclear":
        indexed += [f"{'p' if record.park else 'm'}{tried.reason}", *(f"m{group}" for group in groups)]
    return frozenset(f"{index}\0{at:013}\0{event_id}" for index in indexed), dict.fromkeys(groups, 1)


def people_of(groups: Mapping[str, int], lane: str) -> dict[str, int]:
    """Return what is counted of the customers in the groups of one letter."""
    return dict.fromkeys(groups, 1) | {f"{group}\0{lane}": 1 for group in groups}


def ended(
    event_id: str,
    state: Literal["delivered", "discarded", "expunged"] = "delivered",
    *,
    at: int = NOW,
    attempts: int = 1,
    causes: int = 0,
    accepted_at: int = NOW,
    key: str = "",
) -> Book:
    """An event that has ended: what is left until retention forgets it."""
    return Book(
        fate={
            event_id: fate(event_id, state, at=at, attempts=attempts, causes=causes, accepted_at=accepted_at)
        },
        ended=(event_id,),
        idem=_idem((event_id,), {"key": key}),
        idemx=(f"{key} {at}",) if key else (),
        n={"accepted": 1, state: 1},
    )


def fate(
    event_id: str,
    state: Literal["delivered", "discarded", "expunged"] = "delivered",
    *,
    at: int = NOW,
    attempts: int = 1,
    causes: int = 0,
    accepted_at: int = NOW,
) -> Fate:
    """Return how an event ended."""
    return Fate(
        state=state,
        fingerprint=f"fp-{event_id}",
        attempts=attempts,
        causes=causes,
        ended_at=at,
        accepted_at=accepted_at,
    )


def job(what: str, attempts: int, at: int, record: Record, line: bytes = b"") -> bytes:
    """Return a hook job as the ledger stores it."""
    return f"{what} {attempts} {at}\n".encode() + line + b"\n" + write_record(record)


def settled(
    lane: str,
    token: str,
    verdict: Verdict,
    outcomes: Mapping[str, Outcome] = NO_OUTCOMES,
    *,
    hold_ms: int = 0,
    code: int | None = None,
    refused: str = NO_FIELD,
    kind: str = NO_KIND,
    line: bytes = b"",
    **named: Outcome,
) -> SettledCall:
    """Return a call that came to its end: `settled("ann", "t1", Verdict.ACCEPTED, E1=DELIVERED)`."""
    events = tuple(
        SettledEvent(event_id=event_id, outcome=outcome, code=code, field=refused, kind=kind, line=line)
        for event_id, outcome in {**outcomes, **named}.items()
    )
    return SettledCall(lane=lane, token=token, verdict=verdict, events=events, hold_ms=hold_ms)


def accepted(lane: str, token: str, *ids: str) -> SettledCall:
    """Return a call that Gameball accepted."""
    return settled(lane, token, Verdict.ACCEPTED, dict.fromkeys(ids, DELIVERED))


def _idem(ids: tuple[str, ...], given: dict[str, Any]) -> dict[str, str]:
    key = given.get("key")
    return {key: f"{ids[0]} fp-{ids[0]}"} if key else {}
