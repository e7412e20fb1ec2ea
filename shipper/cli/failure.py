"""Failure: an error that was to be expected, as lines for a person, with what to do next."""

from __future__ import annotations

import sys
from typing import IO, Any

import click

from shipper.cli.text import clean
from shipper.errors import (
    EventNotFoundError,
    InvalidEventError,
    LedgerFullError,
    LedgerUnavailableError,
    SettingsError,
    ShipperError,
    UnknownHookError,
)
from shipper.ledger.failure import ForbiddenError

NEXT = {
    LedgerUnavailableError: "Does Redis run, and SHIPPER_REDIS_URL lead to it? shipper doctor looks closer.",
    LedgerFullError: "shipper status tells what is held; deliver or discard, or raise SHIPPER_BACKLOG_MAX.",
    SettingsError: "shipper config lists the settings and where each comes from.",
    EventNotFoundError: "Delivered events are remembered for SHIPPER_ID_RETENTION_MS, 6 hours by default.",
}
"""What to do after an error, by its class."""


class Failure(click.ClickException):
    """Say what failed, a line for each problem, and exit with 1; with 2 for wrong use."""

    def __init__(self, lines: list[str], *, advice: str = "", exit_code: int = 1) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
        self.advice = advice
        self.exit_code = exit_code  # type: ignore[misc]  # click itself reads it from the instance

    def show(self, file: IO[Any] | None = None) -> None:
        """Print to stderr; nothing in it can steer a terminal."""
        out = file or sys.stderr
        head, *rest = [clean(line) for line in self.lines] or ["it failed"]
        click.echo(f"Error: {head}", file=out)
        for line in rest:
            click.echo(f"       {line}", file=out)
        if self.advice:
            click.echo(self.advice, file=out)


def failure_of(error: Exception) -> Failure | None:
    """Return what to tell of an error; None for one that nobody expected."""
    if not isinstance(error, ShipperError):
        return None
    advice = next((text for kind, text in NEXT.items() if isinstance(error, kind)), "")
    if isinstance(error, ForbiddenError):
        advice = ""  # Redis runs, and is the right one; the message says where the rights are
    if isinstance(error, SettingsError | InvalidEventError):
        return Failure([str(problem) for problem in error.problems], advice=advice)
    return Failure([str(error)], advice=advice, exit_code=2 if isinstance(error, UnknownHookError) else 1)
