"""`shipper status` and `shipper health`: how each account stands, and whether somebody is at work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from shipper.cli.desk import Desk, at_desk, leave
from shipper.cli.text import clean, duration, moment, number
from shipper.inspector import Health, Standing, Work


@click.command()
@at_desk
def status(desk: Desk) -> None:
    """Tell how each account stands: events by state, what holds it, what needs a person."""
    desk.out.facts((inspector.status() for inspector in desk.inspectors), _draw_all)


@click.command()
@click.option(
    "--of",
    type=click.Choice(get_args(Work)),
    default="deliver",
    show_default=True,
    help="Whose absence fails: of those who deliver, who tell hooks, or all.",
)
@at_desk
def health(desk: Desk, *, of: Work) -> None:
    """Exit 0 if somebody is at work on what is due, else 1. For container probes.

    Asks Redis one question and needs no broker. A pause is healthy; a silent fleet is not.
    """
    seen = [inspector.health(of=of) for inspector in desk.inspectors]
    desk.out.facts(seen, lambda rows: Group(*(_draw_health(each) for each in rows)))
    if not all(each.healthy for each in seen):
        leave(1)


def _draw_all(rows: list[Standing]) -> RenderableType:
    return Group(*(_draw(row) for row in rows))


def _draw(seen: Standing) -> RenderableType:
    left = [
        ("accepted", seen.accepted),
        ("waiting", seen.waiting),
        ("in flight", seen.in_flight),
        ("delivered", seen.delivered),
        ("dead", seen.dead),
        ("unclear", seen.unclear),
        ("discarded", seen.discarded),
        ("expunged", seen.expunged),
    ]
    right = [
        ("oldest due", duration(seen.oldest_due_ms)),
        ("calls made", number(seen.calls)),
        ("events a call", number(seen.events_per_call)),
        ("calls in the last 1 s / 30 s", f"{seen.pace_per_second} / {seen.pace_per_30_seconds}"),
        ("customers due / in flight", f"{number(seen.lanes_due)} / {number(seen.lanes_in_flight)}"),
        ("customers waiting for a retry", number(seen.lanes_blocked)),
        ("hooks waiting / told / failed", f"{seen.hooks_waiting} / {seen.hooks_told} / {seen.hooks_failed}"),
        ("pumps / last sweep", f"{seen.pumps} / {_ago(seen.swept_ms)}"),
    ]
    grid = Table.grid(padding=(0, 3, 0, 0))
    for justify in ("left", "right", "left", "right"):
        grid.add_column(justify=justify, no_wrap=True)
    for (name, count), (fact, value) in zip(left, right, strict=True):
        style = "red" if count and name in {"dead", "unclear"} else ""
        grid.add_row(name, Text(number(count), style=style), fact, value)
    return Group(Text(f"account {clean(seen.account)}", style="bold"), grid, *_remarks(seen), Text())


def _remarks(seen: Standing) -> Iterator[Text]:
    if seen.paused:
        until = f"until {moment(seen.paused_until)} UTC" if seen.paused_until else "until it is resumed"
        yield Text(f"paused ({clean(seen.pause_reason)}) {until}: shipper resume lifts it", style="yellow")
    elif seen.pause_reason:
        why = clean(seen.pause_reason)
        yield Text(f"no longer paused ({why}): the next call, alone, tells if that is over")
    for alarm in seen.alarms:
        since = f"since {moment(alarm.raised_at)} UTC"
        yield Text(f"alarm {clean(alarm.name)}: {alarm.value} reached {alarm.mark} {since}", style="red")
    if seen.dead or seen.unclear:
        yield Text("shipper dead reasons tells why")
    if seen.hooks_failed:
        yield Text("shipper hooks list tells which hooks failed")
    for warning in seen.warnings:
        yield Text(f"warning: {clean(warning)}", style="yellow")


def _draw_health(seen: Health) -> Text:
    facts = f"oldest due {duration(seen.oldest_due_ms)}, {seen.pumps} pump(s), swept {_ago(seen.swept_ms)}"
    facts += ", paused" if seen.paused else ""
    if seen.healthy:
        warned = "".join(f"; warning: {warning}" for warning in seen.warnings)
        return Text(f"{seen.account}: healthy ({facts}){warned}", style="yellow" if warned else "green")
    return Text(f"{seen.account}: {'; '.join(seen.problems)} ({facts})", style="red")


def _ago(ms: int | None) -> str:
    return "never" if ms is None else f"{duration(ms)} ago"
