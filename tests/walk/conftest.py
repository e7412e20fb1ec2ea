"""A stage of its own for each walk, with a real browser where there is one."""

from __future__ import annotations

from tests.browser.conftest import chromium
from tests.journeys.conftest import shared_sandbox, stage

__all__ = ["chromium", "shared_sandbox", "stage"]
