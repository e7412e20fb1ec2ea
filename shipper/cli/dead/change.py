"""Change: the options that say what shall be different in an event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

import click

from shipper.cli.failure import Failure
from shipper.cli.json_text import read_json
from shipper.inspector import Change


def _pairs(_ctx: click.Context, param: click.Parameter, given: Iterable[str]) -> dict[str, str]:
    pairs = {}
    for each in given:
        left, equals, right = each.partition("=")
        if not (left and equals):
            raise click.BadParameter(f"{each[:60]!a} lacks its =: {param.metavar}")
        if left in pairs:
            raise click.BadParameter(f"{left[:60]!a} is there twice")
        pairs[left] = right
    return pairs


def _values(ctx: click.Context, param: click.Parameter, given: Iterable[str]) -> dict[str, Any]:
    found = {}
    for place, text in _pairs(ctx, param, given).items():
        try:
            found[place] = read_json(text)
        except ValueError as error:
            raise click.BadParameter(
                f"{place[:60]!a}: {error}. Text stands in quotes of its own: '\"text\"'."
            ) from None
    return found


def changes(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options, and give the command a Change as `change` in their place; None if none is given."""

    @click.option(
        "--rename", "renames", multiple=True, callback=_pairs, metavar="OLD=NEW", help="Rename an event."
    )
    @click.option(
        "--move",
        "moves",
        multiple=True,
        callback=_pairs,
        metavar="NAME.OLD=NAME.NEW",
        help="Give a property another name or place.",
    )
    @click.option(
        "--number",
        "numbers",
        multiple=True,
        metavar="NAME.PROPERTY",
        help='Make a number of a text such as "12.5".',
    )
    @click.option(
        "--set", "sets", multiple=True, callback=_values, metavar="NAME.PROPERTY=JSON", help="Set a value."
    )
    @click.option("--unset", "unsets", multiple=True, metavar="NAME.PROPERTY", help="Take a value out.")
    @click.option("--file", type=click.File("r", encoding="utf-8"), help="All of it anew: {name: metadata}.")
    @wraps(command)
    def changed(
        *args: Any,
        renames: Mapping[str, str],
        moves: Mapping[str, str],
        numbers: tuple[str, ...],
        sets: Mapping[str, Any],
        unsets: tuple[str, ...],
        file: Any,
        **kwargs: Any,
    ) -> None:
        change = None
        if renames or moves or numbers or sets or unsets or file:
            change = Change(
                events=read_events(file.read()) if file else None,
                renames=renames,
                moves=moves,
                numbers=numbers,
                sets=sets,
                unsets=unsets,
            )
        command(*args, change=change, **kwargs)

    return changed


def read_events(text: str) -> dict[str, Any]:
    """Read `{name: metadata}` that a person wrote; raise Failure for what is none."""
    try:
        found = read_json(text)
    except ValueError as error:
        raise Failure([f"the text {error}"]) from None
    if not isinstance(found, dict):
        raise Failure(["the text is no JSON object: write {name: metadata}"])
    return found
