"""A server that speaks just enough of Redis' protocol to answer wrongly, late, or not at all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

HOST: Final = "127.0.0.1"
Command = list[bytes]
Play = Callable[[Command, socket.socket], None]
"""What to do about one command: answer on the socket, close it, wait, or nothing."""


def answering(reply: bytes) -> Play:
    """Answer every command alike."""
    return lambda _command, connection: connection.sendall(reply)


def hanging_up(_command: Command, connection: socket.socket) -> None:
    """Take the command, and close the connection instead of answering."""
    connection.shutdown(socket.SHUT_RDWR)


def silent(_command: Command, _connection: socket.socket) -> None:
    """Take the command and say nothing: the other way of the connection is dead."""


@contextmanager
def fake_redis(play: Play) -> Iterator[str]:
    """Serve until the end of the block; yield the URL."""
    listener = socket.create_server((HOST, 0))
    connections: list[socket.socket] = []
    conversations: list[threading.Thread] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                conversations.append(threading.Thread(target=converse, args=(connection,), daemon=True))
                conversations[-1].start()

    def converse(connection: socket.socket) -> None:
        with suppress(OSError), connection.makefile("rb") as stream:
            while line := stream.readline():
                count = int(line[1:])
                command = [stream.read(int(stream.readline()[1:]) + 2)[:-2] for _ in range(count)]
                play(command, connection)

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    yield f"redis://{HOST}:{listener.getsockname()[1]}/0"
    _shut(listener)
    server.join(5)  # first, since a connection may be accepted at this very moment
    for connection in connections:
        _shut(connection)
    for conversation in conversations:
        conversation.join(5)


def _shut(open_socket: socket.socket) -> None:
    with suppress(OSError):
        open_socket.shutdown(socket.SHUT_RDWR)
    open_socket.close()


@contextmanager
def deaf_port() -> Iterator[str]:
    """Listen without accepting, the queue full, so that connections hear nothing; yield the URL."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(address)
        yield f"redis://{HOST}:{address[1]}/0"
        for one in waiting:
            one.close()
