"""`shipper doctor`: is everything set up so that nothing is lost, and so that something is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import click
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from shipper.cli.desk import Desk, at_desk, leave
from shipper.cli.gameball import check_accounts, check_workers
from shipper.cli.text import clean
from shipper.inspector import Check

COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


@click.command()
@at_desk
def doctor(desk: Desk) -> None:
    """Look at Redis, what is stored, workers, keys and Gameball; exit 1 if anything failed.

    Changes nothing and sends nothing: Gameball is only connected to.
    """
    found: Counter[str] = Counter()

    def counted() -> Iterator[Check]:
        for check in _checks(desk):
            found[check.result] += 1
            yield check

    desk.out.facts(counted(), _draw)
    if found["failed"]:
        leave(1)


def _checks(desk: Desk) -> Iterator[Check]:
    redis = list(desk.inspectors[0].checks())
    yield from redis
    if redis[0].result == "ok":
        yield from (inspector.hooks_check() for inspector in desk.inspectors)
        yield from (inspector.encryption_check() for inspector in desk.inspectors)
    workers = check_workers()
    yield workers
    if workers.result == "ok":
        yield from check_accounts([inspector.account for inspector in desk.inspectors])


def _draw(checks: list[Check]) -> RenderableType:
    drawn = Table.grid(padding=(0, 2, 0, 0))
    drawn.add_column(no_wrap=True)
    drawn.add_column(no_wrap=True)
    drawn.add_column(overflow="fold")
    for check in checks:
        drawn.add_row(Text(check.result, style=COLOURS[check.result]), check.about, Text(clean(check.told)))
    return drawn
