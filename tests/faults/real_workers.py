"""Real workers: kill whole `celery -A workers worker` processes at their boundaries, several at once.

Every point has a database of its own on one Redis; the struck worker is started by `tests.faults.door`, the
one that finishes by Celery's own command. Time is real: a lease runs out when it runs out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from shipper.envelope import seal
from shipper.event_id import new_event_id
from shipper.ledger.audit import audit
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Shown, enqueue, show, status
from shipper.ledger.pool import make_pool
from shipper.settings import Settings
from tests.faults.boundaries import Deed
from tests.faults.door import STRIKE, TRACE
from tests.faults.enumeration import KILLS, Point, where
from tests.faults.points import LETTERS, Scene
from tests.support.sandbox import Sandbox
from tests.support.servers import RedisServer
from tests.support.waiting import until
from tests.support.worker import CELERY, QUICK, Worker

DATABASES: Final = 512
AT_ONCE: Final = 6
REST_S: Final = 60.0
DOOR: Final = "tests.faults.door -A workers worker"
HOOKS: Final = """
import os
from shipper import completion_hook

@completion_hook("told")
def tell(response, error):
    with open("told", "a") as told:
        told.write((response or error).event_id + "\\n")
"""
SETTINGS: Final = {
    "SHIPPER_CALLS_IN_FLIGHT": "1",
    "SHIPPER_TELLERS": "1",
    "SHIPPER_HOOK_TIMEOUT_MS": "3000",
    "SHIPPER_HOOKS": "our_hooks",
    "SHIPPER_PACE_MARGIN_MS": "2500",
    "SHIPPER_TIMEOUT_MS": "3000",
    "SHIPPER_LEASE_MS": "8000",
}


@dataclass(slots=True, kw_only=True)
class Site:
    """One database with one event in it."""

    folder: Path
    url: str
    event_id: str


class RealWorkers:
    """Try a scene of one event with real workers. Use `server` with many databases."""

    def __init__(
        self, server: RedisServer, sandbox: Sandbox, folder: Path, *, say: Callable[[str], None]
    ) -> None:
        self._server = server
        self._sandbox = sandbox
        self._folder = folder
        self._say = say
        self._number = 0
        self._lock = Lock()

    def walk(self, scene: Scene, deeds: Sequence[Deed] = KILLS, *, every: int = 1) -> list[Point]:
        """Try each `every`-th point of a worker's life until its event is done."""
        count = self._boundaries(scene)
        self._say(f"a worker crosses {count} boundaries")
        points = [(deed, at) for at in range(1, count + 1, every) for deed in deeds]
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return [
                point
                for found in threads.map(lambda each: list(self._try(scene, *each)), points)
                for point in found
            ]

    def _boundaries(self, scene: Scene) -> int:
        """Count what a worker crosses until nothing is left to do."""
        site = self._site(scene)
        worker = self._start(site, "counted", strike="")
        try:
            until(lambda: at_rest(site), within_s=REST_S, why=lambda: worker.log[-3000:])
        finally:
            worker.kill()
        return sum(1 for line in trace_of(site) if line.startswith(">"))

    def _try(self, scene: Scene, deed: Deed, at: int) -> Iterator[Point]:
        """Strike a worker at one boundary and let another finish; nothing, if it came to rest before."""
        site = self._site(scene)
        struck = self._start(site, "struck", strike=f"{deed}:{at}")
        try:
            until(
                lambda: not struck.running or at_rest(site), within_s=REST_S, why=lambda: struck.log[-3000:]
            )
        finally:
            struck.kill()
        if not any(line.startswith("killed") for line in trace_of(site)):
            return
        finisher = self._start(site, "finisher")
        try:
            until(lambda: at_rest(site), within_s=REST_S, why=lambda: finisher.log[-3000:])
        finally:
            finisher.kill()
        yield self._point(scene, site)

    def _site(self, scene: Scene) -> Site:
        with self._lock:
            number = self._number
            self._number += 1
        folder = self._folder / f"site-{number}"
        for name in ("struck", "counted", "finisher"):
            (folder / name).mkdir(parents=True)
            (folder / name / "our_hooks.py").write_text(HOOKS)
        site = Site(
            folder=folder, url=f"redis://127.0.0.1:{self._server.port}/{number}", event_id=new_event_id()
        )
        event = {"customerId": f"c-{number}", "events": {"visit": {"reference": site.event_id}}}
        settings = Settings()
        with open_ledger(site) as ledger:
            sealed = seal(
                event, settings=settings, event_id=site.event_id, hook="told", on_unclear=scene.policy
            )
            (admission,) = ledger.run(enqueue([sealed], settings))
        assert admission.word == "ok"
        return site

    def _start(self, site: Site, role: str, *, strike: str | None = None) -> Worker:
        places = {"SHIPPER_REDIS_URL": site.url, "GAMEBALL_BASE_URL": self._sandbox.url}
        watched = {} if strike is None else {STRIKE: strike, TRACE: str(site.folder / "trace")}
        worker = Worker(
            site.folder / role,
            (),
            {**QUICK, **SETTINGS, **places, **watched},
            by=CELERY if strike is None else DOOR,
        )
        worker.start(ready=False)
        return worker

    def _point(self, scene: Scene, site: Site) -> Point:
        trace = trace_of(site)
        told = sum(
            (site.folder / role / "told").read_text().count(site.event_id)
            for role in ("struck", "finisher")
            if (site.folder / role / "told").exists()
        )
        copies = Counter(
            metadata["reference"] for call in self._sandbox.accepted() for metadata in call["events"].values()
        )[site.event_id]
        with open_ledger(site) as ledger:
            shown = shown_in(site, ledger)
            findings = tuple(str(finding) for finding in audit(ledger).findings)
        causes = (shown.fate or shown.tried).causes
        return Point(
            scene=f"celery worker, {scene.key}",
            struck=where(trace),
            expected=tuple(scene.cells(Deed.KILL_AFTER, trace)),
            found=f"{copies} {LETTERS.get(shown.state.value, '?')} {causes} {told}",
            complaints=findings,
        )


@contextmanager
def open_ledger(site: Site) -> Iterator[Ledger]:
    """Open the book of a site for a while."""
    pool = make_pool(site.url, budget_ms=15_000)
    yield Ledger(pool, budget_ms=15_000)
    pool.disconnect()


def shown_in(site: Site, ledger: Ledger) -> Shown:
    """Return all that the ledger knows of a site's event."""
    (shown,) = ledger.run(show([site.event_id]))
    assert shown is not None, f"the event of {site.url} is lost"
    return shown


def at_rest(site: Site) -> bool:
    """Tell whether nothing is left to do."""
    with open_ledger(site) as ledger:
        sizes = ledger.run(status()).sizes
    return not (sizes["due"] or sizes["lease"] or sizes["hooks"])


def trace_of(site: Site) -> list[str]:
    """Return what the watched worker crossed."""
    path = site.folder / "trace"
    return path.read_text().splitlines() if path.exists() else []
