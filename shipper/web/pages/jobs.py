"""The redrive jobs: how far each is, and to pause, resume or cancel it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from starlette.responses import Response

from shipper.inspector import Job, JobNotFoundError, JobStateError
from shipper.web.page import Page
from shipper.web.person import Role
from shipper.web.told import write_told
from shipper.web.visit import Visit

MOST: Final = 100
"""Jobs on a page; older ones are in the audit log."""
LIVE: Final = frozenset({"filling", "running"})
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def jobs(visit: Visit) -> Response:
    """List jobs, newest first."""
    found = visit.inspector.jobs.all()[:MOST]
    return visit.draw("jobs.html", jobs=found, is_live=any(map(_is_live, found)))


def jobs_live(visit: Visit) -> Response:
    """Show the part of the list that changes."""
    return visit.draw("jobs_live.html", jobs=visit.inspector.jobs.all()[:MOST])


def job(visit: Visit) -> Response:
    """Show one job."""
    found = visit.inspector.jobs.find(name_of(visit))
    return visit.draw("job.html", job=found, workers=visit.inspector.jobs.workers(), is_live=_is_live(found))


def job_live(visit: Visit) -> Response:
    """Show the part of a job that changes."""
    return visit.draw(
        "job_live.html", job=visit.inspector.jobs.find(name_of(visit)), workers=visit.inspector.jobs.workers()
    )


def pause(visit: Visit) -> Response:
    """Send no more of a job for now."""
    return _turned(visit, visit.inspector.jobs.pause, "job_paused")


def resume(visit: Visit) -> Response:
    """Go on with a job."""
    return _turned(visit, visit.inspector.jobs.resume, "job_resumed")


def ask_cancel(visit: Visit) -> Response:
    """Say what would stay undone."""
    return visit.draw("confirm_cancel.html", job=visit.inspector.jobs.find(name_of(visit)))


def cancel(visit: Visit) -> Response:
    """End a job."""
    return _turned(visit, visit.inspector.jobs.cancel, "job_cancelled")


def _is_live(found: Job) -> bool:
    """Tell whether its numbers change: what it sent goes on when it is held or cancelled."""
    return found.state in LIVE or found.open > 0


def name_of(visit: Visit) -> str:
    """Return the job's name in the path; raise JobNotFoundError for what can be none."""
    name = visit.path["job"]
    if not _NAME.fullmatch(name):
        raise JobNotFoundError(f"{name[:60]!a} is no redrive job")
    return name


def _turned(visit: Visit, turn: Callable[[str], Job], word: str) -> Response:
    name = name_of(visit)
    try:
        turn(name)
    except JobStateError:  # somebody else was quicker, or it has ended
        word = "job_moved_on"
    return visit.go(f"jobs/{name}", told=write_told(word))


PAGES: Final = (
    Page(path="/a/{account}/jobs", answer=jobs),
    Page(path="/a/{account}/jobs/live", answer=jobs_live),
    Page(path="/a/{account}/jobs/{job}", answer=job),
    Page(path="/a/{account}/jobs/{job}/live", answer=job_live),
    Page(path="/a/{account}/jobs/{job}/pause", answer=pause, needs=Role.OPERATOR, method="POST"),
    Page(path="/a/{account}/jobs/{job}/resume", answer=resume, needs=Role.OPERATOR, method="POST"),
    Page(path="/a/{account}/jobs/{job}/cancel", answer=ask_cancel, needs=Role.OPERATOR),
    Page(path="/a/{account}/jobs/{job}/cancel", answer=cancel, needs=Role.OPERATOR, method="POST"),
)
