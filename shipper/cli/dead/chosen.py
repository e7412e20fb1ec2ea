"""Chosen: how the commands that take many letters are told which, and say what became of them."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.console import Group, RenderableType
from rich.text import Text

from shipper.cli.desk import Desk, leave
from shipper.cli.text import clean, number
from shipper.inspector import Choice, Filter, Handled, Left

WHY_LEFT = {
    "unclear": "may have reached Gameball already: --may-duplicate sends them again all the same",
    "no": "are no dead letters, or not any more",
    "later": "were sent again, or taken in, since you were asked: look at them, then choose them anew",
    "unreadable": "have a record that cannot be read: they can only be discarded",
    "broken": "belong to a customer whose lane is corrupt: run shipper mend, then try again",
    "in_flight": "are under way: wait for their end",
    "known": "are here already, or were delivered since they were exported",
    "key": "have an idempotency key that is taken here, or remembered until its retention ends",
    "full": "found no room: the ledger holds as many bytes as it may (shipper status)",
    "changed": "have changed since they were read: run it again",
    "same": "were left: nothing would differ",
    "invalid": "were left: it does not fit them",
    "sealed": "cannot be opened in this account: export them again with their key",
}

yes = click.option("--yes", is_flag=True, help="Do not ask.")
ids = click.argument("event_ids", nargs=-1, metavar="[EVENT_ID]...")
everything = click.option("--all", "everything", is_flag=True, help="All of them: no id and no filter.")


def choose(desk: Desk, event_ids: Sequence[str], wanted: Filter, *, everything: bool) -> Choice:
    """Choose by exactly one of ids, filter and --all: no slip of the hand takes everything."""
    given = [bool(event_ids), wanted != Filter(), everything]
    if sum(given) != 1:
        raise click.UsageError("Say which: by event ids, by a filter such as --reason, or --all.")
    return desk.inspector.letters.choose(event_ids or wanted)


def report(desk: Desk, handled: Handled, done: str) -> None:
    """Say how many were done, which were left and why; exit 1 where some were left."""

    def draw(_: Handled) -> RenderableType:
        lines = [Text(f"{number(handled.done)} {done}")]
        lines += [Text(f"{number(n)} {WHY_LEFT.get(why, why)}") for why, n in handled.left.items()]
        lines += [Text(_named(left)) for left in handled.examples[:10]]
        return Group(*lines)

    desk.out.fact(handled, draw)
    if handled.left:
        leave(1)


def _named(left: Left) -> str:
    line = "" if left.line is None else f", line {left.line}"
    return f"  {clean(left.event_id)}  {left.why}{line}"
