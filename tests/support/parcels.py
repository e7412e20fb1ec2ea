"""Parcels: generated events on their way through the whole chain, and a far end that keeps every byte."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from shipper.envelope import seal
from shipper.sandbox.contract import MAX_CUSTOMER_ID, Refusal, read_body
from shipper.settings import Settings
from tests.support.payload import written

Event = dict[str, Any]

TOGETHER: Final = 3
"""Events of one customer: whether they share a call is the ledger's to say."""


def parcels(drawn: Sequence[Event]) -> list[Event]:
    """Give each three events a customer of their own, and every second three one email and mobile as well."""
    found = []
    for i, event in enumerate(drawn):
        number, leader = i // TOGETHER, drawn[i - i % TOGETHER]
        contact = leader if number % 2 else event
        found.append(
            {
                **{name: value for name, value in contact.items() if name in {"email", "mobile"}},
                "customerId": f"{number}:{leader['customerId']}"[:MAX_CUSTOMER_ID],
                "events": event["events"],
            }
        )
    return found


def unlike(sent: Sequence[Event], bodies: Sequence[bytes]) -> Iterator[str]:
    """Name every difference between what was enqueued and what the far end was posted."""
    settings = Settings()
    wanted: dict[str, list[Event]] = defaultdict(list)
    for event in sent:
        wanted[event["customerId"]].append(event)
    came: dict[str, list[bytes]] = defaultdict(list)
    for body in bodies:
        track = read_body(body)
        if isinstance(track, Refusal):
            yield f"{body[:200]!r} is refused: {track.message}"
        else:
            came[track.customer_id].append(body)
    for customer in came.keys() - wanted.keys():
        yield f"nobody sent {customer!r}"
    for customer, events in wanted.items():
        yield from _unlike_of_one(customer, events, came[customer], settings)


def _unlike_of_one(
    customer: str, events: Sequence[Event], bodies: Sequence[bytes], settings: Settings
) -> Iterator[str]:
    """Compare what a person meant, and the bytes of each event in the call that it travelled in."""
    tracks = [track for body in bodies if not isinstance(track := read_body(body), Refusal)]
    if _all(event["events"] for event in events) != _all(track.events for track in tracks):
        yield f"{customer!r} sent {events}, and {tracks} came"
    contacts = {(event.get("email"), event.get("mobile")) for event in events}
    if {(track.email, track.mobile) for track in tracks} - contacts:
        yield f"{customer!r} has another email or mobile than was sent"
    for event in events:
        sealed = seal(event, settings=settings)
        head_len = int(sealed.tail_header.rpartition(b"|")[2])
        fragment = sealed.body[head_len:-2]
        if not any(body.startswith(sealed.body[:head_len]) and fragment in body for body in bodies):
            yield f"the bytes of {event} did not come"


def _all(maps: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(written([name, metadata]) for events in maps for name, metadata in events.items())
