"""Watch: follow a redrive job to its end: as a bar on a terminal, as lines now and then elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from shipper.cli.desk import Desk, leave
from shipper.cli.text import number
from shipper.clock import monotonic_ms
from shipper.inspector import Job

LOOK_MS: Final = 500
LINE_MS: Final = 10_000
"""How often a line is printed where there is no terminal."""
WAITS: Final = frozenset({"paused", "stopped"})
"""States that only a person ends."""


Show = Callable[[Job], object]
"""Shows how a job stands."""


def watch(desk: Desk, job: Job) -> Job:
    """Return the job when it is over, or waits for a person. Ctrl-C leaves it running, and says so."""
    rest = Event()
    try:
        with _lines(desk, job) if desk.out.as_json or not _is_terminal() else _bar(job) as show:
            while not (job.over or job.state in WAITS):
                rest.wait(LOOK_MS / 1000)
                job = desk.inspector.jobs.find(job.job)
                show(job)
    except KeyboardInterrupt:
        click.echo(
            f"\njob {job.job} goes on without you. shipper dead jobs show {job.job} tells how it stands,\n"
            f"shipper dead jobs cancel {job.job} ends it.",
            err=True,
        )
        leave(0)
    return job


def _is_terminal() -> bool:
    return Console(stderr=True).is_terminal


@contextmanager
def _lines(desk: Desk, job: Job) -> Iterator[Show]:
    told_at = monotonic_ms()

    def show(job: Job) -> None:
        nonlocal told_at
        if not desk.out.as_json and monotonic_ms() >= told_at + LINE_MS:
            told_at = monotonic_ms()
            click.echo(f"job {job.job}: {_numbers(job)}", err=True)

    if not desk.out.as_json:
        click.echo(f"job {job.job} started: {number(job.total)} event(s) at {job.rate:g}/s", err=True)
    yield show


@contextmanager
def _bar(job: Job) -> Iterator[Show]:
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=16), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("redriving", total=max(job.total, 1))

        def show(job: Job) -> None:
            progress.update(task, completed=job.looked_at, description=_numbers(job))

        show(job)
        yield show


def _numbers(job: Job) -> str:
    """Return how far it is: short enough for a bar beside it in 80 columns."""
    said = f"sent {job.sent}/{job.total} delivered {job.delivered}"
    said += f" failed {job.failed}" if job.failed else ""
    return f"{said} {job.rate:g}/s"
