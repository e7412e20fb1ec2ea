"""Read Retry-After: seconds or an HTTP date."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]{1,9}")


def retry_after_ms(value: str, *, date: str = "", now: int) -> int | None:
    """Return the wait in milliseconds, or None if the header is absent or makes no sense.

    A date is measured against the answer's own `Date`, so that no skew between two clocks counts; without one
    against `now` (ms since the epoch). A date in the past is no wait.
    """
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return int(value) * 1000
    until = _epoch_ms(value)
    if until is None:
        return None
    since = _epoch_ms(date)
    return max(0, until - (now if since is None else since))


def _epoch_ms(text: str) -> int | None:
    try:
        moment = parsedate_to_datetime(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
