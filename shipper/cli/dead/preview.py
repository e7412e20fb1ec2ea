"""`shipper dead redrive --dry-run`: ask Gameball what a redrive would earn, and send nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from shipper.cli.desk import Desk, leave
from shipper.cli.failure import Failure
from shipper.cli.progress import counting
from shipper.cli.text import clean, number
from shipper.inspector import Choice
from shipper.inspector.preview import Preview, PreviewError
from shipper.quoter import quoter_of


def previewing(command: Any) -> Any:
    """Add the options of a dry run to a command."""
    for option in (
        click.option(
            "--points-budget",
            type=click.IntRange(min=0),
            metavar="POINTS",
            help="Preview first; send nothing if it would earn more.",
        ),
        click.option(
            "--sample", type=click.IntRange(min=1), metavar="N", help="Preview N of them, drawn at random."
        ),
        click.option("--dry-run", is_flag=True, help="Ask Gameball what they would earn; send nothing."),
    ):
        command = option(command)
    return command


def preview(desk: Desk, choice: Choice, *, may_duplicate: bool, sample: int | None) -> Preview:
    """Ask for the chosen events, with a bar; about twelve a second."""
    size = min(sample or choice.count, choice.count)
    try:
        ask = quoter_of(desk.inspector.account, desk.settings)
        with counting("asking Gameball", size, quiet=desk.out.as_json) as bar:
            return desk.inspector.letters.preview(
                choice, ask, may_duplicate=may_duplicate, sample=sample, told=bar.step
            )
    except PreviewError as error:
        raise Failure([str(error)]) from error


def tell_preview(desk: Desk, seen: Preview, budget: int | None) -> None:
    """Say what was found; exit 1 where some would be refused, or the budget does not hold them."""
    desk.out.fact(seen, draw_preview)
    check_budget(seen, budget)
    if seen.refused:
        leave(1)


def check_budget(seen: Preview, budget: int | None) -> None:
    """Refuse to go on with what a budget does not hold."""
    if budget is not None and (why := seen.over(budget)):
        raise Failure([f"nothing was sent: {why}"])


def draw_preview(seen: Preview) -> RenderableType:
    """Draw totals, then what would be refused and what is unknown."""
    return Group(*(Text(line) for line in _lines(seen)))


def _lines(seen: Preview) -> Iterator[str]:
    of = f" of {number(seen.chosen)}, drawn at random" if seen.sampled else ""
    yield f"Gameball was asked for {number(seen.asked)} event(s){of}; nothing was sent"
    yield f"{number(seen.earning)} would earn {number(seen.points)} points, {number(seen.coupons)} coupon(s)"
    if seen.sampled:
        yield f"in all about {number(seen.points_in_all)} points"
    if seen.nothing:
        yield f"{number(seen.nothing)} would earn nothing"
    for why, count in seen.refused.items():
        yield f"{number(count)} would be refused, or reward nothing: {clean(why)}"
    for why, count in seen.unknown.items():
        yield f"{number(count)} unknown: {clean(why)}"
    if seen.left_out:
        yield f"{number(seen.left_out)} left out: unclear (--may-duplicate), or no dead letters any more"
    for each in seen.examples[:10]:
        yield f"  {clean(each.event_id)}  {each.kind}{f': {clean(each.why)}' if each.why else ''}"
