"""Plan: what the sandbox of the demo rewards, and how it makes life hard. Shares are of all calls."""

from __future__ import annotations

from typing import Any, Final

from shipper.local.shop import DEEDS, customer

REFUSED_EVENT: Final = "spin_wheel"
"""The account has no such campaign."""
VAGUE_EVENT: Final = "subscribe_push"
"""Gameball fails on it without saying why."""
REFUSED_CUSTOMER: Final = customer(14)
"""Gameball has blocked this one."""

FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"match": {"event": REFUSED_EVENT}, "do": {"code": 3003}},
    {"match": {"customer": REFUSED_CUSTOMER}, "do": {"code": 3017}},
    {"match": {"event": VAGUE_EVENT}, "do": {"code": 4500}},
    {"match": {"every": 500}, "do": {"status": 429, "retry_after": 1}},
    {"match": {"share": 0.02}, "do": {"status": 500}},
    {"match": {"share": 0.01}, "do": {"status": 503}},
    {"match": {"share": 0.01}, "do": {"status": 502, "html": "<h1>502 Bad Gateway</h1>"}},
    {"match": {"share": 0.01}, "do": {"reset": True}},
    # From here on Gameball has applied the call, and the answer says otherwise or is lost.
    {"match": {"share": 0.008}, "do": {"status": 500, "when": "after"}},
    {"match": {"share": 0.006}, "do": {"close": True, "when": "after"}},
    {"match": {"share": 0.002}, "do": {"delay_ms": 6000, "when": "after"}},
)


def plan_of_demo() -> dict[str, Any]:
    """Return the plan as the sandbox reads it."""
    events = {
        name: {"property": "total", "points": deed.points} if deed.by_total else deed.points
        for name, deed in DEEDS.items()
    }
    return {"points": {"default": 0, "events": events}, "faults": list(FAULTS)}
