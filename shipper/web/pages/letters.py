"""The letters: a list by filter, page by page, and what is done to many: send again, discard."""

from __future__ import annotations

from threading import Lock
from typing import Any, Final

from starlette.responses import RedirectResponse, Response

from shipper.event_id import is_event_id
from shipper.inspector import REASONS, Choice, Filter, Handled, Preview
from shipper.web.filters import Wanted, read_ids, read_spot, read_wanted, spelled, write_spot
from shipper.web.mistake import MistakeError
from shipper.web.page import Page
from shipper.web.person import Role
from shipper.web.told import write_told
from shipper.web.visit import Visit

A_PAGE: Final = 50
MOST_BECAUSE: Final = 200
SAMPLE: Final = 20
"""Events previewed at a time: at a dozen a second a person waits for two."""
_ASKING: Final = Lock()
FASTEST: Final = 1000
"""Events a second; the account's pace holds besides."""


def letters(visit: Visit) -> Response:
    """List dead letters, newest first."""
    try:
        wanted, beyond = read_wanted(visit.given), read_spot(visit.text("before"))
    except MistakeError as error:
        nothing = Wanted(filter=Filter(), said={k: v for k, v in visit.query.items() if k != "told"})
        return visit.draw("letters.html", status=400, problem=str(error), **_listed(nothing))
    page = visit.inspector.letters(wanted.filter, limit=A_PAGE, beyond=beyond)
    onward = visit.to("letters", **wanted.said, before=write_spot(page.beyond)) if page.beyond else None
    return visit.draw(
        "letters.html", letters=page.letters, next=onward, first=beyond is None, **_listed(wanted)
    )


def _listed(wanted: Wanted) -> dict[str, Any]:
    return {"wanted": wanted, "all_reasons": REASONS}


def find(visit: Visit) -> Response:
    """Lead from an id to its event, from anything else to the letters of that customer."""
    text = visit.text("q")
    if is_event_id(text):
        return RedirectResponse(visit.to(f"events/{text}"), 303)
    return RedirectResponse(visit.to("letters", customer=text[:500]), 303)


def ask_redrive(visit: Visit) -> Response:
    """Say how many would be sent again and how many of them are unclear, before anything is."""
    return _ask_redrive(visit, preview=None)


def preview(visit: Visit) -> Response:
    """Ask Gameball what some of them would earn, one person's question after the other's; nothing is sent."""
    choice = _chosen(visit)
    with _ASKING:
        ask = visit.site.quoter(visit.account)
        found = visit.inspector.preview(
            choice, ask, may_duplicate=visit.text("may_duplicate") == "yes", sample=SAMPLE
        )
    return _ask_redrive(visit, preview=found)


def redrive(visit: Visit) -> Response:
    """Begin to send again what was confirmed: workers carry it on."""
    choice, rate = _chosen(visit), _rate(visit.text("rate"))
    job = visit.inspector.start_job(
        choice,
        rate=rate,
        may_duplicate=visit.text("may_duplicate") == "yes",
        because=visit.text("because")[:MOST_BECAUSE],
    )
    return visit.go(f"jobs/{job.job}")


def ask_discard(visit: Visit) -> Response:
    """Say how many would be forgotten."""
    return _ask(visit, "discard")


def discard(visit: Visit) -> Response:
    """Forget what was confirmed."""
    return _told(
        visit,
        visit.inspector.discard(_chosen(visit), because=visit.text("because")[:MOST_BECAUSE]),
        "discarded",
    )


def _ask_redrive(visit: Visit, *, preview: Preview | None) -> Response:
    rate = max(round(visit.inspector.default_rate), 1)
    return _ask(
        visit,
        "redrive",
        rate=rate,
        fastest=FASTEST,
        workers=visit.inspector.workers(),
        preview=preview,
        sample=SAMPLE,
        doubled=visit.text("may_duplicate") == "yes",
    )


def _ask(visit: Visit, action: str, **facts: Any) -> Response:
    wanted, ids = read_wanted(visit.given), _ids(visit)
    choice = visit.inspector.choose(ids or wanted.filter)
    frozen = (
        {**wanted.said, "until": spelled(choice.filter.until)}
        if choice.filter and choice.filter.until
        else {}
    )
    return visit.draw(
        "confirm_letters.html",
        action=action,
        choice=choice,
        wanted=wanted,
        ids=ids,
        frozen=frozen,
        back=visit.to(f"events/{ids[0]}") if len(ids) == 1 else visit.to("letters", **wanted.said),
        **facts,
    )


def _chosen(visit: Visit) -> Choice:
    """Choose what the form names: ids, or a filter that ends at the moment of asking; never all by a slip."""
    ids = _ids(visit)
    if ids:
        return visit.inspector.choose(ids)
    if not visit.text("until"):
        raise MistakeError("the form names no letters: choose them on the page before")
    return visit.inspector.choose(read_wanted(visit.given).filter)


def _ids(visit: Visit) -> tuple[str, ...]:
    given = visit.given.get("ids") or visit.given.get("id") or []
    return read_ids(given)


def _rate(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= FASTEST:
        raise MistakeError(f"rate is no whole number from 1 to {FASTEST}")
    return int(text)


def _told(visit: Visit, handled: Handled, word: str) -> Response:
    told = write_told(word, handled.done) if handled.done else write_told("nothing")
    left = sum(handled.left.values())
    if left and handled.done:
        told = write_told(f"{word}_left", handled.done, left)
    ids = _ids(visit)
    if len(ids) == 1:
        return visit.go(f"events/{ids[0]}", told=told)
    return visit.go("reasons", told=told)


PAGES: Final = (
    Page(path="/a/{account}/letters", answer=letters),
    Page(path="/a/{account}/find", answer=find),
    Page(path="/a/{account}/redrive", answer=ask_redrive, needs=Role.OPERATOR),
    Page(path="/a/{account}/redrive", answer=redrive, needs=Role.OPERATOR, method="POST"),
    Page(path="/a/{account}/preview", answer=preview, needs=Role.OPERATOR, method="POST"),
    Page(path="/a/{account}/discard", answer=ask_discard, needs=Role.OPERATOR),
    Page(path="/a/{account}/discard", answer=discard, needs=Role.OPERATOR, method="POST"),
)
