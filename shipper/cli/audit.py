"""`shipper audit` and `shipper mend`: prove that everything adds up, and put right what does not."""

from __future__ import annotations

import click
from rich.text import Text

from shipper.cli.desk import Desk, at_desk, leave
from shipper.cli.text import clean, number
from shipper.inspector import Audit, Mending


@click.command()
@at_desk
def audit(desk: Desk) -> None:
    """Recount every lane, event and dead letter, and compare with the counters; exit 1 if anything is off.

    Reads the whole ledger in small steps while it works on.
    """
    sound = True
    for inspector in desk.inspectors:
        seen = inspector.audit()
        desk.out.fact(seen, _draw_audit, account=inspector.account, sound=seen.sound)
        sound = sound and seen.sound
    if not sound:
        leave(1)


@click.command()
@at_desk
def mend(desk: Desk) -> None:
    """Rebuild corrupt lanes and indices from the events' records and recount; exit 1 if something is left.

    What no version can read becomes a dead letter (unreadable). Safe at any time, and to repeat.
    """
    whole = True
    for inspector in desk.inspectors:
        done = inspector.mend()
        desk.out.fact(done, _draw_mending, account=inspector.account)
        whole = whole and not done.left
    if not whole:
        leave(1)


def _draw_audit(seen: Audit) -> Text:
    told = f"{number(seen.accepted)} accepted, {number(seen.events)} held in {number(seen.lanes)} lanes"
    if seen.moved:
        told += f"; {number(seen.moved)} count(s) of customers changed as often as they were counted"
    if seen.sound:
        return Text(f"everything adds up: {told}", style="green")
    lines = [f"{number(len(seen.findings))} finding(s): {told}"]
    lines += [clean(f"  {finding.place}: {finding.problem}") for finding in seen.findings]
    return Text("\n".join([*lines, "shipper mend puts right what can be"]), style="red")


def _draw_mending(done: Mending) -> Text:
    lines = [f"{number(done.lanes)} lane(s) rebuilt with {number(done.events)} event(s)"]
    if done.unreadable:
        lines.append(f"{number(done.unreadable)} unreadable event(s) are dead letters now")
    if done.indices:
        lines.append(f"{number(done.indices)} thing(s) put right in the indices of dead letters")
    lines += [
        f"counter {name}: {number(before)} was {number(after)}"
        for name, (before, after) in done.counters.items()
    ]
    lines += [clean(f"left: {finding.place}: {finding.problem}") for finding in done.left]
    return Text("\n".join(lines))
