"""Limits: the rules of an event that settings move. The rules that none moves are `event`'s."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Literal

from shipper.errors import Problem
from shipper.event import Draft
from shipper.metadata import DEEPEST, path_of
from shipper.settings import Settings


def limit_problems(draft: Draft, *, body_bytes: int, settings: Settings) -> list[Problem]:
    """Say which limits an event breaks; `body_bytes` is its size as it would be posted."""
    told = draft.metadata
    problems = [
        *_unmerged(draft, settings.merge_by),
        *_not_allowed(draft, settings.allowed_events),
    ]
    for path, message, found, most in (
        ("customer_id", "has {} characters", len(draft.customer_id), settings.max_customer_id),
        ("events", "has {} keys, nested ones counted", told.keys, settings.max_keys),
        # Deeper than that the walk never went, and said so.
        ("events", "nests {} levels", told.depth if told.depth <= DEEPEST else 0, settings.max_depth),
        ("", "the event takes {} bytes", body_bytes, settings.max_body_bytes),
    ):
        if found > most:
            problems.append(Problem(path, f"{message.format(found)}: at most {most} are allowed"))
    return problems


def _unmerged(draft: Draft, merge_by: Literal["none", "email", "mobile"]) -> list[Problem]:
    """Ask for what the account merges channels by: without it the customer silently splits in two."""
    if (
        merge_by == "none"
        or getattr(draft, merge_by)
        or any(problem.path == merge_by for problem in draft.problems)
    ):
        return []
    return [Problem(merge_by, f"is missing: this account merges customers by {merge_by}")]


def _not_allowed(draft: Draft, allowed: tuple[str, ...]) -> list[Problem]:
    """Catch misspelled names: Gameball accepts any, and rewards nothing."""
    if not allowed:
        return []
    return [_unknown_name(name, allowed) for name in draft.metadata.events if name not in allowed]


def _unknown_name(name: str, allowed: tuple[str, ...]) -> Problem:
    close = get_close_matches(name[:60], allowed, n=1)
    hint = f"did you mean {close[0]}?" if close else f"allowed are {', '.join(sorted(allowed)[:10])}"
    return Problem(path_of("events", name), f"is not an allowed event: {hint}")
