"""Life: a worker's, from its first look to its last, without Celery and without waiting for anything.

The real Dispatcher, pumps and tellers on the real ledger, one after another in one thread; only a call under
way has its own. What Celery would carry is carried by hand: a published message is consumed at once. While
nothing can be done yet, the account's clock is moved on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Event as Flag
from typing import Any, Final, TypeVar

from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Operation, Sweep, status
from shipper.ledger.pool import Pool, make_pool
from shipper.settings import Settings
from tests.faults.boundaries import Boundaries
from tests.faults.clock import Clock
from workers.dispatcher import Desk, Dispatcher
from workers.settings import account_of
from workers.wiring import Works

T = TypeVar("T")

STEP_MS: Final = 5000
"""How far the clock is moved when nothing can be done yet; less than what a sweep takes for an outage."""
ROUNDS: Final = 24
"""Moves after which a life ends though something waits: two minutes are more than any wait here."""

SETTINGS: Final = Settings(
    timeout_ms=5000,
    connect_timeout_ms=3000,
    lease_ms=12_000,
    pace_per_second=0,
    pace_per_30_seconds=0,
    pace_margin_ms=6000,
    backoff_base_ms=4000,
    backoff_cap_ms=4000,
    pause_step_ms=3000,
    pause_max_ms=3000,
    calls_in_flight=1,
    tellers=1,
    hook_timeout_ms=5000,
    sweep_ms=10,
)
"""One call at a time, so that boundaries come in one order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the lives of one test are led."""

    redis_url: str
    gameball_url: str
    clock: Clock
    settings: Settings = SETTINGS
    boundaries: Boundaries = field(default_factory=Boundaries)


def live(place: Place, account: str, *, worker: str, rounds: int = ROUNDS) -> None:
    """Work on an account until nothing is left to do, or `rounds` moves of the clock did not help."""
    pool = make_pool(place.redis_url, budget_ms=3000)
    works = _works(place, account, pool, worker)
    ledger = Watched(pool, account, place=place, rounds=rounds)
    dispatcher = Dispatcher(
        ledger, place.settings, _desk(works, place), worker=worker, hold_ms=0, leaving=works.stopping
    )
    ledger.over = dispatcher.stop
    dispatcher._run()
    pool.disconnect()


def _works(place: Place, account: str, pool: Pool, worker: str) -> Works:
    environ = {"GAMEBALL_API_KEY": "canary-key-1234", "GAMEBALL_BASE_URL": place.gameball_url}
    return Works(
        settings=place.settings,
        accounts={account: replace(account_of("default", environ), alias=account)},
        worker=worker,
        pool=pool,
        stopping=Flag(),
    )


def _desk(works: Works, place: Place) -> Desk:
    def carried(run: Callable[[str, str], int]) -> Callable[[str, str], object]:
        def start(account: str, ticket: str) -> None:
            place.boundaries.cross("publish", lambda: None)
            run(account, ticket)

        return start

    def tell_here(account: str, ticket: str) -> bool:
        works.run_teller(account, ticket)
        return True

    return Desk(
        start_pump=carried(works.run_pump),
        start_teller=carried(works.run_teller),
        run_here=works.run_pump,
        tell_here=tell_here,
        wake=works.wake,
        give_up=lambda why: None,
        hanging_hooks=list,
    )


class Watched(Ledger):
    """See from each sweep whether the life is over, or the clock has to move on."""

    over: Callable[[], None]

    def __init__(self, pool: Pool, account: str, *, place: Place, rounds: int) -> None:
        super().__init__(pool, account, budget_ms=3000)
        self._place = place
        self._rounds = rounds

    def run(self, operation: Operation[T], *, until: int | None = None) -> T:
        answer = super().run(operation, until=until)
        if isinstance(answer, Sweep) and not answer.pumps and not answer.tellers:
            self._look()
        return answer

    def _look(self) -> None:
        self._place.boundaries.quiet = True
        try:
            sizes: dict[str, Any] = dict(super().run(status()).sizes)
        finally:
            self._place.boundaries.quiet = False
        if not (sizes["due"] or sizes["lease"] or sizes["hooks"]) or self._rounds < 1:
            self.over()
        else:
            self._rounds -= 1
            self._place.clock.move(self.account, STEP_MS)
