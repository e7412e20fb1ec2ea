"""What must hold in a ledger at every moment, whatever happened to it; read from one Book alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final

from shipper.outcome import State
from tests.simulator.book import Book

OVERHEAD: Final = 600
"""What the ledger counts for an event beside its record, in bytes."""


def check_structure(book: Book) -> None:
    """Raise AssertionError naming the first thing that is not so."""
    _check_lanes(book)
    _check_calls(book)
    _check_events(book)
    _check_letters(book)
    _check_ends(book)
    _check_jobs(book)
    _check_counters(book)
    assert book.bell <= 1, f"the bell has {book.bell} items"


def _check_lanes(book: Book) -> None:
    for lane, ids in book.lanes.items():
        places = [name for name in ("due", "lease", "broken") if lane in getattr(book, name)]
        if ids is None:  # overwritten: it may have had no events, and then nobody looks for it
            assert len(places) <= 1, f"lane {lane}, which is no list, is in {places}"
            continue
        assert len(places) == 1, f"11: lane {lane} is in {places or 'none of due, lease, broken'}"
        assert len(set(ids)) == len(ids), f"lane {lane} has an event twice: {ids}"
        flying = book.flying(lane)
        assert ids[: len(flying)] == flying, f"in flight are {flying}, not a head run of {ids}"
        for event_id in ids:
            assert event_id in book.records, f"lane {lane} has {event_id}, which has no record"
            assert book.head(event_id).lane == lane, f"{event_id} is in lane {lane}, not its own"
    empty = (book.due.keys() | book.broken) - book.lanes.keys()
    assert not empty, f"due or broken without an event: {empty}"


def _check_calls(book: Book) -> None:
    assert book.calls.keys() == book.lease.keys(), f"calls of {set(book.calls)}, leases of {set(book.lease)}"
    tokens = [call.token for call in book.calls.values()]
    assert len(set(tokens)) == len(tokens), f"7: a token twice: {tokens}"
    probe = book.gate.get("probe")
    assert probe is None or probe in tokens, f"the gate waits for {probe}, which no call carries"
    assert (probe is None) == ("pend" not in book.gate), f"a probe without its end: {book.gate}"
    for lane in book.calls:
        names: list[str] = []
        flying = book.flying(lane)
        for event_id in flying:
            head = book.head(event_id)
            alone = head.park or head.solo or book.numbers(event_id).solo
            assert len(flying) == 1 or not alone, f"{event_id} travels alone, but in a call with {flying}"
            names += head.names
        assert len(set(names)) == len(names), f"a name twice in the call of {flying}"
        assert len({book.head(i).signature for i in flying}) <= 1, (
            f"signatures differ in the call of {flying}"
        )


def _check_events(book: Book) -> None:
    in_lanes = {event_id for ids in book.lanes.values() for event_id in ids or ()}
    spoilt = {lane for lane, ids in book.lanes.items() if ids is None}
    for event_id in book.records:
        if book.head(event_id).lane in spoilt:
            continue
        ended = event_id in book.dead or event_id in book.unclear
        assert ended != (event_id in in_lanes), f"1: {event_id} is {'also' if ended else 'not'} in its lane"
    assert not book.dead.keys() & book.unclear.keys(), "an event is both dead and unclear"
    for name in ("tried", "history", "dead", "unclear"):
        strangers = getattr(book, name).keys() - book.records.keys()
        assert not strangers, f"{name} of events that are gone: {strangers}"


def _check_letters(book: Book) -> None:
    index: set[bytes] = set()
    groups: Counter[str] = Counter()
    lanes: dict[str, Counter[str]] = defaultdict(Counter)
    fields: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for event_id, at in (book.dead | book.unclear).items():
        tried, head = book.numbers(event_id), book.head(event_id)
        code, refused = "-" if tried.code is None else tried.code, tried.field or "-"
        mine = [f"{tried.reason} {code} {name} {refused}" for name in head.names]
        groups.update(mine)
        for group in mine:
            lanes[group][head.lane] += 1
        fields.update(filter(None, [tried.field]))
        kinds.update(filter(None, [tried.kind]))
        pages = [f"r{tried.reason}", f"c{code}", f"f{refused}", f"l{head.lane}"]
        pages += [f"n{name}" for name in head.names] + [f"g{group}" for group in mine]
        pages += [f"k{tried.kind}"] if tried.kind else []
        if tried.causes and event_id in book.dead:
            pages += [f"{'p' if head.park else 'm'}{tried.reason}", *(f"m{group}" for group in mine)]
        index |= {f"{page}\0{at:013}\0{event_id}".encode() for page in pages}
    people = {group: len(whose) for group, whose in lanes.items()}
    people |= {f"{group}\0{lane}": n for group, whose in lanes.items() for lane, n in whose.items()}
    assert book.index == index, f"pages of dead letters: {book.index ^ index} too many or too few"
    assert book.groups == groups, f"groups {book.groups} are not {dict(groups)}"
    assert book.people == people, f"customers of groups {book.people} are not {people}"
    assert book.fields == fields, f"refused fields {book.fields} are not {dict(fields)}"
    assert book.kinds == kinds, f"kinds of answers {book.kinds} are not {dict(kinds)}"


def _check_ends(book: Book) -> None:
    assert len(book.ended) == len(book.fates), f"{len(book.ended)} ends of {len(book.fates)} fates"
    assert set(book.ended) == book.fates.keys(), "ends and fates are of other events"
    assert not book.fates.keys() & book.records.keys(), "an ended event still has its record"
    ended_keys = {entry.partition(" ")[0] for entry in book.ended_keys}
    assert len(ended_keys) == len(book.ended_keys), f"a key ended twice: {book.ended_keys}"
    live = {head.key_hash for head in map(book.head, book.records)} - {""}
    assert book.keys.keys() == live | ended_keys, f"keys {set(book.keys)} are not {live} and {ended_keys}"


def _check_jobs(book: Book) -> None:
    assert book.jobs.keys() == book.hooks.keys() | book.failed.keys(), "hook jobs that nobody will look at"
    assert not book.hooks.keys() & book.failed.keys(), "a hook job is both due and given up"
    assert book.tries.keys() <= book.jobs.keys(), "tries of hook jobs that are gone"


def _check_counters(book: Book) -> None:
    n = book.counters
    counted = Counter(book.state_of(event_id) for event_id in book.records)
    for state in (State.WAITING, State.IN_FLIGHT, State.DEAD, State.UNCLEAR):
        assert n[state] == counted[state], f"{n[state]} are counted as {state}, {counted[state]} are"
    fates: Counter[str] = Counter(fate.state for fate in book.fates.values())
    for fated in (State.DELIVERED, State.DISCARDED, State.EXPUNGED):
        kept = n[fated] - n[f"forgotten_{fated}"]
        assert kept == fates[fated], f"{kept} are counted as {fated} and kept, {fates[fated]} are"
    everywhere = sum(n[state] for state in State)
    assert n["accepted"] == everywhere + n["lost"], f"{n['accepted']} accepted, {everywhere} somewhere"
    assert n["lost"] == 0, f"{n['lost']} lost"
    size = sum(len(record) + OVERHEAD for record in book.records.values())
    assert n["bytes"] == size, f"{n['bytes']} bytes are counted, {size} are held"
