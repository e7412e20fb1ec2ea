"""Acting: the operations that change something; for operators, and each goes on the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from shipper.errors import Problem
from shipper.inspector import (
    MOST_RATE,
    Change,
    Choice,
    Difference,
    Edited,
    EventSeen,
    Handled,
    HooksHandled,
    Job,
    Pause,
)
from shipper.web.api.call import ACCOUNT, TEXT, Call, Takes
from shipper.web.api.given import flag_in, number_in, object_in, text_in, whole_in
from shipper.web.api.seeing import FILTER
from shipper.web.filters import MOST_IDS, NAMES, read_ids, read_wanted
from shipper.web.mistake import MistakeError
from shipper.web.pages.event import id_of
from shipper.web.pages.gate import LONGEST_MS
from shipper.web.pages.hooks import job_of
from shipper.web.pages.jobs import name_of
from shipper.web.person import Role
from shipper.web.visit import Visit

MOST_BECAUSE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """How many letters were found; `until` in a filter takes these and none that come later."""

    count: int
    unclear: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What a change would make of a letter, and every rule that it would break."""

    event_id: str
    account: str
    unclear: bool
    differences: tuple[Difference, ...]
    problems: tuple[Problem, ...]


def _choose(visit: Visit) -> Chosen:
    choice = _chosen(visit)
    return Chosen(count=choice.count, unclear=choice.unclear)


def _redrive(visit: Visit) -> Job:
    return visit.inspector.start_job(
        _chosen(visit),
        rate=number_in(visit.given, "rate", most=MOST_RATE),
        may_duplicate=flag_in(visit.given, "may_duplicate"),
        because=text_in(visit.given, "because", most=MOST_BECAUSE) or "",
    )


def _discard(visit: Visit) -> Handled:
    because = text_in(visit.given, "because", most=MOST_BECAUSE) or ""
    if not because.strip():
        raise MistakeError("because is empty: say why, for the audit log")
    return visit.inspector.discard(_chosen(visit), because=because)


def _unmask(visit: Visit) -> EventSeen:
    return visit.inspector.event(id_of(visit), unmasked=True)


def _propose(visit: Visit) -> Proposed:
    found = visit.inspector.propose(id_of(visit), Change(events=object_in(visit.given, "events")))
    return Proposed(
        event_id=found.event_id,
        account=found.account,
        unclear=found.unclear,
        differences=found.differences,
        problems=found.problems,
    )


def _edit(visit: Visit) -> Edited:
    proposed = visit.inspector.propose(id_of(visit), Change(events=object_in(visit.given, "events")))
    return visit.inspector.redrive_edited(proposed, may_duplicate=flag_in(visit.given, "may_duplicate"))


def _retry_hooks(visit: Visit) -> HooksHandled:
    return visit.inspector.retry_hooks(_hooks_of(visit))


def _discard_hooks(visit: Visit) -> HooksHandled:
    return visit.inspector.discard_hooks(_hooks_of(visit))


def _pause_job(visit: Visit) -> Job:
    return visit.inspector.pause_job(name_of(visit))


def _resume_job(visit: Visit) -> Job:
    return visit.inspector.resume_job(name_of(visit))


def _cancel_job(visit: Visit) -> Job:
    return visit.inspector.cancel_job(name_of(visit))


def _pause(visit: Visit) -> Pause:
    if "for_ms" not in visit.given:
        return visit.inspector.pause()
    return visit.inspector.pause(for_ms=whole_in(visit.given, "for_ms", least=1, most=LONGEST_MS, default=1))


def _resume(visit: Visit) -> Pause:
    return visit.inspector.resume()


def _chosen(visit: Visit) -> Choice:
    """Choose by exactly one of ids, filter and all: no slip of the hand takes everything."""
    given = visit.given
    wanted = read_wanted({name: given[name] for name in NAMES if name in given})
    if [bool(given.get("ids")), not wanted.is_all, flag_in(given, "all")].count(True) != 1:
        raise MistakeError("say which letters: by ids, by a filter such as reason, or all: true")
    return visit.inspector.choose(read_ids(given["ids"]) if given.get("ids") else wanted.filter)


