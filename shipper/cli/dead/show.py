"""`shipper dead show`: all of one letter."""

from __future__ import annotations

import click

from shipper.cli.desk import Desk, at_desk
from shipper.cli.failure import Failure
from shipper.cli.show import draw, find
from shipper.outcome import State


@click.command("show")
@click.argument("event_id")
@click.option("--unmasked", is_flag=True, help="Show email and mobile in full.")
@at_desk
def show(desk: Desk, event_id: str, *, unmasked: bool) -> None:
    """Tell all of one dead letter."""
    seen = find(desk, event_id, unmasked=unmasked)
    if seen.state not in {State.DEAD, State.UNCLEAR}:
        raise Failure([f"event {event_id} is {seen.state.value}, no dead letter"])
    desk.out.fact(seen, draw)
