"""Event ids: UUIDv7 in 26 characters of Crockford's base32, so that ids sort by the time of their birth."""

from __future__ import annotations

import os
import re
from threading import Lock
from typing import Final

from shipper.clock import now_ms

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PATTERN: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")

_PAIRS: Final = tuple(high + low for high in ALPHABET for low in ALPHABET)
_TO_INT: Final = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_VERSION_7: Final = 7 << 76
_VARIANT: Final = 2 << 62
_COUNTERS: Final = 1 << 12
_BACKWARD_MS: Final = 1000
"""A clock set back by less is not followed, so that ids keep their order; set back by more it is."""


class _Last:
    """Remember the time and counter of this process' latest id."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.ms = 0
        self.counter = 0

    def next(self) -> tuple[int, int]:
        now = now_ms()
        with self.lock:
            if now > self.ms or now < self.ms - _BACKWARD_MS:
                # Half of the range is left to count in; a fuller millisecond borrows from the next.
                self.ms, self.counter = now, int.from_bytes(os.urandom(2)) % (_COUNTERS // 2)
            elif self.counter + 1 < _COUNTERS:
                self.counter += 1
            else:
                self.ms, self.counter = self.ms + 1, 0
            return self.ms, self.counter


_last = _Last()


def _renew_lock() -> None:
    """Free a forked child from a lock that a thread of its parent held."""
    _last.lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def new_event_id() -> str:
    """Return a fresh id, greater than any that this process returned before.

    Sixty-two random bits keep processes apart, forked ones too; safe in threads.
    """
    ms, counter = _last.next()
    # Never drawn ahead: a copied process would make the same, and nobody looks whether a fresh id is taken.
    noise = int.from_bytes(os.urandom(8)) >> 2
    return _write(ms << 80 | _VERSION_7 | counter << 64 | _VARIANT | noise)


def is_event_id(text: object) -> bool:
    """Tell whether a value has the form of an event id."""
    return isinstance(text, str) and PATTERN.fullmatch(text) is not None


def born_at(event_id: str) -> int:
    """Return the time in an id, in milliseconds since the epoch."""
    return int(event_id[:10].translate(_TO_INT), 32)


def _write(number: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])
