"""What a person may take out though its record cannot be read: a newer format, or none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis

from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from tests.ledger.book import put, read, write_record
from tests.ledger.builders import COST, NOW, event, in_flight, waiting

NEWER = b"2" + write_record(event("E2"))[1:]
TakeOut = Callable[..., operations.Operation[list[str]]]


def discard(ids: list[str], *, now: int) -> operations.Operation[list[str]]:
    return operations.discard(ids, waiting=ids, now=now)


both = pytest.mark.parametrize("take_out", [discard, operations.expunge], ids=["discard", "expunge"])
ANSWERED = {discard: "ok", operations.expunge: "waiting"}
ENDED = {discard: "discarded", operations.expunge: "expunged"}


@both
@pytest.mark.parametrize(
    "stored", [NEWER, b"1|ann|garbage".ljust(400, b".")], ids=["of a newer format", "of no format"]
)
def test_a_waiting_event_that_cannot_be_read_leaves_its_lane(
    stored: bytes, take_out: TakeOut, ledger: Ledger, redis: Redis
) -> None:
    before = waiting("ann", "E1", "E2", "E3")
    put(redis, before.but(rec={**before.rec, "E2": stored}))

    answer = ledger.run(take_out(["E2"], now=NOW + 5000))

    assert answer == [ANSWERED[take_out]]
    after = read(redis)
    assert after.lanes == {"ann": ["E1", "E3"]}
    assert after.due == before.due
    assert after.n == {"accepted": 3, "waiting": 2, ENDED[take_out]: 1, "bytes": 2 * COST}
    assert after.rec.keys() == {"E1", "E3"}
    assert after.fate["E2"].state == ENDED[take_out]


@both
def test_an_event_of_a_newer_format_in_flight_is_known_as_such(
    take_out: TakeOut, ledger: Ledger, redis: Redis
) -> None:
    before = in_flight("ann", "E2")
    put(redis, before.but(rec={"E2": NEWER}))

    answer = ledger.run(take_out(["E2"], now=NOW + 5000))

    assert answer == ["in_flight"]
