"""Steering: what is done to hooks, jobs and the account; for operators, and each goes on the audit log."""

from __future__ import annotations

from typing import Final

from shipper.cli.text import LONGEST_PAUSE_MS
from shipper.inspector import HooksHandled, Job, Pause
from shipper.web.api.call import HOOK, Takes, act
from shipper.web.api.given import flag_in, whole_in
from shipper.web.filters import MOST_IDS
from shipper.web.mistake import MistakeError
from shipper.web.pages.hooks import job_of
from shipper.web.pages.jobs import name_of
from shipper.web.visit import Visit


def _retry_hooks(visit: Visit) -> HooksHandled:
    return visit.inspector.hooks.retry(_hooks_of(visit))


def _discard_hooks(visit: Visit) -> HooksHandled:
    return visit.inspector.hooks.discard(_hooks_of(visit))


def _pause_job(visit: Visit) -> Job:
    return visit.inspector.jobs.pause(name_of(visit))


def _resume_job(visit: Visit) -> Job:
    return visit.inspector.jobs.resume(name_of(visit))


def _cancel_job(visit: Visit) -> Job:
    return visit.inspector.jobs.cancel(name_of(visit))


def _pause(visit: Visit) -> Pause:
    if "for_ms" not in visit.given:
        return visit.inspector.pause()
    return visit.inspector.pause(
        for_ms=whole_in(visit.given, "for_ms", least=1, most=LONGEST_PAUSE_MS, default=1)
    )


def _resume(visit: Visit) -> Pause:
    return visit.inspector.resume()


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


_HOOKS: Final = (
    Takes(
        name="jobs",
        about="Hook jobs, as the list of hooks names them.",
        schema={"type": "array", "items": HOOK, "minItems": 1, "maxItems": MOST_IDS},
    ),
    Takes(name="all", about="All that have failed.", schema={"type": "boolean"}),
)
_FOR: Final = Takes(
    name="for_ms",
    about="For so long; by default until resumed.",
    schema={"type": "integer", "minimum": 1, "maximum": LONGEST_PAUSE_MS},
)


CALLS: Final = (
    act("hooks/retry", _retry_hooks, HooksHandled, "Try failed hooks again.", *_HOOKS),
    act("hooks/discard", _discard_hooks, HooksHandled, "Forget failed hooks.", *_HOOKS),
    act("jobs/{job}/pause", _pause_job, Job, "Send no more of a job until it is resumed."),
    act("jobs/{job}/resume", _resume_job, Job, "Go on with a job."),
    act("jobs/{job}/cancel", _cancel_job, Job, "End a job; what it has sent goes on."),
    act("pause", _pause, Pause, "Make no more calls.", _FOR),
    act("resume", _resume, Pause, "Make calls again."),
)
