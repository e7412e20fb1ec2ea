"""The audit log: who did what, when, to how many and which events."""

from __future__ import annotations

import re
from typing import Final

from starlette.responses import Response

from shipper.clock import now_ms
from shipper.inspector import TrailFilter
from shipper.web.filters import read_moment_of
from shipper.web.mistake import MistakeError
from shipper.web.page import Page
from shipper.web.visit import Visit

A_PAGE: Final = 50
NAMES: Final = ("operator", "action", "event", "since")
LONGEST: Final = 100
_PLACE: Final = re.compile(r"\d{1,15}-\d{1,15}")


def trail(visit: Visit) -> Response:
    """List what operators did, newest first."""
    said = {name: visit.text(name)[:LONGEST] for name in NAMES if visit.text(name)}
    before = place_of(visit.text("before"))
    wanted = TrailFilter(
        operator=said.get("operator"),
        action=said.get("action"),
        event_id=said.get("event"),
        since=read_moment_of("since", said, now=now_ms()),
    )
    entries = list(visit.inspector.trail(wanted, limit=A_PAGE + 1, beyond=before, folded=True))
    onward = visit.to("trail", **said, before=entries[A_PAGE - 1].place) if len(entries) > A_PAGE else None
    return visit.draw("trail.html", entries=entries[:A_PAGE], said=said, next=onward, first=not before)


def place_of(text: str) -> str | None:
    """Return a place in the log, None for none; raise MistakeError for what can be none."""
    if text and not (text.isascii() and _PLACE.fullmatch(text)):
        raise MistakeError("before is no place in the log: follow the link of the page before")
    return text or None


PAGES: Final = (Page(path="/a/{account}/trail", answer=trail),)
