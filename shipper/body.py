"""Body: the bytes that are stored and posted, and how those of one customer join in one call.

A body is `head + fragment + tail`: `{"customerId":…,"events":{` + `"name":{…},"name":{…}` + `}}`. Bodies of
equal heads differ in their fragments alone, so joining needs no JSON: only the length of the head.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

_TAIL: Final = b"}}"
_encode: Final = json.JSONEncoder(
    ensure_ascii=False,
    allow_nan=False,
    check_circular=False,  # a snapshot is a tree
    separators=(",", ":"),
).encode


class Body(NamedTuple):
    """Hold an encoded event and the length of its head in bytes."""

    data: bytes
    head_len: int

    @property
    def head(self) -> bytes:
        """Return all that comes before the first event name."""
        return self.data[: self.head_len]

    @property
    def fragment(self) -> bytes:
        """Return the events without the braces around them."""
        return self.data[self.head_len : -len(_TAIL)]


def encode(*, customer_id: str, email: str | None, mobile: str | None, events: dict[str, Any]) -> Body:
    """Write an event as compact JSON in UTF-8, leaving out an email or mobile that is None."""
    head = f'{{"customerId":{_encode(customer_id)}'
    if email is not None:
        head += f',"email":{_encode(email)}'
    if mobile is not None:
        head += f',"mobile":{_encode(mobile)}'
    head_bytes = f'{head},"events":{{'.encode()
    return Body(head_bytes + f"{_encode(events)[1:]}}}".encode(), len(head_bytes))


def merge(bodies: Sequence[Body]) -> bytes:
    """Return the bytes of one call for all bodies, in their order; one alone goes out as it is.

    Raises ValueError if their heads differ: the customers would be mixed up.
    """
    first = bodies[0]
    if len(bodies) == 1:
        return first.data
    head = first.head
    if any(body.head != head for body in bodies):
        raise ValueError("bodies of different customers cannot share a call")
    return head + b",".join(body.fragment for body in bodies) + _TAIL
