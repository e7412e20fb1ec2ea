"""Enumeration: strike a worker at its first boundary, at its second, and so on, until a life ends untouched.

How many boundaries a life has is counted first; then every point is tried at once, each in an account of its
own. What the struck leave, unstruck workers finish; and what came of the events is compared with points.toml.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import requests

from shipper.envelope import seal
from shipper.event_id import new_event_id
from shipper.ledger.audit import audit
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import enqueue, show
from shipper.ledger.pool import make_pool
from shipper.settings import Settings
from tests.faults.boundaries import Deed, Strike
from tests.faults.clock import MOST
from tests.faults.forks import HOOK, Fork, Forks
from tests.faults.points import LETTERS, Scene
from tests.support.sandbox import Sandbox
from tests.support.servers import RedisServer

PRODUCER: Final = Settings(accounts=tuple(f"p{i}" for i in range(MOST)))
NAMES: Final = ("view_product", "add_to_cart", "write_review")
KILLS: Final = (Deed.KILL_BEFORE, Deed.KILL_AFTER)
ALL: Final = (*KILLS, Deed.LOSE)
ANSWERLESS: Final = frozenset({"hook", "publish"})
"""Boundaries that answer nothing, so that there is nothing to lose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One life, what may come of its events, and what did: cells as in points.toml."""

    scene: str
    struck: str
    """What was done to it and where, as its trace ends; `untouched`."""
    expected: tuple[str, ...]
    found: str
    complaints: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Tell whether the table was right."""
        return self.found in self.expected and not self.complaints

    def __str__(self) -> str:
        right = "" if self.found in self.expected else f", not {' or '.join(self.expected)}"
        return "; ".join([f"{self.scene}, {self.struck}: {self.found}{right}", *self.complaints])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """The events of one account."""

    account: str
    scene: Scene
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """A life, and what was to be done to it."""

    stay: Stay
    fork: Fork
    strike: Strike | None


class Enumeration:
    """Try scenes on a Redis and a sandbox of its own. Use within the context of its forks."""

    def __init__(self, forks: Forks, server: RedisServer, sandbox: Sandbox) -> None:
        self.forks = forks
        self.sandbox = sandbox
        self._pool = make_pool(server.url, budget_ms=15_000)
        self._admin = requests.Session()
        self._admin.trust_env = False
        self._number = 0

    def close(self) -> None:
        """Close the connections."""
        self._pool.disconnect()
        self._admin.close()

    def walk(self, scenes: Sequence[Scene], deeds: Sequence[Deed] = ALL) -> list[Point]:
        """Try every point of these scenes, and their untouched lives."""
        self.warm_up(scenes[0])
        whole = [(scene, self._begin(scene)) for scene in scenes]
        self.forks.wait()
        ends = self._judge([life for _, life in whole])
        return ends + self.strike(
            [
                (scene, Strike(deed=deed, at=at))
                for scene, life in whole
                for deed in deeds
                for at in range(1, boundaries_of(life.fork) + 1 + (deed is Deed.KILL_BEFORE))
            ]
        )

    def warm_up(self, scene: Scene) -> None:
        """Let Redis know the scripts: a script that it does not know is sent twice, and counts twice."""
        self.forks.finish([self.settle_in(scene).account], processes=1)

    def strike(self, wanted: Sequence[tuple[Scene, Strike]]) -> list[Point]:
        """Strike a life for each; then let unstruck workers finish what the killed left."""
        lives = [self._begin(scene, strike) for scene, strike in wanted]
        self.forks.wait()
        self.forks.finish([life.stay.account for life in lives if life.fork.killed])
        return self._judge(lives)

    def _begin(self, scene: Scene, strike: Strike | None = None) -> Struck:
        stay = self.settle_in(scene)
        strikes = () if strike is None else (strike,)
        return Struck(stay=stay, fork=self.forks.start(stay.account, *strikes), strike=strike)

    def _judge(self, lives: Sequence[Struck]) -> list[Point]:
        found = self.look([life.stay for life in lives])
        return [_point(life, *each) for life, each in zip(lives, found, strict=True)]

    def next_account(self) -> str:
        """Name an account that nobody used yet."""
        self._number += 1
        return f"p{self._number - 1}"

    def settle_in(self, scene: Scene) -> Stay:
        """Enqueue a scene's events in an account of their own, and tell Gameball how to answer them."""
        account = self.next_account()
        for answer in scene.answers:
            match = {"customer": account} if scene.always else {"customer": account, "first": 1}
            told = self._admin.post(f"{self.sandbox.url}/admin/faults", json={"match": match, "do": answer})
            assert told.status_code == 201, told.text
        ids = tuple(new_event_id() for _ in range(scene.events))
        envelopes = [
            seal(
                {"customerId": account, "events": {NAMES[i]: {"reference": event_id}}},
                settings=PRODUCER,
                event_id=event_id,
                hook=HOOK,
                on_unclear=scene.policy,
                account=account,
            )
            for i, event_id in enumerate(ids)
        ]
        admitted = self.ledger(account).run(enqueue(envelopes, PRODUCER))
        assert [admission.word for admission in admitted] == ["ok"] * len(ids)
        return Stay(account=account, scene=scene, ids=ids)

    def ledger(self, account: str) -> Ledger:
        """Return an account's book, past every boundary."""
        return Ledger(self._pool, account, budget_ms=15_000)

    def look(self, stays: Sequence[Stay]) -> list[tuple[str, tuple[str, ...]]]:
        """Return the cell of each account's events, and what does not add up there."""
        copies = Counter(
            metadata["reference"] for call in self.sandbox.accepted() for metadata in call["events"].values()
        )
        told = Counter(self.forks.told)
        return [self._cell(stay, copies, told) for stay in stays]

    def _cell(self, stay: Stay, copies: Counter[str], told: Counter[str]) -> tuple[str, tuple[str, ...]]:
        ledger = self.ledger(stay.account)
        shown = ledger.run(show(stay.ids))
        causes = ["?" if each is None else _digit((each.fate or each.tried).causes) for each in shown]
        ends = ["-" if each is None else LETTERS.get(each.state.value, "?") for each in shown]
        words = [
            "".join(_digit(copies[each]) for each in stay.ids),
            "".join(ends),
            "".join(causes),
            "".join(_digit(told[each]) for each in stay.ids),
        ]
        return " ".join(words), tuple(str(finding) for finding in audit(ledger).findings)


