"""Messages that somebody else put into our queues: each has the canary wherever a text may stand."""

from __future__ import annotations

import json
import os
import pickle
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, Final

CANARY: Final = "CANARY-FROM-OUTSIDE"
NOTHING: Final = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
SIGNATURE: Final = {"task": CANARY, "args": [CANARY], "kwargs": {}, "options": {}}


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return os.open, (self.path, os.O_CREAT)


def message(
    task: Any = "shipper.deliver",
    args: Any = ("default", CANARY),
    *,
    body: str | bytes | None = None,
    content_type: str = "application/json",
    charset: str = "utf-8",
    properties: Any = None,
    **headers: Any,
) -> bytes:
    """Return a message as kombu would have put it there."""
    inside = json.dumps([args, {}, NOTHING]) if body is None else body
    packed = b64encode(inside.encode() if isinstance(inside, str) else inside).decode()
    usual = {"task": task, "id": CANARY, "root_id": CANARY, "argsrepr": CANARY, "origin": CANARY}
    return json.dumps(
        {
            "body": packed,
            "content-type": content_type,
            "content-encoding": charset,
            "headers": {**usual, "retries": 0, "eta": None, "expires": None, **headers},
            "properties": {
                "correlation_id": CANARY,
                "reply_to": CANARY,
                "delivery_tag": CANARY,
                "delivery_info": {"exchange": "", "routing_key": CANARY},
                "body_encoding": "base64",
                **(properties or {}),
            },
        }
    ).encode()


def forgeries(touched: str) -> Iterator[bytes]:
    """Yield every kind that ended or confused a worker, or could have."""
    # What is no message
    yield from (CANARY.encode() + b"\xff", b"", b"5", b"null", b"{}", b'["' + CANARY.encode() + b'"]')
    yield b"[" * 100_000
    yield json.dumps({"__type__": CANARY, "__value__": CANARY}).encode()
    yield json.dumps({"__type__": "decimal", "__value__": CANARY}).encode()
    yield json.dumps({"body": CANARY, "headers": {}}).encode()
    yield json.dumps({"body": CANARY, "headers": None, "properties": None}).encode()
    yield json.dumps({**json.loads(message()), "body": CANARY + "%%"}).encode()
    yield json.dumps({**json.loads(message()), "headers": CANARY}).encode()
    # What another serializer reads
    evil = pickle.dumps(Touch(touched))
    yield message(body=evil, content_type="application/x-python-serialize", charset="binary")
    yield message(body=CANARY, content_type="application/x-yaml")
    yield message(content_type=CANARY)
    yield message(charset=CANARY)
    yield message(compression=CANARY)
    # What is no body of a task
    yield from (message(body=CANARY), message(body="5"), message(body="[" * 100_000))
    yield message(body=json.dumps([["default", CANARY], {}, CANARY]))
    # What is no task of ours, and what Celery brings along
    yield from (
        message(CANARY),
        message([CANARY]),
        message("celery.backend_cleanup"),
        message("celery.chord"),
    )
    # Arguments that make no sense
    for args in ([CANARY], [CANARY, CANARY], [[CANARY], CANARY], [{CANARY: 1}, CANARY], CANARY, [CANARY] * 3):
        yield message(args=args)
        yield message("shipper.complete", args=args)
    for ticket in ({CANARY: 1}, [CANARY], None, 5, CANARY, "A" * 16):
        yield message(args=["default", ticket])
        yield message("shipper.complete", args=["default", ticket])
    yield message(args=["an-account-of-nobody", "A" * 16], id="0" * 36)
    yield message(body=json.dumps([[], {CANARY: 1}, NOTHING]))
    # Headers and properties
    for header in ("id", "retries", "eta", "expires", "timelimit", "stamps", "shadow", "delivery_info"):
        yield from (message(**_one(header, value)) for value in (CANARY, [CANARY], {CANARY: CANARY}))
    yield message(timelimit=[CANARY, CANARY])
    yield message(eta="2099-01-01T00:00:00+00:00")
    yield message(stamped_headers=[CANARY], stamps={CANARY: CANARY})
    for key in ("body_encoding", "delivery_info", "delivery_tag", "correlation_id"):
        yield from (message(properties={key: value}) for value in (None, CANARY, [CANARY]))
    # What is to run afterwards
    for then in ("callbacks", "errbacks", "chain"):
        yield message(body=json.dumps([["default", "A" * 16], {}, {**NOTHING, then: [SIGNATURE]}]))
    yield message(body=json.dumps([["default", "A" * 16], {}, {**NOTHING, "chord": SIGNATURE}]))
    # Celery's first protocol
    old = {"task": "shipper.deliver", "id": CANARY, "args": ["default", CANARY], "kwargs": {}, "eta": CANARY}
    first = json.loads(message(body=json.dumps(old)))
    yield json.dumps({**first, "headers": {}}).encode()


def _one(name: str, value: Any) -> dict[str, Any]:
    return {name: value}
