"""Count the system calls of a scene: by name for those that cross the network, and all together."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = Path(__file__).with_name("syscalls.c")
NUMBERS: Final[Mapping[str, Mapping[str, tuple[int, ...]]]] = {
    "x86_64": {
        "send": (1, 20, 44, 46),
        "receive": (0, 19, 45, 47),
        "wait": (7, 23, 232, 270, 271, 281),
        "mode": (16, 72, 54, 55),
        "connect": (41, 42),
        "threads": (202, 24),
        "memory": (9, 10, 11, 12, 25, 28),
        "random": (318,),
    },
    "aarch64": {
        "send": (64, 66, 206, 211),
        "receive": (63, 65, 207, 212),
        "wait": (22, 72, 73),
        "mode": (29, 25, 208, 209),
        "connect": (198, 203),
        "threads": (98, 124),
        "memory": (214, 215, 216, 222, 226, 233),
        "random": (278,),
    },
}
"""System calls by purpose. `wait` is poll, select and epoll; `mode` is ioctl, fcntl and socket options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """System calls of a scene, for each of its events."""

    by_kind: Mapping[str, float]
    total: float
    """Without those of threads and memory, which depend on the moment."""


def known_here() -> bool:
    """Tell whether the calls of this machine have names here."""
    return sys.platform == "linux" and platform.machine() in NUMBERS


def compile_counter(folder: Path) -> Path:
    """Compile the counter into the folder. Raise what the compiler says."""
    program = folder / "syscalls"
    subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-o", str(program), str(SOURCE)], check=True)
    return program


def play(scene: str, url: str, events: int, *more: str, under: Sequence[str] = ()) -> None:
    """Run a scene in a process of its own, under another program if one is given."""
    command = [*under, sys.executable, "-m", "tests.bench.scenes", scene, url, str(events), *more]
    subprocess.run(command, cwd=ROOT, check=True, timeout=100)


def count(counter: Path, scene: str, url: str, events: int, *more: str) -> Counted:
    """Run a scene and count."""
    told = counter.with_name(f"{scene}.txt")
    play(scene, url, events, *more, under=(str(counter), str(told)))
    lines = [line.split() for line in told.read_text().splitlines()]
    counts = {int(number): int(calls) for number, calls in lines}
    kinds = {
        kind: sum(counts.get(number, 0) for number in numbers)
        for kind, numbers in NUMBERS[platform.machine()].items()
    }
    total = sum(counts.values()) - kinds["threads"] - kinds["memory"]
    return Counted(by_kind={kind: calls / events for kind, calls in kinds.items()}, total=total / events)
