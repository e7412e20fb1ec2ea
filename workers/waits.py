"""Waits: what this worker saw hold an account or a customer back, for the histories of events that fail.

The ledger keeps no record of it, and a claim is too busy to: so this tells what was seen, and never all.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final

from shipper.ledger.operations import Claim

MOST_HOLDS: Final = 64
MOST_LANES: Final = 4096
MOST_TOLD: Final = 6
"""Holds in one line of a history."""
LANE: Final = "lane"
PACE: Final = "pace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Something held a claim back from one moment of the ledger's (ms) to another.

    `why` is pace, lane (an earlier call of the same customer, or its backoff), or why the gate was closed.
    """

    why: str
    since: int
    until: int


class Waits:
    """Remember holds of an account; shared by its pumps in a process."""

    def __init__(self) -> None:
        self._holds: deque[Hold] = deque(maxlen=MOST_HOLDS)
        self._lanes: OrderedDict[str, Hold] = OrderedDict()
        self._lock = Lock()

    def heard(self, claim: Claim) -> None:
        """Take what a claim was told."""
        if claim.word in {"pace", "paused"}:
            why = PACE if claim.word == "pace" else claim.why
            self._held(why, claim.now, claim.at if claim.at is not None else claim.now)
        elif claim.word == "calls":
            self._let_through(claim.now)

    def landed(self, lane: str, *, claimed_at: int, free_at: int) -> None:
        """Take that a customer's call kept all behind it waiting until then."""
        with self._lock:
            before = self._lanes.pop(lane, None)
            since = before.since if before and before.until >= claimed_at else claimed_at
            self._lanes[lane] = Hold(why=LANE, since=since, until=free_at)
            if len(self._lanes) > MOST_LANES:
                self._lanes.popitem(last=False)

    def between(self, lane: str, since: int, until: int) -> tuple[Hold, ...]:
        """Return the holds of this time, oldest first: the newest few."""
        with self._lock:
            known = [*self._holds, *filter(None, (self._lanes.get(lane),))]
        clipped = (
            replace(hold, since=max(hold.since, since), until=min(hold.until, until)) for hold in known
        )
        found = sorted((hold for hold in clipped if hold.since < hold.until), key=lambda hold: hold.since)
        return tuple(found[-MOST_TOLD:])

    def _held(self, why: str, now: int, until: int) -> None:
        with self._lock:
            last = self._holds[-1] if self._holds else None
            if last and last.why == why and last.until >= now:
                self._holds[-1] = replace(last, until=max(until, now))
            else:
                self._cut(now)
                self._holds.append(Hold(why=why, since=now, until=max(until, now)))

    def _let_through(self, now: int) -> None:
        with self._lock:
            self._cut(now)

    def _cut(self, now: int) -> None:
        """End the last hold: a pause may be lifted before its time."""
        if self._holds and self._holds[-1].until > now:
            self._holds[-1] = replace(self._holds[-1], until=now)
