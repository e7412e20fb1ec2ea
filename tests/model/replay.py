"""Replay: the model's steps taken on the real scripts, and both worlds compared after each.

A disagreement is a mistake in the model or in the scripts. Clocks are moved, never waited for: a claim comes
when its lane is due, a sweep when the lease has run out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, assert_never

from shipper.envelope import Envelope
from shipper.errors import ShipperError
from shipper.ledger import operations as ask
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Claim, SettledCall, SettledEvent
from shipper.outcome import OnUnclear, State, Verdict
from shipper.settings import Settings
from tests.simulator.actors.producers import event_id
from tests.simulator.book import Book, dump
from tests.simulator.rewind import Kept, note_all, rewind
from tests.simulator.structure import check_structure
from workers.retry import Used, decide
from workers.verdict import Judgement

from .likeness import LANE, Hand, differences
from .scripts import Scripts
from .steps import Answer, Step, Verb, steps
from .world import GONE, Case, Event, World

START_MS: Final = 1_750_000_000_000
BEAT_MS: Final = 5000
"""How often the ledger is swept while the clock is moved, so that no gap looks like an outage."""
VERDICTS: Final = {
    Answer.ACCEPTED: Verdict.ACCEPTED,
    Answer.UNCLEAR_APPLIED: Verdict.UNCLEAR,
    Answer.UNCLEAR_NOT_APPLIED: Verdict.UNCLEAR,
    Answer.REFUSED: Verdict.PERMANENT,
    Answer.NOT_SENT: Verdict.NOT_SENT,
    Answer.UNSENT: Verdict.UNSENT,
}


def settings_of(case: Case) -> Settings:
    """Return settings with the case's budgets, under which nothing but the protocol holds a call back."""
    return Settings(
        timeout_ms=1000,
        connect_timeout_ms=1000,
        lease_ms=6000,
        coalesce_max=case.merge,
        max_attempts=case.max_attempts,
        max_crashes=case.max_crashes,
        pace_per_second=0,
        pace_per_30_seconds=0,
        refusal_burst=0,
        breaker_calls=100,
        breaker_window_ms=1,
    )


