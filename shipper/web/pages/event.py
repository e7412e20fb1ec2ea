"""One event: what it is, and its way from enqueue to end."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from shipper.errors import EventNotFoundError
from shipper.event_id import is_event_id
from shipper.outcome import State
from shipper.web.page import Page
from shipper.web.person import Role
from shipper.web.visit import Visit

LETTERS: Final = frozenset({State.DEAD, State.UNCLEAR})


def event(visit: Visit) -> Response:
    """Show an event, its email and mobile masked."""
    return _draw(visit, unmasked=False)


def unmasked(visit: Visit) -> Response:
    """Show all of it; that is why it is a POST: whoever asks is written down."""
    return _draw(visit, unmasked=True)


def _draw(visit: Visit, *, unmasked: bool) -> Response:
    event_id = id_of(visit)
    seen = visit.inspector.event(event_id, unmasked=unmasked)
    return visit.draw("event.html", seen=seen, unmasked=unmasked, is_letter=seen.state in LETTERS)


def id_of(visit: Visit) -> str:
    """Return the event id of the path; raise EventNotFoundError for what can be none."""
    event_id = visit.path["event_id"]
    if not is_event_id(event_id):
        raise EventNotFoundError(f"{event_id[:60]!a} is no event id: those have 26 characters", event_id="")
    return event_id


PAGES: Final = (
    Page(path="/a/{account}/events/{event_id}", answer=event),
    Page(path="/a/{account}/events/{event_id}", answer=unmasked, needs=Role.OPERATOR, method="POST"),
)
