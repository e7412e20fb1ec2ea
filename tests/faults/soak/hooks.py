"""Completion hooks of a soak: what they do, what they noted, and whether each ending was told as promised."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tests.support.worker import Worker

NOTED, FAILS, HANGS, LEAVES = "noted", "fails", "hangs", "leaves"

HOOKS: Final = """
import json, os, time
from pathlib import Path
from shipper import completion_hook

TOLD = Path(__file__).with_name("told.jsonl")

def note(hook, response, error):
    said = response or error
    line = {"hook": hook, "at": time.time(), "event_id": said.event_id, "error": type(error).__name__}
    with TOLD.open("a") as file:
        file.write(json.dumps(line) + "\\n")

@completion_hook("noted")
def noted(response, error):
    note("noted", response, error)

@completion_hook("fails")
def fails(response, error):
    note("fails", response, error)
    raise RuntimeError("as it was written to")

@completion_hook("hangs")
def hangs(response, error):
    note("hangs", response, error)
    time.sleep(60)

@completion_hook("leaves")
def leaves(response, error):
    note("leaves", response, error)
    os._exit(1)
"""
"""Each writes down that it was told, before it behaves or does not."""

PROMPT_S: Final = 1.0
"""A hook that was settled within this is told: a job's lease is twice the hook's limit of a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A hook that was called: for which event, with which error (`NoneType`: it was delivered), and when."""

    event_id: str
    hook: str
    error: str
    at: float


def tellings(worker: Worker) -> list[Telling]:
    """Read what the hooks of a worker noted."""
    path = worker.folder / "told.jsonl"
    lines = path.read_text(errors="replace") if path.exists() else ""
    return [Telling(**line) for line in _lines(lines)]


def settled(worker: Worker) -> dict[str, list[float]]:
    """Return when a worker wrote down that a hook was told, by event: seconds since the epoch.

    One that was told meanwhile by somebody else, and is gone from the ledger, was written down in vain.
    """
    found = defaultdict(list)
    for fact in _lines(worker.log):
        if fact.get("event") == "hook.told" and fact["settled"] == "ok":
            found[fact["event_id"]].append(datetime.fromisoformat(fact["time"]).timestamp())
    return found


def untold(states: Mapping[str, str], told: list[Telling]) -> Iterator[str]:
    """Name each event whose last ending no hook was told; `states` by id, where the hook behaves."""
    kinds = defaultdict(set)
    for each in told:
        kinds[each.event_id].add(each.error)
    for event_id, state in states.items():
        if state == "delivered" and "NoneType" not in kinds[event_id]:
            yield f"{event_id} was delivered, and its hook not told so"
        if state == "unclear" and "UnclearError" not in kinds[event_id]:
            yield f"{event_id} is unclear, and its hook not told so"


def told_twice(
    told: list[Telling], settled_at: Mapping[str, list[float]], lives: Mapping[str, int]
) -> tuple[int, list[str]]:
    """Count the tellings beyond one a life, and name events with more of them than were cut off.

    A life has one ending, so its kind tells it from another; `lives` has the redrives of an event beside. A
    telling is cut off if it was not written down at once: its process died, hung, or did not reach Redis.
    """
    by_event = defaultdict(list)
    for each in told:
        by_event[each.event_id].append(each)
    repeats, wrongs = 0, []
    for event_id, theirs in by_event.items():
        surplus = len(theirs) - len({each.error for each in theirs}) - lives.get(event_id, 0)
        if surplus <= 0:
            continue
        repeats += surplus
        cut_off = sum(1 for each in theirs if not _prompt(each, settled_at.get(event_id, [])))
        if surplus > cut_off:
            wrongs.append(f"{event_id}: its hook was told {len(theirs)} times, {cut_off} of them cut off")
    return repeats, wrongs


def _prompt(telling: Telling, settled_at: list[float]) -> bool:
    return any(telling.at - 0.01 <= at <= telling.at + PROMPT_S for at in settled_at)


def _lines(text: str) -> Iterator[dict[str, Any]]:
    """Read JSON lines; one that was torn by a kill is left out."""
    for line in text.splitlines():
        if line.startswith("{"):
            with suppress(json.JSONDecodeError):
                yield json.loads(line)
