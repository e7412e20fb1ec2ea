"""The letters: a list by filter, page by page, and what is done to many: send again, discard."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import RedirectResponse, Response

from shipper.event_id import is_event_id
from shipper.inspector import REASONS, Choice, Filter, Handled, Preview
from shipper.web.filters import Wanted, read_spot, read_wanted, write_spot
from shipper.web.mistake import MistakeError
from shipper.web.page import Page
from shipper.web.pages.chosen import ask, chosen, ids_in
from shipper.web.person import Role
from shipper.web.quote import MOST_POINTS, quote
from shipper.web.told import write_told
from shipper.web.visit import Visit

A_PAGE: Final = 50
MOST_BECAUSE: Final = 200
SAMPLE: Final = 20
"""Events previewed at a time: at a dozen a second a person waits for two seconds."""
BUDGET_SAMPLE: Final = 100
"""The same, where a budget hangs on it."""
FASTEST: Final = 1000
"""Events a second; the account's pace holds besides."""


def letters(visit: Visit) -> Response:
    """List dead letters, newest first."""
    try:
        wanted, beyond = read_wanted(visit.given), read_spot(visit.text("before"))
    except MistakeError as error:
        nothing = Wanted(filter=Filter(), said={k: v for k, v in visit.query.items() if k != "told"})
        return visit.draw("letters.html", status=400, problem=str(error), **_listed(nothing))
    page = visit.inspector.letters.page(wanted.filter, limit=A_PAGE, beyond=beyond)
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
    return RedirectResponse(visit.to("letters", customer=text and visit.exact("q")[:500]), 303)


def ask_redrive(visit: Visit) -> Response:
    """Say how many would be sent again and how many of them are unclear, before anything is."""
    return _ask_redrive(visit, preview=None)


def preview(visit: Visit) -> Response:
    """Ask Gameball what some of them would earn; nothing is sent."""
    return _ask_redrive(visit, preview=_quote(visit, chosen(visit), SAMPLE))


def redrive(visit: Visit) -> Response:
    """Begin to send again what was confirmed, if it is within the budget: workers carry it on."""
    choice, rate = chosen(visit), read_rate(visit.text("rate"))
    budget = read_budget(visit.text("points_budget"))
    if budget is not None:
        seen = _quote(visit, choice, BUDGET_SAMPLE)
        if why := seen.over(budget):
            return _ask_redrive(visit, preview=seen, problem=f"Nothing was sent: {why}.", status=409)
    job = visit.inspector.jobs.start(
        choice,
        rate=rate,
        may_duplicate=visit.text("may_duplicate") == "yes",
        because=visit.text("because")[:MOST_BECAUSE],
    )
    return visit.go(f"jobs/{job.job}")


def ask_discard(visit: Visit) -> Response:
    """Say how many would be forgotten."""
    return ask(visit, "confirm_letters.html", action="discard")


def discard(visit: Visit) -> Response:
    """Forget what was confirmed; of many by a filter the reason is all that stays."""
    choice, because = chosen(visit), visit.text("because")[:MOST_BECAUSE]
    if choice.filter and not because:
        problem = "Nothing was discarded: say why, it is all that tells of them afterwards."
        return ask(visit, "confirm_letters.html", status=400, action="discard", problem=problem)
    return _told(visit, visit.inspector.letters.discard(choice, because=because), "discarded")


def _quote(visit: Visit, choice: Choice, sample: int) -> Preview:
    return quote(visit, choice, may_duplicate=visit.text("may_duplicate") == "yes", sample=sample)


def _ask_redrive(visit: Visit, *, preview: Preview | None, problem: str = "", status: int = 200) -> Response:
    """Ask again with what was typed before."""
    return ask(
        visit,
        "confirm_letters.html",
        status=status,
        action="redrive",
        problem=problem,
        rate=visit.text("rate")[:9] or max(round(visit.inspector.jobs.default_rate), 1),
        pace=max(round(visit.inspector.jobs.default_rate), 1),
        budget=visit.text("points_budget")[:20],
        because=visit.text("because")[:MOST_BECAUSE],
        fastest=FASTEST,
        workers=visit.inspector.jobs.workers(),
        preview=preview,
        sample=SAMPLE,
        budget_sample=BUDGET_SAMPLE,
        doubled=visit.text("may_duplicate") == "yes",
    )


def read_rate(text: str) -> int:
    """Read events a second; raise MistakeError."""
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= FASTEST:
        raise MistakeError(f"rate is no whole number from 1 to {FASTEST}")
    return int(text)


def read_budget(text: str) -> int | None:
    """Read points, None where no budget is set; raise MistakeError."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 15 and int(text) <= MOST_POINTS):
        raise MistakeError(f"points_budget is no whole number from 0 to {MOST_POINTS}")
    return int(text)


def _told(visit: Visit, handled: Handled, word: str) -> Response:
    told = write_told(word, handled.done) if handled.done else write_told("nothing")
    left = sum(handled.left.values())
    if left and handled.done:
        told = write_told(f"{word}_left", handled.done, left)
    ids = ids_in(visit)
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
