"""Body: the bytes that are stored and posted, and how those of one customer join in one call.

A body is `head + fragment + tail`: `{"customerId":…,"events":{` + `"name":{…},"name":{…}` + `}}`. Bodies of
equal heads differ in their fragments alone, so joining needs no JSON: only the length of the head.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from json import JSONEncoder
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]
from typing import Any, Final, NamedTuple

_TAIL: Final = b"}}"
_JSON: Final = JSONEncoder(
    ensure_ascii=False,
    allow_nan=False,
    check_circular=False,  # a snapshot is a tree
    separators=(",", ":"),
)


def _encoder() -> Callable[[Any], str]:
    """Return `_JSON.encode` without what it makes anew for each call, which is half of its time."""
    if c_make_encoder is None:  # no CPython
        return _JSON.encode
    pieces = c_make_encoder(None, _JSON.default, encode_basestring, None, ":", ",", False, False, False)
    return lambda value: "".join(pieces(value, 0))


_encode: Final = _encoder()


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
    head = f'{{"customerId":{encode_basestring(customer_id)}'
    if email is not None:
        head += f',"email":{encode_basestring(email)}'
    if mobile is not None:
        head += f',"mobile":{encode_basestring(mobile)}'
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
