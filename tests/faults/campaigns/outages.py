"""Gameball that does not take events: keys refused, throttled, half broken, away; with a backlog."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shipper.ledger.operations import pause, resume
from tests.faults.bulk import Bulk
from tests.faults.campaign import RETRY, Campaign, Ground
from tests.faults.expecting import expecting
from tests.faults.field import Field
from tests.faults.row import PEER, Row
from tests.faults.side import Shipper

GATE: Final = {"pause_step_ms": 500, "pause_max_ms": 4000}
"""Pauses long enough to be seen, at an eightieth of the defaults'."""

AFTER_S: Final = 5


def refused_keys(ground: Ground) -> Iterator[Row]:
    """Refuse the account's keys for a while with ten thousand events queued."""
    events, seconds = (1000, 6) if ground.quick else (10_000, 30)
    for policy in (RETRY, PEER):
        ground.say(f"keys refused: {policy}")
        with ground.field(policy, settings=GATE) as there:
            there.sandbox.add_fault({"status": 401, "code": 1000})
            queue(there, events)
            for _ in range(2):
                there.side.worker()
            there.until(lambda: calls(there) > 0, why="no call came")
            probes = calls_while(there, seconds, after_s=1)
            there.sandbox.clear_faults()
            there.healed()
            row = there.row(f"Keys refused (401) for {seconds} s", f"{calls_refused(there):,} refused calls")
            assert row.tally is not None
            yield expecting(
                row,
                {
                    f"{probes} probes in {seconds - 1} s": probes <= seconds,
                    "nothing was probed": probes > 0,
                    f"{row.tally.dead} events died": row.tally.dead == 0,
                    "a refused key made a cause": there.side.causes() == 0,
                },
                note=f"{probes:,} calls in the last {seconds - 1} s of it",
            )


def throttled(ground: Ground) -> Iterator[Row]:
    """Answer 429, and 503, with a Retry-After of 5 s, again and again; an attempt charged is the last."""
    times = 2 if ground.quick else 10
    with ground.field(RETRY, settings={"max_attempts": 1}) as there:
        for _ in range(2):
            there.side.worker()
        load = there.start_load(events=1_000_000, customers=400, per_second=150)
        early = 0
        for i in range(times):
            there.until(lambda: len(there.arrived()) > 0, why="no load")
            there.sandbox.add_fault({"status": (429, 503)[i % 2], "retry_after": AFTER_S}, {"first": 1})
            there.until(lambda: held_by(there) == "throttled", why="it was not heard")
            early += calls_while(there, AFTER_S - 1, after_s=0.5)  # the rest: it was heard a while ago
            there.until(lambda: not held_by(there), why="it did not resume")
        load.stop()
        there.healed()
        row = there.row("429 and 503 with Retry-After", f"{times} answers with a Retry-After of {AFTER_S} s")
        assert row.tally is not None
        yield expecting(
            row,
            {
                f"{early} calls in the pauses": early == 0,
                f"{row.tally.dead} events spent an attempt and died": row.tally.dead == 0,
            },
            note="no call in the pauses; no attempt spent (with one allowed)",
        )


def half_failing(ground: Ground) -> Iterator[Row]:
    """Refuse half of the calls: unavailable, or the connection reset before anything is applied."""
    seconds = 8 if ground.quick else 90
    for policy in (RETRY,) if ground.quick else (RETRY, PEER):
        ground.say(f"half of the calls fail: {policy}")
        with ground.field(policy, settings={**GATE, "pause_max_ms": 1000}) as there:
            for _ in range(2):
                there.side.worker()
            there.sandbox.add_fault({"status": 503}, {"share": 0.25})
            there.sandbox.add_fault({"reset": True, "when": "before"}, {"share": 0.34})
            load = there.start_load(events=1_000_000, customers=2000, per_second=40)
            there.pass_time(seconds)
            load.stop()
            made, came = calls(there), there.sandbox.stats()["accepted"]
            there.sandbox.clear_faults()
            there.healed()
            row = there.row(f"Half of the calls fail for {seconds} s", f"{made - came:,} failed calls")
            assert row.tally is not None
            yield expecting(
                row,
                {
                    f"{made} calls for {came} accepted ones": made <= 3 * came + 100,
                    f"{row.tally.dead} events died": row.tally.dead == 0,
                },
                note=f"{made:,} calls, {came:,} of them accepted",
            )


def outage(ground: Ground) -> Iterator[Row]:
    """Take Gameball away with a large backlog: first it refuses connections, then it answers 503."""
    events, seconds = (12_000, 10) if ground.quick else (100_000, 140)
    with ground.field(RETRY, settings={**GATE, "pause_max_ms": 10_000}) as there:
        assert isinstance(there.side, Shipper)
        there.side.stage.ledger.run(pause())
        there.send(Bulk(events=events, customers=events // 4, policy=RETRY))
        for _ in range(2):
            there.side.worker()
        there.side.stage.ledger.run(resume())
        there.until(lambda: len(there.arrived()) > 50, why="no call came")
        there.sandbox.kill()
        there.until(lambda: held_by(there) == "breaker", why="the breaker did not open")
        there.pass_time(seconds / 2)
        there.sandbox.start()
        there.sandbox.add_fault({"status": 503})
        probes = calls_while(there, seconds / 2, after_s=0)
        there.sandbox.clear_faults()
        there.healed()
        row = there.row(f"Gameball away for {seconds} s", "1 outage", within_s=420)
        assert row.tally is not None
        yield expecting(
            row,
            {
                f"{probes} probes in {seconds / 2:g} s": probes <= seconds / 2 + 3,
                f"{row.tally.dead} events died": row.tally.dead == 0,
            },
            note=f"{probes} calls in the {seconds / 2:g} s in which it answered 503",
        )


def queue(there: Field, events: int) -> None:
    """Have so many events waiting, each of a customer of its own, before anybody works."""
    load = there.start_load(events=events, customers=events, per_second=100_000, threads=8)
    load.finish()


def calls(there: Field) -> int:
    """Count the calls that came in so far, whatever became of them."""
    count: int = there.sandbox.stats()["calls"]
    return count


def calls_refused(there: Field) -> int:
    """Count the calls answered 401."""
    count: int = there.sandbox.stats()["by_status"].get("401", 0)
    return count


def calls_while(there: Field, seconds: float, *, after_s: float) -> int:
    """Count the calls that come in during so many seconds, those of the first `after_s` left out."""
    there.pass_time(after_s)
    before = calls(there)
    there.pass_time(seconds - after_s)
    return calls(there) - before


def held_by(there: Field) -> str:
    """Tell what holds the account, if anything does."""
    assert isinstance(there.side, Shipper)
    return there.side.stage.status().gate.get("why", "")


CAMPAIGNS: Final = (
    Campaign(
        name="gameball-keys",
        tells="The account's keys are refused for a while with a backlog: the account pauses, probes now and"
        " then, and resumes by itself; nothing dies. Plain Celery takes the refusal for the event's.",
        run=refused_keys,
        minutes=2,
    ),
    Campaign(
        name="gameball-throttles",
        tells="429 and 503 with Retry-After: the whole account pauses for as long, and no attempt is spent.",
        run=throttled,
        minutes=1.5,
    ),
    Campaign(
        name="gameball-half",
        tells="Half of the calls fail for a while: the breaker bounds the extra load, and nothing dies.",
        run=half_failing,
        minutes=4,
    ),
    Campaign(
        name="gameball-outage",
        tells="Gameball is away with 100,000 events queued: one probe at a time, nothing dies,"
        " and it catches up.",
        run=outage,
        minutes=5,
    ),
)
