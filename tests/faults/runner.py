"""Runner: run a campaign in a process of its own, with a time limit, and keep what it found."""

from __future__ import annotations

import json
import os
import platform
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Final

import click

from tests.faults import page
from tests.faults.campaign import Campaign, Ground
from tests.faults.row import Row, from_json, to_json
from tests.faults.store import PRODUCT, ROOT, Found, Store, hash_of, hashes_of
from tests.support.programs import find_redis, find_valkey

PATIENCE: Final = 3
"""A campaign is stopped after so many times the minutes it says it takes."""
QUICK_MINUTES: Final = 4
END_SECONDS: Final = 20
LOOK_SECONDS: Final = 0.2


class Runner:
    """Run campaigns, some at a time: most of them mostly wait. The longest begin first."""

    def __init__(self, store: Store, *, seed: int | None, quick: bool, fresh: bool, jobs: int) -> None:
        self._store = store
        self._seed = seed
        self._quick = quick
        self._fresh = fresh
        self._jobs = jobs
        self._stopping = Event()

    def run(self, campaigns: Sequence[Campaign]) -> list[Found]:
        """Run them all; on Ctrl-C end what is under way. Results come in the order of the campaigns."""
        longest_first = sorted(campaigns, key=lambda each: -each.minutes)
        with ThreadPoolExecutor(self._jobs) as threads:
            running = {each.name: threads.submit(self._run, each) for each in longest_first}
            try:
                return [running[each.name].result() for each in campaigns]
            except BaseException:
                self._stopping.set()
                threads.shutdown(cancel_futures=True)
                raise

    def _run(self, campaign: Campaign) -> Found:
        """Run one, unless its result on these very sources is there already."""
        sources, repeats = hash_of(campaign.sources), self._fresh or self._seed is not None
        if not repeats and (done := self._store.done(campaign.name, sources)):
            click.echo(f"= {campaign.name}: green already (seed {done.seed}, {done.took_s} s)")
            return done
        seed = secrets.randbelow(1_000_000) if self._seed is None else self._seed
        minutes = QUICK_MINUTES if self._quick else campaign.minutes
        about = "" if self._quick else f", about {minutes:g} minutes"
        click.echo(f"> {campaign.name}: seed {seed}{about}")
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            into = Path(folder) / "rows.json"
            failure = self._run_apart(campaign.name, seed, into, limit_s=minutes * 60 * PATIENCE)
            rows = from_json(json.loads(into.read_text())) if into.exists() else []
        found = Found(
            name=campaign.name,
            seed=seed,
            took_s=round(time.monotonic() - began),
            sources=sources,
            product=hashes_of(PRODUCT),
            machine=_machine(),
            rows=tuple(rows),
            failure=failure,
        )
        if not self._stopping.is_set():
            self._store.keep(found)
            click.echo(_told(found))
        return found

    def _run_apart(self, name: str, seed: int, into: Path, *, limit_s: float) -> str:
        """Run a campaign in a child that leads a group of its own; return why it failed, or nothing."""
        command = [sys.executable, "-m", "tests.faults", name, f"--seed={seed}", f"--into={into}"]
        # The pipe closes when we die, however we do: then the child ends what it started.
        child = subprocess.Popen(
            [*command, *(["--quick"] if self._quick else [])],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        limit = time.monotonic() + limit_s
        while (code := _exit_code(child)) is None:
            if self._stopping.is_set() or time.monotonic() > limit:
                _end(child)
                return f"stopped after {limit_s:.0f} s"
        return f"ended with exit code {code}" if code else ""


def run_here(campaign: Campaign, seed: int, *, quick: bool, into: Path) -> None:
    """Run one campaign in this process, and write its rows as they come; exit with 1 if it fails."""
    random.seed(seed)
    Thread(target=_end_with_the_runner, daemon=True).start()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(dir=into.parent) as folder:
        ground = Ground(
            folder=Path(folder),
            seed=seed,
            quick=quick,
            say=lambda line: click.echo(f"    {campaign.name}: {line}"),
        )
        try:
            for row in campaign.run(ground):
                rows.append(row)
                into.write_text(json.dumps(to_json(rows)))
        except Exception:  # noqa: BLE001 - told, and the exit code says that it failed
            traceback.print_exc()
            sys.exit(1)


def _end_with_the_runner() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGINT)


def _machine() -> str:
    servers = [f"{each.name} {each.version}" for each in (find_redis(), find_valkey()) if each]
    return ", ".join([f"{os.cpu_count()} cores", f"Python {platform.python_version()}", *servers])


def _exit_code(child: subprocess.Popen[bytes]) -> int | None:
    try:
        return child.wait(LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask it to end, as Ctrl-C would, so that it ends what it started; kill it if it does not."""
    os.killpg(child.pid, signal.SIGINT)
    try:
        child.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _told(found: Found) -> str:
    """Tell what came of a campaign, a line each row and each thing that did not hold."""
    wrong = [*([found.failure] if found.failure else [])]
    wrong += [each for row in found.rows if not row.green for each in row.wrongs]
    lines = [f"{'green' if found.green else 'RED'}: {found.name}, after {found.took_s} s"]
    lines += [f"  {page.in_one_line(row)}" for row in found.rows]
    return "\n".join([*lines, *(f"  ! {each}" for each in wrong)])
