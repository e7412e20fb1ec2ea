"""The completion hooks that were given up: see, try again, forget."""

from __future__ import annotations

from typing import Final, Literal

from starlette.responses import Response

from shipper.inspector import HooksHandled, is_hook_job
from shipper.web.mistake import MistakeError
from shipper.web.page import Page
from shipper.web.person import Role
from shipper.web.told import write_told
from shipper.web.visit import Visit

A_PAGE: Final = 50


def hooks(visit: Visit) -> Response:
    """List them, newest first."""
    beyond = job_of(visit.text("before")) if visit.text("before") else None
    seen = list(visit.inspector.hooks.failed(limit=A_PAGE + 1, beyond=beyond))
    onward = visit.to("hooks", before=seen[A_PAGE - 1].job) if len(seen) > A_PAGE else None
    return visit.draw(
        "hooks.html",
        hooks=seen[:A_PAGE],
        next=onward,
        first=beyond is None,
        standing=visit.inspector.status(),
    )


def ask_retry(visit: Visit) -> Response:
    """Say which hooks would be tried again."""
    return _ask(visit, "retry")


def retry(visit: Visit) -> Response:
    """Try hooks again."""
    return _told(visit, "hooks_retried", visit.inspector.hooks.retry(_names(visit)))


def ask_discard(visit: Visit) -> Response:
    """Say which hooks would be forgotten."""
    return _ask(visit, "discard")


def discard(visit: Visit) -> Response:
    """Forget hooks."""
    return _told(visit, "hooks_discarded", visit.inspector.hooks.discard(_names(visit)))


def _ask(visit: Visit, action: Literal["retry", "discard"]) -> Response:
    names = _names(visit)
    failed = visit.inspector.status().hooks_failed
    return visit.draw(
        "confirm_hooks.html", action=action, names=names, count=failed if names is None else len(names)
    )


def _names(visit: Visit) -> list[str] | None:
    """Return the jobs that are named; None where all are meant, in so many words."""
    if visit.text("all") == "yes":
        return None
    job = visit.text("job")
    if not job:
        raise MistakeError("no hook is named: choose one on the page before")
    return [job_of(job)]


def job_of(text: str) -> str:
    """Return a hook job as it was given; raise MistakeError for what can be none."""
    if not is_hook_job(text):
        raise MistakeError(
            f"{text[:40]!a} is no hook job: those are an event id, or an alarm, a colon and a number"
        )
    return text


def _told(visit: Visit, word: str, handled: HooksHandled) -> Response:
    return visit.go("hooks", told=write_told(word, handled.done) if handled.done else write_told("nothing"))


PAGES: Final = (
    Page(path="/a/{account}/hooks", answer=hooks),
    Page(path="/a/{account}/hooks/retry", answer=ask_retry, needs=Role.OPERATOR),
    Page(path="/a/{account}/hooks/retry", answer=retry, needs=Role.OPERATOR, method="POST"),
    Page(path="/a/{account}/hooks/discard", answer=ask_discard, needs=Role.OPERATOR),
    Page(path="/a/{account}/hooks/discard", answer=discard, needs=Role.OPERATOR, method="POST"),
)
