"""The reasons: dead letters in groups, each with what it means, what usually helps, and what can be done."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from shipper.web.page import Page
from shipper.web.visit import Visit

MOST: Final = 50


def reasons(visit: Visit) -> Response:
    """Show the largest groups."""
    found = visit.inspector.letters.reasons(most=MOST)
    return visit.draw(
        "reasons.html",
        groups=found.groups,
        left_out=found.left_out,
        most=max((group.count for group in found.groups), default=1),
        standing=visit.inspector.status(),
    )


PAGES: Final = (Page(path="/a/{account}/reasons", answer=reasons),)
