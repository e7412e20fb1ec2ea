"""Broken: builds of the product with one thing taken away, so that the checks can be seen to notice.

Nothing of this is in the product: a build changes a script as it is loaded, or a function in this process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from unittest.mock import patch

import pycurl

from shipper.ledger import ledger
from tests.simulator.mutation import Mutant, loader, mutated
from workers import flight, wire

Break = Callable[[], Any]
"""Returns a patch: entered, the build is broken until it is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A build with one thing taken away."""

    name: str
    lacks: str
    """What was taken away, as a noun."""
    broken: Break
    caught_by: tuple[str, ...]
    """Checks of `tests.faults.checks`, each of which must fail; the first is the quickest."""
    complaint: str
    """A part of what each of them says then: a build that is broken in any other way is not caught by it."""

    def caught(self, complaints: Iterable[str]) -> bool:
        """Tell whether these are the complaints of a check that saw what is missing."""
        return any(self.complaint in each for each in complaints)


def scripted(file: str, old: str, new: str) -> Break:
    """Change a script where it is loaded; raise ValueError if its text is not found exactly once."""

    def change() -> Any:
        mutant = Mutant(name="", file=file, old=old, new=new, caught="")
        return patch.object(ledger, "load", loader(mutated(mutant)))

    return change


def _without_deadline() -> Any:
    load = wire.Wire.load

    def unlimited(self: wire.Wire, headers: Any, body: bytes, *, connect_ms: int, whole_ms: int) -> None:
        load(self, headers, body, connect_ms=connect_ms, whole_ms=0)  # to libcurl no limit at all

    return patch.object(wire.Wire, "load", unlimited)


def _with_option(option: int, value: object) -> Break:
    def change() -> Any:
        make = wire.Wire.__init__

        def made(self: wire.Wire) -> None:
            make(self)
            self.curl.setopt(option, value)

        return patch.object(wire.Wire, "__init__", made)

    return change


def _body_that_can_be_rewound() -> Any:
    make = wire.Wire.__init__

    def made(self: wire.Wire) -> None:
        make(self)

        def seek(offset: int, _origin: int) -> int:
            self._at = offset
            return 0  # done

        self.curl.setopt(pycurl.SEEKFUNCTION, seek)

    return patch.object(wire.Wire, "__init__", made)


def _never_too_late() -> Any:
    return patch.object(flight, "too_late", lambda waited_ms, settings, **late: False)


BUILDS: Final = (
    Build(
        name="no-sweep",
        lacks="the sweep's end of leases that ran out",
        broken=scripted(
            "sweep", "for _, lane in ipairs(expired) do expire_lane(lane, backoff, crashes) end", ""
        ),
        caught_by=("crash points",),
        complaint=": 1 f 0 0, not 2 d 1 1",
    ),
    Build(
        name="no-token-check",
        lacks="the check of a settle's token",
        broken=scripted("settle", "local mine = current.token == token", "local mine = current.token ~= nil"),
        caught_by=("stopped in the call, then refused",),
        complaint=": 2 d 1 1, not 1 d 1 1",
    ),
    Build(
        name="no-adoption",
        lacks="the adoption of a success whose lease ran out",
        broken=scripted("settle", "elseif outcome == 'D' then", "elseif outcome == 'D' and mine then"),
        caught_by=("stopped in the call, then accepted",),
        complaint=": 2 d 2 1, not 1 d 1 1",
    ),
    Build(
        name="no-deadline",
        lacks="the deadline of a call",
        broken=_without_deadline,
        caught_by=("an answer that takes too long",),
        complaint="was still under way after",
    ),
    Build(
        name="redirects-followed",
        lacks="the refusal to follow redirects",
        broken=_with_option(pycurl.FOLLOWLOCATION, 1),
        caught_by=("a redirect to another host",),
        complaint="1 of them with the key",
    ),
    Build(
        name="body-rewound",
        lacks="the request body that cannot be sent twice",
        broken=_body_that_can_be_rewound,
        caught_by=("a kept-alive connection that dies",),
        complaint="one call arrived 2 times",
    ),
    Build(
        name="no-check-before-sending",
        lacks="the look at the clock before a call is sent",
        broken=_never_too_late,
        caught_by=("stopped between claim and POST",),
        complaint="it posted all the same",
    ),
    Build(
        name="no-void",
        lacks="the giving back of claims whose answer was lost",
        broken=scripted("claim", "  void_calls(void)\n", ""),
        caught_by=("lost answers",),
        complaint=": 1 d 1 1, not 1 d 0 1",
    ),
    Build(
        name="no-tickets",
        lacks="the reservation of tickets for pumps",
        broken=scripted("_tickets", "wanted - C('ZCARD', key)", "wanted"),
        caught_by=("one lane, many dispatchers",),
        complaint="5 pumps were started for one lane",
    ),
    Build(
        name="no-bell",
        lacks="both the bell and the sweep's tickets, so that nothing wakes a pump",
        broken=scripted(
            "_tickets", "for i = first, first + start - 1 do", "start = 0 for i = first, first + start - 1 do"
        ),
        caught_by=("crash points",),
        complaint=": 0 w 0 0, not a whole life",
    ),
    Build(
        name="no-duplicate-check",
        lacks="the enqueue's look for an earlier event of the same id or key",
        broken=scripted("enqueue", "held_fp = earlier(id, born, key)", "held_fp = nil"),
        caught_by=("producers",),
        complaint="again: 0 known, 2 in all, not 1 there",
    ),
    Build(
        name="park-retried",
        lacks="the parking of an event whose worker died",
        broken=scripted("_expire", "local outcome = head.park and 'unclear' or", "local outcome ="),
        caught_by=("crash points",),
        complaint=": 2 d 1 1, not 1 u 1 1",
    ),
    Build(
        name="no-grace",
        lacks="the grace after an outage of Redis",
        broken=scripted("sweep", "if T - last > absence then", "if false then"),
        caught_by=("an outage in the call",),
        complaint=": 1 d 1 1, not 1 d 0 1",
    ),
    Build(
        name="cause-forgotten",
        lacks="the cause on record of a worker that died",
        broken=scripted("_expire", "s.n, s.k, s.c = number, s.k + 1, s.c + 1", "s.n, s.k = number, s.k + 1"),
        caught_by=("crash points",),
        complaint=": 2 d 0 1, not 2 d 1 1",
    ),
)
BY_NAME: Final = {build.name: build for build in BUILDS}


@contextmanager
def without(name: str) -> Iterator[None]:
    """Break this process' build for a while; nothing is broken where the name is empty."""
    if not name:
        yield
        return
    with BY_NAME[name].broken():
        yield


def break_(name: str) -> None:
    """Break this process' build for good."""
    BY_NAME[name].broken().start()
