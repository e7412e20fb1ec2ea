"""A far end at the seam of `Gameball.post`: it answers as told, and notes what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any, cast

from workers.gameball import Gameball
from workers.verdict import Answer, Loss

ACCEPTED = Answer(status=200, body=b'{"success":true}', content_type="application/json")
UNAVAILABLE = Answer(status=503, content_type="text/html")
CLOSED = Answer(lost=Loss.UNCLEAR, detail="the connection was closed")


def refused(code: int) -> Answer:
    """Return what Gameball says of an event it refuses for good."""
    body = {"code": code, "type": "x", "message": "no such event", "requestId": "req-1"}
    return Answer(status=422, body=json.dumps(body).encode(), content_type="application/json")


class FarEnd:
    """Stand in for `Gameball`: `answer` says what comes back for a body, or raises."""

    def __init__(self, answer: Callable[[bytes], Answer] = lambda body: ACCEPTED) -> None:
        self.answer = answer
        self.bodies: list[bytes] = []
        self.most_at_once = 0
        self._at_once = 0
        self._changed = threading.Condition()

    @property
    def gameball(self) -> Gameball:
        return cast("Gameball", self)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body)["events"] for body in self.bodies]

    def post(self, body: bytes, *, timeout_ms: int) -> Answer:
        with self._changed:
            self.bodies.append(body)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self._changed.notify_all()
        try:
            return self.answer(body)
        finally:
            with self._changed:
                self._at_once -= 1
                self._changed.notify_all()

    def wait_for_posts(self, count: int) -> None:
        """Return when so many calls have come in."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.bodies) >= count, timeout=30)
