"""Shop: what the customers of a believable shop do, a few of them most of it. Pure; a seed repeats it.

Every event carries the shop's own `reference`, as a shop's would; by it the demo finds each of them again in
what Gameball accepted.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from math import floor
from typing import Any, Final

SKEW: Final = 0.7
"""Exponent of Zipf's law: of 500 customers the busiest does 5 % of all."""
EVENTS_A_CUSTOMER: Final = 6
FEWEST_CUSTOMERS: Final = 10
WITH_EMAIL: Final = 3
"""Each third customer is known by email too."""
HOOK: Final = "shop.told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """A kind of event: how often, what Gameball gives for it, and how the shop wants it shipped."""

    weight: float
    points: int
    by_total: bool = False
    """`points` are for each unit of the metadata's `total`, rounded down."""
    hooked: bool = False
    """The shop wants to be told how it ended."""
    parked: bool = False
    """Rewarding it twice would hurt: rather ask a person than send it again in doubt."""


DEEDS: Final = {
    "view_product": Deed(weight=40, points=1),
    "search": Deed(weight=12, points=1),
    "add_to_cart": Deed(weight=16, points=2),
    "sign_in": Deed(weight=11, points=1),
    "write_review": Deed(weight=8, points=50, hooked=True),
    "pay_in_store": Deed(weight=5, points=2, by_total=True, hooked=True),
    "share_referral": Deed(weight=4, points=100, hooked=True, parked=True),
    "spin_wheel": Deed(weight=3, points=5, hooked=True),
    "subscribe_push": Deed(weight=1, points=5),
}
PRODUCTS: Final = ("mug", "lamp", "desk", "chair", "rug", "vase", "clock", "plant", "shelf", "mirror")
QUERIES: Final = ("gift", "oak table", "blue", "lamp under 50", "Café-Stühle", "カップ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One event of the shop, before it is shipped."""

    reference: str
    customer_id: str
    email: str
    name: str
    metadata: dict[str, Any]

    @property
    def deed(self) -> Deed:
        """Return what kind of event it is."""
        return DEEDS[self.name]

    @property
    def points(self) -> int:
        """Return what Gameball gives for one copy of it."""
        return floor(self.deed.points * self.metadata["total"]) if self.deed.by_total else self.deed.points

    @property
    def event(self) -> dict[str, Any]:
        """Return it in the JSON shape of Gameball's SDKs."""
        event = {"customerId": self.customer_id, "events": {self.name: self.metadata}}
        return {**event, "email": self.email} if self.email else event


def customer(rank: int) -> str:
    """Return the id of a customer; 1 is the busiest."""
    return f"customer-{rank:04}"


def what_happens(count: int, *, seed: int) -> Iterator[Done]:
    """Yield `count` events in the order in which they happen."""
    draw = random.Random(seed)  # noqa: S311 - reproducible is the point
    ranks = range(1, max(FEWEST_CUSTOMERS, count // EVENTS_A_CUSTOMER) + 1)
    by_rank = list(accumulate(rank**-SKEW for rank in ranks))
    by_name = list(accumulate(deed.weight for deed in DEEDS.values()))
    for number in range(1, count + 1):
        (rank,) = draw.choices(ranks, cum_weights=by_rank)
        (name,) = draw.choices(list(DEEDS), cum_weights=by_name)
        yield Done(
            reference=f"S-{number:06}",
            customer_id=customer(rank),
            email=f"{customer(rank)}@shop.example" if rank % WITH_EMAIL == 0 else "",
            name=name,
            metadata={"reference": f"S-{number:06}", **_details(name, draw)},
        )


def _details(name: str, draw: random.Random) -> dict[str, Any]:
    product = draw.choice(PRODUCTS)
    match name:
        case "view_product" | "add_to_cart":
            return {"product": product, "price": draw.randrange(500, 20_000) / 100}
        case "search":
            return {"query": draw.choice(QUERIES), "results": draw.randrange(40)}
        case "write_review":
            return {"product": product, "stars": draw.randint(1, 5), "verified": draw.random() < 0.7}
        case "pay_in_store":
            return {"total": draw.randrange(300, 30_000) / 100, "products": draw.sample(PRODUCTS, 3)}
        case "share_referral":
            return {"channel": draw.choice(("mail", "chat", "link"))}
        case _:
            return {}
