"""`shipper dead redrive`: send letters again: a few at once, many as a job that workers carry on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import click

from shipper.cli.dead.chosen import choose, everything, ids, report, yes
from shipper.cli.dead.jobs import draw_job
from shipper.cli.dead.preview import check_budget, preview, previewing, tell_preview
from shipper.cli.dead.watch import watch
from shipper.cli.desk import Desk, at_desk, confirm, leave
from shipper.cli.filters import filters
from shipper.cli.kinds import a_rate
from shipper.cli.progress import counting
from shipper.cli.text import duration, number
from shipper.inspector import Choice, Filter

AT_ONCE: Final = 100
"""Events named by their ids that are sent by one script; more are a job."""
NO_WORKER: Final = "no worker is alive: start one; the job waits in the ledger"


@click.command("redrive")
@ids
@filters
@everything
@click.option("--may-duplicate", is_flag=True, help="Unclear ones too: Gameball may reward them twice.")
@click.option("--rate", callback=a_rate, metavar="RATE", help="50/s or 30/m. Default: half of the pace.")
@click.option("--because", default="", metavar="TEXT", help="Why, for the audit log.")
@click.option("--detach", is_flag=True, help="Start the job and do not wait for it.")
@previewing
@yes
@at_desk
def redrive(
    desk: Desk,
    event_ids: Sequence[str],
    *,
    wanted: Filter,
    everything: bool,
    may_duplicate: bool,
    rate: float | None,
    because: str,
    detach: bool,
    dry_run: bool,
    sample: int | None,
    points_budget: int | None,
    yes: bool,
) -> None:
    """Send dead letters again, by id or filter, each with a fresh budget.

    Oldest first, so that each customer's keep their order. Up to 100 ids go at once.
    More, or a filter, become a job, which workers carry on at its rate after live
    events; Ctrl-C leaves it running, and shipper dead jobs looks after it. It stops by
    itself when half of what it sends fails again. Unclear events are left out unless
    you say --may-duplicate.
    """
    choice = choose(desk, event_ids, wanted, everything=everything)
    if dry_run or points_budget is not None:
        seen = preview(desk, choice, may_duplicate=may_duplicate, sample=sample)
        if dry_run:
            tell_preview(desk, seen, points_budget)
            return
        check_budget(seen, points_budget)
    elif sample is not None:
        raise click.UsageError("--sample goes with --dry-run or --points-budget.")
    rate = rate or desk.inspector.jobs.default_rate
    takes = f", over {duration(round(choice.count * 1000 / rate))}"
    confirm(
        f"Send {number(choice.count)} event(s){_doubts(choice, may_duplicate=may_duplicate)} again{takes}?",
        yes=yes or not choice.count,
    )
    if not choice.count or (event_ids and choice.count <= AT_ONCE and not detach):
        _send_now(desk, choice, rate, may_duplicate=may_duplicate, because=because)
    else:
        _send_as_job(desk, choice, rate, may_duplicate=may_duplicate, because=because, detach=detach)


def _doubts(choice: Choice, *, may_duplicate: bool) -> str:
    """Say how many may be with Gameball already: those that want a word for it, and those that do not."""
    said = []
    if choice.unclear:
        said.append(f"{number(choice.unclear)} unclear, {'too' if may_duplicate else 'left out'}")
    if choice.doubtful:
        said.append(f"up to {number(choice.doubtful)} may be with Gameball already")
    return f" ({'; '.join(said)})" if said else ""


def _send_now(desk: Desk, choice: Choice, rate: float, *, may_duplicate: bool, because: str) -> None:
    spread_ms = round(1000 / rate)
    with counting("redriving", choice.count, quiet=desk.out.as_json) as bar:
        handled = desk.inspector.letters.redrive(
            choice, may_duplicate=may_duplicate, spread_ms=spread_ms, because=because, told=bar.step
        )
    report(desk, handled, "sent again")


def _send_as_job(
    desk: Desk, choice: Choice, rate: float, *, may_duplicate: bool, because: str, detach: bool
) -> None:
    job = desk.inspector.jobs.start(choice, rate=rate, may_duplicate=may_duplicate, because=because)
    nobody = not desk.inspector.jobs.workers()
    if detach or nobody:
        desk.out.fact(job, draw_job)
        if nobody:
            click.echo(NO_WORKER, err=True)
        leave(int(nobody and not detach))
    done = watch(desk, job)
    desk.out.fact(done, draw_job)
    if done.state != "done" or done.failed or done.left:
        leave(1)
