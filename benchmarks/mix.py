"""Mix: who does what in a shop, and how unevenly. How many events share a call follows from nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from shipper.local.shop import DEEDS, SKEW


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mix:
    """`events_each` is what a customer does on average in an hour; `skew` is the exponent of Zipf's law."""

    name: str
    why: str
    events_each: float = 3
    skew: float = SKEW
    names: Mapping[str, float]
    """Names of events and their shares."""

    def happening(self, count: int, *, an_hour: int, seed: int) -> Iterator[dict[str, Any]]:
        """Yield events in the order in which they happen; `an_hour` is how many happen in one."""
        draw = random.Random(seed)  # noqa: S311 - reproducible is the point
        ranks = range(1, max(10, round(an_hour / self.events_each)) + 1)
        by_rank = list(accumulate(rank**-self.skew for rank in ranks))
        names, by_name = list(self.names), list(accumulate(self.names.values()))
        for number in range(count):
            (rank,) = draw.choices(ranks, cum_weights=by_rank)
            (name,) = draw.choices(names, cum_weights=by_name)
            yield {"customerId": f"c-{rank}", "events": {name: {"reference": f"S-{number:06}"}}}


_SHOP: Final = {name: deed.weight for name, deed in DEEDS.items()}
_EQUAL: Final = dict.fromkeys(DEEDS, 1)
SHOP: Final = Mix(
    name="the demo's shop",
    why="nine names, two in five events a viewed product; the busiest of 36,000 does 1.3 % of all",
    names=_SHOP,
)
MIXES: Final = (
    SHOP,
    Mix(name="equal names", why="the same, the nine names equally often", names=_EQUAL),
    Mix(
        name="fewer, busier",
        why="six events a customer and hour: a sale, an evening",
        events_each=6,
        names=_SHOP,
    ),
    Mix(name="steeper", why="Zipf's own exponent: the busiest does 9 % of all", skew=1.0, names=_SHOP),
    Mix(
        name="all alike",
        why="no customer busier than another: nobody's events wait together",
        skew=0,
        names=_SHOP,
    ),
    Mix(
        name="passers-by",
        why="one event a customer and hour: there is little to merge",
        events_each=1,
        names=_SHOP,
    ),
    Mix(
        name="one name",
        why="everybody does the same again and again: nothing may merge",
        names={"view_product": 1},
    ),
)
