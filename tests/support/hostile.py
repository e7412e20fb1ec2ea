"""HTTP servers that misbehave on purpose: threads with raw sockets, each connection playing a script."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

OK: Final = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"success":true}'
LIMIT_S: Final = 10.0
"""How long a test waits for a server, or a server for a client, before it gives up."""


class Connection:
    """One accepted connection: what a script reads from and says to."""

    def __init__(self, server: HostileServer, sock: socket.socket, number: int) -> None:
        self._server = server
        self._sock = sock
        self.number = number
        """1 for the first connection of the server."""

    @property
    def bodies(self) -> list[bytes]:
        """The body of every whole request to the server."""
        return self._server.bodies

    def hear(self) -> bytes | None:
        """Read one whole request, note it, and return its body; None when the client has gone."""
        head = b""
        while b"\r\n\r\n" not in head:
            if not (piece := self._sock.recv(65536)):
                return None
            head += piece
        head, _, body = head.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        while len(body) < int(length[1] if length else 0):
            if not (piece := self._sock.recv(65536)):
                return None
            body += piece
        self._server.note(head, body, self.number)
        return body

    def read(self, size: int) -> None:
        """Read at least so many bytes, whatever they are."""
        while size > 0 and (piece := self._sock.recv(65536)):
            size -= len(piece)

    def say(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._sock.sendall(data)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send a well-formed answer; `Retry_After="3"` becomes the header `Retry-After: 3`."""
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.say(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body)

    def for_ever(self, data: bytes, *, every_s: float = 0) -> None:
        """Send the same bytes again and again until the client hangs up or the server stops."""
        while not self._server.stopping.wait(every_s):
            self.say(data)

    def hold(self) -> None:
        """Say nothing until the client hangs up."""
        while self._sock.recv(65536):
            pass

    def reset(self) -> None:
        """Break the connection off with an RST."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def close(self) -> None:
        """Close the connection in order."""
        self._sock.close()


Script = Callable[[Connection], None]


def agreeable(connection: Connection) -> None:
    """Play the server that is not hostile at all."""
    while connection.hear() is not None:
        connection.say(OK)


def answering(status: int, body: bytes = b"", **headers: str) -> Script:
    """Answer every call alike, and well-formed."""

    def play(connection: Connection) -> None:
        while connection.hear() is not None:
            connection.answer(status, body, **headers)

    return play


def saying(answer: bytes) -> Script:
    """Say something to the first request, and close."""

    def play(connection: Connection) -> None:
        connection.hear()
        connection.say(answer)
        connection.close()

    return play


def flooding(start: bytes, again: bytes, *, every_s: float = 0) -> Script:
    """Answer with a start, and then with the same over and over."""

    def play(connection: Connection) -> None:
        connection.hear()
        connection.say(start)
        connection.for_ever(again, every_s=every_s)

    return play


def applying_in_silence(connection: Connection) -> None:
    """Take a request in and never answer."""
    connection.hear()
    connection.hold()


def applying_the_second_and(end: Callable[[Connection], None]) -> Script:
    """Answer the first call of the first connection, take the second in, and end without a word."""

    def play(connection: Connection) -> None:
        connection.hear()
        connection.say(OK)
        if connection.number == 1:
            connection.hear()
            end(connection)

    return play


class HostileServer:
    """Accept on a free loopback port and play the script in a thread of its own for each connection."""

    def __init__(self, play: Script = agreeable, *, tls: ssl.SSLContext | None = None) -> None:
        self._play = play
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._changed = threading.Condition()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.stopping = threading.Event()
        self.port: int = self._listener.getsockname()[1]
        self.heads: list[bytes] = []
        """The head of every whole request, in the order in which they were read."""
        self.bodies: list[bytes] = []
        self.numbers: list[int] = []
        """The connection that each of them came on."""
        self.connections = 0
        self.closed = 0
        """Connections that have ended."""

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(LIMIT_S)  # it may be accepting at this very moment
        with self._changed:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(LIMIT_S)

    def note(self, head: bytes, body: bytes, number: int) -> None:
        with self._changed:
            self.heads.append(head)
            self.bodies.append(body)
            self.numbers.append(number)
            self._changed.notify_all()

    def wait_for(self, condition: Callable[[HostileServer], bool]) -> None:
        """Return when the condition holds; it is tried whenever a request or a connection comes or ends."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), LIMIT_S)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(LIMIT_S)
            with self._changed:
                self.connections += 1
                self._open.append(sock)
                self._changed.notify_all()
            thread = threading.Thread(target=self._serve, args=(sock, self.connections), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        # An OSError is the client's or the test's way to end a script.
        with contextlib.suppress(OSError), sock:
            served = self._tls.wrap_socket(sock, server_side=True) if self._tls else sock
            with served:
                with self._changed:
                    self._open.append(served)
                self._play(Connection(self, served, number))
        with self._changed:
            self.closed += 1
            self._changed.notify_all()


@contextlib.contextmanager
def silent_listener() -> Iterator[str]:
    """Listen with a queue that is full, so that a connect to it is never answered; give the URL."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def closed_port() -> Iterator[str]:
    """Hold a port that nobody listens on, so that no server of another test can be there; give the URL."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{holder.getsockname()[1]}"


def make_certificate(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    """Return a self-signed certificate for `host` (an address or a name) and a context to serve with it."""
    certificate, key = folder / f"{host}.pem", folder / f"{host}.key"
    kind = "IP" if host[0].isdigit() else "DNS"
    kind_of_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    named = ["-subj", f"/CN={host}", "-addext", f"subjectAltName={kind}:{host}"]
    files = ["-out", str(certificate), "-keyout", str(key)]
    subprocess.run(
        ["openssl", "req", "-x509", "-days", "2", *kind_of_key, *named, *files],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context
