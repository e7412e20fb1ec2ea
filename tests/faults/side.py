"""Side: a system under test. Ours and plain Celery are driven by the same campaign through this seam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Protocol, Self

import shipper
from shipper.client import _current
from shipper.errors import EnqueueUnclearError, LedgerFullError, LedgerUnavailableError
from shipper.ledger.audit import audit
from shipper.ledger.operations import show
from shipper.settings import Settings
from tests.faults.history import Answer, Attempt, End
from tests.faults.load import Wish
from tests.support.sandbox import Sandbox
from tests.support.servers import RedisServer
from tests.support.stage import Stage
from tests.support.worker import Worker

SHOWN_AT_ONCE: Final = 500


class Side(Protocol):
    """What a campaign needs of a system that ships events."""

    policy: str
    """As in `Row.policy`."""
    promised: bool
    """Whether what is lost here is our failure; False for the peer."""
    quiet_s: float
    """For how long nothing may be active before it is at rest: a copy may still be on its way."""

    @property
    def workers(self) -> list[Worker]:
        """Every worker that was started, in order."""
        ...

    def worker(self, *arguments: str, ready: bool = True, **environment: object) -> Worker:
        """Start one more worker process, kept in `workers`.

        `arguments` are Celery's (`"-P", "prefork"`), keywords our settings in small letters.
        """
        ...

    def send(self, wish: Wish) -> tuple[Answer, str]:
        """Enqueue one event as an app would."""
        ...

    def route(self, redis_url: str) -> None:
        """Let the shop that sends reach Redis by this URL from now on."""
        ...

    def active(self) -> int:
        """Count what waits or is under way; raise OSError or a library's error while Redis is away."""
        ...

    def under_way(self) -> int:
        """Count what workers have taken and not ended; raises as `active`."""
        ...

    def ends(self, attempts: Sequence[Attempt]) -> Mapping[str, End]:
        """Tell where each event is, by its reference; events of which nothing is known are left out."""
        ...

    def findings(self) -> list[str]:
        """Look for what does not add up in the system's own books."""
        ...

    def causes(self) -> int | None:
        """Count the causes on record, of all events; None where none are kept."""
        ...


class Shipper:
    """Our side: producers call `enqueue_event`, real Celery workers pump. Use as a context."""

    promised = True
    quiet_s = 2.0

    def __init__(
        self,
        server: RedisServer,
        sandbox: Sandbox,
        folder: Path,
        *,
        policy: str = "retry",
        redis_url: str = "",
        hook: str = "",
        **settings: object,
    ) -> None:
        self.policy = policy
        self._stack = ExitStack()
        self.stage = Stage(server, sandbox, folder, self._stack)
        self._hook = hook or None
        self._settings = settings
        self.route(redis_url or server.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        shipper.close()
        _current.client = None

    @property
    def workers(self) -> list[Worker]:
        return self.stage.workers

    def worker(self, *arguments: str, ready: bool = True, **environment: object) -> Worker:
        return self.stage.worker(*arguments, ready=ready, **{**self._settings, **environment})  # type: ignore[arg-type]

    def send(self, wish: Wish) -> tuple[Answer, str]:
        try:
            receipt = shipper.enqueue_event(wish.event, on_unclear=self.policy, hook=self._hook)
        except EnqueueUnclearError as error:
            return Answer.UNCLEAR, error.event_id
        except (LedgerUnavailableError, LedgerFullError):
            return Answer.NO, ""
        return Answer.YES, receipt.event_id

    def route(self, redis_url: str) -> None:
        shipper.close()
        _current.client = None
        shipper.configure(Settings(redis_url=redis_url, **_fields(self._settings)))

    def active(self) -> int:
        counters = self.stage.status().counters
        return counters.get("waiting", 0) + counters.get("in_flight", 0)

    def under_way(self) -> int:
        return self.stage.count("in_flight")

    def ends(self, attempts: Sequence[Attempt]) -> Mapping[str, End]:
        known = {each.event_id: each.reference for each in attempts if each.event_id}
        found = {}
        ids = list(known)
        for first in range(0, len(ids), SHOWN_AT_ONCE):
            for shown in self.stage.ledger.run(show(ids[first : first + SHOWN_AT_ONCE])):
                if shown is not None:
                    causes = shown.fate.causes if shown.fate else shown.tried.causes
                    found[known[shown.event_id]] = End(state=shown.state.value, causes=causes)
        return found

    def findings(self) -> list[str]:
        return [str(finding) for finding in audit(self.stage.ledger).findings]

    def causes(self) -> int | None:
        return self.stage.count("causes")


def _fields(settings: Mapping[str, object]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name in Settings.model_fields}
