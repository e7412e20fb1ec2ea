"""`shipper dead jobs`: redrive jobs: list, show, pause, resume, cancel."""

from __future__ import annotations

import click
from rich.console import RenderableType
from rich.text import Text

from shipper.cli.desk import Desk, at_desk
from shipper.cli.output import table
from shipper.cli.text import clean, duration, moment, number
from shipper.clock import now_ms
from shipper.inspector import Job

name = click.argument("job", metavar="JOB")


@click.group()
def jobs() -> None:
    """See redrive jobs, and pause, resume or cancel them."""


@jobs.command("list", short_help="The jobs, newest first.")
@at_desk
def list_(desk: Desk) -> None:
    """List redrive jobs, newest first."""
    desk.out.facts([job for each in desk.inspectors for job in each.jobs.all()], _draw)


@jobs.command("show", short_help="How a job stands.")
@name
@at_desk
def show(desk: Desk, job: str) -> None:
    """Tell how a redrive job stands."""
    desk.out.fact(desk.inspector.jobs.find(job), draw_job)


@jobs.command("pause", short_help="Send no more until it is resumed.")
@name
@at_desk
def pause(desk: Desk, job: str) -> None:
    """Let a job send no more until it is resumed. What it has sent goes on."""
    desk.out.fact(desk.inspector.jobs.pause(job), draw_job)


@jobs.command("resume", short_help="Go on with a paused or stopped job.")
@name
@at_desk
def resume(desk: Desk, job: str) -> None:
    """Go on with a job that was paused, or that stopped because too much failed again."""
    desk.out.fact(desk.inspector.jobs.resume(job), draw_job)


@jobs.command("cancel", short_help="End a job.")
@name
@at_desk
def cancel(desk: Desk, job: str) -> None:
    """End a job for good. What it has sent goes on; the other letters stay dead."""
    desk.out.fact(desk.inspector.jobs.cancel(job), draw_job)


def draw_job(job: Job) -> Text:
    """Tell all of a job."""
    lines = [
        f"job {job.job} is {job.state}" + (f": {job.why}" if job.why else ""),
        f"  started   {moment(job.started_at)} UTC by {job.operator}",
        f"  about     {job.about}",
        f"  rate      {job.rate:g}/s",
        f"  sent      {number(job.sent)} of {number(job.total)}",
        f"  delivered {number(job.delivered)}",
        f"  failed    {number(job.failed)} again",
        f"  under way {number(job.open)}",
    ]
    if job.waits:
        lines.append(f"  waits     {WAITS.get(job.waits, job.waits)}")
    if job.gone:
        lines.append(f"  gone      {number(job.gone)} discarded or erased meanwhile")
    lines += [f"  left      {number(count)} {WHY.get(why, why)}" for why, count in job.left.items()]
    lines += [f"            {number(count)} as {what}" for what, count in sorted(job.codes.items())]
    if job.state == "stopped":
        lines.append(f"mend the cause, then shipper dead jobs resume {job.job}, or cancel it")
    return Text("\n".join(clean(line) for line in lines))


WHY = {
    "unclear": "unclear: they may be with Gameball already, so they want --may-duplicate",
    "no": "were no dead letters any more",
    "later": "were sent again by somebody else, or taken in, since the job began",
    "again": "were sent by this job before",
    "unreadable": "cannot be read: they can only be discarded",
    "broken": "in a corrupt lane: run shipper mend, then redrive them",
}


WAITS = {
    "held": "until the account is held no more: shipper status tells why",
    "late": "while live events are late: they go first",
    "quota": "while nine tenths of Gameball's limit are used: the rest is for live events",
    "full": "until some of what it sent has ended",
}


def _draw(found: list[Job]) -> RenderableType:
    if not found:
        return Text("no redrive jobs")
    now = now_ms()
    rows = [
        (
            job.job,
            duration(max(now - job.started_at, 0)),
            job.state,
            clean(job.operator, most=12),
            f"{number(job.sent)}/{number(job.total)}",
            number(job.delivered),
            number(job.failed),
            clean(job.about, most=60),
        )
        for job in found
    ]
    return table("JOB", "AGO", "STATE", "BY", "SENT", "OK", "FAILED", "ABOUT", rows=rows, wide=(0, 1, 2, 4))
