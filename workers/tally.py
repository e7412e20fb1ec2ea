"""Tally: what one pump counts and times, told to the ledger once, when its calls have landed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from shipper.ledger.histogram import CALL, LATENCY, PUMP, RETRIED, SUMS, bucket_of
from shipper.ledger.operations import SettledCall
from shipper.outcome import Delivered, Free, Retry, Solo, Verdict
from workers.flight import Landing

NOT_POSTED: Final = frozenset({Verdict.UNSENT, Verdict.ENCRYPTION_KEY, Verdict.UNREADABLE})
"""Calls that never left: their duration would tell nothing of Gameball."""


class Tally:
    """Gather numbers by the names that `hist` has for them."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, int] = defaultdict(int)

    def landed(self, landing: Landing, settled: SettledCall) -> None:
        """Count a call that came to its end, and what became of its events."""
        if settled.verdict not in NOT_POSTED:
            self._time(CALL, landing.took_ms)
        for event, how in zip(landing.call.events, settled.events, strict=True):
            if isinstance(how.outcome, Delivered):
                since = event.tried.since or event.record.accepted_at
                self._time(LATENCY, max(0, landing.sent_at + landing.took_ms - since))
            elif isinstance(how.outcome, Retry | Free | Solo):
                self._seen[f"{RETRIED} {settled.verdict.value}"] += 1

    def pumped(self, ms: int) -> Mapping[str, int]:
        """Count the pump itself; return all that it has to tell, nothing if it made no call."""
        if self._seen:
            self._time(PUMP, ms)
        return self._seen

    def _time(self, what: str, ms: int) -> None:
        self._seen[bucket_of(what, ms)] += 1
        self._seen[SUMS[what]] += ms
