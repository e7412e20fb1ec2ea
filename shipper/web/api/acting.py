"""Acting: what is done to letters; for operators, and each goes on the audit log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from starlette.responses import Response

from shipper.clock import now_ms
from shipper.errors import Problem
from shipper.inspector import (
    MOST_RATE,
    Change,
    Choice,
    Difference,
    Edited,
    EventSeen,
    Handled,
    Job,
    Preview,
)
from shipper.web.api.call import SAID, Takes, act
from shipper.web.api.given import flag_in, number_in, object_in, text_in, whole_in
from shipper.web.api.seeing import FILTER
from shipper.web.filters import MOST_IDS, NAMES, read_ids, read_moment_of, read_wanted
from shipper.web.mistake import MistakeError, TooLateError
from shipper.web.pages.event import id_of
from shipper.web.quote import MOST_POINTS, MOST_SAMPLE, SAMPLE, quote
from shipper.web.transfer import Imported, download, take_in
from shipper.web.visit import Visit

MOST_BECAUSE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """How many letters were found; `at`, said with the same words, means these and none that come later."""

    count: int
    unclear: int
    doubtful: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What a change would make of a letter, and every rule that it would break."""

    event_id: str
    account: str
    unclear: bool
    mark: str
    """What the edit says, so that it changes this and nothing newer."""
    differences: tuple[Difference, ...]
    problems: tuple[Problem, ...]


def _choose(visit: Visit) -> Chosen:
    choice = chosen_in(visit)
    return Chosen(count=choice.count, unclear=choice.unclear, doubtful=choice.doubtful, at=choice.at)


def _preview(visit: Visit) -> Preview:
    sample = whole_in(visit.given, "sample", least=1, most=MOST_SAMPLE, default=SAMPLE)
    return quote(visit, chosen_in(visit), may_duplicate=flag_in(visit.given, "may_duplicate"), sample=sample)


def _redrive(visit: Visit) -> Job:
    choice = chosen_in(visit)
    if "points_budget" in visit.given:
        _hold_to_budget(visit, choice)
    elif "sample" in visit.given:
        raise MistakeError("sample goes with points_budget, or with a preview")
    return visit.inspector.jobs.start(
        choice,
        rate=number_in(visit.given, "rate", most=MOST_RATE),
        may_duplicate=flag_in(visit.given, "may_duplicate"),
        because=text_in(visit.given, "because", most=MOST_BECAUSE) or "",
    )


def _hold_to_budget(visit: Visit, choice: Choice) -> None:
    budget = whole_in(visit.given, "points_budget", least=0, most=MOST_POINTS, default=0)
    sample = whole_in(visit.given, "sample", least=1, most=MOST_SAMPLE, default=SAMPLE)
    seen = quote(visit, choice, may_duplicate=flag_in(visit.given, "may_duplicate"), sample=sample)
    if why := seen.over(budget):
        raise TooLateError(f"nothing was sent: {why}")


def _discard(visit: Visit) -> Handled:
    because = text_in(visit.given, "because", most=MOST_BECAUSE) or ""
    if not because.strip():
        raise MistakeError("because is empty: say why, for the audit log")
    return visit.inspector.letters.discard(chosen_in(visit), because=because)


def _export(visit: Visit) -> Response:
    return download(visit.inspector, chosen_in(visit), masked=flag_in(visit.given, "masked"))


def _import(visit: Visit) -> Imported:
    only_check = text_in(visit.given, "check") or "false"
    if only_check not in {"true", "false"}:
        raise MistakeError("check is neither true nor false")
    return take_in(visit.inspector, visit.file, only_check=only_check == "true")


def _unmask(visit: Visit) -> EventSeen:
    return visit.inspector.event(id_of(visit), unmasked=True)


def _propose(visit: Visit) -> Proposed:
    found = visit.inspector.letters.propose(id_of(visit), Change(events=object_in(visit.given, "events")))
    return Proposed(
        event_id=found.event_id,
        account=found.account,
        unclear=found.unclear,
        mark=found.mark,
        differences=found.differences,
        problems=found.problems,
    )


def _edit(visit: Visit) -> Edited:
    proposed = visit.inspector.letters.propose(id_of(visit), Change(events=object_in(visit.given, "events")))
    if text_in(visit.given, "mark") != proposed.mark:
        return Edited(
            event_id=proposed.event_id,
            account=proposed.account,
            result="changed",
            differences=proposed.differences,
            problems=proposed.problems,
        )
    return visit.inspector.letters.redrive_edited(
        proposed, may_duplicate=flag_in(visit.given, "may_duplicate")
    )


