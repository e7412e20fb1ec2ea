"""Correct: one change to many letters: what it would make of them, a question, and what was done."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from rich.console import Group, RenderableType
from rich.text import Text

from shipper.cli.dead.chosen import report
from shipper.cli.dead.difference import draw_differences
from shipper.cli.desk import Desk, confirm, leave
from shipper.cli.progress import counting
from shipper.cli.text import clean, duration, number
from shipper.inspector import Change, Choice, Correction

PROBLEMS = 10
WHY = {
    "same": "stay dead: nothing would differ",
    "invalid": "stay dead: it does not fit them",
    "unreadable": "stay dead: they cannot be read, and can only be discarded",
    "no": "are no dead letters any more",
}


def correct(
    desk: Desk,
    choice: Choice,
    change: Change,
    *,
    rate: float | None,
    may_duplicate: bool,
    because: str,
    dry_run: bool,
    yes: bool,
) -> None:
    """Try the change on each, show an example and the counts, ask, and carry it out."""
    letters = desk.inspector.letters
    with counting("looking", choice.count, quiet=desk.out.as_json) as bar:
        found = letters.correct(choice, change, told=bar.step)
    if dry_run or not desk.out.as_json:
        desk.out.fact(found, _draw)
    goes = found.fits - (0 if may_duplicate else found.unclear)
    if desk.out.as_json and not (dry_run or goes):
        report(desk, found.left_alone(may_duplicate=may_duplicate), "changed and sent again")
    if dry_run or not goes:
        leave(0 if goes or not choice.count else 1)
    rate = rate or desk.inspector.jobs.default_rate
    takes = duration(round(goes * 1000 / rate))
    question = f"Change {number(goes)} event(s) and send them again, over {takes}?"
    confirm(question, yes=yes)
    with counting("editing", choice.count, quiet=desk.out.as_json) as bar:
        done = letters.redrive_corrected(
            choice,
            change,
            may_duplicate=may_duplicate,
            spread_ms=round(1000 / rate),
            because=because,
            told=bar.step,
        )
    report(desk, done, "changed and sent again")


def _draw(found: Correction) -> RenderableType:
    return Group(*_lines(found))


def _lines(found: Correction) -> Iterator[RenderableType]:
    if found.event_id:
        yield Text(f"{found.event_id}, for example")
        yield draw_differences(found.differences)
    yield Text(f"it fits {number(found.fits)} letter(s)", style="bold")
    if found.unclear:
        yield Text(f"{number(found.unclear)} of them unclear: they go only with --may-duplicate")
    for why, count in found.left.items():
        yield Text(f"{number(count)} {WHY[why]}")
        if why == "invalid":
            yield from (
                Text(f"  {number(times)}: {clean(problem, most=120)}", style="red")
                for problem, times in islice(found.problems.items(), PROBLEMS)
            )
    yield from (Text(f"  {left.event_id}  {left.why}") for left in found.examples[:3])
