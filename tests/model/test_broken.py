"""Each broken protocol is caught, and by the promise that it breaks."""

from __future__ import annotations

import pytest

from . import broken
from .invariants import Broken
from .scripts import Scripts
from .search import search
from .world import Budget, Case

ONE = (False,)
PARKED = (True,)

CAUGHT = [
    (
        broken.LateSuccessDropped,
        Case(parks=ONE, budget=Budget(late=1)),
        Broken.KNOWN_CLAIM,
        ["w0 claim", "w0 post: accepted", "sweep", "w0 settle", "w0 claim"],
    ),
    (
        broken.FailureByTokenOnly,
        Case(parks=ONE, budget=Budget(late=1)),
        Broken.ABSORPTION,
        [
            "w0 claim",
            "w0 post: accepted",
            "sweep",
            "w1 claim",
            "w1 post: unclear, applied",
            "w0 settle",
            "w1 settle",
        ],
    ),
    (
        broken.FailureByStateOnly,
        Case(parks=ONE, budget=Budget(late=1)),
        Broken.STRUCTURE,
        ["w0 claim", "w0 post: unsent", "sweep", "w1 claim", "w0 settle"],
    ),
    (
        broken.UnclearTakenForSuccess,
        Case(parks=ONE),
        Broken.TRUTH,
        ["w0 claim", "w0 post: unclear, not applied", "w0 settle"],
    ),
    (
        broken.UnclearWithoutCause,
        Case(parks=ONE),
        Broken.DUPLICATE,
        ["w0 claim", "w0 post: unclear, applied", "w0 settle", "w0 claim", "w0 post: accepted"],
    ),
    (
        broken.CrashesNeverForgotten,
        Case(parks=ONE, budget=Budget(kills=1)),
        Broken.NOT_IN_A_ROW,
        ["w0 claim", "w0 kill", "sweep", "w0 claim", "w0 post: unsent", "w0 settle"],
    ),
    (
        broken.RefusalCondemnsTheCall,
        Case(merge=2),
        Broken.CONDEMNED,
        ["w0 claim", "w0 post: refused", "w0 settle"],
    ),
    (
        broken.LastAttemptCondemnsTheCall,
        Case(merge=2, max_attempts=1),
        Broken.CONDEMNED,
        ["w0 claim", "w0 post: unclear, applied", "w0 settle"],
    ),
    (
        broken.CrashCondemnsTheCall,
        Case(merge=2, max_crashes=1, budget=Budget(kills=1)),
        Broken.CONDEMNED,
        ["w0 claim", "w0 kill", "sweep"],
    ),
    (
        broken.CrashNeverSplits,
        Case(merge=2, max_crashes=1, budget=Budget(kills=2)),
        Broken.ENDLESS,
        ["w0 claim", "w0 kill", "sweep", "w0 claim", "w0 kill", "sweep"],
    ),
    (
        broken.AloneIfAloneLeft,
        Case(merge=2, max_crashes=1, budget=Budget(kills=1, expunges=1)),
        Broken.CONDEMNED,
        ["w0 claim", "w0 kill", "expunge e0", "sweep"],
    ),
    (
        broken.SweepWithoutCause,
        Case(parks=ONE, budget=Budget(kills=1)),
        Broken.DUPLICATE,
        ["w0 claim", "w0 post: accepted", "w0 kill", "sweep", "w0 claim", "w0 post: accepted"],
    ),
    (
        broken.SweepWithoutPark,
        Case(parks=PARKED, budget=Budget(kills=1)),
        Broken.PARK,
        ["w0 claim", "w0 post: accepted", "w0 kill", "sweep", "w0 claim", "w0 post: accepted"],
    ),
    (
        broken.SweepSparesTheDead,
        Case(parks=ONE, budget=Budget(kills=1)),
        Broken.STUCK,
        ["w0 claim", "w0 kill"],
    ),
    (
        broken.ParkInCompany,
        Case(parks=(False, True), merge=2),
        Broken.COMPANY,
        ["w0 claim"],
    ),
    (
        broken.LeaseIgnored,
        Case(parks=ONE),
        Broken.ONE_CALL,
        ["w0 claim", "w1 claim"],
    ),
    (
        broken.SettleFreesAnyLease,
        Case(parks=ONE, budget=Budget(late=1)),
        Broken.STRUCTURE,
        ["w0 claim", "w0 post: accepted", "sweep", "w1 claim", "w0 settle"],
    ),
    (
        broken.LostClaimForgotten,
        Case(parks=ONE),
        Broken.INNOCENT,
        ["w0 claim lost", "w0 void", "sweep"],
    ),
    (
        broken.VoidCharged,
        Case(parks=ONE),
        Broken.INNOCENT,
        ["w0 claim lost", "w0 void"],
    ),
    (
        broken.VoidOfAnyToken,
        Case(parks=ONE, budget=Budget(late=1)),
        Broken.STRUCTURE,
        ["w0 claim lost", "sweep", "w1 claim", "w0 void"],
    ),
    (
        broken.ResentClaimRefused,
        Case(parks=ONE),
        Broken.INNOCENT,
        ["w0 claim lost", "w0 claim again", "sweep"],
    ),
    (
        broken.SuccessCountedTwice,
        Case(parks=ONE, budget=Budget(lost=1)),
        Broken.JOBS,
        ["w0 claim", "w0 post: accepted", "w0 settle lost", "w0 settle"],
    ),
    (
        broken.AdoptionKeepsTheLife,
        Case(parks=PARKED, budget=Budget(late=1)),
        Broken.JOBS,
        ["w0 claim", "w0 post: accepted", "sweep", "w0 settle"],
    ),
    (
        broken.RedriveKeepsTheLife,
        Case(parks=ONE, budget=Budget(redrives=1)),
        Broken.JOBS,
        ["w0 claim", "w0 post: refused", "w0 settle", "redrive e0"],
    ),
    (
        broken.RedriveJumpsTheQueue,
        Case(budget=Budget(redrives=1)),
        Broken.ORDER,
        ["w0 claim", "w0 post: refused", "w0 settle", "redrive e0"],
    ),
    (
        broken.ExpungeDropsTheLease,
        Case(parks=ONE, budget=Budget(expunges=1)),
        Broken.STRUCTURE,
        ["w0 claim", "expunge e0"],
    ),
    (
        broken.DiscardTellsNobody,
        Case(parks=ONE, budget=Budget(discards=1)),
        Broken.JOBS,
        ["discard e0"],
    ),
    (
        broken.ArrivalForgotten,
        Case(arriving=1),
        Broken.LOSS,
        ["w0 claim", "enqueue"],
    ),
]


@pytest.mark.parametrize(
    ("protocol", "case", "what", "trace"), CAUGHT, ids=[protocol.__name__ for protocol, *_ in CAUGHT]
)
def test_a_broken_protocol_is_caught_by_the_shortest_trace(
    protocol: type[Scripts], case: Case, what: Broken, trace: list[str]
) -> None:
    scripts = protocol(case)

    found = search(scripts, until=what)

    assert found.told()[what] == trace


@pytest.mark.parametrize("case", [case for _, case, *_ in CAUGHT], ids=[row[0].__name__ for row in CAUGHT])
def test_the_protocol_itself_passes_the_case_that_catches_a_broken_one(case: Case) -> None:
    scripts = Scripts(case)

    found = search(scripts)

    assert found.broken == {}


def test_every_broken_protocol_is_tried() -> None:
    written = set(Scripts.__subclasses__())

    tried = {protocol for protocol, *_ in CAUGHT}

    assert tried == written


def test_every_promise_is_broken_by_some_protocol() -> None:
    held_by_none = {Broken.KNOWN_POST}  # it has a test of its own: the sound protocol breaks it

    broken_by_some = {what for _, _, what, _ in CAUGHT}

    assert broken_by_some == set(Broken) - held_by_none
