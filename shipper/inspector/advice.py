"""Advice: what a group of dead letters means, what usually helps, and the command that does it."""

from __future__ import annotations

import shlex
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from shipper.ledger.filter import say_field
from shipper.ledger.letters import UNCLEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What happened, in a sentence; what usually helps; and the command that the advice ends in."""

    means: str
    helps: str
    command: str


def advice_of(
    *,
    reason: str,
    code: int | None,
    event_name: str | None,
    field: str | None,
    account: str | None = None,
) -> Advice:
    """Return the advice for a group: that of its code where the code says why it is dead, else of its reason.

    Its command names every part of the group that is known, and the account if given, quoted for a shell.
    """
    of_reason = _advices()["reason"][reason]
    of_code = _advices()["code"].get(str(code), {})
    # Whatever the code was: an unreadable event cannot be sent, an unclear one may double points.
    chosen = of_reason if reason in {"unreadable", "crashed", UNCLEAR} or not of_code else of_code
    words = ["shipper", "dead", *_verb(chosen["do"]), "--reason", reason]
    words += ["--code", "none" if code is None else str(code)]
    words += [] if event_name is None else _option("--event", event_name)
    words += _option("--field", say_field(field))
    words += [] if account is None else _option("--account", account)
    return Advice(means=chosen["means"], helps=chosen["helps"], command=shlex.join(words))


def _verb(do: str) -> list[str]:
    return {"redrive-unclear": ["redrive", "--may-duplicate"]}.get(do, [do])


def _option(name: str, value: str) -> list[str]:
    """Name an option's value so that one which begins with a dash stays a value."""
    return [f"{name}={value}"] if value.startswith("-") else [name, value]


@cache
def _advices() -> dict[str, dict[str, dict[str, Any]]]:
    text = resources.files("shipper.inspector").joinpath("advice.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
