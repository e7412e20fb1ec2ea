from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from shipper.local.port import PORTS, free_port, is_free


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", free_port())) as listener:
        yield listener.getsockname()[1]


def test_a_free_port_is_one_that_no_outgoing_connection_is_given() -> None:
    port = free_port()

    assert port in PORTS
    assert is_free(port)


def test_the_preferred_port_is_taken_while_it_is_free() -> None:
    preferred = free_port()

    assert free_port(preferred) == preferred


def test_a_preferred_port_that_somebody_has_is_left_to_them(taken: int) -> None:
    port = free_port(taken)

    assert not is_free(taken)
    assert port != taken
