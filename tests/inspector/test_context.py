"""The context of a request: it stays with its event through all that may become of it, and can be seen."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

import pytest
from pydantic import SecretStr
from redis import Redis

from shipper.inspector import Change, Filter, Inspector
from shipper.keyring import new_key
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import claim, expunge, hook_claim
from shipper.ledger.record import Record
from shipper.settings import Settings
from tests.inspector.story import ACCEPTED, BUSY_SERVER, HOUR, REFUSED, SETTINGS, Story
from tests.support.servers import RedisServer

TRACE: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CONTEXT: Final = f"traceparent={TRACE}&request_id=r-1%2F%7C"
READ: Final = {"traceparent": TRACE, "request_id": "r-1/|"}


@pytest.fixture
def server(redis7: RedisServer) -> RedisServer:
    """One server is enough here: the record's format has its tests on both."""
    return redis7


def carried(story: Story, **given: Any) -> str:
    return story.enqueue("c-1", events={"visit": {"page": "/"}}, context=CONTEXT, **given)


def claimed(story: Story) -> Record:
    """Return the record that a worker gets now."""
    (call,) = story.ledger.run(claim(["t-now"], SETTINGS, worker="w9", now=story.now)).calls
    return call.events[0].record


def test_a_retry_carries_the_context_of_its_enqueue(story: Story) -> None:
    carried(story)
    story.calls(BUSY_SERVER)
    story.passes(HOUR)

    assert claimed(story).context == CONTEXT


def test_an_event_is_shown_with_its_context(story: Story, inspector: Inspector) -> None:
    with_context, without = carried(story), story.enqueue("c-2", "visit", context="")
    story.calls(REFUSED)

    assert inspector.event(with_context).context == READ
    assert inspector.event(without).context == {}


def test_a_redriven_letter_carries_what_it_came_with(story: Story, inspector: Inspector) -> None:
    event_id = carried(story)
    story.calls(REFUSED)

    inspector.letters.redrive(inspector.letters.choose([event_id]), may_duplicate=False)
    story.passes(HOUR)

    assert inspector.event(event_id).context == READ


def test_an_edited_letter_carries_what_it_came_with_whatever_request_edits_it(
    story: Story, inspector: Inspector, ledger: Ledger
) -> None:
    event_id = carried(story)
    story.calls(REFUSED)

    proposed = inspector.letters.propose(event_id, Change(sets={"visit.page": "/home"}))
    done = inspector.letters.redrive_edited(proposed)

    (call,) = ledger.run(claim(["t-now"], SETTINGS, worker="w9")).calls
    record = call.events[0].record
    assert (done.result, record.context) == ("ok", CONTEXT)
    assert record.event["events"] == {"visit": {"page": "/home"}}
    assert inspector.audit().sound


def test_an_exported_letter_comes_back_with_its_context(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    event_id = carried(story)
    story.calls(REFUSED)
    story.passes(HOUR)
    file = b"".join(inspector.letters.export(inspector.letters.choose(Filter())))
    redis.flushall()

    inspector.letters.import_export(BytesIO(file))

    assert inspector.event(event_id).context == READ
    assert inspector.audit().sound


def test_an_encrypted_event_keeps_its_context_in_the_clear(ledger: Ledger) -> None:
    settings = Settings(encryption_keys=SecretStr(f"a:{new_key()}"), refusal_burst=0)
    story = Story(ledger, settings=settings)
    event_id = carried(story)

    assert Inspector(ledger, SETTINGS).event(event_id).context == READ


def test_a_hook_job_has_the_context_after_the_event_is_gone(story: Story) -> None:
    carried(story, hook="told")
    story.calls(ACCEPTED)

    (job,) = story.ledger.run(hook_claim("h1", SETTINGS, now=story.now)) or []

    assert job.record is not None
    assert job.record.context == CONTEXT


def test_an_expunged_event_leaves_nothing_of_its_context(story: Story, redis: Redis) -> None:
    event_id = carried(story)

    story.ledger.run(expunge([event_id], now=story.now))

    stored = b"".join(redis.dump(key) or b"" for key in redis.scan_iter())
    assert b"r-1" not in stored
    assert b"0af7651916cd43dd" not in stored
