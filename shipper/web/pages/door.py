"""The door: signing in and out, and where `/` leads."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse, Response

from shipper.clock import now_ms
from shipper.logs import get_logger
from shipper.web.admission import told_to_wait
from shipper.web.page import Page
from shipper.web.person import owner_of
from shipper.web.session import COOKIE, LIFE_MS, write_session
from shipper.web.visit import Visit, address

log = get_logger(__name__)


def home(visit: Visit) -> Response:
    """Lead to the first account."""
    return RedirectResponse(address(visit.account), 303)


def ask(visit: Visit) -> Response:
    """Ask for a token."""
    if visit.person is not None:
        return RedirectResponse(_local(visit.text("next")), 303)
    return visit.draw("sign_in.html", next=_local(visit.text("next")), wrong="")


def sign_in(visit: Visit) -> Response:
    """Take a token, and let its owner in for as long as a session lasts."""
    onward = _local(visit.text("next"))
    if wait := visit.site.held_up(visit.address):
        held = visit.draw("sign_in.html", status=429, next=onward, wrong=told_to_wait(wait))
        held.headers["retry-after"] = str(wait)
        return held
    token = owner_of(visit.text("token"), visit.site.porter.tokens)
    if token is None:
        visit.site.guessed(visit.address, visit.text("token"))
        return visit.draw("sign_in.html", status=403, next=onward, wrong="That is nobody's token.")
    log.info("web.signed_in", person=token.person.name, role=token.person.role.value)
    response = RedirectResponse(onward, 303)
    response.set_cookie(
        COOKIE,
        write_session(token, now=now_ms()),
        max_age=LIFE_MS // 1000,
        httponly=True,
        samesite="strict",
        secure=visit.secure,
    )
    return response


def sign_out(visit: Visit) -> Response:
    """Forget who it was."""
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=visit.secure)
    return response


def _local(place: str) -> str:
    """Return a path of this page; `/` for whatever leads elsewhere."""
    try:
        parts = urlsplit(place)
    except ValueError:
        return "/"
    is_ours = place.startswith("/a/") and not parts.scheme and not parts.netloc
    return place if is_ours and place.isprintable() and "\\" not in place and len(place) < 500 else "/"


PAGES: Final = (
    Page(path="/", answer=home),
    Page(path="/sign-in", answer=ask, needs=None),
    Page(path="/sign-in", answer=sign_in, needs=None, method="POST"),
    Page(path="/sign-out", answer=sign_out, needs=None, method="POST"),
)
