"""Lazy group: a group of commands that are imported when they are run, not when they are listed."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

import click

Sections = Mapping[str, Mapping[str, tuple[str, str]]]
"""Heading → name → where the command is (`module:attribute`) and its short help."""


class LazyGroup(click.Group):
    """Know commands by name and place. An error that was to be expected becomes a message and exit 1."""

    def __init__(self, *args: Any, sections: Sections, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sections = sections
        self._places = {
            name: place for commands in sections.values() for name, (place, _) in commands.items()
        }

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the help page."""
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        """Import and return a command; None for a name that is none."""
        if cmd_name not in self._places:
            return None
        module, _, attribute = self._places[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; refuse bytes that are not UTF-8, for only a file may be named so."""
        for arg in args:
            if any("\udc80" <= char <= "\udcff" for char in arg) and not Path(arg).exists():
                ctx.fail(f"{arg[:60]!a} is not UTF-8: was it copied from another encoding?")
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        name = args[0]
        if name not in self._places and not name.startswith("-"):
            close = get_close_matches(name, self._places, n=1)
            hint = f" Did you mean {close[0]}?" if close else " See shipper --help."
            ctx.fail(f"There is no command {name[:60]!a}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the same
        """List the commands by section without importing them."""
        for heading, commands in self._sections.items():
            with formatter.section(heading):
                formatter.write_dl([(name, short) for name, (_, short) in commands.items()], col_max=10)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            # Imported only now: the errors' module is not needed to print help.
            failure = import_module("shipper.cli.failure").failure_of(error)
            if failure is None:
                raise
            raise failure from error
