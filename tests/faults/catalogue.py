"""Catalogue: every campaign, in the order in which `make faults` runs them and the matrix shows them."""

from __future__ import annotations

from typing import Final

from tests.faults.campaign import Campaign
from tests.faults.campaigns import (
    answers,
    broken,
    crash_points,
    encryption,
    envelopes,
    failover,
    hooks,
    hour,
    limits,
    messages,
    model,
    mutants,
    outages,
    payload,
    power,
    producer,
    redis,
    security,
    simulation,
    soak,
    truncation,
    verdicts,
    workers,
)

CAMPAIGNS: Final[tuple[Campaign, ...]] = (
    *producer.CAMPAIGNS,
    *redis.CAMPAIGNS,
    *power.CAMPAIGNS,
    *truncation.CAMPAIGNS,
    *failover.CAMPAIGNS,
    *workers.CAMPAIGNS,
    *hooks.CAMPAIGNS,
    *messages.CAMPAIGNS,
    *envelopes.CAMPAIGNS,
    *answers.CAMPAIGNS,
    *verdicts.CAMPAIGNS,
    *outages.CAMPAIGNS,
    *hour.CAMPAIGNS,
    *limits.CAMPAIGNS,
    *payload.CAMPAIGNS,
    *encryption.CAMPAIGNS,
    *security.CAMPAIGNS,
    *crash_points.CAMPAIGNS,
    *broken.CAMPAIGNS,
    *model.CAMPAIGNS,
    *simulation.CAMPAIGNS,
    *mutants.CAMPAIGNS,
    *soak.CAMPAIGNS,
)
"""Each module of `campaigns` has a tuple CAMPAIGNS."""
