"""Memory: sample a worker's and Redis' over a run, and tell a leak from noise."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import linear_regression, median
from typing import Final

from redis.exceptions import RedisError

from shipper.errors import ShipperError
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import status
from shipper.ledger.pool import make_pool
from tests.support.servers import RedisServer
from tests.support.worker import Worker

EVERY_S: Final = 0.5
BUDGET_MS: Final = 500
ENOUGH: Final = 40
"""Samples without which nothing is judged: a quarter of them must be more than a few."""
EVENT_KIB: Final = 1.0
"""By how much a worker would grow at least that kept hold of each event: envelope, body, their objects."""
NOISE_KIB: Final = 6 * 1024
"""What threads, buffers and the allocator may add between two quarters of a run. Measured: half of it."""
ENDED_BYTES: Final = 400
"""What Redis may keep of an ended event until its retention is over. Measured: 240, a fate of a hundred and
its id twice, and more where it had an idempotency key; a body alone would add more than the rest."""
ALWAYS_BYTES: Final = 2**20
"""What Redis keeps however many events there were: scripts, tables, hooks that were given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look. Redis' numbers are None while it was away."""

    at_s: float
    pid: int
    rss_kib: int
    redis_bytes: int | None = None
    ended: int = 0
    """Events that have ended so far."""
    held: int = 0
    """Events that Redis holds whole: waiting, in flight, dead, unclear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How a worker's memory went from the second to the last quarter of a run."""

    from_kib: int
    to_kib: int
    events: int
    """That ended between the middles of these quarters."""
    slope_kib: float
    """A minute, fitted from the second quarter on."""

    @property
    def grown_kib(self) -> int:
        """Return by how much it grew."""
        return self.to_kib - self.from_kib

    @property
    def allowed_kib(self) -> float:
        """Return what is no leak: noise, and less than anything kept of each event would be."""
        return NOISE_KIB + EVENT_KIB * self.events

    def __str__(self) -> str:
        return (
            f"a worker's memory {self.from_kib / 1024:.1f} to {self.to_kib / 1024:.1f} MiB "
            f"({self.slope_kib:+.0f} KiB a minute)"
        )


def growth(samples: Sequence[Sample]) -> Growth | None:
    """Compare the quarters of the longest life of the worker; None where there are too few samples."""
    if not samples:
        return None
    (pid, _), *_ = Counter(each.pid for each in samples).most_common(1)
    life = [each for each in samples if each.pid == pid]
    if len(life) < ENOUGH:
        return None
    quarter = len(life) // 4
    second, last = life[quarter : 2 * quarter], life[-quarter:]
    settled = life[quarter:]
    slope = linear_regression([each.at_s / 60 for each in settled], [each.rss_kib for each in settled]).slope
    return Growth(
        from_kib=round(median(each.rss_kib for each in second)),
        to_kib=round(median(each.rss_kib for each in last)),
        events=max(0, last[len(last) // 2].ended - second[len(second) // 2].ended),
        slope_kib=slope,
    )


class Watch:
    """Look at one worker and at Redis, in a thread, from `start` to `stop`."""

    def __init__(self, worker: Worker, server: RedisServer) -> None:
        self.samples: list[Sample] = []
        self._worker = worker
        self._server = server
        self._pool = make_pool(server.url, budget_ms=BUDGET_MS)
        self._ledger = Ledger(self._pool, budget_ms=BUDGET_MS)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        self._thread.join()
        self._pool.disconnect()

    def redis_bytes(self) -> int:
        """Return what Redis uses for what it stores, without its clients and buffers."""
        with self._server.client() as redis:
            return int(redis.info("memory")["used_memory_dataset"])

    def _run(self) -> None:
        began, ended = time.monotonic(), 0
        while not self._stopping.wait(EVERY_S):
            pid, rss_kib = self._worker.pid, rss_of(self._worker.pid)
            if not rss_kib:
                continue
            at_s = time.monotonic() - began
            looked = Sample(at_s=at_s, pid=pid, rss_kib=rss_kib, ended=ended)
            with suppress(RedisError, ShipperError, OSError):
                looked = self._look(looked)
                ended = looked.ended
            self.samples.append(looked)

    def _look(self, sample: Sample) -> Sample:
        counters = self._ledger.run(status()).counters
        with self._server.client(timeout_s=BUDGET_MS / 1000) as redis:
            used = int(redis.info("memory")["used_memory_dataset"])
        return Sample(
            at_s=sample.at_s,
            pid=sample.pid,
            rss_kib=sample.rss_kib,
            redis_bytes=used,
            ended=ended_of(counters),
            held=sum(counters.get(name, 0) for name in ("waiting", "in_flight", "dead", "unclear")),
        )


def ended_of(counters: dict[str, int]) -> int:
    """Count the events of which nothing but an id should be left."""
    return sum(counters.get(name, 0) for name in ("delivered", "discarded", "expunged"))


def rss_of(pid: int) -> int:
    """Return the resident memory of a process in KiB; 0 for one that is not there."""
    ran = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return int(ran.stdout) if ran.stdout.strip() else 0
