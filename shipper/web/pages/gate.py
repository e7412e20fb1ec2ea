"""The operator's hold on an account: pause and resume."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from shipper.cli.text import read_pause
from shipper.web.mistake import MistakeError
from shipper.web.page import Page
from shipper.web.person import Role
from shipper.web.told import write_told
from shipper.web.visit import Visit


def ask_pause(visit: Visit) -> Response:
    """Say what a pause does."""
    return visit.draw("confirm_pause.html", standing=visit.inspector.status())


def pause(visit: Visit) -> Response:
    """Make no more calls, for a time or until resumed."""
    span = visit.text("for")
    try:
        for_ms = read_pause(span) if span else None
    except ValueError as error:
        raise MistakeError(str(error)) from None
    visit.inspector.pause(for_ms=for_ms)
    return visit.go(told=write_told("paused"))


def ask_resume(visit: Visit) -> Response:
    """Say what holds the account."""
    return visit.draw("confirm_resume.html", standing=visit.inspector.status())


def resume(visit: Visit) -> Response:
    """Lift whatever holds the account."""
    visit.inspector.resume()
    return visit.go(told=write_told("resumed"))


PAGES: Final = (
    Page(path="/a/{account}/pause", answer=ask_pause, needs=Role.OPERATOR),
    Page(path="/a/{account}/pause", answer=pause, needs=Role.OPERATOR, method="POST"),
    Page(path="/a/{account}/resume", answer=ask_resume, needs=Role.OPERATOR),
    Page(path="/a/{account}/resume", answer=resume, needs=Role.OPERATOR, method="POST"),
)
