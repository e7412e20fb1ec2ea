"""Audit: prove by recount that every accepted event is somewhere; mend: put right what is not.

Both walk the ledger in small steps while it works on. Each lane and each event is judged at one moment, by
one script, so live traffic cannot make a sound ledger look broken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from shipper.ledger.keys import key_of, lane_key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import (
    WINDOW,
    LaneSeen,
    Status,
    audit_events,
    audit_lanes,
    mend,
    recount,
    status,
)
from shipper.ledger.record import read_record
from shipper.ledger.stocktaking import Stock, take_stock

STEP: Final = 500
"""Keys looked at by one command or script."""
LANES: Final = 20
OVERHEAD: Final = 600
"""What the ledger counts for an event beside its record, in bytes; `lua/_record.lua` says the same."""
NO_LANE: Final = "-"
"""Stands for the lane of an event whose record cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that does not add up: where, and what is wrong there."""

    place: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What an audit saw."""

    accepted: int
    events: int
    lanes: int
    findings: tuple[Finding, ...]
    moved: int
    """Counts of customers that changed as often as they were counted, and are not judged."""

    @property
    def sound(self) -> bool:
        """Tell whether everything adds up."""
        return not self.findings


@dataclass(slots=True)
class Mending:
    """What a mend did."""

    lanes: int = 0
    events: int = 0
    unreadable: int = 0
    indices: int = 0
    counters: dict[str, tuple[int, int]] = field(default_factory=dict)
    left: list[Finding] = field(default_factory=list)


def audit(ledger: Ledger) -> Audit:
    """Look at every lane and event; counters are compared with sizes of the same moment."""
    now = ledger.run(status())
    findings = [*_accounting(now)]
    met: set[str] = set()
    lanes: set[str] = set()
    for seen in _walk_lanes(ledger):
        lanes.add(seen.lane)
        met.update(seen.ids)
        findings += [Finding(place=f"lane {seen.lane}", problem=problem) for problem in seen.problems]
    events = 0
    for records in _walk_records(ledger):
        events += len(records)
        findings += _homeless(ledger, records.keys() - met)
    stock = take_stock(ledger)
    return Audit(
        accepted=now.counters.get("accepted", 0),
        events=events,
        lanes=len(lanes),
        findings=(*findings, *_findings(stock)),
        moved=stock.moved,
    )


def _findings(stock: Stock) -> Iterator[Finding]:
    for place, problem in stock.wrongs:
        yield Finding(place=place, problem=problem)
    for kind, count in stock.unnamed.items():
        yield Finding(place=kind, problem=f"and {count} more")


def mend_all(ledger: Ledger) -> Mending:
    """Rebuild from `rec`, which alone holds the events, every lane and index that an audit complains of."""
    mending = Mending()
    for lane, ids in sorted(_belongings(ledger).items()):
        done = ledger.run(mend(lane, ids))
        if done.word == "mended":
            mending.lanes += 1
            mending.events += done.kept
            mending.unreadable += done.unreadable
        else:
            mending.left.append(Finding(place=f"lane {lane}", problem=done.word))
    stock = take_stock(ledger, mend=True)
    mending.indices = stock.total
    if stock.moved:
        left = f"{stock.moved} count(s) of customers changed as often as they were counted: mend again"
        mending.left.append(Finding(place="people", problem=left))
    held, seen = _held(ledger)
    for row in ledger.run(recount(held=held, seen=seen)):
        mending.counters[row.counter] = (row.before, row.after)
    return mending


def _held(ledger: Ledger) -> tuple[int, dict[str, int]]:
    """Return the bytes that all records cost, and the counters from before they were read."""
    seen = ledger.run(status()).counters
    sizes: dict[str, int] = {}  # by id: a scan may meet a record twice
    for records in _walk_records(ledger):
        sizes |= {event_id: len(stored) + OVERHEAD for event_id, stored in records.items()}
    return sum(sizes.values()), seen


