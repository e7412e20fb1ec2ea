"""`shipper demo`: see everything work together, faults and all, and prove that it adds up."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from shipper.cli.failure import Failure
from shipper.cli.stage import Stage
from shipper.cli.text import clean, number
from shipper.errors import ShipperError
from shipper.local.demo import Demo
from shipper.local.ending import asked_by_signals
from shipper.local.report import Report

EVENTS: Final = 3000
MOST_EVENTS: Final = 50_000
SEED: Final = 1
MOST_PROBLEMS: Final = 20


@click.command()
@click.option(
    "--events",
    default=EVENTS,
    show_default=True,
    type=click.IntRange(1, MOST_EVENTS),
    help="How much happens.",
)
@click.option("--seed", default=SEED, show_default=True, help="Draws what happens, and which calls fail.")
@click.option("--keep", is_flag=True, help="Keep the folder with Redis' data and every fact.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures alone, as one object.")
def demo(*, events: int, seed: int, keep: bool, as_json: bool) -> None:
    """Ship a shop's events through Redis, workers and HTTP, and count.

    A sandbox stands in for Gameball: it throttles, fails, refuses and loses
    answers, and a worker is killed on the way. Exit code 0 only if everything adds
    up; nothing is left running. It has a Redis of its own and reads no settings:
    your account and your ledger are not touched.
    """
    with _folder(keep=keep) as folder:
        report = _play(folder, events=events, seed=seed, quiet=as_json)
        if as_json:
            click.echo(json.dumps(asdict(report)))
        else:
            _print(report)
            if keep:
                click.echo(f"Kept: {folder}")
    sys.exit(1 if report.problems else 0)


def _play(folder: Path, *, events: int, seed: int, quiet: bool) -> Report:
    environ = dict(os.environ)  # noqa: TID251 - a door
    with asked_by_signals() as ending, Stage(quiet=quiet) as stage:
        try:
            return Demo(folder, events=events, seed=seed, environ=environ, audience=stage).run(ending)
        except (ShipperError, OSError) as error:
            raise Failure(str(error).splitlines()) from error


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="shipper-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _print(report: Report) -> None:
    console = Console(highlight=False)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for name, count, remark in _rows(report):
        table.add_row(name, count, remark)
    console.print()
    console.print(table)
    console.print()
    if not report.problems:
        console.print("Everything adds up.", style="bold green")
        return
    console.print(f"{number(len(report.problems))} do not add up:", style="bold red")
    for problem in report.problems[:MOST_PROBLEMS]:
        console.print(f"  {clean(problem)}", style="red", soft_wrap=True, markup=False)


def _rows(report: Report) -> Iterator[tuple[str, str, str]]:
    """Yield each figure with its name and what it means."""
    dead = ", ".join(f"{number(count)} {reason}" for reason, count in report.dead_by_reason.items())
    lost_answers = number(report.causes - report.crashed)
    earned, extra = number(report.points - report.points_of_duplicates), number(report.points_of_duplicates)
    yield "accepted", number(report.accepted), f"and at rest after {report.took_ms / 1000:.1f} s"
    yield "delivered", number(report.delivered), "each is in Gameball's log, each customer's in order"
    yield "dead", number(report.dead), dead
    yield (
        "unclear",
        number(report.unclear),
        "parked: only a person sends them again" if report.unclear else "",
    )
    yield "lost", number(report.lost), ""
    yield "calls", number(report.calls), f"{report.events_per_call:.2f} events a call"
    yield "", number(report.busiest_second), f"in the busiest second, of {report.pace_per_second} allowed"
    yield "retried", number(report.retried), _trouble(report)
    yield "duplicates", number(report.duplicates), f"for {number(report.causes)} causes on record:"
    yield "", "", f"{lost_answers} answers lost, {number(report.crashed)} in the killed worker"
    yield "hooks told", number(report.hooks_told), f"of {number(report.hooks)}"
    yield "points", number(report.points), f"in Gameball's ledger: {earned} earned, {extra} by duplicates"


def _trouble(report: Report) -> str:
    """Say what went wrong on the way, by kind."""
    kinds: Counter[str] = Counter()
    for answer, count in report.answers.items():
        if not answer.isdigit():
            kinds["no answer"] += count
        elif answer == "429" or answer.startswith("5"):
            kinds[answer] += count
    return ", ".join(f"{number(count)} × {kind}" for kind, count in sorted(kinds.items()))  # noqa: RUF001 - times
