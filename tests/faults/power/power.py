"""Power: a server on a machine that can lose power, and then holds what was synced and no more.

What is played: all that was appended since a file's last sync is gone, or, at random, any first part of it
is there (a torn write). What is not: that a name is lost which was given since its folder's last sync (for
this there is `unsynced_names`, which a test holds to be empty), that a tail comes back as zeros, that a disk
lies about a sync, that a file shrank before a power loss and is found long again.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from tests.support.programs import Program
from tests.support.servers import NO_OPTIONS, RedisServer
from tests.support.waiting import until

SOURCE: Final = Path(__file__).with_name("fsyncs.c")
RECORD: Final = "fsyncs.record"
FILES: Final = "appendonlydir"
TEMPORARY: Final = "temp-"
STRICT: Final = {"appendonly": "yes", "appendfsync": "always", "aof-load-truncated": "no"}
"""What the promise asks of a Redis, whose own mending of a torn file leaves half a transaction in it."""
AT_START: Final = "-"
"""The path of what the record says of files that were there when the server started."""
KEPT: Final = frozenset({RECORD, "server.log"})
"""Files of ours in the server's folder, which no power loss touches."""
NOT_LAST: Final = re.compile(r"Failed to truncate AOF (?P<file>\S+) because it is not the last file")
SOUND_TO: Final = re.compile(r"filename=(?P<file>[^,]+), size=\d+, ok_up_to=(?P<size>\d+),")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the record; `at_ms` is of the monotonic clock."""

    kind: str
    inode: int
    size: int
    at_ms: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLoss:
    """What a power loss took."""

    dropped_bytes: int
    torn_bytes: int
    """Unsynced, and there all the same."""
    oldest_ms: int
    """How old the oldest write was that lost a byte; 0 where none did."""
    sure_at: float
    """What was acknowledged before this is there: seconds of the monotonic clock, 0 where nothing is sure."""


def compile_shim(folder: Path) -> Path | None:
    """Compile the shim into the folder; None without Linux or a compiler. Raise what the compiler says."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    library = folder / "fsyncs.so"
    command = [
        compiler,
        "-shared",
        "-fPIC",
        "-O2",
        "-Wall",
        "-Werror",
        "-o",
        str(library),
        str(SOURCE),
        "-ldl",
    ]
    subprocess.run(command, check=True)
    return library


class PoweredServer(RedisServer):
    """Run a server whose machine may lose power. Without that it is as any other."""

    def __init__(
        self, program: Program, folder: Path, options: Mapping[str, str] = NO_OPTIONS, *, shim: Path
    ) -> None:
        self.record = folder / RECORD
        environment = {
            "LD_PRELOAD": str(shim),
            "FSYNCS_FOLDER": str(folder.resolve()),
            "FSYNCS_RECORD": str(self.record),
        }
        super().__init__(program, folder, options, environment=environment)

    def start(self) -> None:
        """Start on what is on disk, all of it durable; a torn file that the server would refuse is mended."""
        if not self.running:
            if self.options.get("aof-load-truncated") == "no" and (self.folder / FILES).exists():
                mend_file(self.program, self.folder)
            settled = [path.stat() for path in self._files()]
            now = round(time.monotonic() * 1000)
            self.record.write_text(
                "".join(f"S {of.st_ino} {of.st_size} {now} {AT_START}\n" for of in settled)
            )
        super().start()

    def lose_power(self, chance: Random | None = None) -> PowerLoss:
        """Cut the power: what was not synced is gone, or by chance all but a first part of it."""
        group = self.pid
        os.killpg(group, signal.SIGKILL)  # also a child that rewrites the file: it would outlive its parent
        self.kill()
        until(lambda: not _alive(group))
        cut_at = round(time.monotonic() * 1000)
        entries = self.entries()
        durable = durable_sizes(entries)
        dropped = torn = 0
        oldest_at = cut_at
        for path in self._files():
            of = path.stat()
            synced = min(durable.get(of.st_ino, 0), of.st_size)
            kept = chance.randint(synced, of.st_size) if chance else synced
            if kept < of.st_size:
                os.truncate(path, kept)
                oldest_at = min(oldest_at, *(e.at_ms for e in _beyond(entries, of.st_ino, kept)), cut_at)
            dropped += of.st_size - kept
            torn += kept - synced
        return PowerLoss(
            dropped_bytes=dropped,
            torn_bytes=torn,
            oldest_ms=cut_at - oldest_at,
            sure_at=sure_ms(entries) / 1000,
        )

    def entries(self) -> list[Entry]:
        """Return the record since the server's start."""
        written, _, _ = self.record.read_text().rpartition("\n")  # the last line may be on its way
        return [_entry(line) for line in written.splitlines()]

    def unsynced_ms(self) -> int:
        """Tell how old the oldest write is that a power loss would take now; 0 where there is none."""
        entries = self.entries()
        durable = durable_sizes(entries)
        waiting = [e.at_ms for e in entries if e.kind == "W" and e.size > durable.get(e.inode, 0)]
        return round(time.monotonic() * 1000) - min(waiting) if waiting else 0

    def synced_at(self) -> float:
        """Return the end of the last sync, in seconds of the monotonic clock."""
        return max((e.at_ms for e in self.entries() if e.kind == "S"), default=0) / 1000

    def unsynced_names(self) -> list[str]:
        """Return the names in each folder that were given since it was last synced."""
        fresh: dict[str, list[str]] = {}
        for entry in self.entries():
            if entry.kind == "D":
                fresh.pop(entry.path, None)
            elif entry.kind == "R":
                path = self.folder.resolve() / entry.path
                fresh.setdefault(str(path.parent), []).append(path.name)
        return [name for folder, names in fresh.items() for name in names if Path(folder, name).exists()]

    def _files(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_file() and path.name not in KEPT)


