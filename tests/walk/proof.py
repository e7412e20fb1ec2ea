"""Proof: what became of every event of the walk, as Gameball, the ledger and the audit log have it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from shipper.inspector import Inspector, TrailFilter
from shipper.ledger.audit import audit
from shipper.ledger.operations import show
from shipper.outcome import State
from shipper.settings import Settings
from tests.walk.shop import DELIVERED, INACTIVE, OPERATOR, RENAMED, TEST_SHOP, Shop

CURED: Final = "purchase"
"""What the renamed event is called where Gameball knows it."""
STATES: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was counted; `prove` has failed where anything is missing, too many, or out of order."""

    accepted: int
    delivered_once: int
    discarded: int
    edited: int
    redriven_as_job: int
    lines_on_the_audit_log: int
    customers_in_order: int


def prove(shop: Shop) -> Proof:
    """Fail unless every event was delivered exactly once or discarded with its line on the audit log."""
    stage, ids = shop.stage, shop.ids
    discarded = ids[TEST_SHOP.event]
    delivered = [each for name, some in ids.items() if name != TEST_SHOP.event for each in some]

    counters = stage.status().counters
    accepted = sum(map(len, ids.values()))
    wanted = {"accepted": accepted, "delivered": len(delivered), "discarded": len(discarded)}
    wanted |= dict.fromkeys(("dead", "unclear", "waiting", "in_flight"), 0)
    _agree("the counters", {name: counters.get(name, 0) for name in wanted}, wanted)
    _agree("what the letters cured became", _states(shop, delivered), {State.DELIVERED: len(delivered)})
    _agree("what the test shop's became", _states(shop, discarded), {State.DISCARDED: len(discarded)})
    _agree("the findings of the audit", audit(stage.ledger).findings, ())
    return Proof(
        accepted=accepted,
        delivered_once=_arrived_once(shop),
        discarded=len(discarded),
        edited=counters["edited"],
        redriven_as_job=counters["redriven"] - counters["edited"],
        lines_on_the_audit_log=_told(shop),
        customers_in_order=_in_order(stage.arrived(), but=shop.numbers[shop.tried]),
    )


def _states(shop: Shop, ids: list[str]) -> Counter[State]:
    found: Counter[State] = Counter()
    rest = iter(ids)
    while some := list(islice(rest, STATES)):
        found.update(each.state for each in shop.stage.ledger.run(show(some)) if each)
    return found


def _arrived_once(shop: Shop) -> int:
    """Compare what Gameball accepted with what was enqueued, event by event."""
    copies: Counter[tuple[str, int]] = Counter()
    for _, name, said in shop.stage.arrived():
        copies[name, said["n"]] += 1
        if name == CURED:
            _agree(
                "an edited event", said, {"n": said["n"], "total": said["n"] % 900 + 0.5, "currency": "EGP"}
            )
    _agree("how often each arrived", set(copies.values()), {1})
    wanted = {
        CURED: shop.count(RENAMED),
        INACTIVE.event: shop.count(INACTIVE),
        DELIVERED: len(shop.ids[DELIVERED]),
    }
    _agree("what arrived", Counter(name for name, _ in copies), wanted)
    _agree("events that arrived", len({n for _, n in copies}), len(copies))
    return len(copies)


def _told(shop: Shop) -> int:
    """Compare the ids on the audit log with those that were put right."""
    inspector = Inspector(shop.stage.ledger, Settings())
    lines = list(inspector.trail(TrailFilter()))
    told: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        told[line.action] += line.ids
    _agree("who is on the audit log", {line.operator for line in lines}, {OPERATOR})
    for action, cause in (("edit", RENAMED), ("redrive", INACTIVE), ("discard", TEST_SHOP)):
        _agree(f"the ids of each {action}", sorted(told[action]), sorted(shop.ids[cause.event]))
    silent = [line for line in lines if line.action == "discard" and "test shop" not in line.about]
    _agree("discards without their reason", silent, [])
    return len(lines)


def _in_order(arrived: list[tuple[str, str, Any]], *, but: int) -> int:
    """See that each customer's events of a kind arrived as they were accepted; count whose were several."""
    lanes: dict[tuple[str, str], list[int]] = defaultdict(list)
    for customer, name, said in arrived:
        lanes[customer, name] += [said["n"]] if said["n"] != but else []
    several = [numbers for numbers in lanes.values() if len(numbers) > 1]
    _agree("customers out of order", [each for each in several if each != sorted(each)], [])
    return len(several)


def _agree(what: str, found: object, wanted: object) -> None:
    # pytest says what differs only in its own modules.
    assert found == wanted, f"{what}: {str(found)[:2000]}, not {str(wanted)[:2000]}"
