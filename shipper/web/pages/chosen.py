"""Chosen: which letters a form names, and what a page says before something is done to them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from shipper.clock import now_ms
from shipper.inspector import Choice, Filter
from shipper.web.filters import read_ids, read_moment_of, read_wanted, spelled
from shipper.web.mistake import MistakeError
from shipper.web.visit import Visit


def ask(visit: Visit, template: str, *, status: int = 200, **facts: Any) -> Response:
    """Say how many are meant; the form below holds the moment of the question, so none come or go later."""
    wanted, ids = read_wanted(visit.given), ids_in(visit)
    choice = visit.inspector.letters.choose(ids or wanted.filter, at=_moment(visit))
    frozen = {"moment": spelled(choice.at)}
    if choice.filter:
        frozen = {**wanted.said, **_times(choice.filter), **frozen}
    return visit.draw(
        template,
        status=status,
        choice=choice,
        wanted=wanted,
        ids=ids,
        frozen=frozen,
        back=visit.to(f"events/{ids[0]}") if len(ids) == 1 else visit.to("letters", **wanted.said),
        **facts,
    )


def _times(wanted: Filter) -> dict[str, str]:
    """Return the times of a filter as moments: a span that is read again has moved on."""
    times = {"since": wanted.since, "until": wanted.until}
    return {name: spelled(ms) for name, ms in times.items() if ms is not None}


def chosen(visit: Visit) -> Choice:
    """Choose what the form names: ids, or a filter that ends at the moment of asking; never all by a slip."""
    ids = ids_in(visit)
    if ids:
        return visit.inspector.letters.choose(ids, at=_moment(visit))
    if not visit.text("until"):
        raise MistakeError("the form names no letters: choose them on the page before")
    return visit.inspector.letters.choose(read_wanted(visit.given).filter, at=_moment(visit))


def _moment(visit: Visit) -> int | None:
    """Return when the question was asked: what somebody else has sent again since is left."""
    said = {"moment": text} if (text := visit.text("moment")) else {}
    return read_moment_of("moment", said, now=now_ms())


def ids_in(visit: Visit) -> tuple[str, ...]:
    """Return the event ids of a form or an address."""
    given = visit.given.get("ids") or visit.given.get("id") or []
    return read_ids(given)
