"""Secrecy: field names that no log line and no carried context may have, whoever names them."""

from __future__ import annotations

from typing import Final

FORBIDDEN: Final = frozenset(
    {"metadata", "events", "body", "email", "mobile", "idempotencykey"}
    | {"apikey", "secretkey", "secret", "password", "authorization", "headers"}
)
"""Spelled without `_` and `-`; a count of events needs another name."""


def is_forbidden(name: object) -> bool:
    """Tell whether a field of this name may hold what customers said, or a key."""
    return str(name).lower().replace("_", "").replace("-", "") in FORBIDDEN
