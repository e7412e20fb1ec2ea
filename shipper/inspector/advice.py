"""Advice: what a group of dead letters means, what usually helps, and the command that does it."""

from __future__ import annotations

import shlex
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from shipper.ledger.filter import say_field
from shipper.ledger.letters import UNCLEAR

_OF_CUSTOMER: Final = frozenset({"customerId", "email", "mobile"})
"""Fields of a call that say who the customer is, which no edit changes."""
_OF_ALL: Final = _OF_CUSTOMER | {"events"}
"""Fields of a call that are in no event's metadata."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What happened, in a sentence; what usually helps; and the command that the advice ends in.

    `edit` is the command that tries a change on the group, where one may mend it; what stands in capitals
    at its end is a person's to say.
    """

    means: str
    helps: str
    command: str
    edit: str | None = None


def advice_of(
    *,
    reason: str,
    code: int | None,
    event_name: str | None,
    field: str | None,
    account: str | None = None,
    is_property: bool = False,
) -> Advice:
    """Return the advice for a group: that of its code where the code says why it is dead, else of its reason.

    Its command names every part of the group that is known, and the account if given, quoted for a shell.
    `is_property`: the field can only be that property of the event, not a deeper one or another event's.
    """
    of_reason = _advices()["reason"][reason]
    of_code = _advices()["code"].get(str(code), {})
    # Whatever the code was: an unreadable event cannot be sent, an unclear one may double points.
    chosen = of_reason if reason in {"unreadable", "crashed", UNCLEAR} or not of_code else of_code
    group = ["--reason", reason, "--code", "none" if code is None else str(code)]
    group += [] if event_name is None else _option("--event", event_name)
    group += _option("--field", say_field(field))
    group += [] if account is None else _option("--account", account)
    change = _change(chosen.get("edit"), event_name, field, is_property=is_property)
    asks_for_edit = chosen.get("edit") == "value" or chosen is _advices()["reason"]["refused"]
    of_customer = asks_for_edit and field in _OF_CUSTOMER
    return Advice(
        means=chosen["means"],
        helps=_advices()["field"]["customer"]["helps"] if of_customer else chosen["helps"],
        command=shlex.join(["shipper", "dead", *_verb(chosen["do"]), *group]),
        edit=shlex.join(["shipper", "dead", "edit", *group, *change, "--dry-run"]) if change else None,
    )


def _change(what: str | None, event_name: str | None, field: str | None, *, is_property: bool) -> list[str]:
    """Return the option that would change what is wrong; none where it cannot be said in one."""
    if what is None or event_name is None or "=" in event_name:
        return []
    if what == "name":
        return _option("--rename", f"{event_name}=NEW_NAME")
    named = field if is_property else "PROPERTY"
    return [] if field in _OF_ALL else _option("--set", f"{event_name}.{named}=JSON")


def _verb(do: str) -> list[str]:
    return {"redrive-unclear": ["redrive", "--may-duplicate"]}.get(do, [do])


def _option(name: str, value: str) -> list[str]:
    """Name an option's value so that one which begins with a dash stays a value."""
    return [f"{name}={value}"] if value.startswith("-") else [name, value]


@cache
def _advices() -> dict[str, dict[str, dict[str, Any]]]:
    text = resources.files("shipper.inspector").joinpath("advice.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
