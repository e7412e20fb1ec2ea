"""A small TCP proxy between a client and a server: slow, deaf, or gone at the worst moment."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from tests.support.servers import HOST

PIECE: Final = 65536


class Proxy:
    """Forward connections on a loopback port of its own to the port of a server.

    Every fault is an attribute that may be changed at any time and holds for old and new connections.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.latency_s = 0.0
        """Each piece waits for so long, in both directions."""
        self.drip_s = 0.0
        """What a server says arrives byte by byte, each after so long."""
        self.swallow_requests = False
        """Half-open: what a client says is taken, and never arrives."""
        self.swallowed: list[bytes] = []
        """What was taken so, piece by piece."""
        self.swallow_replies = False
        """Half-open the other way: what the server says never arrives."""
        self.let_through = 0
        self.replies_to_lose = 0
        """So many pieces that a server says are lost, after those let through, each with its connection."""
        self.replies_lost = 0
        self.rewrite: tuple[bytes, bytes] | None = None
        """What clients say is changed on its way: the first becomes the second, of the same length."""
        self.connections = 0
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((HOST, 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()  # it may be accepting at this very moment
        self.reset()
        for thread in self._threads:
            thread.join()

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def heal(self) -> None:
        """Forward again as a wire would. What was swallowed stays lost."""
        self.latency_s = self.drip_s = 0.0
        self.swallow_requests = self.swallow_replies = False
        self.let_through = self.replies_to_lose = 0
        self.rewrite = None

    def reset(self) -> None:
        """Break every connection off with an RST, to both sides."""
        with self._lock:
            broken, self._open = self._open, []
        for sock in broken:
            _reset(sock)

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                server = socket.create_connection((HOST, self.target), timeout=5)
            except OSError:
                _reset(client)
                continue
            server.settimeout(None)
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open += [client, server]
            self._start(self._forward, client, server, False)
            self._start(self._forward, server, client, True)

    def _forward(self, source: socket.socket, sink: socket.socket, replying: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                if self.latency_s and self._stopping.wait(self.latency_s):
                    break
                if replying and self._loses_this():
                    break
                if replying and self.drip_s:
                    self._drip(piece, sink)
                elif not (self.swallow_replies if replying else self.swallow_requests):
                    sink.sendall(piece if replying or not self.rewrite else piece.replace(*self.rewrite))
                elif not replying:
                    self.swallowed.append(piece)
        for sock in (source, sink):
            self._forget(sock)

    def _drip(self, piece: bytes, sink: socket.socket) -> None:
        for i in range(len(piece)):
            if self._stopping.wait(self.drip_s):
                return
            sink.sendall(piece[i : i + 1])

    def _loses_this(self) -> bool:
        with self._lock:
            if self.replies_to_lose < 1:
                return False
            if self.let_through > 0:
                self.let_through -= 1
                return False
            self.replies_to_lose -= 1
            self.replies_lost += 1
            return True

    def _forget(self, sock: socket.socket) -> None:
        with self._lock:
            if sock in self._open:
                self._open.remove(sock)
        _reset(sock)


def _reset(sock: socket.socket) -> None:
    """Close with an RST. It leaves only when the thread that reads has let go: the shutdown wakes that one,
    and tells the peer of the end already now. It fails where the peer was quicker.
    """
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
