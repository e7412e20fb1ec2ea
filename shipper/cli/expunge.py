"""`shipper expunge`: erase a customer."""

from __future__ import annotations

import click
from rich.text import Text

from shipper.cli.desk import Desk, at_desk, confirm, leave
from shipper.cli.text import clean, number
from shipper.inspector import Erasure


@click.command()
@click.argument("customer_id", metavar="CUSTOMER")
@click.option("--yes", is_flag=True, help="Do not ask.")
@at_desk
def expunge(desk: Desk, customer_id: str, *, yes: bool) -> None:
    """Erase every event of a customer that the ledger holds, and the endings still to be told.

    What Gameball has already is not touched. Ids and hashed idempotency keys stay until
    their retention ends, so that a late retry of an enqueue is not accepted anew.
    """
    confirm(f"Erase all events of {clean(customer_id, most=60)!r} for good?", yes=yes)
    erasure = desk.inspector.expunge(customer_id)
    desk.out.fact(erasure, _draw)
    if erasure.left:
        leave(1)


def _draw(erasure: Erasure) -> Text:
    lines = [
        f"{number(erasure.expunged)} event(s) erased, and {number(erasure.hooks)} untold ending(s) with them"
    ]
    if erasure.may_still_be_sent:
        lines.append("under way already, so that a call may still arrive at Gameball:")
        lines += [f"  {event_id}" for event_id in erasure.may_still_be_sent]
    if erasure.left:
        lines.append(f"{number(erasure.left)} event(s) came meanwhile: stop them at their source, then again")
    return Text("\n".join(lines))
