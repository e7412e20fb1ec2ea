"""Every page, by subject. What is not listed here does not exist."""

from __future__ import annotations

from typing import Final

from shipper.web.page import Page
from shipper.web.pages import (
    correct,
    door,
    edit,
    event,
    gate,
    hooks,
    jobs,
    letters,
    metrics,
    overview,
    reasons,
    trail,
    transfer,
)

PAGES: Final[tuple[Page, ...]] = (
    *door.PAGES,
    *overview.PAGES,
    *reasons.PAGES,
    *letters.PAGES,
    *transfer.PAGES,
    *event.PAGES,
    *edit.PAGES,
    *correct.PAGES,
    *jobs.PAGES,
    *gate.PAGES,
    *hooks.PAGES,
    *trail.PAGES,
    *metrics.PAGES,
)

__all__ = ["PAGES"]
