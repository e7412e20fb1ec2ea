"""`shipper dead`: the dead and unclear events: list, show, reasons, redrive, discard."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.console import Group, RenderableType
from rich.text import Text

from shipper.cli.desk import Desk, at_desk, confirm, leave
from shipper.cli.failure import Failure
from shipper.cli.filters import filters
from shipper.cli.kinds import a_duration, a_spot, write_spot
from shipper.cli.output import table
from shipper.cli.progress import counting
from shipper.cli.show import draw as draw_event
from shipper.cli.show import find
from shipper.cli.text import clean, duration, number
from shipper.clock import now_ms
from shipper.inspector import SPREAD_MS, Choice, Filter, Handled, Letter, ReasonGroup, Spot
from shipper.outcome import State

WHY_LEFT = {
    "unclear": "may have reached Gameball already: --may-duplicate sends them again all the same",
    "no": "are no dead letters, or not any more",
    "unreadable": "have a record that cannot be read: they can only be discarded",
    "broken": "belong to a customer whose lane is corrupt: run shipper mend, then try again",
    "in_flight": "are under way: wait for their end",
}

yes = click.option("--yes", is_flag=True, help="Do not ask.")
ids = click.argument("event_ids", nargs=-1, metavar="[EVENT_ID]...")
everything = click.option("--all", "everything", is_flag=True, help="All of them: no id and no filter.")


@click.group()
def dead() -> None:
    """See dead and unclear events, send them again, or discard them."""


@dead.command("list", short_help="The letters, newest first.")
@filters
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Letters a page.")
@click.option(
    "--before", "beyond", callback=a_spot, metavar="PLACE", help="Begin after this place: the next page."
)
@click.option("--all", "everything", is_flag=True, help="Every page.")
@at_desk
def list_(desk: Desk, *, wanted: Filter, limit: int, beyond: Spot | None, everything: bool) -> None:
    """List dead letters, newest first. Emails and mobiles are masked."""
    if everything:
        desk.out.facts(desk.inspector.all_letters(wanted, beyond=beyond), _draw_letters)
        return
    page = desk.inspector.letters(wanted, limit=limit, beyond=beyond)
    desk.out.facts(page.letters, _draw_letters)
    if page.beyond:
        desk.out.note(f"\nthe next page: --before {write_spot(page.beyond)}")


@dead.command("show", short_help="All of one letter.")
@click.argument("event_id")
@click.option("--unmasked", is_flag=True, help="Show email and mobile in full.")
@at_desk
def show(desk: Desk, event_id: str, *, unmasked: bool) -> None:
    """Tell all of one dead letter."""
    seen = find(desk, event_id, unmasked=unmasked)
    if seen.state not in {State.DEAD, State.UNCLEAR}:
        raise Failure([f"event {event_id} is {seen.state.value}, no dead letter"])
    desk.out.fact(seen, draw_event)


@dead.command("reasons", short_help="How many, by reason, code and event.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Groups.")
@at_desk
def reasons(desk: Desk, *, limit: int) -> None:
    """Group dead letters by reason, Gameball's code and event name, the largest first."""
    seen = [inspector.reasons(most=limit) for inspector in desk.inspectors]
    desk.out.facts([group for each in seen for group in each.groups], _draw_reasons)
    left_out = sum(each.left_out for each in seen)
    if left_out:
        desk.out.note(f"\n{number(left_out)} smaller groups are left out: --limit")


@dead.command("redrive", short_help="Send letters again.")
@ids
@filters
@everything
@click.option("--may-duplicate", is_flag=True, help="Unclear ones too: Gameball may reward them twice.")
@click.option(
    "--spread",
    callback=a_duration,
    metavar="SPAN",
    default=f"{SPREAD_MS}ms",
    show_default=True,
    help="Between two events.",
)
@yes
@at_desk
def redrive(
    desk: Desk,
    event_ids: Sequence[str],
    *,
    wanted: Filter,
    everything: bool,
    may_duplicate: bool,
    spread: int,
    yes: bool,
) -> None:
    """Send dead letters again, by id or filter, each with a fresh budget.

    They go out oldest first and spread in time, so that live events keep half of the
    pace. Unclear events are left out unless you say --may-duplicate.
    """
    choice = _choose(desk, event_ids, wanted, everything=everything)
    unclear = f" ({number(choice.unclear)} unclear, {'too' if may_duplicate else 'left out'})"
    takes = f", over {duration(choice.count * spread)}"
    confirm(
        f"Send {number(choice.count)} event(s){unclear if choice.unclear else ''} again{takes}?",
        yes=yes or not choice.count,
    )
    with counting("redriving", choice.count, quiet=desk.out.as_json) as bar:
        handled = desk.inspector.redrive(choice, may_duplicate=may_duplicate, spread_ms=spread, told=bar.step)
    _report(desk, handled, "sent again")


@dead.command("discard", short_help="Forget letters on purpose.")
@ids
@filters
@everything
@yes
@at_desk
def discard(desk: Desk, event_ids: Sequence[str], *, wanted: Filter, everything: bool, yes: bool) -> None:
    """Forget dead letters on purpose, by id or filter. By id, waiting events too."""
    choice = _choose(desk, event_ids, wanted, everything=everything)
    confirm(f"Discard {number(choice.count)} event(s) for good?", yes=yes or not choice.count)
    with counting("discarding", choice.count, quiet=desk.out.as_json) as bar:
        handled = desk.inspector.discard(choice, told=bar.step)
    _report(desk, handled, "discarded")


def _choose(desk: Desk, event_ids: Sequence[str], wanted: Filter, *, everything: bool) -> Choice:
    """Choose by exactly one of ids, filter and --all: no slip of the hand takes everything."""
    given = [bool(event_ids), wanted != Filter(), everything]
    if sum(given) != 1:
        raise click.UsageError("Say which: by event ids, by a filter such as --reason, or --all.")
    return desk.inspector.choose(event_ids or wanted)


def _report(desk: Desk, handled: Handled, done: str) -> None:
    def draw(_: Handled) -> RenderableType:
        lines = [Text(f"{number(handled.done)} {done}")]
        lines += [Text(f"{number(n)} {WHY_LEFT.get(why, why)}") for why, n in handled.left.items()]
        lines += [Text(f"  {clean(left.event_id)}  {left.why}") for left in handled.examples[:10]]
        return Group(*lines)

    desk.out.fact(handled, draw)
    if handled.left:
        leave(1)


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


def _draw_reasons(groups: list[ReasonGroup]) -> RenderableType:
    if not groups:
        return Text("no dead letters")
    now = now_ms()
    rows = [
        (
            number(group.count),
            group.reason,
            "" if group.code is None else group.code,
            clean(group.event_name or "?", most=40),
            duration(max(now - group.first_at, 0)),
            duration(max(now - group.last_at, 0)),
            group.example,
        )
        for group in groups
    ]
    return table(
        "COUNT", "REASON", "CODE", "EVENT", "FIRST", "LAST AGO", "EXAMPLE", rows=rows, wide=(0, 1, 2, 4, 5, 6)
    )
