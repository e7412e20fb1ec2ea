"""The application: pages by their paths, and what holds for all of them: who gets in, what every answer says.

A page that is not in `PAGES` does not exist, and one that says nothing of it needs a person who was let in.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shipper.clock import now_ms
from shipper.errors import EventNotFoundError, LedgerUnavailableError, ShipperError
from shipper.inspector import JobNotFoundError, JobStateError
from shipper.logs import get_logger
from shipper.web.api import description
from shipper.web.look import Look
from shipper.web.mistake import MistakeError
from shipper.web.page import Page
from shipper.web.pages import PAGES as SHOWN
from shipper.web.porter import Asked
from shipper.web.visit import Site, Visit

LARGEST_BODY: Final = 256 * 1024
MOST_FIELDS: Final = 1_200
"""A form may hold so many: a thousand ids, and what else it says."""
PAGES: Final[tuple[Page, ...]] = (*SHOWN, *description.PAGES)
HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not `no-referrer`: a browser would then say `Origin: null` of our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
FOR_EVER: Final = "public, max-age=31536000, immutable"
TITLES: Final = {
    400: "That cannot be",
    401: "Sign in first",
    403: "Not for you",
    404: "Not here",
    405: "Not like this",
    409: "Too late",
    413: "Too large",
    421: "Not under this name",
    500: "Something broke",
    503: "The ledger does not answer",
}

log = get_logger(__name__)


class Refusal(Exception):  # noqa: N818 - it is an answer, not a failure
    """Answer with an error: its status, a sentence, and what is wrong with what was given."""

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(detail)


def web_app(site: Site) -> ASGIApp:
    """Return the application."""
    routes = [Route(page.path, _endpoint(site, page), methods=[page.method]) for page in PAGES]
    routes.append(Route("/static/{version}/{name}", _static(site.look), methods=["GET"]))
    handlers = {HTTPException: _unrouted(site)}
    return _said_with_every_answer(Starlette(routes=routes, exception_handlers=handlers))


def _endpoint(site: Site, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            body = await _body(request)
            return await run_in_threadpool(_answer, site, page, request, body)
        except Refusal as refusal:
            return _refused(site, refusal.status, refusal.detail, api=page.is_api)

    return answer


def _answer(site: Site, page: Page, request: Request, body: bytes) -> Response:
    """Let the request in, carry it out, and make of what fails an answer."""
    visit = _admit(site, page, request, body)
    if isinstance(visit, Response):
        return visit
    try:
        return page.answer(visit)
    except MistakeError as error:
        return _refused(site, 400, str(error), api=page.is_api)
    except (EventNotFoundError, JobNotFoundError) as error:
        return _refused(site, 404, str(error), api=page.is_api)
    except JobStateError as error:
        return _refused(site, 409, str(error), api=page.is_api)
    except LedgerUnavailableError as error:
        return _refused(site, 503, str(error), api=page.is_api)
    except ShipperError as error:
        return _refused(site, 400, str(error), api=page.is_api)
    except Exception:
        log.exception("web.failed", path=page.path)
        return _refused(site, 500, "It is in the log of this server.", api=page.is_api)


def _admit(site: Site, page: Page, request: Request, body: bytes) -> Visit | Response:
    """Say who it is and that they may; else answer for the page."""
    asked = Asked(headers=_headers(request), cookies=request.cookies)
    if not site.porter.serves(asked):
        raise Refusal(421, "Without SHIPPER_WEB_TOKENS the page is there for localhost alone.")
    person = site.porter.person(asked, now=now_ms())
    if page.needs is not None:
        if person is None:
            return _stranger(site, page, request)
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
        given=query if page.method == "GET" else _given(page, request, body),
        here=f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path,
        secure="https" in {request.url.scheme, request.headers.get("x-forwarded-proto")},
    )


def _given(page: Page, request: Request, body: bytes) -> Mapping[str, Any]:
    """Read a form, or the JSON object of an API call."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    wanted = "application/json" if page.is_api else "application/x-www-form-urlencoded"
    if kind != wanted and (body or page.is_api):
        raise Refusal(415, f"The body must be {wanted}.")
    try:
        text = body.decode()
        if not page.is_api:
            return _form(text)
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        raise Refusal(400, f"The body is no {wanted}.") from None
    if not isinstance(found, dict):
        raise Refusal(400, "The body is no JSON object.")
    return found


def _form(text: str) -> dict[str, Any]:
    """Read a form; a name that stands several times becomes the last of its values, `id` all of them."""
    pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    form: dict[str, Any] = dict(pairs)
    form["ids"] = [value for name, value in pairs if name == "id"]
    return form


async def _body(request: Request) -> bytes:
    """Read what was sent, up to the largest that any page takes."""
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_BODY:
                raise Refusal(413, f"More than {LARGEST_BODY} bytes were sent.")
    except ClientDisconnect:
        raise Refusal(400, "The body was not whole.") from None
    return bytes(body)


def _headers(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _stranger(site: Site, page: Page, request: Request) -> Response:
    """Answer somebody unknown: programs with 401, a browser with the page for signing in."""
    if page.is_api:
        refused = _refused(site, 401, "A token is needed: Authorization: Bearer …", api=True)
        refused.headers["www-authenticate"] = "Bearer"
        return refused
    place = f"/sign-in?next={quote(request.url.path if page.method == 'GET' else '/', safe='')}"
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"hx-redirect": place})
    return RedirectResponse(place, 303)


def _refused(site: Site, status: int, detail: str, *, api: bool) -> Response:
    title = TITLES.get(status, "That did not work")
    if api:
        return JSONResponse({"error": {"status": status, "title": title, "detail": detail[:2000]}}, status)
    text = site.look.draw("error.html", status=status, title=title, detail=detail[:2000])
    return Response(text, status, media_type="text/html")


def _unrouted(site: Site) -> Callable[[Request, Exception], Response]:
    """Answer for addresses and methods that no page has."""

    def answer(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        detail = "There is no such page." if status == 404 else "This address is for another method."
        api = request.url.path.startswith("/api/")
        response = _refused(site, status, detail, api=api)
        if isinstance(error, HTTPException) and error.headers:
            response.headers.update(error.headers)
        return response

    return answer


def _static(look: Look) -> Callable[[Request], Awaitable[Response]]:
    files = look.files

    async def answer(request: Request) -> Response:
        path = files.get(f"{request.path_params['version']}/{request.path_params['name']}")
        if path is None:
            raise HTTPException(404)
        return FileResponse(path, headers={"cache-control": FOR_EVER})

    return answer


def _said_with_every_answer(app: ASGIApp) -> ASGIApp:
    """Add the headers that hold for every answer, errors and files too."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def said(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in present),
                ]
            await send(message)

        await app(scope, receive, said)

    return wrapped
