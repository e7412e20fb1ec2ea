"""Visit: one request, as the function that answers a page gets it: who, what was given, and how to answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from shipper.inspector import Inspector
from shipper.inspector.preview import Ask
from shipper.logs import get_logger
from shipper.settings import Settings
from shipper.web.guesses import Guesses
from shipper.web.look import Look
from shipper.web.person import Person, Role
from shipper.web.porter import Porter
from shipper.web.told import read_told

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What all visits share."""

    settings: Settings
    look: Look
    porter: Porter
    inspectors: Callable[[str], Mapping[str, Inspector]]
    """Operator's name → account → inspector."""
    quoter: Callable[[str], Ask]
    """Account → what asks Gameball for a preview. Raises PreviewError where it cannot be asked."""
    guesses: Guesses
    clock: Callable[[], int]
    """Gives ms of a clock that never steps."""

    def held_up(self, address: str) -> int:
        """Return for how many more seconds no token from an address is looked at; 0: it is."""
        return -(-self.guesses.wait_ms(address, now=self.clock()) // 1000)

    def guessed(self, address: str, token: str) -> None:
        """Note a wrong token."""
        if self.guesses.wrong(address, token, now=self.clock()):
            log.warning("web.token_refused", address=address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request that was let in. `given` is its query, for a POST its form or JSON object, or `file`."""

    site: Site
    person: Person | None
    path: Mapping[str, str]
    given: Mapping[str, Any] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    here: str
    secure: bool = False
    address: str = "?"
    file: BinaryIO | None = field(default=None, repr=False)

    @property
    def account(self) -> str:
        """Return the alias in the path; that of the first account where there is none."""
        return self.path.get("account", self.site.settings.accounts[0])

    @property
    def inspector(self) -> Inspector:
        """Return the account's inspector, which acts in the person's name."""
        return self.site.inspectors(self.person.name if self.person else "")[self.account]

    @property
    def may_act(self) -> bool:
        """Tell whether this person may do more than look."""
        return self.person is not None and self.person.may(Role.OPERATOR)

    def text(self, name: str) -> str:
        """Return what was given by that name, without blanks around it; empty if nothing was."""
        return self.exact(name).strip()

    def exact(self, name: str) -> str:
        """Return what was given by that name, blanks too: they may belong to a customer's id."""
        value = self.given.get(name, "")
        return value if isinstance(value, str) else ""

    def to(self, place: str = "", **query: object) -> str:
        """Return the address of a page of this account, such as `letters`."""
        return address(self.account, place, **query)

    def draw(self, template: str, *, status: int = 200, **facts: Any) -> Response:
        """Answer with a page."""
        text = self.site.look.draw(
            template,
            **{
                "visit": self,
                "account": self.account,
                "accounts": self.site.settings.accounts,
                "person": self.person,
                "may_act": self.may_act,
                "to": self.to,
                "told": read_told(self.query.get("told", "")),
                **facts,
            },
        )
        return Response(text, status, media_type="text/html")

    def go(self, place: str = "", **query: object) -> Response:
        """Send the browser on to a page of this account after a POST."""
        return RedirectResponse(self.to(place, **query), 303)


def address(account: str, place: str = "", **query: object) -> str:
    """Return the path of a page of an account."""
    path = f"/a/{account}/{place}"
    said = [(name, str(value)) for name, value in query.items() if value not in {None, ""}]
    return f"{path}?{urlencode(said)}" if said else path
