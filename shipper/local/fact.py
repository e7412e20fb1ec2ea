"""Fact: one thing that a process did or said, as one short line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

UNTOLD: Final = frozenset({"time", "level", "logger", "event"})
"""Of a line of JSON: what a short line has elsewhere, or not at all."""
CHATTER: Final = frozenset({"celery.worker.strategy", "celery.app.trace"})
"""Loggers of Celery that tell of every wake-up; what a wake-up did is told by the worker itself."""
FAMILIAR: Final = {"account": "default"}
"""Fields that are left out where they say only this."""
LONGEST: Final = 400
"""Characters of a line that is no JSON; the rest is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What happened in `process`. `event` is a name such as `delivery.settled`, or a plain line whole."""

    process: str
    event: str
    level: str = "info"
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Return it as a line for people; nothing in it could steer a terminal."""
        words = _call(self.fields) if self.event == "delivery.settled" else _fields(self.fields)
        return _printable(" ".join([self.event, *words]))


def fact_of(process: str, line: str) -> Fact | None:
    """Read a line that a process wrote: a fact of structlog's as JSON, or anything; None for chatter."""
    said = _json_object(line)
    if said is None or not isinstance(said.get("event"), str):
        return Fact(process=process, event=line[:LONGEST])
    if said.get("logger") in CHATTER and said.get("level") == "info":
        return None
    level, fields = str(said.get("level", "info")), {k: v for k, v in said.items() if k not in UNTOLD}
    return Fact(process=process, event=said["event"], level=level, fields=fields)


def _json_object(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _call(fields: Mapping[str, Any]) -> list[str]:
    """Say of a call what is seen at a glance: verdict, outcomes counted, status and code, time, trouble."""
    outcomes = fields.get("outcomes")
    counted = Counter(outcomes.values()) if isinstance(outcomes, dict) else Counter[str]()
    words = [f"{fields.get('verdict')}:", ", ".join(f"{count} {word}" for word, count in counted.items())]
    words += [str(fields[name]) for name in ("status", "code") if name in fields]
    words += [f"{fields['took_ms']} ms"] if "took_ms" in fields else []
    words += [f"({fields['note']})"] if fields.get("note") else []
    return words


def _fields(fields: Mapping[str, Any]) -> list[str]:
    told = {name: value for name, value in fields.items() if value != FAMILIAR.get(name, ...)}
    exception = str(told.pop("exception", "")).strip().splitlines()
    words = [f"{name}={_value(value)}" for name, value in told.items()]
    return [*words, f"({exception[-1]})"] if exception else words


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return json.dumps(text, ensure_ascii=False) if not text or " " in text else text


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
