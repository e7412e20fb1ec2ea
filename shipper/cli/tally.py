"""Tally: what became of the lines of a file, told while it goes on and summed up at the end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from shipper import Receipt
from shipper.cli.lines import Line
from shipper.cli.output import json_line, jsonable
from shipper.cli.progress import Bar
from shipper.cli.sending import Sent
from shipper.cli.text import clean, number
from shipper.errors import EnqueueUnclearError, InvalidEventError, LedgerFullError, LedgerUnavailableError


class Tally:
    """Count receipts and refusals; in JSON each line of the file has an object of its own."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.accepted = 0
        self.known = 0
        self.refused = 0
        self.unclear = 0
        self.stopped: Sent | None = None

    @property
    def whole(self) -> bool:
        """Tell whether every line was accepted."""
        return not (self.refused or self.unclear or self.stopped)

    def take(self, results: Iterable[Sent], bar: Bar) -> None:
        """Count what became of each line, and tell at once what was refused."""
        for sent in results:
            bar.step(sent.line.size)
            if self.as_json:
                click.echo(json_line(_fact(sent)))
            self._count(sent, bar)

    def summary(self) -> list[str]:
        """Return the last lines for a person."""
        known = f" ({number(self.known)} of them known before)" if self.known else ""
        lines = [f"accepted {number(self.accepted)}{known}, refused {number(self.refused)}"]
        if self.unclear:
            lines.append(
                f"{number(self.unclear)} may have been accepted: send them again with their event_id"
            )
        if self.stopped:
            first = self.stopped.line.number
            lines.append(f"stopped at line {first}: {clean(self.stopped.answer)}")
            lines.append(f"nothing from there on was accepted: send the rest again (tail -n +{first})")
        return lines

    def _count(self, sent: Sent, bar: Bar) -> None:
        match sent.answer:
            case Receipt(duplicate=duplicate):
                self.accepted += 1
                self.known += duplicate
            case EnqueueUnclearError():
                self.unclear += 1
                self._say(bar, sent.line, str(sent.answer))
            case LedgerUnavailableError() | LedgerFullError():
                self.stopped = self.stopped or sent
            case InvalidEventError(problems=problems):
                self.refused += 1
                self._say(bar, sent.line, "; ".join(str(problem) for problem in problems))
            case _:
                self.refused += 1
                self._say(bar, sent.line, str(sent.answer))

    def _say(self, bar: Bar, line: Line, text: str) -> None:
        if not self.as_json:
            bar.say(f"line {line.number}: {text}")


def _fact(sent: Sent) -> dict[str, Any]:
    answer = sent.answer
    if isinstance(answer, Receipt):
        return {"line": sent.line.number, **jsonable(answer)}
    fact: dict[str, Any] = {"line": sent.line.number, "error": type(answer).__name__, "message": str(answer)}
    if isinstance(answer, InvalidEventError):
        fact["problems"] = jsonable(list(answer.problems))
    if isinstance(answer, EnqueueUnclearError):
        fact["event_id"] = answer.event_id
    return fact
