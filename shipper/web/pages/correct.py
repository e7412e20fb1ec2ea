"""Correct: one change to many letters: say it, see an example and the counts, and send them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from shipper.cli.json_text import read_json
from shipper.inspector import Change, Choice, Handled
from shipper.web.mistake import MistakeError
from shipper.web.page import Page
from shipper.web.pages.chosen import ask, chosen
from shipper.web.pages.letters import FASTEST, MOST_BECAUSE, read_rate
from shipper.web.person import Role
from shipper.web.told import write_told
from shipper.web.visit import Visit

ROWS: Final = 3
"""Steps that one form takes; more are done one form after the other, or by `shipper dead edit`."""
MOST: Final = 50_000
"""Letters changed while a browser waits: some 20 s. The command line takes any number."""
LONGEST: Final = 500
WHATS: Final = {
    "rename": "Rename the event",
    "move": "Move a property",
    "number": "Make a text a number",
    "set": "Set a property",
    "unset": "Take a property out",
}
NEED_NO_VALUE: Final = frozenset({"number", "unset"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a change as the form says it."""

    what: str = ""
    at: str = ""
    to: str = ""


def ask_correct(visit: Visit) -> Response:
    """Ask what shall be different in all that was chosen."""
    name = visit.exact("event")
    first = Step(what="rename", at=name) if name else Step()
    return _form(visit, (first, *(Step() for _ in range(ROWS - 1))))


def correct(visit: Visit) -> Response:
    """Try the change on each and show what differs; carry it out once that was confirmed."""
    choice, steps = few_enough(chosen(visit)), _steps(visit)
    if visit.text("back"):
        return _form(visit, steps)
    try:
        change = change_of(steps)
    except MistakeError as error:
        return _form(visit, steps, problems=[str(error)], status=400)
    if not visit.text("send"):
        return ask(
            visit,
            "confirm_correct.html",
            found=visit.inspector.letters.correct(choice, change),
            steps=steps,
            rate=max(round(visit.inspector.jobs.default_rate), 1),
            fastest=FASTEST,
            workers=visit.inspector.jobs.workers(),
        )
    done = visit.inspector.letters.redrive_corrected(
        choice,
        change,
        may_duplicate=visit.text("may_duplicate") == "yes",
        spread_ms=round(1000 / read_rate(visit.text("rate"))),
        because=visit.text("because")[:MOST_BECAUSE],
    )
    return visit.go("reasons", told=_told(done))


def few_enough(choice: Choice) -> Choice:
    """Return the choice; raise MistakeError for more than a request changes at once."""
    if choice.count > MOST:
        raise MistakeError(
            f"{choice.count:,} letters are more than are changed at once here ({MOST:,}):"
            " shipper dead edit takes any number, or say it of a part by since and until"
        )
    return choice


def change_of(steps: tuple[Step, ...]) -> Change:
    """Return the change that steps make; raise MistakeError for a step that says too little, or nothing."""
    said: dict[str, dict[str, Any]] = {what: {} for what in WHATS}
    for step in steps:
        if not (step.what or step.at or step.to):
            continue
        if step.what not in WHATS:
            raise MistakeError(f"{step.at[:60]!a}: say what shall become of it")
        if not step.at or not (step.to or step.what in NEED_NO_VALUE):
            raise MistakeError(f"{WHATS[step.what]}: say where, and what it becomes")
        if step.at in said[step.what]:
            raise MistakeError(f"{WHATS[step.what]}: {step.at[:60]!a} is there twice")
        said[step.what][step.at] = _value(step.to) if step.what == "set" else step.to
    if not any(said.values()):
        raise MistakeError("say what shall be different")
    return Change(
        renames=said["rename"],
        moves=said["move"],
        numbers=tuple(said["number"]),
        sets=said["set"],
        unsets=tuple(said["unset"]),
    )


def _value(text: str) -> Any:
    try:
        return read_json(text)
    except ValueError as error:
        raise MistakeError(f'The value {error}. Text stands in quotes of its own: "text".') from None


def _steps(visit: Visit) -> tuple[Step, ...]:
    return tuple(
        Step(
            what=visit.text(f"what{i}")[:LONGEST],
            at=visit.exact(f"at{i}")[:LONGEST],
            to=visit.text(f"to{i}")[:LONGEST],
        )
        for i in range(1, ROWS + 1)
    )


def _form(
    visit: Visit, steps: tuple[Step, ...], *, problems: list[str] | None = None, status: int = 200
) -> Response:
    return ask(visit, "correct.html", status=status, steps=steps, whats=WHATS, problems=problems or [])


def _told(done: Handled) -> str:
    left = sum(done.left.values())
    if not done.done:
        return write_told("nothing")
    return write_told("corrected_left", done.done, left) if left else write_told("corrected", done.done)


PAGES: Final = (
    Page(path="/a/{account}/correct", answer=ask_correct, needs=Role.OPERATOR),
    Page(path="/a/{account}/correct", answer=correct, needs=Role.OPERATOR, method="POST"),
)
