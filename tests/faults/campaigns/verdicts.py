"""Every answer of the golden table (workers/verdicts.toml), given by the sandbox to real workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any, Final

from shipper.ledger.operations import resume
from shipper.outcome import Verdict
from tests.faults.batch import Batch
from tests.faults.campaign import OURS, Campaign, Ground
from tests.faults.expecting import expecting
from tests.faults.field import Field, first
from tests.faults.load import Wish
from tests.faults.row import Row
from tests.faults.side import Shipper
from workers.verdict import TABLE, Body, Sign, verdict_of

STATUSES: Final = (
    *(200, 201, 202, 204, 299),
    *(300, 301, 302, 304, 307, 308),
    *(400, 401, 403, 404, 405, 408, 409, 413, 422, 425, 429, 451, 499),
    *(500, 501, 502, 503, 504, 599),
)
BODILESS: Final = (204, 304)
UNKNOWN: Final = 1234
"""A code that no row names."""
BODIES: Final[Mapping[Body, Mapping[str, Any]]] = MappingProxyType(
    {
        Body.EMPTY: {"empty": True},
        Body.HTML: {"html": "<html><h1>Request blocked</h1></html>"},
        Body.SUCCESS: {"body": {"success": True}},
        Body.FAILURE: {"body": {"success": False}},
        Body.OBJECT: {"body": {"message": "No"}},
        Body.OTHER: {"body": "This is not JSON {"},
    }
)
APPLIED: Final = frozenset({Verdict.ACCEPTED, Verdict.ALREADY_APPLIED, Verdict.UNCLEAR})
"""Where Gameball has applied the call; of an unclear one it is the worse case."""
FREED: Final = frozenset({Verdict.BUSY, Verdict.THROTTLED, Verdict.CREDENTIALS})
LONG_HOLD_MS: Final = 2000
SETTINGS: Final = {"refusal_burst": 0, "timeout_ms": 5000, "lease_ms": 12_000, "pace_margin_ms": 2000}
"""Many are refused in a row on purpose, and a busy machine is to make no answer late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One answer, given to the first call of one event; the second is accepted."""

    name: str
    """Of its event."""
    do: Mapping[str, Any]
    sign: Sign

    @property
    def verdict(self) -> Verdict:
        """Return what the golden table says."""
        return verdict_of(self.sign)

    def outcome(self, policy: str) -> str:
        """Return the word that the worker's log has for what becomes of the event."""
        if self.verdict in FREED:
            return "free"
        match self.verdict:
            case Verdict.ACCEPTED | Verdict.ALREADY_APPLIED:
                return "delivered"
            case Verdict.PERMANENT:
                return "dead: refused"
            case Verdict.UNCLEAR if policy == "park":
                return "unclear"
        return "retry"


def cases(*, few: bool) -> list[Case]:
    """Return every status with every code that a row names and with every body; or one case a row."""
    codes = sorted({code for row in TABLE for range_ in row.code or () for code in (range_[0], range_[-1])})
    answers: list[tuple[dict[str, Any], Sign]] = []
    for status, waits in product(STATUSES, (False, True)):
        if waits and status not in (408, 429, 503):
            continue
        later = {"retry_after": 1} if waits else {}
        for body, act in BODIES.items():
            if status not in BODILESS or body is Body.EMPTY:
                answers.append(({"status": status, **act, **later}, Sign(None, status, None, body, waits)))
        for code in (*codes, UNKNOWN) if status not in BODILESS else ():
            body = Body.FAILURE if status < 300 else Body.OBJECT
            answers.append(({"status": status, "code": code, **later}, Sign(None, status, code, body, waits)))
    if few:
        rows = [row_of(sign) for _, sign in answers]
        answers = [answer for i, answer in enumerate(answers) if rows[i] not in rows[:i]]
    return [
        Case(name=f"case_{i}", do={**do, "when": side_of(sign)}, sign=sign)
        for i, (do, sign) in enumerate(answers)
    ]


def row_of(sign: Sign) -> int:
    """Return the number of the table's row that decides."""
    return next(i for i, row in enumerate(TABLE) if row.fits(sign))


def side_of(sign: Sign) -> str:
    """Return on which side of the answer the call is applied, or is not."""
    return "after" if verdict_of(sign) in APPLIED else "before"


def verdicts(ground: Ground) -> Iterator[Row]:
    """Give every answer once, under both policies, and compare what the worker made of each."""
    given = cases(few=ground.quick)
    unseen = {i for i, row in enumerate(TABLE[:-1]) if not row.lost} - {row_of(case.sign) for case in given}
    for policy in OURS:
        ground.say(f"{len(given)} answers: {policy}")
        with ground.field(policy, settings=SETTINGS) as there:
            for case in given:
                there.sandbox.add_fault(dict(case.do), {"event": case.name, "first": 1})
            worker = there.side.worker()
            there.send(Batch(there.side.send, [wish_of(case) for case in given]))
            there.until(
                lambda: lifted(there) and not there.side.active(), within_s=400, why="it does not rest"
            )
            there.healed()
            row = there.row("Every answer of the golden table", f"{len(given):,} answers", may_die=True)
            assert row.tally is not None
            unclear = sum(case.verdict is Verdict.UNCLEAR for case in given)
            promises = {
                f"no answer fits row {sorted(unseen)}": not unseen,
                f"{row.tally.duplicated} second copies, {unclear} unclear answers": row.tally.duplicated
                == (unclear if policy == "retry" else 0),
            }
            wrongs = first(misjudged(there, given, worker.told("delivery.settled")))
            yield expecting(
                row,
                promises,
                wrongs=wrongs,
                note=f"{len(TABLE)} rows of the table, {unclear} answers unclear",
            )


def wish_of(case: Case) -> Wish:
    """Return the event that meets this answer."""
    return Wish(reference=case.name, customer=f"c-{case.name}", name=case.name)


def lifted(there: Field) -> bool:
    """Lift the half minute that a 429 without Retry-After holds, once it is there: all would be hours."""
    assert isinstance(there.side, Shipper)
    status = there.side.stage.status()
    if status.gate.get("why") == "throttled" and int(status.gate["until"]) - status.now > LONG_HOLD_MS:
        there.side.stage.ledger.run(resume())
    return True


def misjudged(there: Field, given: Sequence[Case], facts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Compare the first line of each event in the worker's log with the golden table."""
    assert there.load is not None
    ids = {attempt.reference: attempt.event_id for attempt in there.load.attempts}
    told: dict[str, Mapping[str, Any]] = {}
    for fact in facts:
        if fact["verdict"] == "unsent":
            continue  # its thread was late; it got its answer at the next call
        for event_id in fact["outcomes"]:
            told.setdefault(event_id, fact)
    for case in given:
        fact = told.get(ids[case.name], {"verdict": "nothing", "outcomes": {}})
        found = (fact["verdict"], fact["outcomes"].get(ids[case.name]))
        if found != (case.verdict.value, case.outcome(there.side.policy)):
            yield f"{dict(case.do)} was {found}, not {case.verdict.value}"


CAMPAIGNS: Final = (
    Campaign(
        name="gameball-verdicts",
        tells="Every status with every code and every kind of body, empty and HTML too, end to end: what the"
        " worker makes of each is what the golden table (docs/reference/verdicts.md) says.",
        run=verdicts,
        minutes=4,
    ),
)