def _point(life: Struck, found: str, unsound: tuple[str, ...]) -> Point:
    trace = life.fork.trace
    strike = life.strike
    struck = any(line.startswith(("killed", "lost")) for line in trace)
    missed: tuple[str, ...] = ()
    if strike is not None and not struck and missed_in(trace, strike):
        missed = (f"never came about: {strike.deed} {strike.name or 'boundary'} {strike.at}",)
    return Point(
        scene=life.stay.scene.key,
        struck=where(trace) if struck else "untouched",
        expected=tuple(life.stay.scene.cells(strike.deed if strike and struck else Deed.LOSE, trace)),
        found=found,
        complaints=(*unsound, *missed),
    )


def missed_in(trace: Sequence[str], strike: Strike) -> bool:
    """Tell whether a strike should have hit a life that was not struck.

    One at a named boundary should: whoever names it knows that a life comes there. One by number may lie
    beyond the life's end.
    """
    crossed = [line[1:] for line in trace if line.startswith(">")]
    if strike.name:
        return True
    if strike.at > len(crossed):
        return False
    name = crossed[strike.at - 1]
    return strike.deed is not Deed.LOSE or not (name in ANSWERLESS or f"!{name}" in trace)


def boundaries_of(life: Fork) -> int:
    """Count what an untouched life crossed."""
    return sum(1 for line in life.trace if line.startswith(">"))


def where(trace: Sequence[str]) -> str:
    """Name the point at which a life was struck: `killed after the 2nd claim`."""
    line = next(line for line in trace if line.startswith(("killed", "lost")))
    name = line.split()[-1]
    before = trace[: trace.index(line)]
    times = sum(1 for each in before if each == f">{name}") + line.startswith("killed before")
    return f"{line} {times}, boundary {sum(1 for each in before if each.startswith('>'))}"


def wrong(points: Sequence[Point]) -> list[str]:
    """Name every point at which the table does not hold."""
    return [str(point) for point in points if not point.holds]


def _digit(count: int) -> str:
    return str(count) if count < 10 else "+"
