"""What was expunged is in no file of Redis once the append-only file was written anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import pytest

from shipper.inspector import Inspector
from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from tests.inspector.story import ACCEPTED, LOST, REFUSED, SETTINGS, Story
from tests.support.servers import RedisServer, StartServer
from tests.support.waiting import until

KEPT: Final = {"appendonly": "yes", "appendfsync": "always", "auto-aof-rewrite-percentage": "0"}
FORMS: Final = {
    "commands": {"aof-use-rdb-preamble": "no"},
    "a snapshot": {"aof-use-rdb-preamble": "yes", "rdbcompression": "no"},
}
"""Of the rewritten part. Compressed, a text could hide; so the search is made where it could not."""

STATES: Final = ("waiting", "flying", "dead", "unclear", "untold", "failedhook", "delivered")


def canary(state: str, what: str) -> str:
    return f"canary-{state}-{what}"


def texts_of(state: str) -> list[bytes]:
    """Return every text that only this customer's events hold."""
    return [canary(state, what).encode() for what in ("id", "mail", "mobile", "metadata", "answer")]


def tell(story: Story) -> None:
    """Bring a customer of its own into each state."""
    _enqueue(story, "dead")
    story.calls(replace(REFUSED, answer=canary("dead", "answer")))
    _enqueue(story, "unclear", on_unclear="park")
    story.calls(replace(LOST, answer=canary("unclear", "answer")))
    _enqueue(story, "failedhook", hook="told")
    story.calls(ACCEPTED)
    story.hooks_fail(f"cannot tell {canary('failedhook', 'answer')}")
    _enqueue(story, "untold", hook="told")
    _enqueue(story, "delivered")
    story.calls(ACCEPTED)
    _enqueue(story, "flying")
    story.claims()
    _enqueue(story, "waiting")
    story.enqueue("bob", events={"visit": {"note": "bob-stays"}})


def _enqueue(story: Story, state: str, **given: str) -> None:
    story.enqueue(
        canary(state, "id"),
        events={"visit": {"note": canary(state, "metadata")}},
        email=f"{canary(state, 'mail')}@example.com",
        mobile=canary(state, "mobile"),
        **given,
    )


def files_of(server: RedisServer) -> bytes:
    return b"".join(path.read_bytes() for path in sorted((server.folder / "appendonlydir").iterdir()))


def rewrite(server: RedisServer) -> None:
    with server.client() as client:
        client.bgrewriteaof()
        until(lambda: not _rewriting(client.info("persistence")))
        assert client.info("persistence")["aof_last_bgrewrite_status"] == "ok"


def _rewriting(info: Mapping[str, int]) -> bool:
    return bool(info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"])


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_the_rewritten_file_holds_nothing_of_an_expunged_customer(
    form: dict[str, str], private_server: StartServer
) -> None:
    server = private_server(options={**KEPT, **form})
    pool = make_pool(server.url, budget_ms=5000)
    ledger = Ledger(pool)
    tell(Story(ledger))
    rewrite(server)
    before = files_of(server)
    inspector = Inspector(ledger, SETTINGS)

    erasures = {state: inspector.expunge(canary(state, "id")) for state in STATES}
    still = files_of(server)
    rewrite(server)
    after = files_of(server)

    pool.disconnect()
    held = {state: [text for text in texts_of(state) if text in before] for state in STATES}
    assert held["delivered"] == []  # an event that ended and has no hook left only its id
    assert all(len(held[state]) >= 4 for state in STATES if state != "delivered")
    assert all(len(held[state]) == 5 for state in ("dead", "unclear", "failedhook"))
    assert canary("waiting", "id").encode() in still  # until it is written anew, the file remembers
    assert [text for state in STATES for text in texts_of(state) if text in after] == []
    assert b"canary" not in after
    assert b"bob-stays" in after
    assert all(erasure.left == 0 for erasure in erasures.values())
