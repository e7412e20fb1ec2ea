"""Campaign: one kind of fault, done to every side that it concerns; `catalogue` lists them all.

To write one: a function takes a `Field`, starts its load (`field.start_load`), does its worst, says when the
last fault ended (`field.healed`) and returns what it injected, its figure first ("20 kills"). `beside` makes
rows of it, ours under both policies and plain Celery's, each with its own Redis, sandbox and history check.
What is no load under faults (a search, a simulation) is a function from a `Ground` to rows instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tests.faults.field import Field
from tests.faults.peer.side import Celery
from tests.faults.row import PEER, Row
from tests.faults.side import Shipper, Side
from tests.support.programs import find_redis, find_valkey
from tests.support.sandbox import Sandbox
from tests.support.servers import RedisServer

ALWAYS: Final = MappingProxyType({"appendonly": "yes", "appendfsync": "always"})
"""What the promise asks of Redis."""
RETRY: Final = "retry"
PARK: Final = "park"
ALL: Final = (RETRY, PARK, PEER)
OURS: Final = (RETRY, PARK)

SOURCES: Final = (
    *("shipper", "workers", "deploy"),
    *("tests/faults", "tests/support", "tests/journeys", "tests/producer", "tests/ledger"),
)

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(slots=True, kw_only=True)
class Ground:
    """What a campaign may use: a folder of its own, its seed, and whether it is to be short."""

    folder: Path
    seed: int
    quick: bool
    say: Callable[[str], None]
    """Tell the person who waits what is going on, one line at a time."""
    _count: int = field(default=0, repr=False)

    def place(self, name: str) -> Path:
        """Make a new folder."""
        self._count += 1
        path = self.folder / f"{self._count}-{name}"
        path.mkdir(parents=True)
        return path

    def server(self, options: Mapping[str, str] = ALWAYS) -> RedisServer:
        """Return a server that was not started yet, on Redis if it is here and else on Valkey."""
        program = find_redis() or find_valkey()
        assert program is not None, "neither Redis nor Valkey is here: run `make install`"
        return RedisServer(program, self.place("redis"), options)

    @contextmanager
    def field(
        self,
        policy: str,
        *,
        server: RedisServer | None = None,
        options: Mapping[str, str] = ALWAYS,
        settings: Mapping[str, Any] = NOTHING,
        sandbox: Mapping[str, Any] = NOTHING,
    ) -> Iterator[Field]:
        """Set one side up: `settings` are ours (`lease_ms=…`), `sandbox` its options (`latency_ms=…`)."""
        with ExitStack() as stack:
            redis = server or self.server(options)
            if not redis.running:
                redis.start()
            stack.callback(redis.kill)
            far_end = stack.enter_context(Sandbox(self.place("gameball"), **sandbox))
            side: Side
            if policy == PEER:
                side = stack.enter_context(Celery(redis, far_end, self.place("celery")))
            else:
                side = stack.enter_context(
                    Shipper(redis, far_end, self.place("shipper"), policy=policy, **settings)
                )
            there = Field(side, redis, far_end, seed=self.seed, quick=self.quick, say=self.say)
            stack.callback(there.close)
            yield there


Inject = Callable[[Field], str]
Run = Callable[[Ground], Iterator[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign as `make faults` knows it."""

    name: str
    """As on the command line: `redis-kill`."""
    tells: str
    """What is done and what must hold, in a sentence or two for docs/reliability.md."""
    run: Run
    minutes: float
    """About how long the long version takes on two cores; it is stopped after three times as much."""
    quick: bool = True
    """Whether `--quick` has it too, shortened."""
    sources: Sequence[str] = SOURCES
    """Files and folders that its result depends on: when any of them changes, it is run anew."""


def beside(
    fault: str,
    inject: Inject,
    *,
    sides: Sequence[str] = ALL,
    note: str = "",
    within_s: float = 120.0,
    may_die: bool = False,
    **how: Any,
) -> Run:
    """Return the run that injects one fault into each side in turn; `how` goes to `Ground.field`."""

    def run(ground: Ground) -> Iterator[Row]:
        for policy in sides:
            ground.say(f"{fault}: {policy}")
            with ground.field(policy, **how) as there:
                injected = inject(there) if there.side.promised else _if_it_can(inject, there)
                yield there.row(fault, injected, note=note, within_s=within_s, may_die=may_die)

    return run


def _if_it_can(inject: Inject, there: Field) -> str:
    """Inject into the peer, whose trouble to get through it is a finding and not our failure."""
    try:
        return inject(there)
    except AssertionError as error:
        if there.load is None:
            raise
        there.healed()
        return f"broken off: {str(error).splitlines()[0]}"


def in_turn(*runs: Run) -> Run:
    """Return the run of several, one after another."""

    def run(ground: Ground) -> Iterator[Row]:
        for each in runs:
            yield from each(ground)

    return run
