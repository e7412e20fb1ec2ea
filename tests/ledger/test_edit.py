"""Edit: another content for a dead letter, sent again in the same moment, and everything that stays."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha1
from typing import Any

from redis import Redis

from shipper.ledger import operations
from shipper.ledger.deed import Deed
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Admission, Stored
from shipper.ledger.record import Record, Tried
from tests.ledger.book import put, read, write_record, write_tried
from tests.ledger.builders import (
    COST,
    NOW,
    dead,
    ended,
    envelope,
    event,
    job,
    settings_of,
    unclear,
    waiting,
)
from tests.ledger.table import Row, table

RUNG = ("1",)
LATER = NOW + 5000
LINE = b'{"at":1790000005000,"outcome":"edited"}'
SHOWN = {"at": LATER, "outcome": "edited"}
FIRST = Tried(number=1, charged=1, reason="refused", code=3009)
AGAIN = Tried(number=1, life=1, since=LATER)


def edited(was: Record, *, names: tuple[str, ...], body: bytes) -> Record:
    """Return what becomes of a record: all that a producer may compare stays."""
    return replace(was, names=names, body=body)


def seen(record: Record | bytes, tried: Tried = FIRST) -> Stored:
    """Return an event E1 as somebody read it."""
    return Stored(
        event_id="E1",
        state="dead",
        ended_at=NOW,
        record=write_record(record),
        numbers=write_tried(tried).encode(),
        history=b"",
    )


def edit(was: Stored, becomes: Record, *, may_duplicate: bool = False, **given: Any) -> Any:
    tail = write_record(becomes).partition(b"\0")[0].split(b"|", 5)[5]
    return operations.edit(
        was,
        tail_header=tail,
        body=becomes.body,
        may_duplicate=may_duplicate,
        line=LINE,
        now=LATER,
        **given,
    )


OLD = event("E1", hook="sent", key="K1")
NEW = edited(OLD, names=("review", "visit"), body=b"." * (len(OLD.body) + 50))
GROWN = len(write_record(NEW)) - len(write_record(OLD))
LETTER = dead("ann", "E1", hook="sent", key="K1")
SENT = (
    waiting("ann", "E1", hook="sent", key="K1", due=LATER)
    .but(st={"E1": AGAIN}, why={"E1": [SHOWN]}, rec={"E1": NEW}, bell=RUNG)
    .but(
        n={
            "accepted": 1,
            "waiting": 1,
            "redriven": 1,
            "edited": 1,
            "bytes": COST + GROWN,
        }
    )
)
PLAIN = event("E1")
OTHER = edited(PLAIN, names=("review",), body=b".")


def edit_all(*ids: str, **given: Any) -> Any:
    drafts = []
    for ident in ids:
        was = event(ident, LANES[ident])
        becomes = write_record(edited(was, names=("review",), body=b"."))
        tail, _, body = becomes.split(b"|", 5)[5].partition(b"\0")
        drafts.append(
            operations.Draft(seen=replace(seen(was), event_id=ident), tail_header=tail, body=body, line=LINE)
        )
    return operations.edit_all(drafts, may_duplicate=False, now=LATER, **given)


def spread_waiting(lane: str, ident: str, *, due: int) -> Any:
    """Return what becomes of a dead letter that was edited among others."""
    was = event(ident, lane)
    becomes = edited(was, names=("review",), body=b".")
    return waiting(lane, ident, due=due).but(
        st={ident: AGAIN},
        why={ident: [SHOWN]},
        rec={ident: becomes},
        n={
            "accepted": 1,
            "waiting": 1,
            "redriven": 1,
            "edited": 1,
            "bytes": COST + len(write_record(becomes)) - len(write_record(was)),
        },
    )


LANES = {"E1": "ann", "E2": "bob", "E3": "eve", "E4": "eve"}
ROWS = {
    "a dead letter says something else and begins a new life, under its old key": Row(
        before=LETTER, call=edit(seen(OLD), NEW), answer="ok", after=SENT
    ),
    "the hook of its first life is still told what that life said": Row(
        before=LETTER.but(hooks={"E1:0": NOW}, hj={"E1:0": job("refused", 1, NOW, OLD)}),
        call=edit(seen(OLD), NEW),
        answer="ok",
        after=SENT.but(hooks={"E1:0": NOW}, hj={"E1:0": job("refused", 1, NOW, OLD)}),
    ),
    "it joins its customer's lane behind what waits there": Row(
        before=LETTER + waiting("ann", "E2", due=NOW),
        call=edit(seen(OLD), NEW),
        answer="ok",
        after=(SENT + waiting("ann", "E2", due=NOW)).but(lanes={"ann": ["E2", "E1"]}, due={"ann": NOW}),
    ),
    "one that was edited or redriven meanwhile is left as it is": Row(
        before=dead("ann", "E1"),
        call=edit(seen(event("E1", hook="other")), OTHER),
        answer="changed",
        after=dead("ann", "E1"),
    ),
    "one that was redriven and died again meanwhile is left as it is": Row(
        before=dead("ann", "E1", tried=replace(FIRST, life=1, number=2)),
        call=edit(seen(PLAIN), OTHER),
        answer="changed",
        after=dead("ann", "E1", tried=replace(FIRST, life=1, number=2)),
    ),
    "an unclear one wants a person's word": Row(
        before=unclear("ann", "E1"),
        call=edit(seen(PLAIN), OTHER),
        answer="unclear",
        after=unclear("ann", "E1"),
    ),
    "a waiting one is no dead letter": Row(
        before=waiting("ann", "E1"), call=edit(seen(PLAIN), OTHER), answer="no", after=waiting("ann", "E1")
    ),
    "one that has ended is no dead letter": Row(
        before=ended("E1", "discarded"),
        call=edit(seen(PLAIN), OTHER),
        answer="no",
        after=ended("E1", "discarded"),
    ),
    "one whose lane is no list has to be mended first": Row(
        before=dead("ann", "E1").but(forged={"l:ann": b"boom"}),
        call=edit(seen(PLAIN), OTHER),
        answer="broken",
        after=dead("ann", "E1").but(forged={"l:ann": b"boom"}),
    ),
    "several are due apart, behind what was spread before; what is left takes no time": Row(
        before=dead("ann", "E1") + dead("bob", "E2") + waiting("eve", "E3") + dead("eve", "E4"),
        call=edit_all("E1", "E3", "E2", "E4", "E1", spread_ms=100, after_ms=2000),
        answer=["ok", "no", "ok", "ok", "no"],
        after=(
            spread_waiting("ann", "E1", due=LATER + 2000)
            + spread_waiting("bob", "E2", due=LATER + 2100)
            + waiting("eve", "E3")
            + spread_waiting("eve", "E4", due=NOW)
        ).but(
            lanes={"ann": ["E1"], "bob": ["E2"], "eve": ["E3", "E4"]},
            due={"ann": LATER + 2000, "bob": LATER + 2100, "eve": NOW},
            bell=RUNG,
            meta={"spread_until": str(LATER + 2300)},
        ),
    ),
    "one that no version can read can only be discarded": Row(
        before=dead("ann", "E1").but(rec={"E1": b"2|ann|newer"}),
        call=edit(seen(b"2|ann|newer"), OTHER),
        answer="unreadable",
        after=dead("ann", "E1").but(rec={"E1": b"2|ann|newer"}),
    ),
}


@table(ROWS)
def test_edit(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


def test_an_unclear_one_is_sent_on_a_persons_word(ledger: Ledger, redis: Redis) -> None:
    put(redis, unclear("ann", "E1"))

    answer = ledger.run(edit(seen(PLAIN), OTHER, may_duplicate=True))

    assert answer == "ok"
    assert read(redis).rec == {"E1": OTHER}
    assert read(redis).lanes == {"ann": ["E1"]}


def test_a_producer_that_tries_again_with_what_it_first_said_is_told_of_its_event(
    ledger: Ledger, redis: Redis
) -> None:
    put(redis, LETTER)
    ledger.run(edit(seen(OLD), NEW))
    first = envelope("E1", explicit=True, hook="sent", key="K1")
    by_key = replace(first, event_id="E7", explicit=False)
    changed = replace(by_key, fingerprint="fp-of-the-edited-content")

    answers = ledger.run(operations.enqueue([first, by_key, changed], settings_of(), now=LATER))

    assert answers == [Admission("dup", "E1"), Admission("dup", "E1"), Admission("conflict", "E1")]
    assert read(redis).lanes == {"ann": ["E1"]}


def test_the_lines_of_its_history_are_kept(ledger: Ledger, redis: Redis) -> None:
    put(redis, LETTER.but(why={"E1": [{"number": 1}]}))

    ledger.run(edit(seen(OLD), NEW))

    assert read(redis).why == {"E1": [{"number": 1}, SHOWN]}


def test_an_edit_is_on_the_audit_log_and_one_that_was_refused_is_not(ledger: Ledger, redis: Redis) -> None:
    deed = Deed(by="ann", did="edit", name="D1")
    put(redis, LETTER)

    words = [ledger.run(edit(seen(OLD), NEW, deed=deed)) for _ in range(2)]

    entries: Any = redis.xrange("{shipper:default}:trail")
    assert words == ["ok", "no"]
    assert [(json.loads(fields[b"deed"])["did"], fields[b"ids"]) for _, fields in entries] == [
        ("edit", b"E1")
    ]


def test_what_was_read_is_told_by_the_digest_that_lua_has(ledger: Ledger, redis: Redis) -> None:
    put(redis, LETTER)

    (found,) = ledger.run(operations.stored(["E1"]))

    assert found == seen(OLD)
    assert redis.eval("return redis.sha1hex(ARGV[1])", 0, found.record).decode() == (
        sha1(found.record).hexdigest()  # noqa: S324
    )
    assert ledger.run(operations.stored(["E9"])) == [None]
