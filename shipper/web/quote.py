"""Quote: what letters would earn by Gameball's word, and whether that is within a person's budget."""

from __future__ import annotations

from threading import BoundedSemaphore, Lock
from typing import Final

from shipper.inspector import Choice, Preview, PreviewError, Quote
from shipper.inspector.preview import Ask
from shipper.web.mistake import TooLateError
from shipper.web.visit import Visit

SAMPLE: Final = 100
"""Events asked for where nobody says how many: at a dozen a second that takes eight seconds."""
MOST_SAMPLE: Final = 500
"""More would take longer than proxies wait for an answer; the command line asks for any number."""
MOST_POINTS: Final = 10**12
PATIENCE_S: Final = 10
LONGEST_MS: Final = 90_000
"""Then a preview is given up: a Gameball that hangs must not hold a thread of the page for an hour."""
MOST_WAITING: Final = 4
"""Threads of the page that wait for another's preview; the others answer the rest of it."""
_ASKING: Final = Lock()
_WAITING: Final = BoundedSemaphore(MOST_WAITING)


def quote(visit: Visit, choice: Choice, *, may_duplicate: bool, sample: int) -> Preview:
    """Ask Gameball for `sample` letters at most, for one person after the other; nothing is sent.

    Raise PreviewError where it cannot be asked or is too slow, TooLateError while somebody else is asking.
    """
    if not _turn():
        raise TooLateError("somebody else is asking Gameball just now: try again in a moment")
    try:
        ask = _until(visit, visit.site.clock() + LONGEST_MS)
        return visit.inspector.letters.preview(choice, ask, may_duplicate=may_duplicate, sample=sample)
    finally:
        _ASKING.release()


def _turn() -> bool:
    """Wait for one's turn, if not too many do already; tell whether it has come."""
    if not _WAITING.acquire(blocking=False):
        return False
    try:
        return _ASKING.acquire(timeout=PATIENCE_S)
    finally:
        _WAITING.release()


def _until(visit: Visit, until: int) -> Ask:
    """Return what asks Gameball, up to a moment of the site's clock."""
    ask, clock = visit.site.quoter(visit.account), visit.site.clock

    def ask_in_time(body: bytes) -> Quote:
        if clock() > until:
            raise PreviewError(
                "Gameball answers too slowly to tell: take a smaller sample, or ask with "
                "shipper dead redrive --dry-run"
            )
        return ask(body)

    return ask_in_time
