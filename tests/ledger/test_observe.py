"""What workers tell of what they counted: added up, and never in the way."""

from __future__ import annotations

import pytest
from redis import Redis

from shipper.ledger import operations as ask
from shipper.ledger.histogram import CALL, observed, read_histogram
from shipper.ledger.ledger import Ledger
from tests.ledger.book import Book, read
from tests.ledger.builders import NOW


def test_what_workers_tell_is_added_up(ledger: Ledger, redis: Redis) -> None:
    ledger.run(ask.observe({"call 100": 2, "call sum": 140}, now=NOW))
    ledger.run(ask.observe({"call 100": 1, "call inf": 1, "call sum": 16_080}, now=NOW))

    assert read(redis) == Book(hist={"call 100": "3", "call inf": "1", "call sum": "16220"})
    calls = read_histogram(CALL, observed(ledger))
    assert (calls.counts[3], calls.counts[-1], sum(calls.counts), calls.sum_ms) == (3, 1, 4, 16_220)


@pytest.mark.parametrize("kind", ["set", "field"])
def test_a_forged_key_fails_nothing(kind: str, ledger: Ledger, redis: Redis) -> None:
    if kind == "set":
        redis.set("{shipper:default}:hist", "x")
    else:
        redis.hset("{shipper:default}:hist", "call 100", "x")

    ledger.run(ask.observe({"call 100": 2, "call sum": 140}, now=NOW))

    assert redis.exists("{shipper:default}:hist") == 1
