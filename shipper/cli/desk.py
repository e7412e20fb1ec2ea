"""Desk: what a command works at: the settings, the accounts it is for, and where it prints.

`at_desk` gives a command the options that all of them share, and the desk in their place.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from getpass import getuser
from typing import Any, Concatenate, NoReturn, ParamSpec

import click

from shipper.cli.kinds import an_alias
from shipper.cli.output import Output
from shipper.inspector import Inspector, open_inspectors
from shipper.settings import Settings, load_settings

P = ParamSpec("P")
Command = Callable[P, None]

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Hold what a command works with."""

    settings: Settings
    inspectors: tuple[Inspector, ...]
    out: Output
    elsewhere: bool = False
    """The Redis was named on the command line: a command that is printed does not reach it as it stands."""

    @property
    def inspector(self) -> Inspector:
        """Return the one account meant; with several, a person has to name it."""
        if len(self.inspectors) > 1:
            aliases = ", ".join(inspector.account for inspector in self.inspectors)
            raise click.UsageError(f"There are several accounts: choose one by --account ({aliases}).")
        return self.inspectors[0]


def at_desk(command: Callable[Concatenate[Desk, P], None]) -> Callable[..., None]:
    """Add --account, --redis-url and --json to a command, and open the desk they ask for."""

    @click.option(
        "--account",
        callback=an_alias,
        metavar="ALIAS",
        help="The Gameball account. Of several: all, where a command looks; others want one.",
    )
    @click.option("--redis-url", metavar="URL", help="The ledger's Redis. Default: SHIPPER_REDIS_URL.")
    @as_json
    @wraps(command)
    def at(*args: Any, account: str | None, redis_url: str | None, as_json: bool, **kwargs: Any) -> None:
        settings = load_settings(**{"redis_url": redis_url} if redis_url else {})
        accounts = (account,) if account else settings.accounts
        desk = Desk(
            settings=settings,
            inspectors=open_inspectors(settings, accounts, operator=settings.operator or _login()),
            out=Output(as_json=as_json),
            elsewhere=bool(redis_url),
        )
        command(desk, *args, **kwargs)

    return at


def _login() -> str:
    """Return the name under which this person is logged in; empty where the system knows none."""
    try:
        return getuser()
    except (KeyError, OSError):
        return ""


def confirm(question: str, *, yes: bool) -> None:
    """Ask a person before something that cannot be undone; without a terminal only `--yes` is an answer."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Nobody is there to ask: say --yes.")
    click.confirm(question, abort=True, err=True)


def leave(code: int) -> NoReturn:
    """End the command with an exit code; what is to be said has been said."""
    raise click.exceptions.Exit(code)
