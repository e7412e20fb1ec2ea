"""Stories of events, told to the ledger as producers and workers would tell them, with the clock in hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from redis import Redis

from shipper.envelope import Envelope, seal
from shipper.event_id import ALPHABET
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import (
    BATCH,
    ClaimedEvent,
    SettledCall,
    SettledEvent,
    alarm,
    claim,
    enqueue,
    hook_claim,
    hook_settle,
    settle,
    sweep,
)
from shipper.ledger.record import Attempt, write_attempt
from shipper.outcome import DELIVERED, UNCLEAR, Dead, Outcome, Reason, Retry, Verdict
from shipper.refusal import field_of, kind_of
from shipper.settings import Settings

NOW: Final = 1_700_000_000_000
"""2023-11-14T22:13:20Z: long ago, for a choice of letters ends at the present."""
SECOND: Final = 1000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
SETTINGS: Final = Settings(
    pace_per_second=0, pace_per_30_seconds=0, refusal_burst=0, breaker_calls=100, breaker_window_ms=1
)
"""Nothing holds a story up: a breaker that looks at a hundred calls of one moment never opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call of the story comes to."""

    verdict: Verdict
    outcome: Outcome
    status: int | None = None
    code: int | None = None
    request_id: str | None = None
    answer: str | None = None


ACCEPTED: Final = Answer(verdict=Verdict.ACCEPTED, outcome=DELIVERED, status=200)
REFUSED: Final = Answer(
    verdict=Verdict.PERMANENT,
    outcome=Dead(reason=Reason.REFUSED),
    status=422,
    code=3009,
    request_id="req-9",
    answer='{"code":3009,"message":"inactive customer"}',
)
FIELD: Final = Answer(
    verdict=Verdict.PERMANENT,
    outcome=Dead(reason=Reason.REFUSED),
    status=422,
    code=3003,
    request_id="req-3",
    answer='{"code":3003,"message":"events.order.total of \\"c-2\\" must be a number","requestId":"req-3"}',
)
SPENT: Final = Answer(verdict=Verdict.UNCLEAR, outcome=Dead(reason=Reason.SPENT), status=500, code=5000)
LOST: Final = Answer(verdict=Verdict.UNCLEAR, outcome=UNCLEAR)
BUSY_SERVER: Final = Answer(
    verdict=Verdict.REFUSED_FOR_NOW, outcome=Retry(delay_ms=4 * SECOND), status=503, code=5003
)


class Story:
    """Tell what happens, one thing after the other; `now` moves only when told to."""

    def __init__(self, ledger: Ledger, *, now: int = NOW, settings: Settings = SETTINGS) -> None:
        self.ledger = ledger
        self.settings = settings
        self.now = now
        self._tokens = (f"t{i}" for i in count())
        self._noises = count()

    def passes(self, ms: int) -> None:
        self.now += ms

    def enqueue(
        self, customer_id: str, *names: str, events: Mapping[str, Any] | None = None, **given: Any
    ) -> str:
        """Accept one event of these names, and return its id."""
        return self.enqueue_many([(customer_id, events or {name: {} for name in names})], **given)[0]

    def enqueue_many(self, events: list[tuple[str, Mapping[str, Any]]], **given: Any) -> list[str]:
        contacts: dict[str, Any] = {name: given.pop(name) for name in ("email", "mobile") if name in given}
        sealed = [
            seal(
                {"customerId": customer, "events": names, **contacts},
                settings=self.settings,
                event_id=self._id(),
                account=self.ledger.account,
                **given,
            )
            for customer, names in events
        ]
        for i in range(0, len(sealed), BATCH):
            words = {admission.word for admission in self.ledger.run(self._admit(sealed[i : i + BATCH]))}
            assert words == {"ok"}
        return [envelope.event_id for envelope in sealed]

    def calls(
        self, answer: Answer | Callable[[ClaimedEvent], Answer], *, most: int = 99, took_ms: int = 120
    ) -> int:
        """Let a worker make a call for every due lane, and settle it; return how many calls it made."""
        tokens = [next(self._tokens) for _ in range(most)]
        made = self.ledger.run(claim(tokens, SETTINGS, worker="w1", now=self.now)).calls
        self.now += took_ms
        calls = []
        for call in made:
            answers = [answer if isinstance(answer, Answer) else answer(event) for event in call.events]
            calls.append(
                SettledCall(
                    lane=call.lane,
                    token=call.token,
                    verdict=answers[0].verdict,
                    events=tuple(
                        self._settled(event, each, len(call.events), took_ms)
                        for event, each in zip(call.events, answers, strict=True)
                    ),
                )
            )
        self.ledger.run(settle(calls, SETTINGS, now=self.now))
        return len(made)

    def claims(self) -> None:
        """Let a worker begin calls and not end them."""
        self.ledger.run(claim([next(self._tokens)], SETTINGS, worker="w2", now=self.now))

    def sweeps(self) -> None:
        self.ledger.run(sweep(SETTINGS, now=self.now))

    def hooks_fail(self, error: str = "boom") -> None:
        """Let every due hook be given up at its first try."""
        jobs = self.ledger.run(hook_claim("h1", SETTINGS, most=100, now=self.now)) or []
        for job in jobs:
            self.ledger.run(hook_settle(job.job, "h1", "failed", error=error, now=self.now))

    def alarm_hooks_fail(self, name: str = "pause_ms") -> str:
        """Let an alarm be raised and its hooks be given up; return their job."""
        self.ledger.run(alarm({name: 7}, {name: 5}, {name}, held=False, seen_at=self.now, now=self.now))
        self.hooks_fail("the pager is away")
        return f"alarm-{name}-{self.now}:0"

    def _admit(self, sealed: list[Envelope]) -> Any:
        return enqueue(sealed, SETTINGS, now=self.now)

    def _settled(self, event: ClaimedEvent, answer: Answer, of: int, took_ms: int) -> SettledEvent:
        attempt = Attempt(
            at=self.now,
            number=event.number,
            worker="w1",
            verdict=answer.verdict.value,
            outcome=type(answer.outcome).__name__.lower(),
            of=of,
            took_ms=took_ms,
            status=answer.status,
            code=answer.code,
            request_id=answer.request_id,
            delay_ms=getattr(answer.outcome, "delay_ms", None),
            answer=answer.answer,
        )
        return SettledEvent(
            event_id=event.event_id,
            outcome=answer.outcome,
            code=answer.code,
            field=field_of(answer.answer or ""),
            kind=kind_of(answer.answer or ""),
            line=write_attempt(attempt),
        )

    def _id(self) -> str:
        """Return an id that was born now."""
        return self.id_of(self.now)

    def id_of(self, born: int) -> str:
        """Return an id that was born at a moment, by its producer's clock."""
        digits = "".join(ALPHABET[born >> shift & 31] for shift in range(45, -1, -5))
        return digits + str(next(self._noises)).rjust(16, "0")


def commands(redis: Redis) -> int:
    """Count the commands that Redis carried out since its statistics were reset, scripts' own included."""
    stats: Mapping[str, Any] = redis.info("commandstats")
    return sum(int(each["calls"]) for name, each in stats.items() if not name.startswith("cmdstat_config"))
