"""What passed through the sandbox: the counts that tests and the demo hold against the shipper's own."""

from __future__ import annotations

from collections import Counter

from shipper.sandbox.windows import LONG_MS, SECOND_MS, Window


class Traffic:
    """Count calls and answers, and know which customers have a call under way."""

    def __init__(self) -> None:
        self.busy: set[str] = set()
        self._calls = 0
        self._accepted = 0
        self._events = 0
        self._overlaps = 0
        self._highest_concurrency = 0
        self._by_status: Counter[str] = Counter()
        self._second = Window(SECOND_MS)
        self._long = Window(LONG_MS)

    def arrive(self, at_ms: int) -> None:
        """Count a call, whatever becomes of it."""
        self._calls += 1
        self._second.add(at_ms)
        self._long.add(at_ms)

    def overlap(self) -> None:
        """Count a call that came while another of its customer was under way."""
        self._overlaps += 1

    def begin(self, customer_id: str) -> None:
        """Take a customer's call under way."""
        self.busy.add(customer_id)
        self._highest_concurrency = max(self._highest_concurrency, len(self.busy))

    def end(self, customer_id: str) -> None:
        """Let the customer's next call in."""
        self.busy.discard(customer_id)

    def accept(self, events: int) -> None:
        """Count a call that was applied."""
        self._accepted += 1
        self._events += events

    def answer(self, word: str) -> None:
        """Count an answer by its status, or by the word for its absence."""
        self._by_status[word] += 1

    def counts(self) -> dict[str, object]:
        """Return every count as JSON."""
        return {
            "calls": self._calls,
            "accepted": self._accepted,
            "events": self._events,
            "by_status": dict(sorted(self._by_status.items())),
            "max_per_second": self._second.highest,
            "max_per_30_seconds": self._long.highest,
            "overlaps": self._overlaps,
            "highest_concurrency": self._highest_concurrency,
        }
