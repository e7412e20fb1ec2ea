"""Call: one operation of the API as a value: its route, what it takes, what it gives, and one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from starlette.responses import Response

from shipper.cli.output import json_line
from shipper.inspector import JOB
from shipper.web.mistake import MistakeError
from shipper.web.page import API, Page
from shipper.web.person import Role
from shipper.web.visit import Visit

ACCOUNT: Final = f"{API}/accounts/{{account}}"
TEXT: Final = {"type": "string", "maxLength": 500}
SAID: Final = {**TEXT, "pattern": r"\S"}
"""A text that is not blank."""
HOOK: Final = {"type": "string", "pattern": f"^{JOB.pattern}$"}
"""A hook job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Takes:
    """One thing that may be given: in the query of a GET, in the JSON object of a POST."""

    name: str
    about: str
    schema: Mapping[str, Any] = field(default_factory=lambda: TEXT)
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One operation. `gives` is the class of the answer."""

    path: str
    about: str
    gives: Any
    answer: Callable[[Visit], Any]
    takes: tuple[Takes, ...] = ()
    method: Literal["GET", "POST"] = "GET"
    needs: Role = Role.VIEWER
    takes_file: bool = False
    """Its body is an export as JSON lines; what else it takes stands in the query."""
    gives_file: bool = False
    takes_event: bool = False
    """As of a page."""

    @property
    def name(self) -> str:
        """Return the operation's id."""
        return self.answer.__name__.strip("_")

    @property
    def page(self) -> Page:
        """Return the route."""
        return Page(
            path=self.path,
            method=self.method,
            needs=self.needs,
            answer=self._answer,
            takes_file=self.takes_file,
            takes_event=self.takes_event,
        )

    def _answer(self, visit: Visit) -> Response:
        self._check(visit.given)
        found = self.answer(visit)
        if isinstance(found, Response):
            return found
        return Response(json_line(found), media_type="application/json")

    def _check(self, given: Mapping[str, Any]) -> None:
        """Refuse what nobody asked for: a misspelt filter would else take everything."""
        known = {each.name for each in self.takes}
        unknown = sorted(name for name in given if name not in known)
        if unknown:
            raise MistakeError(
                f"{unknown[0][:60]!a} is not taken here; known: {', '.join(sorted(known)) or 'none'}"
            )
        missing = [each.name for each in self.takes if each.required and each.name not in given]
        if missing:
            raise MistakeError(f"{missing[0]} is missing")


def act(path: str, answer: Any, gives: Any, about: str, *takes: Takes) -> Call:
    """Return an operation that changes something, or tells what is masked: for operators."""
    return Call(
        path=f"{ACCOUNT}/{path}",
        answer=answer,
        gives=gives,
        about=about,
        takes=takes,
        method="POST",
        needs=Role.OPERATOR,
    )
