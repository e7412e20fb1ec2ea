from __future__ import annotations

import pytest
from redis import Redis

from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Shown, Status
from shipper.ledger.record import CallOnRecord, Tried
from shipper.outcome import State
from tests.ledger.book import Book, put, read
from tests.ledger.builders import COST, NOW, SECOND, dead, ended, event, fate, in_flight, unclear, waiting
from tests.ledger.table import Row, table

DIED = Tried(number=1, charged=1, reason="refused", code=3009)


def shown(event_id: str, state: State, **given: object) -> list[Shown]:
    nothing: dict[str, object] = {"record": None, "tried": Tried(), "history": [], "fate": None, "call": None}
    nothing |= {"due_at": None, "ended_at": None}
    return [Shown(event_id=event_id, state=state, **(nothing | given))]  # type: ignore[arg-type]


def unchanged(before: Book, answer: object) -> Row:
    return Row(before=before, call=operations.show(["E1"], now=NOW), answer=answer, after=before)


SHOWS = {
    "an event that nobody knows": unchanged(Book(), [None]),
    "a waiting one, with when it is due": unchanged(
        waiting("ann", "E1", due=NOW + 5),
        shown("E1", State.WAITING, record=event("E1"), due_at=NOW + 5),
    ),
    "a waiting one behind a call under way, which is due at no known time": unchanged(
        in_flight("ann", "E0", behind=("E1",)), shown("E1", State.WAITING, record=event("E1"))
    ),
    "a waiting one in quarantine": unchanged(
        waiting("ann", "E1").but(due={}, broken=frozenset({"ann"})),
        shown("E1", State.WAITING, record=event("E1")),
    ),
    "one that was tried before, with its history": unchanged(
        waiting("ann", "E1").but(
            st={"E1": Tried(number=2, charged=1)}, why={"E1": [{"number": 1}, {"number": 2}]}
        ),
        shown(
            "E1",
            State.WAITING,
            record=event("E1"),
            tried=Tried(number=2, charged=1),
            history=[{"number": 1}, {"number": 2}],
            due_at=NOW,
        ),
    ),
    "one in flight, with its call": unchanged(
        in_flight("ann", "E1", "E2", number=3),
        shown(
            "E1",
            State.IN_FLIGHT,
            record=event("E1"),
            call=CallOnRecord(token="t1", claimed_at=NOW, worker="w1", numbers={"E1": 3, "E2": 3}),
        ),
    ),
    "a dead letter, with its reason": unchanged(
        dead("ann", "E1", at=NOW + 3),
        shown("E1", State.DEAD, record=event("E1"), tried=DIED, ended_at=NOW + 3),
    ),
    "an unclear one": unchanged(
        unclear("ann", "E1"),
        shown(
            "E1",
            State.UNCLEAR,
            record=event("E1"),
            tried=Tried(number=1, charged=1, reason="unclear"),
            ended_at=NOW,
        ),
    ),
    "one whose record is of a newer format": unchanged(
        waiting("ann", "E1").but(rec={"E1": b"2|newer"}), shown("E1", State.WAITING)
    ),
    "a delivered one": unchanged(
        ended("E1", at=NOW + 9, attempts=4, causes=2),
        shown("E1", State.DELIVERED, fate=fate("E1", at=NOW + 9, attempts=4, causes=2), ended_at=NOW + 9),
    ),
    "a discarded one": unchanged(
        ended("E1", "discarded"),
        shown("E1", State.DISCARDED, fate=fate("E1", "discarded"), ended_at=NOW),
    ),
    "an expunged one": unchanged(
        ended("E1", "expunged"),
        shown("E1", State.EXPUNGED, fate=fate("E1", "expunged"), ended_at=NOW),
    ),
}


@table(SHOWS)
def test_show_tells_of(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


def test_show_tells_of_several_in_the_order_asked(ledger: Ledger, redis: Redis) -> None:
    put(redis, waiting("ann", "E1", "E2"))

    answer = ledger.run(operations.show(["E2", "E9", "E1"], now=NOW))

    assert [one and one.event_id for one in answer] == ["E2", None, "E1"]


def test_status_of_an_account_that_has_nothing(ledger: Ledger, redis: Redis) -> None:
    answer = ledger.run(operations.status(now=NOW))

    assert answer == Status(
        now=NOW,
        counters={},
        gate={},
        meta={},
        sizes=dict.fromkeys(SIZES, 0),
        oldest_due=None,
        pumps=0,
    )


SIZES = {
    "rec": 5,
    "dead": 1,
    "unclear": 1,
    "fate": 1,
    "ended": 1,
    "lease": 1,
    "calls": 1,
    "due": 2,
    "due_now": 1,
    "hooks": 1,
    "hooks_failed": 2,
    "broken": 1,
    "tellers": 1,
    "workers": 1,
    "pace_1s": 1,
    "pace_30s": 2,
}


def test_status_counts_everything_once(ledger: Ledger, redis: Redis) -> None:
    book = (
        waiting("ann", "E1", due=NOW - 1)
        + waiting("bob", "E2", due=NOW + 1)
        + in_flight("cat", "E3")
        + dead("dan", "E4")
        + unclear("eve", "E5")
        + ended("E6")
    ).but(
        broken=frozenset({"fay"}),
        hooks={"E4:0": NOW},
        hf={"E7:0": NOW, "E8:0": NOW},
        pumps={"p1": NOW + 1, "p0": NOW - 1},
        tellers={"k1": NOW + 1, "k0": NOW - 1},
        crew={"w1": NOW + 1, "w0": NOW - 1},
        pace={"t1": NOW, "t2": NOW - 1000, "t3": NOW - 30 * SECOND},
        gate={"why": "operator", "until": "7"},
        meta={"swept": "5"},
    )
    put(redis, book)

    answer = ledger.run(operations.status(now=NOW))

    assert answer == Status(
        now=NOW,
        counters={
            "accepted": 6,
            "waiting": 2,
            "in_flight": 1,
            "dead": 1,
            "unclear": 1,
            "delivered": 1,
            "bytes": 5 * COST,
        },
        gate={"why": "operator", "until": "7"},
        meta={"swept": "5"},
        sizes=SIZES,
        oldest_due=NOW - 1,
        pumps=1,
        oldest_hook_due=NOW,
    )
    assert read(redis) == book


@pytest.mark.parametrize(
    "held", [{"pumps": {"p1": NOW + 1}}, {"tellers": {"p1": NOW + 1}}], ids=["pump", "teller"]
)
def test_a_ticket_that_is_given_up_makes_room_for_the_next(
    held: dict[str, dict[str, int]], ledger: Ledger, redis: Redis
) -> None:
    put(redis, waiting("ann", "E1").but(**held))

    answer = ledger.run(operations.retire("p1", now=NOW))

    assert answer is True
    assert read(redis) == waiting("ann", "E1").but(bell=("1",))


def test_a_ticket_that_nobody_holds_cannot_be_given_up(ledger: Ledger, redis: Redis) -> None:
    put(redis, Book(pumps={"p1": NOW + 1}))

    answer = ledger.run(operations.retire("p2", now=NOW))

    assert answer is False
    assert read(redis) == Book(pumps={"p1": NOW + 1})