class DisagreementError(AssertionError):
    """Say that the scripts went another way than the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """All that a rollback brings back: the keys as Redis dumps them, and what had been counted by then."""

    keys: Kept
    claims: Counter[str]
    jobs: dict[str, set[str]]


@dataclass(slots=True, kw_only=True)
class Replay:
    """One trace on a ledger of its own, beside the model's world."""

    ledger: Ledger
    scripts: Scripts
    now: int = START_MS
    world: World = field(init=False)
    found: Book = field(init=False)
    taken: list[Step] = field(default_factory=list)
    _settings: Settings = field(init=False)
    _saved: Saved = field(init=False)
    _ids: list[str] = field(default_factory=list)
    _hands: dict[int, Hand] = field(default_factory=dict)
    _tokens: int = 0
    _swept_at: int = START_MS
    _claims: Counter[str] = field(default_factory=Counter)
    _jobs: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Empty the server and accept what the case begins with."""
        self._settings = settings_of(self.scripts.case)
        self.world = self.scripts.case.first_world()
        self.ledger.ask("FLUSHALL")
        self._sweep()
        for _ in self.world.events:
            self._enqueue()
        self._compare()

    def take(self, step: Step) -> None:
        """Take a step on both sides; raise DisagreementError where they come to other ends."""
        after = dict(steps(self.world, self.scripts))[step]
        self.taken.append(step)
        try:
            self._act(step)
            self.world = after
            self._compare()
        except (AssertionError, LookupError, ValueError, ShipperError) as error:
            way = ", ".join(map(str, self.taken))
            raise DisagreementError(f"{way}: {type(error).__name__}: {error}") from error

    def _act(self, step: Step) -> None:
        match step.verb:
            case Verb.ENQUEUE:
                self._enqueue()
            case Verb.CLAIM | Verb.CLAIM_LOST | Verb.CLAIM_AGAIN | Verb.VOID:
                self._of_claim(step)
            case Verb.POST:
                self._post(step)
            case Verb.SETTLE | Verb.SETTLE_LOST:
                self._settle(step)
            case Verb.KILL:
                del self._hands[_worker(step)]
            case Verb.SWEEP:
                self._expire()
            case Verb.SAVE:
                self._saved = self._save()
            case Verb.ROLL_BACK:
                self._roll_back()
            case Verb.REDRIVE | Verb.DISCARD | Verb.EXPUNGE:
                self._operate(step)
            case _:
                assert_never(step.verb)

    def _enqueue(self) -> None:
        number = len(self._ids)
        envelope = _envelope(self.ledger.account, number, park=self.scripts.case.parks[number], now=self.now)
        self._ids.append(envelope.event_id)
        (admission,) = self.ledger.run(ask.enqueue([envelope], self._settings, now=self.now))
        assert admission.word == "ok", admission

    def _of_claim(self, step: Step) -> None:
        worker = _worker(step)
        if step.verb is Verb.VOID:
            self._claim([], worker, void=[self._hands.pop(worker).token])
        elif step.verb is Verb.CLAIM_AGAIN:
            self._claim_again(worker)
        else:
            self._pass_until(max(self.now, self.found.due[LANE]))
            self._tokens += 1
            (call,) = self._claim([f"t{self._tokens}"], worker).calls
            self._claims.update(event.event_id for event in call.events)
            heard = None if step.verb is Verb.CLAIM_LOST else call
            self._hands[worker] = Hand(token=call.token, call=heard)

    def _claim_again(self, worker: int) -> None:
        """Ask as before; a ledger that has forgotten the claim makes a new one of it."""
        hand, forgotten = self._hands[worker], self.world.slots[worker].forgotten
        if forgotten and LANE in self.found.due:
            self._pass_until(self.found.due[LANE])
        calls = self._claim([hand.token], worker).calls
        if not calls:
            del self._hands[worker]
            return
        hand.call = calls[0]
        if forgotten:
            self._claims.update(event.event_id for event in hand.call.events)

    def _claim(self, tokens: Sequence[str], worker: int, void: Sequence[str] = ()) -> Claim:
        operation = ask.claim(tokens, self._settings, worker=f"w{worker}", void=void, now=self.now)
        return self.ledger.run(operation)

    def _post(self, step: Step) -> None:
        """Decide as a worker does what the answer means for each event."""
        assert step.answer is not None
        hand, verdict = self._hands[_worker(step)], VERDICTS[step.answer]
        assert hand.call is not None
        events = [
            SettledEvent(
                event_id=event.event_id,
                outcome=decide(
                    Judgement(verdict=verdict),
                    Used(
                        charged=event.tried.charged,
                        on_unclear=OnUnclear.PARK if event.record.park else OnUnclear.RETRY,
                    ),
                    alone=len(hand.call.events) == 1,
                    settings=self._settings,
                    random=lambda: 0.0,
                ),
                line=b'{"number":%d}' % event.number,
            )
            for event in hand.call.events
        ]
        hand.settled = SettledCall(lane=LANE, token=hand.token, verdict=verdict, events=tuple(events))

    def _settle(self, step: Step) -> None:
        worker = _worker(step)
        hand = self._hands[worker]
        assert hand.settled is not None
        words = self.ledger.run(ask.settle([hand.settled], self._settings, now=self.now))
        slot = self.world.slots[worker]
        expected = [_word(self.world.events[i], hand.settled.verdict, holds=slot.holds) for i in slot.ids]
        assert words == expected, f"settle answered {words}, the model says {expected}"
        if step.verb is Verb.SETTLE:
            del self._hands[worker]

    def _expire(self) -> None:
        """Sweep when the lease is over; what was rolled back looks like an outage, and gets its grace."""
        for _ in range(2):
            self._pass_until(self.found.lease[LANE])
            if self._sweep():
                return
            self.found = self.ledger.run(dump())
        raise AssertionError("the lease is over, and nothing expired")

    def _save(self) -> Saved:
        jobs = {event_id: set(jobs) for event_id, jobs in self._jobs.items()}
        return Saved(keys=note_all(self.ledger), claims=self._claims.copy(), jobs=jobs)

    def _roll_back(self) -> None:
        rewind(self.ledger, self._saved.keys)
        self._claims, self._jobs = self._saved.claims, self._saved.jobs

    def _operate(self, step: Step) -> None:
        assert step.event is not None
        event, ids = self.world.events[step.event], [self._ids[step.event]]
        if step.verb is Verb.REDRIVE:
            words = self.ledger.run(ask.redrive(ids, spread_ms=0, may_duplicate=True, now=self.now))
        elif step.verb is Verb.DISCARD:
            words = self.ledger.run(ask.discard(ids, waiting=ids, now=self.now))
        else:
            words = self.ledger.run(ask.expunge(ids, now=self.now))
        expected = event.state.value if step.verb is Verb.EXPUNGE else "ok"
        assert words == [expected], f"{step} answered {words}, the model says {expected}"

    def _pass_until(self, moment: int) -> None:
        while self.now < moment:
            self.now = min(moment, self._swept_at + BEAT_MS)
            if self.now < moment:
                self._sweep()

    def _sweep(self) -> int:
        self._swept_at = self.now
        return self.ledger.run(ask.sweep(self._settings, now=self.now)).expired

    def _compare(self) -> None:
        self.found = self.ledger.run(dump())
        check_structure(self.found)
        for job in self.found.jobs:
            self._jobs.setdefault(job.partition(":")[0], set()).add(job)
        unlike = [
            *differences(
                self.world, self.found, ids=self._ids, hands=self._hands, claims=self._claims, jobs=self._jobs
            )
        ]
        assert not unlike, "\n".join(unlike)


def _worker(step: Step) -> int:
    assert step.worker is not None
    return step.worker


def _word(event: Event, verdict: Verdict, *, holds: bool) -> str:
    """Return what settle must answer for an event, from how it was before."""
    if event.state is State.DELIVERED and verdict is Verdict.ACCEPTED:
        return "already"
    if event.state in GONE or event.state is State.DELIVERED:
        return "gone"
    if holds and event.state is State.IN_FLIGHT:
        return "ok"
    return "adopted" if verdict is Verdict.ACCEPTED else "stale"


def _envelope(account: str, number: int, *, park: bool, now: int) -> Envelope:
    flags = "p" if park else "r"
    return Envelope(
        event_id=event_id(now, number),
        explicit=False,
        account=account,
        lane=LANE,
        key_hash="",
        fingerprint=f"f{number}",
        tail_header=f"n{number}|sig|{flags}|told|3".encode(),
        body=f"B{number}".encode(),
    )