def _hooks_of(visit: Visit) -> list[str] | None:
    jobs = visit.given.get("jobs")
    if (jobs is None) != flag_in(visit.given, "all"):
        raise MistakeError("say which hooks: by jobs, or all: true")
    if jobs is None:
        return None
    if not isinstance(jobs, list) or not 0 < len(jobs) <= MOST_IDS:
        raise MistakeError(f"jobs is no list of 1 to {MOST_IDS} hook jobs")
    if not all(isinstance(job, str) for job in jobs):
        raise MistakeError("jobs holds what is no text")
    return [job_of(job) for job in jobs]


_WHICH: Final = (
    Takes(
        name="ids",
        about="Event ids.",
        schema={"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_IDS},
    ),
    *(Takes(name=name, about=about, schema=schema) for name, about, schema in FILTER),
    Takes(name="all", about="All of them: no ids and no filter.", schema={"type": "boolean"}),
)
_MAY: Final = Takes(
    name="may_duplicate",
    about="Unclear ones too: Gameball may reward them twice.",
    schema={"type": "boolean"},
)
_BECAUSE: Final = Takes(
    name="because",
    about="For the audit log; name no customer.",
    schema={"type": "string", "maxLength": MOST_BECAUSE},
)
_EVENTS: Final = Takes(
    name="events",
    about="What it says from now on: `{name: metadata}`.",
    schema={"type": "object"},
    required=True,
)
_HOOKS: Final = (
    Takes(
        name="jobs",
        about="Hook jobs, as the list of hooks names them.",
        schema={"type": "array", "items": TEXT, "minItems": 1, "maxItems": MOST_IDS},
    ),
    Takes(name="all", about="All that have failed.", schema={"type": "boolean"}),
)
_RATE: Final = Takes(
    name="rate",
    about="Events a second; by default half of the pace.",
    schema={"type": "number", "exclusiveMinimum": 0, "maximum": MOST_RATE},
)
_FOR: Final = Takes(
    name="for_ms",
    about="For so long; by default until resumed.",
    schema={"type": "integer", "minimum": 1, "maximum": LONGEST_MS},
)


def _act(path: str, answer: Any, gives: Any, about: str, *takes: Takes) -> Call:
    return Call(
        path=f"{ACCOUNT}/{path}",
        answer=answer,
        gives=gives,
        about=about,
        takes=takes,
        method="POST",
        needs=Role.OPERATOR,
    )


CALLS: Final = (
    _act("choose", _choose, Chosen, "Count letters; nothing is touched.", *_WHICH),
    _act("redrive", _redrive, Job, "Send letters again, as a job.", *_WHICH, _RATE, _MAY, _BECAUSE),
    _act("discard", _discard, Handled, "Forget letters on purpose.", *_WHICH, _BECAUSE),
    _act("events/{event_id}/unmask", _unmask, EventSeen, "Tell all of an event, personal data too."),
    _act(
        "events/{event_id}/propose", _propose, Proposed, "Say what a change would make of a letter.", _EVENTS
    ),
    _act("events/{event_id}/edit", _edit, Edited, "Change a letter and send it again.", _EVENTS, _MAY),
    _act("hooks/retry", _retry_hooks, HooksHandled, "Try failed hooks again.", *_HOOKS),
    _act("hooks/discard", _discard_hooks, HooksHandled, "Forget failed hooks.", *_HOOKS),
    _act("jobs/{job}/pause", _pause_job, Job, "Send no more of a job until it is resumed."),
    _act("jobs/{job}/resume", _resume_job, Job, "Go on with a job."),
    _act("jobs/{job}/cancel", _cancel_job, Job, "End a job; what it has sent goes on."),
    _act("pause", _pause, Pause, "Make no more calls.", _FOR),
    _act("resume", _resume, Pause, "Make calls again."),
)
