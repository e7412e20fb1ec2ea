"""Scene: everything that a trouble may lay its hands on, and the run of a plan over it."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from dataclasses import field as default
from typing import Final

from redis import Redis
from redis.exceptions import RedisError

from shipper.errors import ShipperError
from shipper.inspector import Inspector
from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from shipper.settings import Settings
from tests.faults.field import Field
from tests.faults.side import Shipper
from tests.faults.soak.hooks import HOOKS
from tests.faults.soak.plan import Step, Undo
from tests.support.hostile import HostileServer
from tests.support.proxy import Proxy
from tests.support.stage import Stage
from tests.support.worker import Worker

OPERATOR_MS: Final = 1000
"""Longest that an operator waits for Redis: whoever drives the plan has other troubles to end."""

CALM: Final = {
    "backoff_base_ms": 50,
    "backoff_cap_ms": 1000,
    "hook_timeout_ms": 1000,
    "hook_tries": 2,
    "max_crashes": 3,
    "refusal_burst": 0,
}
"""Settings of the workers beyond those of every test: retries that outlast a trouble of some seconds."""


@dataclass(slots=True, kw_only=True)
class Scene:
    """The parts of one soak. Troubles change them; what they did is counted here."""

    field: Field
    stage: Stage
    line: Proxy
    """Between the workers and Redis."""
    counter: Proxy
    """Between the producers and Redis."""
    elsewhere: HostileServer
    """Where redirects lead: nobody may come."""
    inspector: Inspector
    spared: Worker
    """Suffers everything but its end: its memory is watched."""
    victim: Worker
    """A pool of processes that serves hooks too."""
    customers: int
    done: Counter[str] = default(default_factory=Counter)
    """How often each trouble struck."""
    missed: Counter[str] = default(default_factory=Counter)
    """How often one could not, because Redis was away for those who made it."""
    redriven: Counter[str] = default(default_factory=Counter)
    """How often the operator meant to send each event again, by its id: a life more, and its place lost."""
    erased: set[str] = default(default_factory=set)
    """Customers of whom everything was erased, untold hooks too."""
    confirmed: set[str] = default(default_factory=set)
    """Ids of unclear events that the operator sent again, knowing that they may arrive twice."""

    @contextmanager
    def redis(self) -> Iterator[Redis]:
        """Speak to Redis past all lines, not for long."""
        with self.field.server.client(timeout_s=OPERATOR_MS / 1000) as client:
            yield client

    def endure(self, steps: Sequence[Step]) -> None:
        """Let every step of a plan begin and end at its time."""
        began = time.monotonic()
        moments = [(step.at_s, 0, step) for step in steps] + [(step.ends_s, 1, step) for step in steps]
        undo: dict[Step, Undo | None] = {}
        for at_s, ends, step in sorted(moments, key=lambda moment: moment[:2]):
            self.field.pass_time(max(0.0, began + at_s - time.monotonic()))
            if not ends:
                undo[step] = self._begin(step)
            elif (end := undo.pop(step)) is not None:
                end()

    def _begin(self, step: Step) -> Undo | None:
        name = step.trouble.name
        try:
            undo = step.trouble.begin(self, random.Random(step.dice))  # noqa: S311 - reproducible
        except (RedisError, ShipperError):
            self.missed[name] += 1
            return None
        self.done[name] += 1
        self.field.say(f"{step.at_s:6.1f} s  {name}" + (f" for {step.for_s:.1f} s" if step.for_s else ""))
        return undo


@contextmanager
def set_up(field: Field, *, customers: int) -> Iterator[Scene]:
    """Put a scene up: two workers behind one line, the producers behind another."""
    assert isinstance(field.side, Shipper), "plain Celery has no operator and no ledger"
    stage = field.side.stage
    with ExitStack() as stack:
        line = stack.enter_context(Proxy(field.server.port))
        counter = stack.enter_context(Proxy(field.server.port))
        elsewhere = stack.enter_context(HostileServer())
        field.side.route(counter.url)
        pool = make_pool(field.server.url, budget_ms=OPERATOR_MS)
        stack.callback(pool.disconnect)
        settings = Settings(redis_url=field.server.url)
        start: Callable[..., Worker] = stage.worker
        spared = start("-Q", "shipper.deliver", ready=False, redis_url=line.url, **CALM)
        victim = start("-P", "prefork", "-c", "2", ready=False, hooks=HOOKS, redis_url=line.url, **CALM)
        for worker in (spared, victim):
            worker.await_ready()
        yield Scene(
            field=field,
            stage=stage,
            line=line,
            counter=counter,
            elsewhere=elsewhere,
            inspector=Inspector(Ledger(pool, budget_ms=OPERATOR_MS), settings),
            spared=spared,
            victim=victim,
            customers=customers,
        )
