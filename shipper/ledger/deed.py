"""Deed: something that an operator does, as it stands on the audit log: who, what, and why or to which."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any, Final

from shipper.clock import now_ms
from shipper.event_id import ALPHABET

MOST_ABOUT: Final = 500
"""Most characters kept of a reason or a filter."""


def new_name() -> str:
    """Return a fresh name for a deed or a job: fourteen characters that sort by time and can be typed."""
    now, noise = now_ms(), int.from_bytes(os.urandom(3))
    time = "".join(ALPHABET[now >> shift & 31] for shift in range(45, -1, -5))
    return time + "".join(ALPHABET[noise >> shift & 31] for shift in range(15, -1, -5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is done (`redrive`, `unmask`, `job.pause` …), by whom, and `about` it: a reason, a filter.

    All entries of one large deed carry its `name`.
    """

    by: str
    did: str
    about: str = ""
    name: str = field(default_factory=new_name)


def write_deed(deed: Deed | None) -> str:
    """Return a deed as the log keeps it; nothing for what is nobody's."""
    if deed is None:
        return ""
    told = {"id": deed.name, "by": deed.by, "did": deed.did, "about": deed.about[:MOST_ABOUT]}
    return json.dumps(told, separators=(",", ":"))


def read_deed(stored: str) -> Deed:
    """Return what the log keeps; what somebody put there by hand reads as it can be."""
    try:
        found: Any = json.loads(stored)
    except ValueError:
        found = None
    told = found if isinstance(found, dict) else {}
    by, did, about, name = (str(told.get(key, "")) for key in ("by", "did", "about", "id"))
    return Deed(by=by or "?", did=did or "?", about=about, name=name or "?")
