"""Fleet: all calls of a process to an account under way at once, in one thread, by libcurl's multi interface.

A thread for each call would spend most of its time on handing over. This one waits for all sockets together,
and for nothing else: while the ledger is away, answers are still read and deadlines still kept.
"""

from __future__ import annotations

import os
import select
from collections import deque
from collections.abc import Iterable
from threading import Event, Lock, Thread
from typing import Any, Final, Protocol
from weakref import WeakSet

import pycurl

from shipper.clock import monotonic_ms
from workers.wire import LostError, Wire, is_readable

MOST_HELD: Final = 32
"""Calls that ended and are not yet reported, while answers come one after the other."""

# Where there is no epoll, poll takes the same masks and counts milliseconds.
_EPOLL: Final = hasattr(select, "epoll")
_IN, _OUT, _ERROR = select.POLLIN, select.POLLOUT, select.POLLERR
_MASKS: Final = {
    pycurl.POLL_NONE: 0,
    pycurl.POLL_IN: _IN,
    pycurl.POLL_OUT: _OUT,
    pycurl.POLL_INOUT: _IN | _OUT,
}
AGAIN_S: Final = 0.1
"""Wait after a fault, seconds: one that comes at every turn must not take a core."""
_ABANDONED: Final[deque[object]] = deque(maxlen=8)
"""What libcurl failed at, kept a while: its handles are freed when nothing calls back any more."""
_OF_PARENTS: Final[list[object]] = []
"""What a forked child found: never freed, for that would say goodbye on its parent's connections."""


class Trip(Protocol):
    """One call, as its fleet sees it; everything is asked in the fleet's thread."""

    def leave(self) -> Wire | None:
        """Return the wire to send on, loaded; None if the call ended without being sent."""

    def arrive(self, wire: Wire, lost: LostError | None) -> None:
        """Take the answer from the wire, or hear that there is none."""

    def fail(self, error: Exception) -> None:
        """Hear of a fault of ours: one of the other two raised this."""

    def report(self) -> None:
        """Tell whoever waits; asked last, of all that ended at about the same time."""


