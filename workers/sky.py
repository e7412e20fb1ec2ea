"""Sky: what carries the calls of a process to an account, any number at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from functools import partial
from typing import Protocol

from shipper.settings import Settings
from workers.fleet import Fleet
from workers.flight import Boarding, Flight, Landed, Landing, fly
from workers.gameball import Gameball
from workers.runway import Runway


class Sky(Protocol):
    """Carry calls; each lands on the runway of the pump that sent it."""

    def send(self, boardings: Sequence[Boarding], settings: Settings, home: Runway[Landed]) -> None:
        """Let calls leave, and return at once."""


class FleetSky:
    """Carry all calls in one thread."""

    def __init__(self, gameball: Gameball, fleet: Fleet) -> None:
        self._gameball = gameball
        self._fleet = fleet

    def send(self, boardings: Sequence[Boarding], settings: Settings, home: Runway[Landed]) -> None:
        """Let calls leave, and return at once."""
        self._fleet.send([Flight(boarding, self._gameball, settings, home) for boarding in boardings])


class ThreadSky:
    """Carry each call in a thread of its own: where a pool of Celery's replaced what a fleet waits with."""

    def __init__(self, gameball: Gameball, executor: Executor) -> None:
        self._gameball = gameball
        self._executor = executor

    def send(self, boardings: Sequence[Boarding], settings: Settings, home: Runway[Landed]) -> None:
        """Let calls leave, and return at once."""
        for boarding in boardings:
            flight = self._executor.submit(fly, boarding, self._gameball, settings)
            flight.add_done_callback(partial(_land, home))


def _land(home: Runway[Landed], flight: Future[Landing]) -> None:
    fault = flight.exception()
    home.put(fault if isinstance(fault, Exception) else flight.result())
    home.wake()