def chosen_in(visit: Visit) -> Choice:
    """Choose by exactly one of ids, filter and all: no slip of the hand takes everything.

    A span counts back from the moment of the choice, by Redis' clock: said again with it, it means the same.
    """
    given, letters = visit.given, visit.inspector.letters
    said = {"at": text} if (text := text_in(given, "at")) is not None else {}
    at = read_moment_of("at", said, now=now_ms())
    moment = letters.moment() if at is None else at
    wanted = read_wanted({name: given[name] for name in NAMES if name in given}, strict=True, now=moment)
    if "ids" in given and not given["ids"]:
        raise MistakeError("ids is empty: say which events are meant, or leave ids out")
    if ["ids" in given, not wanted.is_all, flag_in(given, "all")].count(True) != 1:
        raise MistakeError("say which letters: by ids, by a filter such as reason, or all: true")
    if "ids" in given:
        return letters.choose(read_ids(given["ids"]), at=at)
    return letters.choose(wanted.filter, at=moment)


WHICH: Final = (
    Takes(
        name="ids",
        about="Event ids.",
        schema={"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_IDS},
    ),
    *(Takes(name=name, about=about, schema=schema) for name, about, schema in FILTER),
    Takes(name="all", about="All of them: no ids and no filter.", schema={"type": "boolean"}),
    Takes(
        name="at",
        about="The `at` of a `choose`: what became a letter since, be it again, is left; spans end there.",
        schema=SAID,
    ),
)
MAY: Final = Takes(
    name="may_duplicate",
    about="Unclear ones too: Gameball may reward them twice.",
    schema={"type": "boolean"},
)
BECAUSE: Final = Takes(
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
_MARK: Final = Takes(
    name="mark",
    about="That of the event as it was read or proposed: what was sent again since is left (`changed`).",
    required=True,
)
_MASKED: Final = Takes(
    name="masked",
    about="Hide emails and mobiles: to be read, not imported.",
    schema={"type": "boolean"},
)
_CHECK: Final = Takes(
    name="check", about="Only check the file; nothing is taken in.", schema={"type": "boolean"}
)
RATE: Final = Takes(
    name="rate",
    about="Events a second; by default half of the pace.",
    schema={"type": "number", "exclusiveMinimum": 0, "maximum": MOST_RATE},
)
_SAMPLE: Final = Takes(
    name="sample",
    about="Ask for so many of them, drawn at random, a dozen a second; what all would earn is projected.",
    schema={"type": "integer", "minimum": 1, "maximum": MOST_SAMPLE, "default": SAMPLE},
)
_BUDGET: Final = Takes(
    name="points_budget",
    about="Preview first, and send nothing (409) if they would earn more.",
    schema={"type": "integer", "minimum": 0, "maximum": MOST_POINTS},
)
CALLS: Final = (
    act("choose", _choose, Chosen, "Count letters; nothing is touched.", *WHICH),
    act(
        "preview",
        _preview,
        Preview,
        "Ask Gameball what letters would earn; nothing is sent.",
        *WHICH,
        _SAMPLE,
        MAY,
    ),
    act(
        "redrive",
        _redrive,
        Job,
        "Send letters again, as a job.",
        *WHICH,
        RATE,
        MAY,
        BECAUSE,
        _BUDGET,
        _SAMPLE,
    ),
    act("discard", _discard, Handled, "Forget letters on purpose.", *WHICH, BECAUSE),
    replace(
        act("export", _export, str, "Give letters as JSON lines with checksums.", *WHICH, _MASKED),
        gives_file=True,
    ),
    replace(
        act("import", _import, Imported, "Take the letters of an export in; known ones are left.", _CHECK),
        takes_file=True,
    ),
    act("events/{event_id}/unmask", _unmask, EventSeen, "Tell all of an event, personal data too."),
    replace(
        act(
            "events/{event_id}/propose",
            _propose,
            Proposed,
            "Say what a change would make of a letter.",
            _EVENTS,
        ),
        takes_event=True,
    ),
    replace(
        act(
            "events/{event_id}/edit", _edit, Edited, "Change a letter and send it again.", _EVENTS, _MARK, MAY
        ),
        takes_event=True,
    ),
)
