"""Preview: ask Gameball what one event would earn now, read-only, within the limit of such calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from threading import Event
from typing import Any, Final

from shipper.clock import monotonic_ms
from shipper.inspector.preview import Kind, PreviewError, Quote
from shipper.outcome import Verdict
from shipper.settings import Settings
from workers.gameball import Gameball
from workers.settings import Account, account_of, problems_of
from workers.verdict import Answer, Judgement, judge

APART_MS: Final = 84
"""Between two previews: 12 a second fill neither of their two windows, 30 in 1 s and 360 in 30 s."""
TRIES: Final = 3
WINDOW_MS: Final = 30_000
"""What a throttled preview waits unless it is told: the longer window has room again by then."""
BUSY_MS: Final = 1_000
NO_SUCH_CUSTOMER: Final = range(7000, 7001)

Wait = Callable[[float], object]
"""Waits for so many seconds."""


class PreviewAccount(Account):
    """The same account at the address of its previews."""

    @property
    def events_url(self) -> str:
        """Return the address that previews are posted to."""
        return f"{self.base_url}/api/{self.version}/integrations/events/reward-preview"


class Quoter:
    """Ask for one event after the other."""

    def __init__(self, gameball: Gameball, *, timeout_ms: int, wait: Wait | None = None) -> None:
        self._gameball = gameball
        self._timeout_ms = timeout_ms
        self._wait: Final = wait or Event().wait
        self._next_at = 0

    def __call__(self, body: bytes) -> Quote:
        """Return what the event of this body would earn; raise PreviewError if none can be asked for."""
        why = ""
        for _ in range(TRIES):
            self._keep_the_pace()
            answer = self._gameball.post(body, timeout_ms=self._timeout_ms)
            judgement = judge(answer)
            if (wait_ms := _wait_ms(judgement)) is None:
                return read_quote(answer, judgement)
            why = f"no answer yet: {judgement.verdict.value}"
            self._wait(wait_ms / 1000)
        return Quote(kind="unknown", why=why)

    def _keep_the_pace(self) -> None:
        now = monotonic_ms()
        if now < self._next_at:
            self._wait((self._next_at - now) / 1000)
        self._next_at = max(now, self._next_at) + APART_MS


def open_quoter(alias: str, environ: Mapping[str, str], settings: Settings) -> Quoter:
    """Make a quoter for an account as it is configured; raise PreviewError naming every problem."""
    account = account_of(alias, environ)
    problems = [str(problem) for problem in problems_of(account)]
    if problems:
        raise PreviewError("; ".join(problems))
    given = {field.name: getattr(account, field.name) for field in fields(account)}
    gameball = Gameball(PreviewAccount(**given), connect_timeout_ms=settings.connect_timeout_ms)
    return Quoter(gameball, timeout_ms=settings.timeout_ms)


def read_quote(answer: Answer, judgement: Judgement) -> Quote:
    """Read what an answer tells; what it does not contain is unknown. Raises PreviewError."""
    match judgement.verdict:
        case Verdict.ACCEPTED | Verdict.ALREADY_APPLIED:
            return _read_body(answer)
        case Verdict.CREDENTIALS:
            raise PreviewError(
                f"Gameball refuses previews ({_told(judgement)}): they want both keys of the account"
            )
        case Verdict.PERMANENT | Verdict.VAGUE if not _no_customer(judgement):
            return Quote(kind="refused", why=_told(judgement))
        case Verdict.PERMANENT | Verdict.VAGUE:
            return Quote(kind="unknown", why="Gameball knows no such active customer")
        case _:
            return Quote(kind="unknown", why=f"no answer: {judgement.verdict.value}")


def _wait_ms(judgement: Judgement) -> int | None:
    """Return how long to wait before asking again, None if this was the answer."""
    match judgement.verdict:
        case Verdict.THROTTLED:
            return judgement.retry_after_ms or WINDOW_MS
        case Verdict.BUSY | Verdict.REFUSED_FOR_NOW:
            return BUSY_MS
        case _:
            return None


def _no_customer(judgement: Judgement) -> bool:
    return judgement.status == 404 or judgement.code in NO_SUCH_CUSTOMER


def _told(judgement: Judgement) -> str:
    return str(judgement.status) if judgement.code is None else f"{judgement.status}, code {judgement.code}"


def _read_body(answer: Answer) -> Quote:
    """Read the events of a preview. The live call takes those that it calls invalid, and rewards nothing."""
    try:
        found = json.loads(answer.body)
        results = [_Result(result) for result in found["events"]]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Quote(kind="unknown", why="the answer tells nothing of the event")
    if not results:
        return Quote(kind="unknown", why="the answer tells nothing of the event")
    points, coupons = sum(each.points for each in results), sum(each.coupons for each in results)
    invalid = next((each.why for each in results if not each.valid), "")
    kind: Kind = "refused" if invalid else "earns" if points or coupons else "nothing"
    return Quote(kind=kind, points=points, coupons=coupons, why=invalid)


class _Result:
    """One event of the answer; raises TypeError or LookupError where it lacks what counts."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        self.valid = found["valid"] is True
        self.why = str(found.get("invalidReason") or "invalid").partition(":")[0][:80]
        points = found["totalPoints"]
        if isinstance(points, bool) or not isinstance(points, int):
            raise TypeError("totalPoints")
        self.points = points
        self.coupons = sum(
            1
            for campaign in found.get("campaigns") or ()
            if campaign.get("rewardType") == "Coupon" and campaign.get("eligible") is True
        )
