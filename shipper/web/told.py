"""Told: what the page says after something was done: a word of a closed list and numbers, never a text.

It travels in the address (`?told=discarded.12`), so nothing is kept for it and nobody can put words into the
page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Tone = Literal["good", "bad"]

MESSAGES: Final[dict[str, tuple[Tone, str]]] = {
    "discarded": ("good", "{} discarded. Their ids stay known until the retention ends."),
    "discarded_left": ("bad", "{} discarded; {} left as they were: under way, or gone meanwhile."),
    "job_paused": ("good", "Paused: nothing more of it is sent until it is resumed."),
    "job_resumed": ("good", "It goes on."),
    "job_cancelled": ("good", "Cancelled. What it has sent goes on; the other letters stay dead."),
    "job_moved_on": ("bad", "It had moved on before you did: this is how it stands."),
    "corrected": ("good", "{} changed, and sent again under the same ids."),
    "corrected_left": ("bad", "{} changed and sent again; {} left as they were: it did not fit them."),
    "edited": ("good", "Changed, and sent again under the same id."),
    "edit_same": ("bad", "Nothing differed, so nothing was done."),
    "edit_invalid": ("bad", "Nothing was done: what it would say breaks a rule."),
    "edit_changed": ("bad", "Nothing was done: somebody else changed it meanwhile. Look at it again."),
    "edit_unclear": (
        "bad",
        "Nothing was done: Gameball may have it as it was, and you did not say to send it twice.",
    ),
    "edit_no": ("bad", "Nothing was done: it is no dead letter any more."),
    "edit_unreadable": ("bad", "Nothing was done: its record cannot be read. It can only be discarded."),
    "edit_broken": (
        "bad",
        "Nothing was done: its customer's lane is corrupt. Run shipper mend, then try again.",
    ),
    "paused": ("good", "Paused. Events are still accepted, and nothing ages."),
    "resumed": ("good", "Resumed. Calls are made again."),
    "hooks_retried": ("good", "{} to be tried again, each with a fresh budget."),
    "hooks_discarded": ("good", "{} discarded: nobody will be told how these events ended."),
    "nothing": ("bad", "Nothing was left to do: somebody was here before, or the events have moved on."),
}
_TOLD: Final = re.compile(r"([a-z_]{1,40})((?:\.\d{1,12})*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A sentence for the top of the page, and whether it is good news."""

    tone: Tone
    text: str


def write_told(word: str, *numbers: int) -> str:
    """Return a message as it travels."""
    return ".".join([word, *map(str, numbers)])


def read_told(text: str) -> Told | None:
    """Return the message of an address; None for none of ours."""
    found = _TOLD.fullmatch(text)
    if found is None or found[1] not in MESSAGES:
        return None
    tone, sentence = MESSAGES[found[1]]
    numbers = [f"{int(number):,}" for number in found[2].split(".")[1:]]
    if sentence.count("{}") != len(numbers):
        return None
    return Told(tone=tone, text=sentence.format(*numbers))
