"""Output: facts as JSON lines for programs, or drawn for a person; colour and motion on a terminal only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from shipper.cli.text import clean, iso

Draw = Callable[[Any], RenderableType]


class Output:
    """Print what a command found out."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        # What events contain is never read as markup, emoji codes or links.
        self.console = Console(highlight=False, markup=False, emoji=False)

    def fact(self, fact: Any, draw: Draw, **beside: Any) -> None:
        """Print one fact; in JSON with `beside` in front, for what the fact itself does not know."""
        if self.as_json:
            click.echo(json_line({**beside, **jsonable(fact)} if beside else fact))
        else:
            self.console.print(draw(fact))

    def facts(self, facts: Iterable[Any], draw: Draw) -> None:
        """Print facts, one object a line, or all in one drawing."""
        if not self.as_json:
            self.console.print(draw(list(facts)))
            return
        for each in facts:
            click.echo(json_line(each))

    def note(self, text: str) -> None:
        """Say what the facts do not, on a line however long; in JSON on stderr: stdout is facts alone."""
        if self.as_json:
            click.echo(text.strip(), err=True)
        else:
            self.console.print(Text(text), soft_wrap=True)


def json_line(fact: Any) -> str:
    """Return a fact as one line of ASCII: moments (`…_at`, `…_until`) in ISO 8601, spans as they are."""
    # ASCII alone, DEL too: neither control characters nor reordering marks reach a terminal.
    return json.dumps(jsonable(fact), separators=(",", ":")).replace("\x7f", "\\u007f")


def jsonable(value: Any) -> Any:
    """Turn values of ours into JSON's. What an event holds stays as it is, whatever its keys are called."""
    if is_dataclass(value) and not isinstance(value, type):
        found = {field.name: getattr(value, field.name) for field in fields(value)}
        return {name: _moment(name, each) for name, each in found.items()}
    if isinstance(value, list | tuple):
        return [_without_none(jsonable(each)) if is_dataclass(each) else jsonable(each) for each in value]
    return value


def _moment(name: str, value: Any) -> Any:
    is_moment = name == "at" or name.endswith(("_at", "_until"))
    return iso(value) if is_moment and isinstance(value, int) else jsonable(value)


def _without_none(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value is not None}


def table(*headings: str, rows: Iterable[Iterable[Any]], wide: Iterable[int] = ()) -> Table:
    """Draw rows of data; the columns `wide` are never broken, the others fold within 80 characters."""
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    unbroken = set(wide)
    for i, heading in enumerate(headings):
        drawn.add_column(heading, no_wrap=i in unbroken, overflow="fold")
    for row in rows:
        drawn.add_row(*(cell if isinstance(cell, Text) else Text(clean(cell)) for cell in row))
    return drawn
