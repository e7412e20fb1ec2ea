"""The application: pages by their paths, and what holds for all of them: who gets in, what every answer says.

A page that is not in `PAGES` does not exist, and one that says nothing of it needs a person who was let in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shipper.errors import EventNotFoundError, LedgerFullError, LedgerUnavailableError, ShipperError
from shipper.inspector import HookNotFoundError, ImportCutError, JobNotFoundError, JobStateError
from shipper.logs import get_logger
from shipper.web.admission import Stranger, admit, given_of
from shipper.web.api import description
from shipper.web.look import Look
from shipper.web.mistake import MistakeError, TooLateError
from shipper.web.page import Page
from shipper.web.pages import PAGES as SHOWN
from shipper.web.refusal import Refusal
from shipper.web.upload import upload
from shipper.web.visit import Site, Visit

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
    408: "Too slow",
    413: "Too large",
    415: "Of another kind",
    421: "Not under this name",
    429: "Not so fast",
    500: "Something broke",
    503: "The ledger does not answer",
    507: "There is no room",
}

log = get_logger(__name__)


def web_app(site: Site) -> ASGIApp:
    """Return the application."""
    routes = [Route(page.path, _endpoint(site, page), methods=[page.method]) for page in PAGES]
    routes.append(Route("/static/{version}/{name}", _static(site.look), methods=["GET"]))
    handlers = {HTTPException: _unrouted(site)}
    return _said_with_every_answer(Starlette(routes=routes, exception_handlers=handlers))


def _endpoint(site: Site, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await _let_in(site, page, request)
        except Stranger:
            return _stranger(site, page, request)
        except Refusal as refusal:
            response = _refused(site, refusal.status, refusal.detail, api=page.is_api)
            response.headers.update(refusal.headers)
            return response

    return answer


async def _let_in(site: Site, page: Page, request: Request) -> Response:
    visit = admit(site, page, request)
    if page.takes_file:
        async with upload(request, api=page.is_api) as file:
            return await run_in_threadpool(_answer, page, replace(visit, file=file))
    if page.method == "POST":
        visit = replace(visit, given=await given_of(page, request, site.settings))
    return await run_in_threadpool(_answer, page, visit)


def _answer(page: Page, visit: Visit) -> Response:
    """Carry it out, and make of what fails an answer."""
    site = visit.site
    try:
        return page.answer(visit)
    except MistakeError as error:
        return _refused(site, 400, str(error), api=page.is_api)
    except (EventNotFoundError, HookNotFoundError, JobNotFoundError) as error:
        return _refused(site, 404, str(error), api=page.is_api)
    except (JobStateError, TooLateError) as error:
        return _refused(site, 409, str(error), api=page.is_api)
    except LedgerFullError as error:
        return _refused(site, 507, str(error), api=page.is_api)
    except (LedgerUnavailableError, ImportCutError) as error:
        return _refused(site, 503, str(error), api=page.is_api)
    except ShipperError as error:
        return _refused(site, 400, str(error), api=page.is_api)
    except Exception:
        log.exception("web.failed", path=page.path)
        return _refused(site, 500, "It is in the log of this server.", api=page.is_api)


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
