"""Ending: how a run on this machine is asked to end: by a signal, and by a second one to be quick."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event as Flag
from typing import Any, Final

from shipper.errors import ShipperError

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class InterruptedRunError(ShipperError):
    """Say that the run was asked to end before it was done."""


class Ending:
    """Two flags. Signals set them instead of raising, so that no process is started and then forgotten."""

    def __init__(self) -> None:
        self.asked = Flag()
        self.hurried = Flag()

    def ask(self) -> None:
        """Ask to end; asked again, to wait for nobody any more."""
        (self.hurried if self.asked.is_set() else self.asked).set()

    def wait(self, wait_ms: int) -> None:
        """Wait; raise InterruptedRunError as soon as the run is asked to end."""
        if self.asked.wait(wait_ms / 1000):
            raise InterruptedRunError("interrupted")


@contextmanager
def asked_by_signals() -> Iterator[Ending]:
    """Give an ending that Ctrl-C, SIGTERM and a terminal that closes ask for. In the main thread only."""
    ending = Ending()

    def ask(*_: Any) -> None:
        ending.ask()

    before = {number: signal.signal(number, ask) for number in SIGNALS}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
