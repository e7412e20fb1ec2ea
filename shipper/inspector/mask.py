"""Mask: show that there is an email or a mobile without telling it."""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "***"
_EMAIL: Final = re.compile(r"[^\s@<>\"'(),:;]+@[^\s@<>\"'(),:;]+")


def mask_email(email: str | None) -> str | None:
    """Return the first character and nothing else of an address."""
    if not email:
        return None
    return f"{email[0]}{HIDDEN}@{HIDDEN}" if "@" in email[1:] else HIDDEN


def mask_mobile(mobile: str | None) -> str | None:
    """Return the last two digits, of a number long enough to keep the others secret."""
    if not mobile:
        return None
    return f"{HIDDEN}{mobile[-2:]}" if len(mobile) >= 7 else HIDDEN


def mask_text(text: str | None, *, email: str | None, mobile: str | None) -> str | None:
    """Return a text of others with this email, this mobile and whatever looks like an address hidden."""
    if not text:
        return None
    for known in filter(None, (email, mobile)):
        text = text.replace(known, HIDDEN)
    return _EMAIL.sub(HIDDEN, text)
