"""Standing: how an account stands, told by counters and sizes of one moment; nothing is scanned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shipper.ledger.alarms import RaisedAlarm
from shipper.ledger.durability import Durability
from shipper.ledger.hold import hold_of
from shipper.ledger.operations import Status
from shipper.settings import Settings

HOOKS_LATE_MS: Final = 60_000
"""Hooks are due for so long, or for two runs of one, and nobody asked for them: nobody serves them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The facts of `shipper status`: events by state, lanes, calls, hooks, and who is at work."""

    account: str
    accepted: int
    waiting: int
    in_flight: int
    delivered: int
    dead: int
    unclear: int
    discarded: int
    expunged: int
    oldest_due_ms: int
    """How long the longest due lane has been due; 0 when none is."""
    paused: bool
    pause_reason: str | None
    """Why it is held; where it is not `paused`, its time is over and the next call tells if it ends."""
    paused_until: int | None
    calls: int
    events_sent: int
    events_per_call: float | None
    retried: int
    redriven: int
    causes: int
    """What licenses a second POST: answers lost and workers killed."""
    crashed: int
    adopted: int
    lost: int
    rolled_back: int
    lanes_due: int
    lanes_in_flight: int
    lanes_blocked: int
    """Lanes that wait for a retry, or for their turn in a redrive."""
    lanes_broken: int
    hooks_waiting: int
    hooks_due_ms: int
    """How long the completion hook that is due longest has been due; 0 when none is."""
    hooks_told: int
    hooks_failed: int
    pumps: int
    hook_pumps: int
    pace_per_second: int
    """Calls of the last second."""
    pace_per_30_seconds: int
    backlog_bytes: int
    swept_ms: int | None
    """How long ago a worker last swept; None: never."""
    warnings: tuple[str, ...] = ()
    alarms: tuple[RaisedAlarm, ...] = ()
    """The marks of `SHIPPER_ALARM_…` that are passed."""


def standing_of(
    account: str,
    seen: Status,
    settings: Settings,
    durability: Durability | None = None,
    alarms: tuple[RaisedAlarm, ...] = (),
) -> Standing:
    """Read an account's standing from what the status script tells."""
    n, sizes, hold = seen.counters, seen.sizes, hold_of(seen)
    calls = n.get("calls", 0)
    return Standing(
        account=account,
        accepted=n.get("accepted", 0),
        waiting=n.get("waiting", 0),
        in_flight=n.get("in_flight", 0),
        delivered=n.get("delivered", 0),
        dead=n.get("dead", 0),
        unclear=n.get("unclear", 0),
        discarded=n.get("discarded", 0),
        expunged=n.get("expunged", 0),
        oldest_due_ms=oldest_due_ms(seen),
        paused=hold.holds_now,
        pause_reason=hold.why,
        paused_until=hold.until,
        calls=calls,
        events_sent=n.get("events_sent", 0),
        events_per_call=round(n.get("events_sent", 0) / calls, 2) if calls else None,
        retried=n.get("retried", 0),
        redriven=n.get("redriven", 0),
        causes=n.get("causes", 0),
        crashed=n.get("crashed", 0),
        adopted=n.get("adopted", 0),
        lost=n.get("lost", 0),
        rolled_back=int(seen.meta.get("rolled_back", 0)),
        lanes_due=sizes["due_now"],
        lanes_in_flight=sizes["lease"],
        lanes_blocked=sizes["due"] - sizes["due_now"],
        lanes_broken=sizes["broken"],
        hooks_waiting=sizes["hooks"],
        hooks_due_ms=hooks_due_ms(seen),
        hooks_told=n.get("hooks_told", 0),
        hooks_failed=sizes["hooks_failed"],
        pumps=seen.pumps,
        hook_pumps=sizes["tellers"],
        pace_per_second=sizes["pace_1s"],
        pace_per_30_seconds=sizes["pace_30s"],
        backlog_bytes=n.get("bytes", 0),
        swept_ms=swept_ms(seen),
        warnings=_warnings(seen, settings, durability),
        alarms=alarms,
    )


def oldest_due_ms(seen: Status) -> int:
    """Return how long the longest due lane has been due."""
    return max(seen.now - seen.oldest_due, 0) if seen.oldest_due is not None else 0


def swept_ms(seen: Status) -> int | None:
    """Return how long ago a worker last swept."""
    swept = seen.meta.get("swept")
    return max(seen.now - int(swept), 0) if swept else None


def hooks_due_ms(seen: Status) -> int:
    """Return how long the completion hook that is due longest has been due."""
    return max(seen.now - seen.oldest_hook_due, 0) if seen.oldest_hook_due is not None else 0


def unserved_hooks(seen: Status, settings: Settings) -> str:
    """Say that hooks are due and no worker has asked for them for long; empty where somebody serves them.

    A backlog alone is none: slow hooks may be due for hours while workers tell one after another.
    """
    late_ms = max(HOOKS_LATE_MS, 2 * settings.hook_timeout_ms)
    due_ms, asked = hooks_due_ms(seen), int(seen.meta.get("hooks_asked", 0))
    if due_ms <= late_ms or seen.now - asked <= late_ms:
        return ""
    return f"completion hooks are due for {due_ms // 1000} s and no worker tells them: serve shipper.hooks"


def locked_events(seen: Status, settings: Settings) -> str:
    """Say that a worker lately lacked an event's key; empty when none did while every locked lane came up."""
    locked_at = seen.meta.get("locked_at")
    if locked_at is None:
        return ""
    ago_ms = max(seen.now - int(locked_at), 0)
    if ago_ms > 2 * max(settings.pause_step_ms, settings.pause_max_ms):
        return ""
    return (
        f"events wait for a key that a worker lacked {ago_ms // 1000} s ago: its log names the key, "
        "shipper doctor those in use"
    )


def _warnings(seen: Status, settings: Settings, durability: Durability | None) -> tuple[str, ...]:
    found = list(durability.problems) if durability else []
    if unserved := unserved_hooks(seen, settings):
        found.append(unserved)
    if locked := locked_events(seen, settings):
        found.append(locked)
    if seen.sizes["broken"]:
        found.append(f"{seen.sizes['broken']} lane(s) are corrupt and wait: run shipper mend")
    if seen.meta.get("rolled_back"):
        found.append("Redis once came back with less than it had acknowledged: run shipper audit")
    if seen.counters.get("lost"):
        found.append(f"{seen.counters['lost']} event(s) were in a lane without a record: run shipper audit")
    return tuple(found)
