"""Event ids sort by their birth, and no two are alike."""

from __future__ import annotations

import os
import re
import signal
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest

from shipper import event_id
from shipper.clock import now_ms
from shipper.event_id import born_at, is_event_id, new_event_id

FORM = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A clock to set: its one element is the time in milliseconds."""
    time = [now_ms()]
    monkeypatch.setattr(event_id, "now_ms", lambda: time[0])
    monkeypatch.setattr(event_id, "_last", event_id._Last())
    return time


def bits_of(text: str) -> int:
    return sum(ALPHABET.index(char) << 5 * place for place, char in enumerate(reversed(text)))


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = new_event_id()

    assert FORM.fullmatch(made)
    assert is_event_id(made)
    assert bits_of(made) >> 76 & 15 == 7
    assert bits_of(made) >> 62 & 3 == 2


def test_an_id_tells_its_birth(clock: list[int]) -> None:
    clock[0] = 1_700_000_000_123

    assert born_at(new_event_id()) == 1_700_000_000_123


def test_a_birth_is_read_from_the_first_ten_characters() -> None:
    assert born_at("00000000000000000000000000") == 0
    assert born_at("000000001Z0000000000000000") == 63
    assert born_at("7ZZZZZZZZZZZZZZZZZZZZZZZZZ") == 2**48 - 1


def test_ids_of_one_millisecond_keep_their_order(clock: list[int]) -> None:
    made = [new_event_id() for _ in range(10_000)]

    assert made == sorted(set(made))
    assert clock[0] <= born_at(made[-1]) <= clock[0] + 5


def test_ids_keep_their_order_when_the_clock_steps_back_a_little(clock: list[int]) -> None:
    first = new_event_id()
    clock[0] -= 1000

    second = new_event_id()

    assert second > first


def test_ids_follow_a_clock_that_was_set_back(clock: list[int]) -> None:
    new_event_id()
    clock[0] -= 60_000

    assert born_at(new_event_id()) == clock[0]


@pytest.fixture
def _eager_threads() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_eager_threads", "clock")
def test_threads_never_share_a_place_in_a_millisecond() -> None:
    def make(_: int) -> list[str]:
        return [new_event_id() for _ in range(1000)]

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(8)))

    assert len({bits_of(one) >> 62 for ids in made for one in ids}) == 8000
    assert all(ids == sorted(ids) for ids in made)


@pytest.mark.usefixtures("clock")
def test_children_forked_in_the_same_millisecond_make_different_ids() -> None:
    new_event_id()

    made = [_from_a_child(1)[0] for _ in range(5)]

    assert len({bits_of(one) >> 62 for one in made}) == 1
    assert len(set(made)) == 5


def test_forked_children_make_ids_of_their_own_while_threads_make_theirs() -> None:
    done = Event()
    threads = [Thread(target=lambda: [new_event_id() for _ in iter(done.is_set, True)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        made = [_from_a_child(20) for _ in range(20)]
    finally:
        done.set()
        for thread in threads:
            thread.join()

    assert len({one for ids in made for one in ids}) == 400


def _from_a_child(count: int) -> list[str]:
    """Make ids in a forked child, which an alarm ends should a lock hold it."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads is the point
        child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(40)
            os.write(writing, " ".join(new_event_id() for _ in range(count)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        made = pipe.read().split()
    os.waitpid(child, 0)
    assert len(made) == count, "the child was ended by its alarm"
    return made


@pytest.mark.parametrize(
    "text", ["", "0" * 25, "0" * 27, "8" + "0" * 25, "0" * 25 + "U", "0" * 26 + "\n", None, 5]
)
def test_what_is_no_id_is_seen(text: object) -> None:
    assert not is_event_id(text)
