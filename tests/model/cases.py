"""Cases: what the searches are about, and what each complete one visits, so that none is cut short unseen."""

from __future__ import annotations

from dataclasses import dataclass

from .world import Budget, Case

ONE = (False,)
THREE = (False, False, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Hold a case and what its complete search visits, so that none is cut short unseen."""

    name: str
    case: Case
    worlds: int
    steps: int

    def __str__(self) -> str:
        return self.name


QUICK = [
    Row(
        name="two events that travel alone, and a redrive",
        worlds=32_895,
        steps=114_045,
        case=Case(budget=Budget(late=1, redrives=1)),
    ),
    Row(
        name="a shared call, a worker killed and a lease outlived",
        worlds=34_203,
        steps=120_600,
        case=Case(merge=2, budget=Budget(kills=1, late=1)),
    ),
    Row(
        name="a shared call, settled again because the reply was lost",
        worlds=35_561,
        steps=123_088,
        case=Case(merge=2, budget=Budget(late=1, lost=1)),
    ),
    Row(
        name="a shared call, and a redrive",
        worlds=43_286,
        steps=151_418,
        case=Case(merge=2, budget=Budget(late=1, redrives=1)),
    ),
    Row(
        name="a shared call or two, the second event arriving at any moment",
        worlds=23_608,
        steps=76_126,
        case=Case(arriving=1, merge=2, budget=Budget(late=1)),
    ),
    Row(
        name="a shared call, discarded and expunged from",
        worlds=21_798,
        steps=105_254,
        case=Case(merge=2, budget=Budget(late=1, discards=1, expunges=1)),
    ),
    Row(
        name="a shared call, expunged from, where one crash is enough",
        worlds=15_404,
        steps=69_029,
        case=Case(merge=2, max_crashes=1, budget=Budget(kills=1, late=1, expunges=1)),
    ),
    Row(
        name="the first event parked",
        worlds=15_248,
        steps=50_461,
        case=Case(parks=(True, False), merge=2, budget=Budget(late=1, redrives=1)),
    ),
    Row(
        name="the second event parked",
        worlds=12_313,
        steps=39_020,
        case=Case(parks=(False, True), merge=2, budget=Budget(late=1, redrives=1)),
    ),
    Row(
        name="both events parked",
        worlds=31_136,
        steps=106_400,
        case=Case(parks=(True, True), merge=2, budget=Budget(kills=1, late=1, lost=1, redrives=1)),
    ),
    Row(
        name="one event and every misfortune",
        worlds=34_501,
        steps=189_785,
        case=Case(
            parks=ONE,
            spare_causes=3,
            budget=Budget(kills=1, late=2, lost=1, redrives=1, discards=1, expunges=1),
        ),
    ),
    Row(
        name="one event, three workers, two of them zombies",
        worlds=35_349,
        steps=190_391,
        case=Case(parks=ONE, slots=3, spare_causes=3, budget=Budget(late=2, lost=1, redrives=1)),
    ),
    Row(
        name="three events, the third arriving, one attempt and one crash each",
        worlds=15_887,
        steps=45_482,
        case=Case(parks=THREE, arriving=1, merge=3, max_attempts=1, max_crashes=1, budget=Budget(late=1)),
    ),
    Row(
        name="three events, the third arriving, and a worker killed",
        worlds=26_752,
        steps=52_030,
        case=Case(parks=THREE, arriving=1, merge=3, budget=Budget(kills=1)),
    ),
]

ROLLED_BACK = [
    Row(
        name="one event, and the ledger rolled back",
        worlds=875,
        steps=2_765,
        case=Case(parks=ONE, budget=Budget(rollbacks=1)),
    ),
    Row(
        name="one parked event, a lease outlived, and the ledger rolled back",
        worlds=749,
        steps=2_312,
        case=Case(parks=(True,), budget=Budget(late=1, rollbacks=1)),
    ),
    Row(
        name="one event, every operator, and the ledger rolled back",
        worlds=4_295,
        steps=16_067,
        case=Case(parks=ONE, budget=Budget(redrives=1, discards=1, expunges=1, rollbacks=1)),
    ),
    Row(
        name="a shared call, its last attempt, and the ledger rolled back",
        worlds=6_437,
        steps=20_715,
        case=Case(merge=2, max_attempts=1, budget=Budget(rollbacks=1)),
    ),
]

LONG = [
    Row(
        name="two events that travel alone, every fault of workers and a redrive",
        worlds=287_032,
        steps=1_166_710,
        case=Case(budget=Budget(kills=1, late=1, lost=1, redrives=1)),
    ),
    Row(
        name="a shared call, every fault of workers and a redrive",
        worlds=421_772,
        steps=1_695_910,
        case=Case(merge=2, budget=Budget(kills=1, late=1, lost=1, redrives=1)),
    ),
    Row(
        name="a shared call, one worker killed and two too late",
        worlds=151_117,
        steps=586_800,
        case=Case(merge=2, spare_causes=3, budget=Budget(kills=1, late=2)),
    ),
    Row(
        name="a shared call or two, the second event arriving at any moment, and a redrive",
        worlds=449_406,
        steps=1_658_911,
        case=Case(arriving=1, merge=2, budget=Budget(late=1, lost=1, redrives=1)),
    ),
    Row(
        name="a shared call, redriven and discarded from",
        worlds=54_388,
        steps=225_042,
        case=Case(merge=2, budget=Budget(late=1, redrives=1, discards=1)),
    ),
    Row(
        name="one event, two workers killed, two too late, two redrives",
        worlds=37_580,
        steps=153_550,
        case=Case(parks=ONE, spare_causes=3, budget=Budget(kills=2, late=2, redrives=2)),
    ),
    Row(
        name="the first event parked, every fault of workers and a redrive",
        worlds=125_081,
        steps=486_489,
        case=Case(parks=(True, False), merge=2, budget=Budget(kills=1, late=1, lost=1, redrives=1)),
    ),
    Row(
        name="both events parked, and redriven twice",
        worlds=196_799,
        steps=722_176,
        case=Case(parks=(True, True), merge=2, budget=Budget(kills=1, late=1, lost=1, redrives=2)),
    ),
    Row(
        name="three events, the third arriving, and a lease outlived",
        worlds=173_974,
        steps=575_103,
        case=Case(parks=THREE, arriving=1, merge=3, budget=Budget(late=1)),
    ),
]
