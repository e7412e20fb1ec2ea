"""Admission: from a request to a visit: who it is, whether they may, and what they gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from shipper.cli.json_text import read_json
from shipper.clock import now_ms
from shipper.settings import Settings
from shipper.web.guesses import address_of, read_networks
from shipper.web.page import Page
from shipper.web.person import Person
from shipper.web.porter import Asked
from shipper.web.refusal import Refusal
from shipper.web.visit import Site, Visit

LARGEST_BODY: Final = 256 * 1024
"""Bytes of a form or an object, but for one that holds an event."""
WIDEST: Final = 8
"""Bytes that a form makes of one of an event's at most: `%5Cu007f` of a DEL."""
MOST_FIELDS: Final = 1_200
"""A form may hold so many: a thousand ids, and what else it says."""


class Stranger(Exception):  # noqa: N818 - it is an answer, not a failure
    """Answer somebody unknown."""


def admit(site: Site, page: Page, request: Request) -> Visit:
    """Say who it is and that they may, before anything of a body is read; raise Refusal or Stranger."""
    asked = _asked(site, request)
    if not site.porter.serves(asked):
        raise Refusal(421, "Without SHIPPER_WEB_TOKENS the page is there for localhost alone.")
    person = _person(site, asked)
    if page.needs is not None:
        if person is None:
            raise Stranger
        if not person.may(page.needs):
            raise Refusal(403, f"{person.name} may look but not act: this needs an operator's token.")
    if page.method == "POST" and not site.porter.may_act(asked, api=page.is_api):
        raise Refusal(403, "This was not sent by a form of this page.")
    if request.path_params.get("account", site.settings.accounts[0]) not in site.settings.accounts:
        raise Refusal(404, "No such account is configured: SHIPPER_ACCOUNTS names them.")
    query = dict(request.query_params)
    return Visit(
        site=site,
        person=person,
        path=request.path_params,
        query=query,
        given=query,
        here=f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path,
        address=asked.address,
        secure="https" in {request.url.scheme, request.headers.get("x-forwarded-proto")},
    )


def _asked(site: Site, request: Request) -> Asked:
    headers = {name.lower(): value for name, value in request.headers.items()}
    peer = request.client.host if request.client else ""
    proxies = read_networks(site.settings.web_proxies)
    address = address_of(peer, headers.get("x-forwarded-for", ""), proxies)
    return Asked(headers=headers, cookies=request.cookies, address=address)


def _person(site: Site, asked: Asked) -> Person | None:
    """Say who it is; whoever showed wrong tokens waits before the next one is looked at."""
    shows = asked.bearer is not None and not site.porter.is_open
    if shows and (wait := site.held_up(asked.address)):
        raise Refusal(429, told_to_wait(wait), headers={"retry-after": str(wait)})
    person = site.porter.person(asked, now=now_ms())
    if shows and person is None:
        site.guessed(asked.address, asked.bearer or "")
    return person


def told_to_wait(seconds: int) -> str:
    """Say why a token is not looked at, and when one is."""
    return f"Too many wrong tokens came from your address: try again in {seconds} s."


async def given_of(page: Page, request: Request, settings: Settings) -> Mapping[str, Any]:
    """Read a form, or the JSON object of an API call; raise Refusal."""
    body = await _body(page, request, most=largest_of(settings) if page.takes_event else LARGEST_BODY)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    wanted = "application/json" if page.is_api else "application/x-www-form-urlencoded"
    if kind != wanted and (body or page.is_api):
        raise Refusal(415, f"The body must be {wanted}.")
    try:
        text = body.decode()
        return _object(text) if page.is_api else _form(text)
    except ValueError:
        raise Refusal(400, f"The body is no {wanted}.") from None


def largest_of(settings: Settings) -> int:
    """Return the bytes of a form that holds an event, and what else there is to say, at most."""
    return LARGEST_BODY + WIDEST * settings.max_body_bytes


def _object(text: str) -> dict[str, Any]:
    """Read a JSON object, as strictly as what a person writes; raise Refusal."""
    try:
        found = read_json(text or "{}")
    except ValueError as error:
        raise Refusal(400, f"The body {error}.") from None
    if not isinstance(found, dict):
        raise Refusal(400, "The body is no JSON object.")
    return found


def _form(text: str) -> dict[str, Any]:
    """Read a form; a name that stands several times becomes the last of its values, `id` all of them."""
    pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    form: dict[str, Any] = dict(pairs)
    form["ids"] = [value for name, value in pairs if name == "id"]
    return form


async def _body(page: Page, request: Request, *, most: int) -> bytes:
    """Read what was sent, up to the largest that the page takes."""
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > most:
                instead = ": shipper dead edit takes any size." if page.takes_event else "."
                raise Refusal(413, f"More than {most} bytes were sent{instead}")
    except ClientDisconnect:
        raise Refusal(400, "The body was not whole.") from None
    return bytes(body)
