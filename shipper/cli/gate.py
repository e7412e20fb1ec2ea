"""`shipper pause` and `shipper resume`: the operator's hold on an account."""

from __future__ import annotations

import click
from rich.text import Text

from shipper.cli.desk import Desk, at_desk
from shipper.cli.kinds import a_pause
from shipper.cli.text import clean, moment
from shipper.inspector import Pause


@click.command()
@click.option(
    "--for",
    "for_ms",
    callback=a_pause,
    metavar="SPAN",
    help="For so long: 10m, 1h30m. Default: until resumed.",
)
@at_desk
def pause(desk: Desk, *, for_ms: int | None) -> None:
    """Make no more calls for an account. Events are still accepted, and nothing ages."""
    desk.out.fact(desk.inspector.pause(for_ms=for_ms), _draw_pause)


@click.command()
@at_desk
def resume(desk: Desk) -> None:
    """Lift whatever holds an account: a pause, a breaker, refused keys."""
    desk.out.fact(desk.inspector.resume(), _draw_resume)


def _draw_pause(held: Pause) -> Text:
    until = f"until {moment(held.paused_until)} UTC" if held.paused_until else "until shipper resume"
    return Text(f"account {held.account} is paused {until}")


def _draw_resume(held: Pause) -> Text:
    was = f"it was held: {clean(held.pause_reason)}" if held.pause_reason else "nothing held it"
    return Text(f"account {held.account} makes calls ({was})")
