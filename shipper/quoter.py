"""Quoter: what asks Gameball, for a door, what events would earn; the keys are known to `workers` only."""

from __future__ import annotations

import os

from shipper.inspector.preview import Ask
from shipper.settings import Settings


def quoter_of(alias: str, settings: Settings) -> Ask:
    """Return what asks Gameball for an account's previews; raise PreviewError."""
    from workers.preview import open_quoter  # noqa: PLC0415 - it brings requests and libcurl along

    return open_quoter(alias, os.environ, settings)  # noqa: TID251 - for a door
