"""The reward preview: what events would earn now, told as Gameball tells it, with nothing changed. Pure.

Each rule of the points is a campaign, and so is the default: so a preview and the points ledger agree.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Final

from shipper.sandbox.contract import Refusal, Track
from shipper.sandbox.points import Rules

PREVIEW_PATHS: Final = {
    "/api/v4.0/integrations/events/reward-preview": "v4.0",
    "/api/v4.1/integrations/events/reward-preview": "v4.1",
}
UNKNOWN_CUSTOMER: Final = Refusal(status=404, code=7000, message="The customer does not exist.")
DEFAULT_CAMPAIGN: Final = 1000
"""The id of the campaign that rewards events without a rule of their own."""


def preview_of(track: Track, rules: Rules, *, seen: Container[str]) -> dict[str, Any]:
    """Tell what each event of a customer would earn. `seen` has the names that were accepted before.

    An event that no rule rewards and nobody has sent yet is not found.
    """
    events = [_event(name, metadata, rules, seen) for name, metadata in track.events.items()]
    total = sum(event["totalPoints"] for event in events)
    return {"customerId": track.customer_id, "totalPoints": total, "events": events}


def _event(name: str, metadata: dict[str, object], rules: Rules, seen: Container[str]) -> dict[str, Any]:
    found = bool(name in rules.events or rules.default or name in seen)
    points = rules.points_for(name, metadata)
    rewarded = name in rules.events or rules.default
    return {
        "eventName": name,
        "valid": found,
        "invalidReason": None if found else "EventNotFound",
        "totalPoints": points,
        "campaigns": [_campaign(name, points, rules)] if rewarded else [],
    }


def _campaign(name: str, points: int, rules: Rules) -> dict[str, Any]:
    own = name in rules.events
    return {
        "campaignId": list(rules.events).index(name) + 1 if own else DEFAULT_CAMPAIGN,
        "campaignName": f"For {name}" if own else "For every event",
        "campaignEndDate": None,
        "eligible": points > 0,
        "reason": "Rewarded" if points else "NoMatchingConditions",
        "rewardType": "Points",
        "rewardPoints": points,
        "couponType": None,
        "couponValue": None,
        "points": points,
        "timesAchieved": int(points > 0),
        "progress": None,
    }
