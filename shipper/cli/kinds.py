"""Kinds: how options are read: time spans, moments, account aliases, places in a list.

Each is a callback of an option: it returns what was meant, or says how it is written.
"""

from __future__ import annotations

import re
from typing import Final

import click

from shipper.cli.text import iso, read_duration, read_moment, read_pause
from shipper.clock import now_ms
from shipper.event_id import is_event_id
from shipper.inspector import LATEST, MOST_RATE, Spot, is_hook_job
from shipper.settings import ALIAS

NO_PLACE = "is no place in the list: ended_at/event_id of its last line"

_PLACE: Final = re.compile(r"[0-9]{1,15}-[0-9]{1,15}")


def a_duration(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Read `30s` or `1h30m` as milliseconds."""
    try:
        return None if value is None else read_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def a_pause(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Read how long a pause lasts, as milliseconds."""
    try:
        return None if value is None else read_pause(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def a_rate(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    """Read `50/s` or `30/m` as events a second."""
    if value is None:
        return None
    count, _, unit = value.partition("/")
    if not count.isascii() or not count.isdigit() or unit not in {"s", "m"}:
        raise click.BadParameter("is no rate: write 50/s, or 30/m for thirty a minute")
    rate = int(count) / (60 if unit == "m" else 1)
    if not 0 < rate <= MOST_RATE:
        raise click.BadParameter(f"is no rate: more than 0, at most {MOST_RATE:g}/s")
    return rate


def a_moment(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Read an ISO time, or a span before now, as milliseconds since the epoch."""
    return None if value is None else _moment(value)


def an_alias(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Take what could be the alias of an account."""
    if value is not None and ALIAS.fullmatch(value) is None:
        raise click.BadParameter("is no alias of an account: 1 to 64 of a-z, 0-9, _ -")
    return value


def a_spot(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Spot | None:
    """Read a place in the list of dead letters: `ended_at/event_id`, as the page before told it."""
    if value is None:
        return None
    time, _, event_id = value.partition("/")
    if not is_event_id(event_id):
        raise click.BadParameter(NO_PLACE)
    ended_at = _moment(time)
    if ended_at > LATEST:
        raise click.BadParameter(NO_PLACE)
    return Spot(ended_at, event_id)


def a_place(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Take what could be a place in the audit log."""
    if value is not None and not _PLACE.fullmatch(value):
        raise click.BadParameter("is no place in the log: write 1700000000000-0, as its last page told it")
    return value


def a_hook_job(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Take what could be a hook job."""
    if value is not None and not is_hook_job(value):
        raise click.BadParameter(
            "is no hook job: an event id, or an alarm, a colon and a number, as the list names them"
        )
    return value


def write_spot(spot: Spot) -> str:
    """Return a place as it is read."""
    return f"{iso(spot.ended_at)}/{spot.event_id}"


def _moment(value: str) -> int:
    try:
        return read_moment(value, now=now_ms())
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
