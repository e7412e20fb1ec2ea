"""Mask: show that there is an email or a mobile without telling it."""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "***"
SHORTEST: Final = 7
"""Digits of a number that is looked for among others; a shorter one stands in too many."""
COUNTRY: Final = 3
"""Most digits of a country's code, which are left out, or a zero for them, where a number is said at home."""
# Each begins where a run of its characters does: tried from each of them, a long run takes quadratic time.
_EMAIL: Final = re.compile(
    r"(?<![^\s@<>\"'(),:;])[^\s@<>\"'(),:;]+(?:@|\\u0040|%40)[^\s@<>\"'(),:;]+", re.IGNORECASE
)
_NUMBER: Final = re.compile(r"(?:\+|\\u002b)?\d(?:[\s().\-\u2010-\u2015]{0,3}\d)*", re.IGNORECASE)


def mask_email(email: str | None) -> str | None:
    """Return the first character and nothing else of an address."""
    if not email:
        return None
    return f"{email[0]}{HIDDEN}@{HIDDEN}" if "@" in email[1:] else HIDDEN


def mask_mobile(mobile: str | None) -> str | None:
    """Return the last two digits, of a number long enough to keep the others secret."""
    if not mobile:
        return None
    return f"{HIDDEN}{mobile[-2:]}" if len(mobile) >= SHORTEST else HIDDEN


def mask_text(text: str | None, *, email: str | None, mobile: str | None) -> str | None:
    """Return a text of others with this email, this mobile and whatever looks like an address hidden.

    A number is hidden however it is written: `+20 100 123-4567`, `00201001234567`, at home `0100 1234567`.
    """
    if not text:
        return None
    number = _digits(mobile or "")
    if len(number) >= SHORTEST:
        text = _without_number(text, number)
    elif mobile:
        text = _without_word(text, mobile.strip().removeprefix("+"))
    if email and not _EMAIL.fullmatch(email):
        text = _without_word(text, email.strip())
    return _EMAIL.sub(HIDDEN, text)


def _without_number(text: str, number: str) -> str:
    at_home = number[-max(SHORTEST, len(number) - COUNTRY) :]
    return _NUMBER.sub(lambda run: HIDDEN if at_home in _digits(run[0]) else run[0], text)


def _without_word(text: str, word: str) -> str:
    if not word:
        return text
    return re.sub(rf"(?<!\w)\+?{re.escape(word)}(?!\w)", HIDDEN, text, flags=re.IGNORECASE)


def _digits(text: str) -> str:
    """Return the digits of any script as ours."""
    return "".join(str(int(char)) for char in text if char.isdecimal())
