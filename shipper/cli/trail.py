"""`shipper trail`: what operators did, newest first."""

from __future__ import annotations

import click
from rich.console import RenderableType
from rich.text import Text

from shipper.cli.desk import Desk, at_desk
from shipper.cli.kinds import a_moment, a_place
from shipper.cli.output import table
from shipper.cli.text import clean, moment, number
from shipper.inspector import TrailEntry, TrailFilter


@click.command()
@click.option("--operator", metavar="NAME", help="Done by whom.")
@click.option("--action", metavar="WORD", help="What was done: redrive, discard, pause, job …")
@click.option("--event", "event_id", metavar="EVENT_ID", help="Done to this event.")
@click.option(
    "--since", callback=a_moment, metavar="TIME", help="At or after: an ISO time, or 2h for two hours ago."
)
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Entries a page.")
@click.option(
    "--before", "beyond", callback=a_place, metavar="PLACE", help="Begin after this place: the next page."
)
@at_desk
def trail(
    desk: Desk,
    *,
    operator: str | None,
    action: str | None,
    event_id: str | None,
    since: int | None,
    limit: int,
    beyond: str | None,
) -> None:
    """Tell what operators did: who, when, what, to how many events, and why.

    A large deed is one line; --json has an entry for each hundred events, with their ids.
    """
    wanted = TrailFilter(operator=operator, action=action, event_id=event_id, since=since)
    folded = not desk.out.as_json
    seen = [
        entry
        for each in desk.inspectors
        for entry in each.trail(wanted, limit=limit, beyond=beyond, folded=folded)
    ]
    desk.out.facts(seen, _draw)
    if len(desk.inspectors) == 1 and len(seen) == limit:
        desk.out.note(f"\nthe next page: --before {seen[-1].place}")


def _draw(seen: list[TrailEntry]) -> RenderableType:
    if not seen:
        return Text("nothing was done")
    rows = [
        (
            moment(entry.at),
            clean(entry.operator, most=16),
            clean(entry.action, most=14),
            number(entry.count) if entry.count else "",
            _about(entry),
        )
        for entry in seen
    ]
    return table("AT (UTC)", "BY", "DID", "EVENTS", "ABOUT", rows=rows, wide=(0, 2, 3))


def _about(entry: TrailEntry) -> str:
    """Say why, and which where it is one."""
    which = entry.ids[0] if len(entry.ids) == 1 else ""
    return " ".join(filter(None, (clean(entry.about, most=200), which)))
