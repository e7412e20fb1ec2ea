from __future__ import annotations

from typing import Any

from redis import Redis

from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.ledger.record import Tried
from tests.ledger.book import Book, put, read
from tests.ledger.builders import COST, NOW, dead, ended, event, in_flight, job, unclear, waiting
from tests.ledger.table import Row, table

RUNG = ("1",)
LATER = NOW + 5000


def discard(*ids: str, waiting: bool = True, **given: Any) -> operations.Operation[list[str]]:
    return operations.discard(ids, waiting=ids if waiting else (), now=LATER, **given)


ROWS = {
    "a dead letter": Row(
        before=dead("ann", "E1", key="K").but(why={"E1": [{"number": 1}]}),
        call=discard("E1"),
        answer=["ok"],
        after=ended("E1", "discarded", at=LATER, key="K").but(bell=RUNG),
    ),
    "an unclear one": Row(
        before=unclear("ann", "E1"),
        call=discard("E1"),
        answer=["ok"],
        after=ended("E1", "discarded", at=LATER).but(bell=RUNG),
    ),
    "a dead letter whose hook is still to be told: it is told of the death": Row(
        before=dead("ann", "E1", hook="sent").but(
            hooks={"E1:0": NOW}, hj={"E1:0": job("refused", 1, NOW, event("E1", hook="sent"))}
        ),
        call=discard("E1"),
        answer=["ok"],
        after=ended("E1", "discarded", at=LATER).but(
            hooks={"E1:0": NOW}, hj={"E1:0": job("refused", 1, NOW, event("E1", hook="sent"))}, bell=RUNG
        ),
    ),
    "a waiting event, and its hook is told": Row(
        before=waiting("ann", "E1", hook="sent"),
        call=discard("E1"),
        answer=["ok"],
        after=ended("E1", "discarded", at=LATER, attempts=0).but(
            hooks={"E1:0": LATER},
            hj={"E1:0": job("discarded", 0, LATER, event("E1", hook="sent"))},
            bell=RUNG,
        ),
    ),
    "a waiting event that blocks its lane: the next is due now": Row(
        before=waiting("ann", "E1", "E2", due=LATER + 3_600_000).but(st={"E1": Tried(number=9, charged=9)}),
        call=discard("E1"),
        answer=["ok"],
        after=(ended("E1", "discarded", at=LATER, attempts=9) + waiting("ann", "E2", due=LATER)).but(
            n={"accepted": 2, "discarded": 1, "waiting": 1, "bytes": COST}, bell=RUNG
        ),
    ),
    "a waiting event behind the head: the head keeps its backoff": Row(
        before=waiting("ann", "E1", "E2", due=LATER + 7000),
        call=discard("E2"),
        answer=["ok"],
        after=(ended("E2", "discarded", at=LATER, attempts=0) + waiting("ann", "E1", due=LATER + 7000)).but(
            bell=RUNG
        ),
    ),
    "a waiting event behind a call under way": Row(
        before=in_flight("ann", "E1", behind=("E2",)),
        call=discard("E2"),
        answer=["ok"],
        after=(ended("E2", "discarded", at=LATER, attempts=0) + in_flight("ann", "E1")).but(bell=RUNG),
    ),
    "a waiting event of a quarantined lane: an empty lane is in quarantine no more": Row(
        before=waiting("ann", "E1").but(due={}, broken=frozenset({"ann"})),
        call=discard("E1"),
        answer=["ok"],
        after=ended("E1", "discarded", at=LATER, attempts=0).but(bell=RUNG),
    ),
    "a waiting event whose lane is no list": Row(
        before=waiting("ann", "E1").but(lanes={}, forged={"l:ann": b"boom"}),
        call=discard("E1"),
        answer=["ok"],
        after=ended("E1", "discarded", at=LATER, attempts=0).but(
            due={"ann": NOW}, forged={"l:ann": b"boom"}, bell=RUNG
        ),
    ),
    "not an event in flight: it may still be delivered": Row(
        before=in_flight("ann", "E1"),
        call=discard("E1"),
        answer=["in_flight"],
        after=in_flight("ann", "E1").but(bell=RUNG),
    ),
    "nothing that has ended, and nothing unknown": Row(
        before=ended("E1"),
        call=discard("E1", "E2"),
        answer=["no", "no"],
        after=ended("E1").but(bell=RUNG),
    ),
    "no waiting event where letters alone are meant": Row(
        before=waiting("ann", "E1") + dead("bob", "E2"),
        call=discard("E1", "E2", waiting=False),
        answer=["no", "ok"],
        after=(waiting("ann", "E1") + ended("E2", "discarded", at=LATER)).but(bell=RUNG),
    ),
    "no letter that died, or came in, since it was chosen": Row(
        before=dead("ann", "E1")
        + dead("bob", "E2", at=NOW + 1)
        + dead("cat", "E3").but(why={"E3": [{"at": NOW + 1, "outcome": "imported"}]}),
        call=discard("E1", "E2", "E3", moment=NOW + 1),
        answer=["ok", "later", "later"],
        after=(
            ended("E1", "discarded", at=LATER)
            + dead("bob", "E2", at=NOW + 1)
            + dead("cat", "E3").but(why={"E3": [{"at": NOW + 1, "outcome": "imported"}]})
        ).but(bell=RUNG),
    ),
    "asked twice, once": Row(
        before=dead("ann", "E1"),
        call=discard("E1", "E1"),
        answer=["ok", "no"],
        after=ended("E1", "discarded", at=LATER).but(bell=RUNG),
    ),
}


@table(ROWS)
def test_discard_takes_out(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


def test_discard_takes_out_a_dead_letter_that_cannot_be_read(ledger: Ledger, redis: Redis) -> None:
    stored = b"2|" + b"x" * 398
    before = dead("-", "E1", reason="unreadable", code=None, names=("-",)).but(rec={"E1": stored})
    put(redis, before)

    answer = ledger.run(discard("E1"))

    assert answer == ["ok"]
    after = read(redis)
    assert after.n == {"accepted": 1, "discarded": 1}
    assert after.but(fate={}) == Book(ended=("E1",), n=after.n, bell=RUNG)
    assert after.fate["E1"].state == "discarded"
