"""Filters: the options by which dead letters are found, shared by the commands that take many."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from shipper.cli.kinds import a_moment
from shipper.inspector import REASONS, Filter, read_code, read_field


def _code(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    try:
        return None if value is None else read_code(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _said(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Take anything but blanks: a variable of a script that was never set must not mean everybody."""
    if value is not None and not value.strip():
        raise click.BadParameter("is empty: say which is meant, or leave the option out")
    return value


def _field(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    said = _said(ctx, param, value)
    return None if said is None else read_field(said)


def filters(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options, and give the command a Filter as `wanted` in their place."""

    @click.option("--reason", type=click.Choice(REASONS), help="Why it is dead, or unclear.")
    @click.option("--code", callback=_code, help="Gameball's error code, or none.", metavar="CODE")
    @click.option("--event", "event_name", callback=_said, help="Event name.", metavar="NAME")
    @click.option(
        "--field", callback=_field, metavar="NAME", help="The field that Gameball's answer names, or none."
    )
    @click.option("--customer", "customer_id", callback=_said, help="Customer id.", metavar="ID")
    @click.option(
        "--since",
        callback=a_moment,
        metavar="TIME",
        help="Ended at or after: an ISO time, or 2h for two hours ago.",
    )
    @click.option("--until", callback=a_moment, metavar="TIME", help="Ended before.")
    @click.option("--text", callback=_said, help="Part of Gameball's answer.", metavar="TEXT")
    @click.option("--unclear/--no-unclear", default=None, help="Only unclear ones, or none of them.")
    @wraps(command)
    def filtered(
        *args: Any,
        reason: str | None,
        code: str | None,
        event_name: str | None,
        field: str | None,
        customer_id: str | None,
        since: int | None,
        until: int | None,
        text: str | None,
        unclear: bool | None,
        **kwargs: Any,
    ) -> None:
        wanted = Filter(
            reason=reason,
            code=code,
            event_name=event_name,
            field=field,
            customer_id=customer_id,
            since=since,
            until=until,
            unclear=unclear,
            text=text,
        )
        command(*args, wanted=wanted, **kwargs)

    return filtered
