"""`shipper dead discard`: forget letters on purpose."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from shipper.cli.dead.chosen import choose, everything, ids, report, yes
from shipper.cli.desk import Desk, at_desk, confirm
from shipper.cli.filters import filters
from shipper.cli.progress import counting
from shipper.cli.text import number
from shipper.inspector import Filter

REASON = "Say why: --because tells it to the audit log, for the events themselves are gone."


@click.command("discard")
@ids
@filters
@everything
@click.option("--because", default="", metavar="TEXT", help="Why: it stays on the audit log.")
@yes
@at_desk
def discard(
    desk: Desk,
    event_ids: Sequence[str],
    *,
    wanted: Filter,
    everything: bool,
    because: str,
    yes: bool,
) -> None:
    """Forget dead letters on purpose, by id or filter. By id, waiting events too.

    By a filter, or --all, the reason is a must: nothing else remains of them.
    """
    choice = choose(desk, event_ids, wanted, everything=everything)
    because = because or (_ask_why() if choice.count and not event_ids else "")
    waiting = f" ({number(len(choice.waiting))} still to be sent)" if choice.waiting else ""
    confirm(f"Discard {number(choice.count)} event(s){waiting} for good?", yes=yes or not choice.count)
    with counting("discarding", choice.count, quiet=desk.out.as_json) as bar:
        handled = desk.inspector.letters.discard(choice, because=because, waiting_too=True, told=bar.step)
    report(desk, handled, "discarded")


def _ask_why() -> str:
    """Ask a person for the reason; without a terminal only --because tells one."""
    if not sys.stdin.isatty():
        raise click.UsageError(REASON)
    return str(click.prompt("Why? It stays on the audit log", err=True))
