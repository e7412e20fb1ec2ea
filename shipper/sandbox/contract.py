"""What Gameball makes of a call: its keys, the limits, the body, one call per customer at a time. Pure."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

PATHS: Final = {
    "/api/v4.0/integrations/events": "v4.0",
    "/api/v4.1/integrations/events": "v4.1",
}
MAX_CUSTOMER_ID: Final = 100
MAX_BODY_BYTES: Final = 1024 * 1024
"""Gameball documents no limit; this one keeps the sandbox's memory flat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The account's keys; where one is None, any that is not empty is taken."""

    api_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One POST as it came in."""

    version: str
    api_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """The events of one customer that a call asks to apply."""

    customer_id: str
    events: dict[str, dict[str, object]]
    email: str | None = None
    mobile: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a call is not applied."""

    status: int
    code: int
    message: str


UNAUTHORIZED: Final = Refusal(
    status=401, code=1000, message="Unauthorized access. Please authenticate to proceed."
)
SECRET_MISSING: Final = Refusal(status=401, code=1001, message="SecretKey is missing.")
SECRET_WRONG: Final = Refusal(status=401, code=1006, message="SecretKey is not the account's.")
THROTTLED: Final = Refusal(status=429, code=429, message="Too many requests.")
NOT_JSON_TYPE: Final = Refusal(status=415, code=3013, message="Content-Type is not application/json.")
BUSY: Final = Refusal(status=422, code=2001, message="Another request for this customer is in progress.")


def judge(request: Request, *, keys: Keys, full: bool, busy: Container[str]) -> Track | Refusal:
    """Decide about a call, given whether the windows are `full` and which customers are `busy`."""
    if refusal := _check_keys(request, keys):
        return refusal
    if full:
        return THROTTLED
    if request.content_type.partition(";")[0].strip().lower() != "application/json":
        return NOT_JSON_TYPE
    judged = read_body(request.body)
    if isinstance(judged, Track) and judged.customer_id in busy:
        return BUSY
    return judged


def read_body(body: bytes) -> Track | Refusal:
    """Read the events out of a body, or refuse it with every problem named.

    Stricter than Gameball, which takes nulls and keeps the last of two equal names: the shipper must
    send neither.
    """
    try:
        found = read_json(body)
    except ValueError as error:
        return _invalid(f"The body is not JSON: {error}.")
    problems = list(_problems_of(found))
    if problems:
        return _invalid(" ".join(problems))
    return Track(
        customer_id=found["customerId"],
        events=found["events"],
        email=found.get("email"),
        mobile=found.get("mobile"),
    )


def read_json(body: bytes) -> Any:
    """Decode JSON as its standard says: no NaN, no name twice. Raise ValueError for all else."""
    try:
        return _DECODER.decode(body.decode())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _check_keys(request: Request, keys: Keys) -> Refusal | None:
    if not request.api_key or keys.api_key not in (None, request.api_key):
        return UNAUTHORIZED
    if request.version == "v4.0":
        return None
    if not request.secret_key:
        return SECRET_MISSING
    return None if keys.secret_key in (None, request.secret_key) else SECRET_WRONG


def _invalid(message: str) -> Refusal:
    return Refusal(status=400, code=2000, message=message)


def _problems_of(found: Any) -> Iterator[str]:
    if not isinstance(found, dict):
        yield "The body is not an object."
        return
    yield from _problems_of_customer_id(found)
    yield from _problems_of_events(found)
    for name in ("email", "mobile"):
        if name in found and not (isinstance(found[name], str) and found[name]):
            yield f"{name} is not a text, or empty."


def _problems_of_customer_id(found: dict[str, Any]) -> Iterator[str]:
    customer_id = found.get("customerId")
    if "customerId" not in found or customer_id == "":
        yield "customerId is missing."
    elif not isinstance(customer_id, str):
        yield "customerId is not a text."
    elif len(customer_id) > MAX_CUSTOMER_ID:
        yield f"customerId is {len(customer_id)} characters long; at most {MAX_CUSTOMER_ID} are allowed."


def _problems_of_events(found: dict[str, Any]) -> Iterator[str]:
    events = found.get("events")
    if "events" not in found or events == {}:
        yield "events is missing or empty."
    elif not isinstance(events, dict):
        yield "events is not an object."
    else:
        for name, metadata in events.items():
            if not name:
                yield "events has an empty name."
            if not isinstance(metadata, dict):
                yield f"events.{name} is not an object."


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
