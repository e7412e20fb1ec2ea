"""The API fuzzed by its own description: whatever comes, it answers as it says it would."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from threading import Thread
from typing import Any, Final

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from redis import Redis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from shipper.inspector.preview import Quote
from shipper.server import listen, url_of
from shipper.settings import Settings
from shipper.web.api.description import CALLS, described
from shipper.web.app import web_app
from shipper.web.serve import site_of
from tests.inspector.story import LOST, REFUSED, Story
from tests.support.servers import HOST, RedisServer
from tests.support.waiting import LIMIT_SECONDS, until

EXAMPLES: Final = 6
CHECKS: Final = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
BOUNDED: Final = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
NAMES: Final = [f"{call.method} {call.path}" for call in CALLS]


@schemathesis.serializer("application/x-ndjson")
def _lines(_context: Any, value: Any) -> bytes:
    return str(value).encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def base(redis7: RedisServer) -> Iterator[str]:
    listener = listen(HOST, 0)
    patched = pytest.MonkeyPatch()
    patched.setattr("shipper.web.serve.quoter_of", lambda *_: lambda _: Quote(kind="earns", points=40))
    site = site_of(Settings(redis_url=redis7.url), local="ann")
    config = uvicorn.Config(web_app(site), lifespan="off", ws="none", log_config=None, access_log=False)
    serving = uvicorn.Server(config)
    thread = Thread(target=serving.run, args=([listener],), daemon=True)
    thread.start()
    until(lambda: serving.started)
    yield url_of(listener)
    serving.should_exit = True
    thread.join(LIMIT_SECONDS)
    patched.undo()
    for each in site.inspectors("ann").values():
        each._ledger.pool.disconnect()


@pytest.mark.parametrize("name", NAMES)
def test_whatever_comes_is_answered_as_described(name: str, base: str, story: Story, redis: Redis) -> None:
    event_id = story.enqueue("c-1", "visit", hook="told", email="ann@example.com")
    story.calls(REFUSED)
    story.enqueue("c-2", "visit", on_unclear="park")
    story.calls(LOST)
    story.hooks_fail()
    method, _, path = name.partition(" ")
    operation = schemathesis.openapi.from_dict(described())[path][method]

    def ask(case: Any) -> None:
        case.path_parameters |= {"account": "default"}
        if "event_id" in case.path_parameters:
            case.path_parameters["event_id"] = event_id
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            case.call_and_validate(base_url=base, checks=CHECKS, timeout=LIMIT_SECONDS)

    BOUNDED(given(case=operation.as_strategy())(ask))()
