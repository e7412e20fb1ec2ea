"""Filter: which dead letters are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shipper.ledger.indices import Window
from shipper.outcome import Reason

UNCLEAR: Final = "unclear"
"""Stands where a dead letter has its reason."""
NO_CODE: Final = "-"
NO_FIELD: Final = "-"
_MOST_DIGITS: Final = 10
REASONS: Final = (*(reason.value for reason in Reason), UNCLEAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which letters are wanted; what is None is not asked for. An empty name or id is one that nobody has.

    `reason` may be `unclear`, `code` and `field` may be `-` for none. Times are ms: from `since` on, before
    `until`. `text` is contained in the last answer, whatever its case; of a number, an id or what stands in
    quotes there, the whole is found and not a part, and the customer's email and mobile are not.
    """

    reason: str | None = None
    code: str | None = None
    event_name: str | None = None
    field: str | None = None
    customer_id: str | None = None
    since: int | None = None
    until: int | None = None
    unclear: bool | None = None
    text: str | None = None

    @property
    def window(self) -> Window:
        """Return the times alone."""
        return Window(since=self.since, until=self.until)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return the reasons that are wanted."""
        return tuple(
            reason
            for reason in REASONS
            if self.reason in {None, reason} and self.unclear in {None, reason == UNCLEAR}
        )


def read_code(said: str) -> str:
    """Return the code that a person means, `none` is no code; raise ValueError for what is no number."""
    if said == "none":
        return NO_CODE
    if not (said.isascii() and said.isdigit() and len(said) <= _MOST_DIGITS):
        raise ValueError("is no number: write 3009, or none for letters without a code")
    return str(int(said))


def read_field(said: str) -> str:
    """Return the field that a person means: `none` is no field, `"none"` in quotes one of that name."""
    return {"none": NO_FIELD, '"none"': "none"}.get(said, said)


def say_field(field: str | None) -> str:
    """Return a field, None for none, as `read_field` reads it."""
    return {None: "none", "none": '"none"'}.get(field, field or "none")
