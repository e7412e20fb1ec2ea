"""Correcting: one change to many letters: what it would make of them, and the change."""

from __future__ import annotations

from typing import Any, Final

from shipper.inspector import MOST_RATE, Change, Correction, Handled
from shipper.web.api.acting import BECAUSE, MAY, MOST_BECAUSE, RATE, WHICH, chosen_in
from shipper.web.api.call import Takes, act
from shipper.web.api.given import flag_in, number_in, object_in, pairs_in, text_in, texts_in
from shipper.web.mistake import MistakeError
from shipper.web.pages.correct import few_enough
from shipper.web.visit import Visit

MOST: Final = 100
"""Steps of one kind that one change takes."""
_TEXTS: Final = {"type": "array", "items": {"type": "string"}, "maxItems": MOST}
_PAIRS: Final = {"type": "object", "additionalProperties": {"type": "string"}}
CHANGE: Final = (
    Takes(name="renames", about="Old names of events by new ones.", schema=_PAIRS),
    Takes(name="moves", about="Places by the places where their values go.", schema=_PAIRS),
    Takes(name="numbers", about="Places of texts that become the numbers they say.", schema=_TEXTS),
    Takes(name="sets", about='Values by place: `{"purchase.total": 12}`.', schema={"type": "object"}),
    Takes(name="unsets", about="Places of what is taken out.", schema=_TEXTS),
)


def _propose_many(visit: Visit) -> Correction:
    change = _change(visit.given)
    return visit.inspector.letters.correct(few_enough(chosen_in(visit)), change)


def _edit_many(visit: Visit) -> Handled:
    change, letters = _change(visit.given), visit.inspector.letters
    rate = number_in(visit.given, "rate", most=MOST_RATE) or visit.inspector.jobs.default_rate
    return letters.redrive_corrected(
        few_enough(chosen_in(visit)),
        change,
        may_duplicate=flag_in(visit.given, "may_duplicate"),
        spread_ms=round(1000 / rate),
        because=text_in(visit.given, "because", most=MOST_BECAUSE) or "",
    )


def _change(given: Any) -> Change:
    change = Change(
        renames=pairs_in(given, "renames"),
        moves=pairs_in(given, "moves"),
        numbers=texts_in(given, "numbers", most=MOST),
        sets=object_in(given, "sets") if "sets" in given else {},
        unsets=texts_in(given, "unsets", most=MOST),
    )
    if change == Change():
        raise MistakeError("say what shall be different: renames, moves, numbers, sets or unsets")
    return change


CALLS: Final = (
    act(
        "propose",
        _propose_many,
        Correction,
        "Say what a change would make of letters, and of how many.",
        *WHICH,
        *CHANGE,
    ),
    act(
        "edit",
        _edit_many,
        Handled,
        "Change letters and send them again; those that it does not fit stay dead.",
        *WHICH,
        *CHANGE,
        RATE,
        MAY,
        BECAUSE,
    ),
)
