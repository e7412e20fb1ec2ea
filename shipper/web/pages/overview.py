"""The overview: how an account stands, and its last hour."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from shipper.clock import now_ms
from shipper.inspector import Health, Sample
from shipper.web.chart import chart_of
from shipper.web.page import Page
from shipper.web.visit import Visit

MOST_REASONS: Final = 5


def overview(visit: Visit) -> Response:
    """Show the account, and keep what is shown up to date."""
    return visit.draw("overview.html", live=visit.text("live") != "off", **_facts(visit))


def live(visit: Visit) -> Response:
    """Show the part that changes."""
    return visit.draw("overview_live.html", live=True, **_facts(visit))


def _facts(visit: Visit) -> dict[str, Any]:
    standing, health = visit.inspector.status(), visit.inspector.health(of="all")
    samples, now = visit.inspector.flow(), now_ms()
    found = visit.inspector.letters.reasons(most=MOST_REASONS)
    charts = {
        "flow": chart_of(samples, {"accepted": _accepted, "delivered": _delivered}, now=now),
        "waiting": chart_of(samples, {"waiting": lambda each: each.waiting}, now=now, least=10),
        "calls": chart_of(samples, {"calls": _calls}, now=now),
        "carried": chart_of(samples, {"events a call": _carried}, now=now, least=2),
    }
    return {
        "standing": standing,
        "health": health,
        "warnings": _others(standing.warnings, health),
        "settings": visit.site.settings,
        "charts": charts,
        "workers": samples[-1].workers if samples else standing.pumps,
        "reasons": found,
        "most": max((group.count for group in found.groups), default=1),
    }


def _others(warnings: tuple[str, ...], health: Health) -> list[str]:
    """Return every warning once, but for those that are told as problems."""
    return [each for each in dict.fromkeys((*warnings, *health.warnings)) if each not in health.problems]


def _accepted(sample: Sample) -> float | None:
    return sample.rates.accepted if sample.rates else None


def _delivered(sample: Sample) -> float | None:
    return sample.rates.delivered if sample.rates else None


def _calls(sample: Sample) -> float | None:
    return sample.rates.calls if sample.rates else None


def _carried(sample: Sample) -> float | None:
    return sample.rates.events_per_call if sample.rates else None


PAGES: Final = (
    Page(path="/a/{account}/", answer=overview),
    Page(path="/a/{account}/live", answer=live),
)
