"""`shipper dead list`: the letters, newest first, a page at a time."""

from __future__ import annotations

import click
from rich.console import RenderableType
from rich.text import Text

from shipper.cli.desk import Desk, at_desk
from shipper.cli.filters import filters
from shipper.cli.kinds import a_spot, write_spot
from shipper.cli.output import table
from shipper.cli.text import clean, duration
from shipper.clock import now_ms
from shipper.inspector import Filter, Letter, Spot

LOOKED = 500_000
"""Letters looked at for one page: a few seconds of a person's patience."""


@click.command("list")
@filters
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Letters a page.")
@click.option(
    "--before", "beyond", callback=a_spot, metavar="PLACE", help="Begin after this place: the next page."
)
@click.option("--all", "everything", is_flag=True, help="Every page.")
@at_desk
def list_(desk: Desk, *, wanted: Filter, limit: int, beyond: Spot | None, everything: bool) -> None:
    """List dead letters, newest first. Emails and mobiles are masked.

    A page is looked for among half a million letters at most: where a rare one is
    searched for, the list says where it stopped, and how to go on.
    """
    if everything:
        desk.out.facts(desk.inspector.letters.all(wanted, beyond=beyond), _draw_letters)
        return
    page = desk.inspector.letters.page(wanted, limit=limit, beyond=beyond, looked=LOOKED)
    desk.out.facts(page.letters, _draw_letters)
    if page.beyond:
        further = "the next page" if len(page.letters) == limit else "older ones were not looked at; go on"
        desk.out.note(f"\n{further}: --before {write_spot(page.beyond)}")


def _draw_letters(letters: list[Letter]) -> RenderableType:
    if not letters:
        return Text("no dead letters")
    now = now_ms()
    rows = [
        (
            letter.event_id,
            duration(max(now - letter.ended_at, 0)),
            letter.reason,
            "" if letter.code is None else letter.code,
            clean(" ".join(letter.event_names), most=40),
            clean(letter.customer_id or letter.unopened or "", most=40),
        )
        for letter in letters
    ]
    return table("EVENT ID", "AGO", "REASON", "CODE", "EVENTS", "CUSTOMER", rows=rows, wide=(0, 1, 2, 3))
