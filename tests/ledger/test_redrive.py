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
LINE = b'{"at":1790000005000,"redriven":"by a person"}'
SHOWN = {"at": LATER, "redriven": "by a person"}
SPENT = Tried(number=20, charged=20, crashes=1, vague=2, causes=3, solo=True, reason="refused", code=3009)


def redrive(
    *ids: str, spread_ms: int = 50, may_duplicate: bool = False, **given: Any
) -> operations.Operation[list[str]]:
    return operations.redrive(ids, spread_ms=spread_ms, may_duplicate=may_duplicate, now=LATER, **given)


def alive(lane: str, event_id: str, *, due: int = LATER, tried: Tried | None = None, **given: Any) -> Book:
    """A dead letter that was redriven."""
    again = tried or Tried(number=1, life=1, since=LATER)
    return waiting(lane, event_id, due=due, **given).but(
        st={event_id: again}, n={"accepted": 1, "waiting": 1, "redriven": 1, "bytes": COST}
    )


def spread(until: int) -> dict[str, str]:
    return {"spread_until": str(until)}


ROWS = {
    "a dead letter begins a new life, due now": Row(
        before=dead("ann", "E1"),
        call=redrive("E1"),
        answer=["ok"],
        after=alive("ann", "E1").but(meta=spread(LATER + 50), bell=RUNG),
    ),
    "its budget is fresh; its number, causes and solitude stay": Row(
        before=dead("ann", "E1", tried=SPENT),
        call=redrive("E1"),
        answer=["ok"],
        after=alive("ann", "E1", tried=Tried(number=20, causes=3, solo=True, life=1, since=LATER)).but(
            meta=spread(LATER + 50), bell=RUNG
        ),
    ),
    "its history goes on with who redrove it": Row(
        before=dead("ann", "E1").but(why={"E1": [{"number": 1}]}),
        call=redrive("E1", line=LINE),
        answer=["ok"],
        after=alive("ann", "E1").but(why={"E1": [{"number": 1}, SHOWN]}, meta=spread(LATER + 50), bell=RUNG),
    ),
    "the hook of its first life is still told": Row(
        before=dead("ann", "E1", hook="sent").but(
            hooks={"E1:0": NOW}, hj={"E1:0": job("refused", 1, NOW, event("E1", hook="sent"))}
        ),
        call=redrive("E1"),
        answer=["ok"],
        after=alive("ann", "E1", hook="sent").but(
            hooks={"E1:0": NOW},
            hj={"E1:0": job("refused", 1, NOW, event("E1", hook="sent"))},
            meta=spread(LATER + 50),
            bell=RUNG,
        ),
    ),
    "several are spread": Row(
        before=dead("ann", "E1") + dead("bob", "E2") + dead("cat", "E3"),
        call=redrive("E1", "E2", "E3", spread_ms=50),
        answer=["ok", "ok", "ok"],
        after=(
            alive("ann", "E1", due=LATER)
            + alive("bob", "E2", due=LATER + 50)
            + alive("cat", "E3", due=LATER + 100)
        ).but(meta=spread(LATER + 150), bell=RUNG),
    ),
    "the next batch of a large redrive comes after the ones before it": Row(
        before=dead("ann", "E1") + dead("bob", "E2"),
        call=redrive("E1", "E2", after_ms=10_000),
        answer=["ok", "ok"],
        after=(alive("ann", "E1", due=LATER + 10_000) + alive("bob", "E2", due=LATER + 10_050)).but(
            meta=spread(LATER + 10_100), bell=RUNG
        ),
    ),
    "an earlier redrive that reaches further is remembered": Row(
        before=dead("ann", "E1").but(meta=spread(LATER + 9999)),
        call=redrive("E1"),
        answer=["ok"],
        after=alive("ann", "E1").but(meta=spread(LATER + 9999), bell=RUNG),
    ),
    "it goes to its lane's tail, and the lane keeps its backoff": Row(
        before=dead("ann", "E1") + waiting("ann", "E2", due=LATER + 7000),
        call=redrive("E1"),
        answer=["ok"],
        after=(alive("ann", "E1") + waiting("ann", "E2")).but(
            lanes={"ann": ["E2", "E1"]}, due={"ann": LATER + 7000}, meta=spread(LATER + 50), bell=RUNG
        ),
    ),
    "a leased lane takes it without being due": Row(
        before=dead("ann", "E1") + in_flight("ann", "E2"),
        call=redrive("E1"),
        answer=["ok"],
        after=(alive("ann", "E1") + in_flight("ann", "E2")).but(
            lanes={"ann": ["E2", "E1"]}, due={}, meta=spread(LATER + 50), bell=RUNG
        ),
    ),
    "a quarantined lane takes it without being due": Row(
        before=dead("ann", "E1") + waiting("ann", "E2").but(due={}, broken=frozenset({"ann"})),
        call=redrive("E1"),
        answer=["ok"],
        after=(alive("ann", "E1") + waiting("ann", "E2")).but(
            lanes={"ann": ["E2", "E1"]},
            due={},
            broken=frozenset({"ann"}),
            meta=spread(LATER + 50),
            bell=RUNG,
        ),
    ),
    "an unclear one may have been applied: a person has to say that it may double": Row(
        before=unclear("ann", "E1"),
        call=redrive("E1"),
        answer=["unclear"],
        after=unclear("ann", "E1").but(bell=RUNG),
    ),
    "an unclear one goes when a person said so": Row(
        before=unclear("ann", "E1"),
        call=redrive("E1", may_duplicate=True),
        answer=["ok"],
        after=alive("ann", "E1").but(meta=spread(LATER + 50), bell=RUNG),
    ),
    "a parked one of which a copy may be there wants that word too, whatever its last answer was": Row(
        before=dead("ann", "E1", park=True, tried=SPENT),
        call=redrive("E1"),
        answer=["unclear"],
        after=dead("ann", "E1", park=True, tried=SPENT).but(bell=RUNG),
    ),
    "with that word the parked one goes": Row(
        before=dead("ann", "E1", park=True, tried=SPENT),
        call=redrive("E1", may_duplicate=True),
        answer=["ok"],
        after=alive(
            "ann", "E1", park=True, tried=Tried(number=20, causes=3, solo=True, life=1, since=LATER)
        ).but(meta=spread(LATER + 50), bell=RUNG),
    ),
    "a parked one that was refused, and never unclear, goes without": Row(
        before=dead("ann", "E1", park=True),
        call=redrive("E1"),
        answer=["ok"],
        after=alive("ann", "E1", park=True).but(meta=spread(LATER + 50), bell=RUNG),
    ),
    "one that died, or became unclear, since it was chosen stays": Row(
        before=dead("ann", "E1") + dead("bob", "E2", at=NOW + 1) + unclear("cat", "E3", at=NOW + 1),
        call=redrive("E1", "E2", "E3", may_duplicate=True, moment=NOW + 1),
        answer=["ok", "later", "later"],
        after=(alive("ann", "E1") + dead("bob", "E2", at=NOW + 1) + unclear("cat", "E3", at=NOW + 1)).but(
            meta=spread(LATER + 50), bell=RUNG
        ),
    ),
    "one that was taken in since the choice stays, though it died elsewhere long ago": Row(
        before=dead("ann", "E1").but(why={"E1": [{"at": NOW + 1, "outcome": "imported"}]}),
        call=redrive("E1", moment=NOW + 1),
        answer=["later"],
        after=dead("ann", "E1").but(why={"E1": [{"at": NOW + 1, "outcome": "imported"}]}, bell=RUNG),
    ),
    "asked twice it goes once": Row(
        before=dead("ann", "E1"),
        call=redrive("E1", "E1"),
        answer=["ok", "no"],
        after=alive("ann", "E1").but(meta=spread(LATER + 50), bell=RUNG),
    ),
    "what is no dead letter stays as it is": Row(
        before=waiting("ann", "E1") + in_flight("bob", "E2") + ended("E3"),
        call=redrive("E1", "E2", "E3", "E4"),
        answer=["no", "no", "no", "no"],
        after=(waiting("ann", "E1") + in_flight("bob", "E2") + ended("E3")).but(bell=RUNG),
    ),
    "one that cannot be read stays dead": Row(
        before=dead("ann", "E1", reason="unreadable", code=None).but(rec={"E1": b"2|newer"}),
        call=redrive("E1"),
        answer=["unreadable"],
        after=dead("ann", "E1", reason="unreadable", code=None).but(rec={"E1": b"2|newer"}, bell=RUNG),
    ),
    "one whose lane is no list stays dead": Row(
        before=dead("ann", "E1").but(forged={"l:ann": b"boom"}),
        call=redrive("E1"),
        answer=["broken"],
        after=dead("ann", "E1").but(forged={"l:ann": b"boom"}, bell=RUNG),
    ),
}


@table(ROWS)
def test_redrive(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after
