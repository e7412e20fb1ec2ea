"""Edit: change what a dead letter says, see the difference, and send it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus

from starlette.responses import Response

from shipper.cli.json_text import read_json
from shipper.inspector import Change, Edit
from shipper.web.admission import LARGEST_BODY
from shipper.web.mistake import MistakeError
from shipper.web.page import Page
from shipper.web.pages.event import id_of
from shipper.web.person import Role
from shipper.web.told import write_told
from shipper.web.visit import Visit


def ask(visit: Visit) -> Response:
    """Show what the letter says, to be changed."""
    proposed = visit.inspector.letters.propose(id_of(visit), Change())
    return _draw(visit, proposed, text=editable(proposed.before), problems=[])


def edit(visit: Visit) -> Response:
    """Check a change and show what differs; send it once that was confirmed."""
    event_id, text = id_of(visit), visit.text("events")
    before = visit.inspector.letters.propose(event_id, Change())
    if visit.text("back"):
        return _draw(visit, before, text=text, problems=[])
    try:
        proposed = visit.inspector.letters.propose(event_id, Change(events=_events(text)))
    except MistakeError as error:
        return _draw(visit, before, text=text, problems=[str(error)], status=400)
    problems = [str(problem) for problem in proposed.problems]
    if problems or not proposed.differences:
        return _draw(visit, proposed, text=text, problems=problems or ["Nothing differs yet."], status=400)
    if not visit.text("send"):
        return visit.draw("confirm_edit.html", edit=proposed, text=text, read=proposed.mark)
    if visit.text("read") != proposed.mark:
        return _told(visit, "changed")
    done = visit.inspector.letters.redrive_edited(
        proposed, may_duplicate=visit.text("may_duplicate") == "yes"
    )
    return _told(visit, done.result)


def editable(events: Mapping[str, Any]) -> str:
    """Return events as JSON to be edited, a line for each value unless that were more than a form may be."""
    text = _seen(json.dumps(events, ensure_ascii=False, indent=2))
    sent = quote_plus(text.replace("\n", "\r\n"))  # so a browser does
    return text if len(sent) <= LARGEST_BODY else _seen(json.dumps(events, ensure_ascii=False))


def _seen(text: str) -> str:
    """Escape what cannot be seen, or would reorder a line."""
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def _events(text: str) -> dict[str, Any]:
    try:
        found = read_json(text)
    except ValueError as error:
        raise MistakeError(f"The text {error}.") from None
    if not isinstance(found, dict):
        raise MistakeError("The text is no JSON object: write {name: metadata}.")
    return found


def _draw(visit: Visit, proposed: Edit, *, text: str, problems: list[str], status: int = 200) -> Response:
    return visit.draw("edit.html", status=status, edit=proposed, text=text, problems=problems)


def _told(visit: Visit, word: str) -> Response:
    return visit.go(f"events/{id_of(visit)}", told=write_told("edited" if word == "ok" else f"edit_{word}"))


PAGES: Final = (
    Page(path="/a/{account}/events/{event_id}/edit", answer=ask, needs=Role.OPERATOR),
    Page(
        path="/a/{account}/events/{event_id}/edit",
        answer=edit,
        needs=Role.OPERATOR,
        method="POST",
        takes_event=True,
    ),
)