def _accounting(now: Status) -> Iterator[Finding]:
    """Compare counters with sizes; both are of one script call."""
    n: defaultdict[str, int] = defaultdict(int, now.counters)
    ended = n["delivered"] + n["discarded"] + n["expunged"]
    forgotten = n["forgotten_delivered"] + n["forgotten_discarded"] + n["forgotten_expunged"]
    held = n["waiting"] + n["in_flight"] + n["dead"] + n["unclear"]
    equations = [
        ("accepted", n["accepted"], "its events in all states", held + ended + n["lost"]),
        ("events held", held, "records", now.sizes["rec"]),
        ("dead", n["dead"], "dead letters", now.sizes["dead"]),
        ("unclear", n["unclear"], "unclear letters", now.sizes["unclear"]),
        ("ended and remembered", ended - forgotten, "fates", now.sizes["fate"]),
        ("fates", now.sizes["fate"], "ends in order", now.sizes["ended"]),
        ("calls", now.sizes["calls"], "leases", now.sizes["lease"]),
    ]
    for name, value, other, expected in equations:
        if value != expected:
            yield Finding(place="accounting", problem=f"{name} {value} is not {other} {expected}")
    if n["lost"]:
        yield Finding(place="accounting", problem=f"{n['lost']} events were in a lane without a record")


def _belongings(ledger: Ledger) -> dict[str, list[str]]:
    """Return the lanes to mend and their ids: those still listed in their order, then the others by age."""
    sick = {lane.decode() for lane in ledger.ask("SMEMBERS", key_of(ledger.account, "broken"))}
    order: defaultdict[str, list[str]] = defaultdict(list)
    met: set[str] = set()
    for seen in _walk_lanes(ledger):
        met.update(seen.ids)
        order[seen.lane] += seen.ids
        if seen.problems:
            sick.add(seen.lane)
    strays: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for records in _walk_records(ledger):
        homeless = {finding.place.removeprefix("event ") for finding in _homeless(ledger, set(records) - met)}
        for event_id, stored in records.items():
            record = read_record(stored)
            lane = record.lane if record else NO_LANE
            if event_id in homeless or (lane in sick and event_id not in met):
                strays[lane].append((record.accepted_at if record else 0, event_id))
    return {
        lane: list(dict.fromkeys(order[lane] + [event_id for _, event_id in sorted(strays[lane])]))
        for lane in sick | strays.keys()
    }


def _homeless(ledger: Ledger, ids: Iterable[str]) -> Iterator[Finding]:
    """Judge events that the walk over the lanes did not meet; most have ended or came later."""
    ordered = sorted(ids)
    for event_id, place in zip(ordered, ledger.run(audit_events(ordered)) if ordered else (), strict=True):
        if place == "nowhere":
            yield Finding(place=f"event {event_id}", problem="in no lane, and neither dead nor unclear")
        if place == "unreadable":
            yield Finding(place=f"event {event_id}", problem="has a record that cannot be read")


def _walk_lanes(ledger: Ledger) -> Iterator[LaneSeen]:
    prefix = lane_key_of(ledger.account, "")
    lanes = {key.decode().removeprefix(prefix) for key in _scan(ledger, "SCAN", match=f"{prefix}*")}
    for key in ("due", "lease"):
        lanes |= {member.decode() for member in _scan(ledger, "ZSCAN", key_of(ledger.account, key))[::2]}
    lanes |= {member.decode() for member in _scan(ledger, "SSCAN", key_of(ledger.account, "broken"))}
    ordered = sorted(lanes)
    for i in range(0, len(ordered), LANES):
        for seen in ledger.run(audit_lanes(ordered[i : i + LANES])):
            yield from _whole_lane(ledger, seen)


def _whole_lane(ledger: Ledger, seen: LaneSeen) -> Iterator[LaneSeen]:
    """Follow a long lane to its end. It may move meanwhile: events missed so are judged one by one."""
    yield seen
    first = 0
    while len(seen.ids) == WINDOW:
        first += WINDOW
        (seen,) = ledger.run(audit_lanes([seen.lane], first=first))
        yield seen


def _walk_records(ledger: Ledger) -> Iterator[dict[str, bytes]]:
    key, cursor = key_of(ledger.account, "rec"), 0
    while True:
        cursor, flat = ledger.ask("HSCAN", key, cursor, "COUNT", STEP)
        yield {event_id.decode(): record for event_id, record in zip(flat[::2], flat[1::2], strict=True)}
        if int(cursor) == 0:
            return


def _scan(ledger: Ledger, command: str, *key: str, match: str = "*") -> list[bytes]:
    found: list[bytes] = []
    cursor: int | bytes = 0
    while True:
        cursor, some = ledger.ask(command, *key, int(cursor), "MATCH", match, "COUNT", STEP)
        found += some
        if int(cursor) == 0:
            return found
