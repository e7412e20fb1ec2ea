"""Seeing: the operations that only look."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from shipper.clock import now_ms
from shipper.inspector import (
    REASONS,
    EventSeen,
    Health,
    HookSeen,
    Job,
    Letter,
    Reasons,
    Sample,
    Standing,
    TrailEntry,
    TrailFilter,
)
from shipper.web.api.call import ACCOUNT, HOOK, SAID, Call, Takes
from shipper.web.api.given import text_in, whole_in
from shipper.web.filters import read_moment_of, read_spot, read_wanted, write_spot
from shipper.web.page import API
from shipper.web.pages.event import id_of
from shipper.web.pages.hooks import job_of
from shipper.web.pages.jobs import name_of
from shipper.web.pages.trail import place_of
from shipper.web.visit import Visit

MOST: Final = 1000
LIMIT: Final = {"type": "integer", "minimum": 1, "maximum": MOST, "default": 50}


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The accounts that are configured."""

    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """How an account stood over the last hour, oldest first."""

    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letters:
    """A page of dead letters, newest first; `next` is the `before` of the next page, null after the last."""

    letters: tuple[Letter, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """A page of completion hooks that were given up, newest first."""

    hooks: tuple[HookSeen, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The redrive jobs that are remembered, newest first."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """A page of the audit log, newest first."""

    entries: tuple[TrailEntry, ...]
    next: str | None


def _accounts(visit: Visit) -> Accounts:
    return Accounts(accounts=visit.site.settings.accounts)


def _status(visit: Visit) -> Standing:
    return visit.inspector.status()


def _health(visit: Visit) -> Health:
    return visit.inspector.health(of="all")


def _flow(visit: Visit) -> Flow:
    return Flow(samples=visit.inspector.flow())


def _reasons(visit: Visit) -> Reasons:
    return visit.inspector.letters.reasons(
        most=whole_in(visit.given, "limit", least=1, most=MOST, default=50)
    )


def _letters(visit: Visit) -> Letters:
    wanted = read_wanted(visit.given, strict=True)
    limit = whole_in(visit.given, "limit", least=1, most=MOST, default=50)
    beyond = read_spot(text_in(visit.given, "before") or "")
    page = visit.inspector.letters.page(wanted.filter, limit=limit, beyond=beyond)
    return Letters(letters=page.letters, next=write_spot(page.beyond) if page.beyond else None)


def _event(visit: Visit) -> EventSeen:
    return visit.inspector.event(id_of(visit))


def _hooks(visit: Visit) -> Hooks:
    limit = whole_in(visit.given, "limit", least=1, most=MOST, default=50)
    before = text_in(visit.given, "before")
    beyond = job_of(before) if before else None
    seen = tuple(visit.inspector.hooks.failed(limit=limit + 1, beyond=beyond))
    return Hooks(hooks=seen[:limit], next=seen[limit - 1].job if len(seen) > limit else None)


def _jobs(visit: Visit) -> Jobs:
    return Jobs(jobs=visit.inspector.jobs.all())


def _job(visit: Visit) -> Job:
    return visit.inspector.jobs.find(name_of(visit))


def _trail(visit: Visit) -> Trail:
    said = {
        name: text
        for name in ("operator", "action", "event", "since")
        if (text := text_in(visit.given, name))
    }
    limit = whole_in(visit.given, "limit", least=1, most=MOST, default=50)
    wanted = TrailFilter(
        operator=said.get("operator"),
        action=said.get("action"),
        event_id=said.get("event"),
        since=read_moment_of("since", said, now=now_ms()),
    )
    beyond = place_of(text_in(visit.given, "before") or "")
    entries = tuple(visit.inspector.trail(wanted, limit=limit + 1, beyond=beyond))
    return Trail(entries=entries[:limit], next=entries[limit - 1].place if len(entries) > limit else None)


_LIMIT: Final = Takes(name="limit", about="Most of a page.", schema=LIMIT)
_BEFORE: Final = Takes(name="before", about="The `next` of the page before.")
FILTER: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("reason", "Why it is dead, or `unclear`.", {"enum": list(REASONS)}),
    ("code", "Gameball's code, or `none`.", {"type": "string", "pattern": "^([0-9]{1,10}|none)$"}),
    ("event", "An event name.", SAID),
    ("field", "The field that was refused, or `none`.", SAID),
    ("customer", "A customer id.", SAID),
    ("text", "Contained in Gameball's last answer.", SAID),
    ("since", "Ended at or after: ISO 8601, or a span such as `2h`.", SAID),
    ("until", "Ended before.", SAID),
)
_FILTERS: Final = tuple(Takes(name=name, about=about, schema=schema) for name, about, schema in FILTER)

CALLS: Final = (
    Call(path=f"{API}/accounts", about="List the accounts.", gives=Accounts, answer=_accounts),
    Call(path=f"{ACCOUNT}/status", about="Tell how the account stands.", gives=Standing, answer=_status),
    Call(path=f"{ACCOUNT}/health", about="Tell whether somebody is at work.", gives=Health, answer=_health),
    Call(path=f"{ACCOUNT}/flow", about="Tell of the last hour.", gives=Flow, answer=_flow),
    Call(
        path=f"{ACCOUNT}/reasons",
        about="Group the dead letters by what went wrong, the largest group first.",
        gives=Reasons,
        answer=_reasons,
        takes=(_LIMIT,),
    ),
    Call(
        path=f"{ACCOUNT}/letters",
        about="List dead letters, newest first, email and mobile masked.",
        gives=Letters,
        answer=_letters,
        takes=(*_FILTERS, _LIMIT, _BEFORE),
    ),
    Call(
        path=f"{ACCOUNT}/events/{{event_id}}",
        about="Tell all of an event, email and mobile masked.",
        gives=EventSeen,
        answer=_event,
    ),
    Call(
        path=f"{ACCOUNT}/hooks",
        about="List completion hooks that were given up.",
        gives=Hooks,
        answer=_hooks,
        takes=(_LIMIT, replace(_BEFORE, schema=HOOK)),
    ),
    Call(path=f"{ACCOUNT}/jobs", about="List the redrive jobs.", gives=Jobs, answer=_jobs),
    Call(path=f"{ACCOUNT}/jobs/{{job}}", about="Tell how a redrive job stands.", gives=Job, answer=_job),
    Call(
        path=f"{ACCOUNT}/trail",
        about="List what operators did.",
        gives=Trail,
        answer=_trail,
        takes=(
            Takes(name="operator", about="Who."),
            Takes(name="action", about="What; `job` finds all of `job.…`."),
            Takes(name="event", about="An event id."),
            Takes(name="since", about="ISO 8601, or a span such as `2h`."),
            _LIMIT,
            _BEFORE,
        ),
    ),
)