def mend_file(program: Program, folder: Path) -> None:
    """Cut a torn file back to its last whole transaction, as an operator does.

    Under `everysec` power may go just after a rewrite has begun a new file, while the end of the one before
    is not synced. redis-check-aof --fix mends the last file alone: what follows the gap is dropped here.
    """
    # Power may go before a new manifest has the name of the old one; Redis drops what is left of it.
    (manifest,) = (
        each for each in (folder / FILES).glob("*.manifest") if not each.name.startswith(TEMPORARY)
    )
    checked = _check_file(program, manifest)
    if torn := NOT_LAST.search(checked.stdout):
        cut_here = next(each for each in SOUND_TO.finditer(checked.stdout) if each["file"] == torn["file"])
        os.truncate(folder / FILES / torn["file"], int(cut_here["size"]))
        for later in _files_behind(manifest, torn["file"]):
            os.truncate(folder / FILES / later, 0)
        checked = _check_file(program, manifest)
    assert checked.returncode == 0, checked.stdout[-2000:]


def _check_file(program: Program, manifest: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [f"{program.name}-check-aof", "--fix", str(manifest)],
        executable=program.path,
        input="y\n",
        capture_output=True,
        text=True,
        check=False,
    )


def _files_behind(manifest: Path, name: str) -> list[str]:
    """Return the incremental files that are loaded after one, as the manifest lists them."""
    listed = [line.split()[1] for line in manifest.read_text().splitlines() if line.endswith("type i")]
    return listed[listed.index(name) + 1 :]


def durable_sizes(entries: list[Entry]) -> dict[int, int]:
    """Return how much of each file, by its inode, is sure to be on the disk."""
    durable: dict[int, int] = {}
    for entry in entries:
        match entry.kind:
            case "S":
                durable[entry.inode] = entry.size
            case "T":
                durable[entry.inode] = min(durable.get(entry.inode, 0), entry.size)
            case "U":
                durable.pop(entry.inode, None)
            case _:
                pass
    return durable


def sure_ms(entries: list[Entry]) -> int:
    """Return the end of the last sync but one, before which all that was acknowledged is on the disk.

    Not the last: under `everysec` Redis holds writes back, though acknowledged, while a sync is under way.
    Before the second sync it is the server's start, and 0 if that was its first.
    """
    syncs = [entry for entry in entries if entry.kind == "S"]
    ends = [entry.at_ms for entry in syncs if entry.path.endswith(".incr.aof")]
    started_at = max((entry.at_ms for entry in syncs if entry.path == AT_START), default=0)
    return ends[-2] if len(ends) > 1 else started_at


def _beyond(entries: list[Entry], inode: int, size: int) -> Iterator[Entry]:
    """Yield the writes that reached beyond a size."""
    return (entry for entry in entries if (entry.kind, entry.inode) == ("W", inode) and entry.size > size)


def _alive(group: int) -> bool:
    """Tell whether a process of a group still runs; one that only waits to be reaped does not."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, of_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(of_group) == group and state not in "ZX":
                return True
    return False


def _entry(line: str) -> Entry:
    kind, inode, size, at_ms, path = line.split(" ", 4)
    return Entry(kind=kind, inode=int(inode), size=int(size), at_ms=int(at_ms), path=path)
