"""Lines: facts of many processes, a line each: coloured for a terminal, plain elsewhere, or as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from threading import Lock
from typing import Final

import click

from shipper.cli.text import clean, iso
from shipper.clock import now_ms
from shipper.local.fact import Fact

COLORS: Final = ("cyan", "magenta", "green", "blue", "bright_cyan", "bright_magenta")
LEVELS: Final = {"warning": "yellow", "error": "red", "critical": "red"}


class Lines:
    """Print facts as they come, from any thread."""

    def __init__(self, *, as_json: bool, plain: bool) -> None:
        self.as_json = as_json
        self._color = False if plain else None
        """None: only on a terminal."""
        self._colors: dict[str, str] = {}
        self._lock = Lock()

    def tell(self, fact: Fact) -> None:
        """Print one fact."""
        with self._lock:
            click.echo(self._object(fact) if self.as_json else self._line(fact), color=self._color)

    def explain(self, text: str) -> None:
        """Print a text for people."""
        with self._lock:
            click.echo(text)

    def _object(self, fact: Fact) -> str:
        said = {"at": iso(now_ms()), "process": fact.process, "level": fact.level, "event": fact.event}
        return json.dumps({**fact.fields, **said})

    def _line(self, fact: Fact) -> str:
        color = self._colors.setdefault(fact.process, COLORS[len(self._colors) % len(COLORS)])
        time = f"{datetime.fromtimestamp(now_ms() // 1000, UTC).astimezone():%H:%M:%S}"
        name = click.style(f"{fact.process:<9}", fg=color)
        return (
            f"{click.style(time, dim=True)} {name} {click.style(clean(fact.text), fg=LEVELS.get(fact.level))}"
        )