class Fleet:
    """Send trips, any number at once. Any thread may ask, in a forked child too."""

    def __init__(self, connections: int) -> None:
        """Keep at most so many idle connections."""
        self._connections = connections
        self._rung = False
        self._set_up()
        _FLEETS.add(self)

    def send(self, trips: Iterable[Trip]) -> None:
        """Let trips leave as soon as possible."""
        self._waiting.extend(trips)
        if self._thread is None:
            self._start()
        if not self._rung:
            self._rung = True
            os.write(self._bell, b"!")

    def _set_up(self) -> None:
        self._lock = Lock()
        self._thread: Thread | None = None
        self._waiting: deque[Trip] = deque()
        self._ended: list[Trip] = []
        self._under_way: dict[pycurl.Curl, tuple[Trip, Wire]] = {}
        self._sockets: dict[int, int] = {}
        """The socket of each connection, by its local port: all that libcurl tells before it sends."""
        self._watched: set[int] = set()
        self._rung = False
        self._alarm: int | None = None

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            self._ear, self._bell = os.pipe()
            os.set_blocking(self._bell, False)
            self._open()
            self._thread = Thread(target=self._run, name="fleet", daemon=True)
            self._thread.start()

    def _open(self) -> None:
        self._poll = select.epoll() if _EPOLL else select.poll()
        self._poll.register(self._ear, _IN)
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, self._connections)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_alarm)

    def _run(self) -> None:
        while True:
            try:
                self._turn()
            except Exception as fault:  # noqa: BLE001 - told to all under way, and others may leave
                self._abandon(fault)

    def _turn(self) -> None:
        ready = self._look(0) if self._ended else []
        if not ready or len(self._ended) >= MOST_HELD:
            self._report()
        self._hear(ready or self._look(self._patience_ms()))
        self._depart()
        self._obey_alarm()
        self._land()

    def _abandon(self, fault: Exception) -> None:
        """Begin anew: nobody knows what libcurl made of a fault, and a silent end would hold every call."""
        for trip, _ in self._under_way.values():
            trip.fail(fault)
            self._ended.append(trip)
        _ABANDONED.append((self._multi, dict(self._under_way)))
        self._under_way.clear()
        self._sockets.clear()
        self._watched.clear()
        self._alarm = None
        self._open()
        Event().wait(AGAIN_S)

    def _patience_ms(self) -> int:
        return -1 if self._alarm is None else max(0, self._alarm - monotonic_ms())

    def _look(self, wait_ms: int) -> list[tuple[int, int]]:
        return self._poll.poll(wait_ms / 1000 if _EPOLL and wait_ms > 0 else wait_ms)

    def _report(self) -> None:
        """Let those hear who wait: once for all that ended while one answer came after the other."""
        for trip in self._ended:
            trip.report()
        self._ended.clear()

    def _hear(self, ready: list[tuple[int, int]]) -> None:
        for socket, heard in ready:
            if socket == self._ear:
                os.read(self._ear, 64)
                self._rung = False
                continue
            read = pycurl.CSELECT_IN if heard & ~_OUT else 0
            write = pycurl.CSELECT_OUT if heard & _OUT else 0
            error = pycurl.CSELECT_ERR if heard & _ERROR else 0
            self._multi.socket_action(socket, read | write | error)

    def _depart(self) -> None:
        while self._waiting:
            trip = self._waiting.popleft()
            try:
                wire = trip.leave()
                if wire is not None:
                    wire.connect_anew(False)
                    wire.curl.setopt(pycurl.PREREQFUNCTION, self._may_use)
            except Exception as error:  # noqa: BLE001 - told, and the others go on
                trip.fail(error)
                wire = None
            if wire is None:
                self._ended.append(trip)
                continue
            self._add(trip, wire)

    def _add(self, trip: Trip, wire: Wire) -> None:
        self._under_way[wire.curl] = trip, wire
        self._multi.add_handle(wire.curl)

    def _obey_alarm(self) -> None:
        """Let libcurl do what it set its alarm for: to begin with a call, or to end one whose time is up."""
        while self._alarm is not None and self._alarm <= monotonic_ms():
            self._alarm = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def _land(self) -> None:
        more = 1
        while more:
            more, well, badly = self._multi.info_read()
            for curl in well:
                self._end(curl)
            for curl, *error in badly:
                self._end(curl, *error)

    def _end(self, curl: pycurl.Curl, *error: Any) -> None:
        trip, wire = self._under_way[curl]
        self._sockets[curl.getinfo(pycurl.LOCAL_PORT)] = curl.getinfo(pycurl.ACTIVESOCKET)
        self._multi.remove_handle(curl)
        del self._under_way[curl]
        if error and error[0] == pycurl.E_ABORTED_BY_CALLBACK and not (wire.asked or wire.anew):
            wire.connect_anew(True)
            self._add(trip, wire)
            return
        try:
            trip.arrive(wire, wire.lost(*error))
        except Exception as fault:  # noqa: BLE001 - told, and the others go on
            trip.fail(fault)
        self._ended.append(trip)

    def _may_use(self, _far: str, _near: str, _far_port: int, port: int) -> int:
        """Refuse a kept connection that was closed, or has something to say unasked.

        libcurl looks too, but only when the connection was idle for a second (8.23): before that it sends on
        one that the far end has closed, and the call is unclear for nothing.
        """
        socket = self._sockets.get(port, -1)
        found: int = pycurl.PREREQFUNC_ABORT if socket >= 0 and is_readable(socket) else pycurl.PREREQFUNC_OK
        return found

    def _watch(self, what: int, socket: int, _multi: object, _data: object) -> None:
        """Watch a socket for what libcurl waits for there."""
        if what == pycurl.POLL_REMOVE:
            self._watched.discard(socket)
            self._poll.unregister(socket)
        elif socket in self._watched:
            self._poll.modify(socket, _MASKS[what])
        else:
            self._watched.add(socket)
            self._poll.register(socket, _MASKS[what])

    def _set_alarm(self, in_ms: int) -> None:
        self._alarm = None if in_ms < 0 else monotonic_ms() + in_ms

    def _after_fork(self) -> None:
        _OF_PARENTS.append(dict(vars(self)))
        self._set_up()


_FLEETS: Final[WeakSet[Fleet]] = WeakSet()


def _leave_parents_alone() -> None:
    for fleet in list(_FLEETS):
        fleet._after_fork()  # noqa: SLF001 - of this module


os.register_at_fork(after_in_child=_leave_parents_alone)
