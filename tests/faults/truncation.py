"""Truncation: the append-only file cut anywhere, and what a server makes of the rest.

A stroll through the ledger runs every script; after each the file's size and the whole ledger are noted. A
file that is cut between two sizes must load as the ledger of the first: each transition is whole or absent.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Operation, enqueue
from shipper.ledger.pool import make_pool
from tests.faults.power.power import FILES, mend_file
from tests.faults.sound import unsound
from tests.ledger.book import Book, read
from tests.ledger.builders import NOW, envelope, settings_of
from tests.ledger.tour import stroll
from tests.support.programs import Program
from tests.support.servers import RedisServer

T = TypeVar("T")
OPTIONS: Final = {"appendonly": "yes", "appendfsync": "always", "auto-aof-rewrite-percentage": "0"}
SERVERS: Final = 3
"""So many start at once: most of a start is waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One transition: the script, the size of the file after it, and all that the ledger then held."""

    script: str
    size: int
    book: Book


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A whole file and how it came to be."""

    program: Program
    folder: Path
    steps: tuple[Step, ...]

    @property
    def file(self) -> Path:
        """The file that grows."""
        (path,) = (self.folder / FILES).glob("*.incr.aof")
        return path

    def expected(self, size: int) -> Book:
        """Return what a file of this size must load as."""
        return next((step.book for step in reversed(self.steps) if step.size <= size), Book())

    def frames(self) -> list[int]:
        """Return where each command of the file ends."""
        data = self.file.read_bytes()
        ends, at = [], 0
        while at < len(data):
            at = _end_of_command(data, at)
            ends.append(at)
        return ends


class Noting(Ledger):
    """A ledger that notes the file and its own content after each operation that wrote."""

    def __init__(self, server: RedisServer) -> None:
        super().__init__(make_pool(server.url, budget_ms=5000))
        self.server = server
        self.steps: list[Step] = []

    def run(self, operation: Operation[T], *, until: int | None = None) -> T:
        answer = super().run(operation, until=until)
        (path,) = (self.server.folder / FILES).glob("*.incr.aof")
        with self.server.client() as client:
            size, book = path.stat().st_size, _book(client)
        if not self.steps or size > self.steps[-1].size:
            self.steps.append(Step(script=operation.script, size=size, book=book))
        return answer


def tell(program: Program, folder: Path) -> Told:
    """Run every script of a sound ledger on a server of its own, and keep its files."""
    server = RedisServer(program, folder, OPTIONS)
    server.start()
    try:
        ledger = Noting(server)
        stroll(ledger)
        one = envelope("last", "last", key="K-last", hook="sent")  # the stroll's own enqueue is of many
        ledger.run(enqueue([one], settings_of(), now=NOW))
        ledger.pool.disconnect()
    finally:
        server.kill()
    return Told(program=program, folder=folder, steps=tuple(ledger.steps))


def cuts_of(told: Told, chance: Random, *, most: int) -> list[int]:
    """Choose sizes: both ends of every transition, and of commands as many as `most` leaves room for."""
    ends = told.frames()
    near = sorted({size for end in ends for size in (end - 1, end, end + 1) if size <= ends[-1]})
    boundaries = [step.size for step in told.steps]
    chosen = {*boundaries, *(size - 1 for size in boundaries)}
    rest = [size for size in near if size not in chosen]
    chosen |= set(chance.sample(rest, max(0, min(len(rest), most - len(chosen)))))
    return sorted(chosen)


def every_byte_of_each(told: Told) -> list[int]:
    """Choose every size within one transition of each script, its shortest."""
    spans: dict[str, range] = {}
    for before, step in pairwise((Step(script="", size=0, book=Book()), *told.steps)):
        span = range(before.size, step.size + 1)
        spans[step.script] = min(span, spans.get(step.script, span), key=len)
    return sorted({size for span in spans.values() for size in span})


def judge(told: Told, cuts: Iterable[int], place: Path) -> Iterator[str]:
    """Load the file cut to each size; yield what is not as it must be."""
    with ThreadPoolExecutor(SERVERS) as several:
        for problems in several.map(lambda size: _load(told, size, place), cuts):
            yield from problems


def _load(told: Told, size: int, place: Path) -> list[str]:
    folder = place / str(size)
    with cut_server(told, size, folder) as server, server.client() as client:
        found, expected = _book(client), told.expected(size)
        problems = []
        if size in {step.size for step in told.steps}:  # where it differs from none of these, it is as sound
            pool = make_pool(server.url, budget_ms=5000)
            problems += [f"cut at {size}: {problem}" for problem in unsound(Ledger(pool))]
            pool.disconnect()
        if found != expected:
            problems.append(f"cut at {size}: {_difference(found, expected)}")
    shutil.rmtree(folder)
    return problems


@contextmanager
def cut_server(
    told: Told, size: int, folder: Path, options: Mapping[str, str] = OPTIONS, *, mended: bool = False
) -> Iterator[RedisServer]:
    """Run a server on a copy of the file, cut to a size; `mended` by redis-check-aof before its start."""
    folder.mkdir()
    shutil.copytree(told.folder / FILES, folder / FILES)
    with next((folder / FILES).glob("*.incr.aof")).open("r+b") as file:
        file.truncate(size)
    if mended:
        mend_file(told.program, folder)
    server = RedisServer(told.program, folder, options)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def _book(client: Any) -> Book:
    """Read the ledger without what differs in each process."""
    book = read(client)
    return book.but(meta={name: value for name, value in book.meta.items() if name != "run_id"})


def _difference(found: Book, expected: Book) -> str:
    names = [name for name in Book.__dataclass_fields__ if getattr(found, name) != getattr(expected, name)]
    return f"neither whole nor absent: {', '.join(names)} differ"


def _end_of_command(data: bytes, at: int) -> int:
    line, at = _line(data, at)
    if line.startswith(b"#"):  # a timestamp
        return at
    for _ in range(int(line[1:])):
        length, at = _line(data, at)
        at += int(length[1:]) + 2
    return at


def _line(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.index(b"\r\n", at)
    return data[at:end], end + 2
